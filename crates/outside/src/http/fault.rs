//! Why a connection did not come about, in words for people: the name, the certificate, or TLS itself.
//! What to do about it depends on the service and is said there.

use std::error::Error;
use std::fmt;
use std::io;

use rustls::CertificateError;

use super::authorities;

/// What kept two machines from talking. Anything else is best told by the error itself.
#[derive(Debug, Clone, PartialEq)]
pub enum ConnectionFault {
    /// The host's name leads to no address.
    UnknownHost {
        /// What the system says; a machine without a network looks the same but for this.
        reason: String,
    },
    /// The certificate may be good, but this machine trusts no authority at all.
    NoAuthorities,
    /// The certificate is not good for this host, this time or this machine.
    Certificate(CertificateError),
    /// The other side does not speak TLS as it must.
    Tls(rustls::Error),
}

impl fmt::Display for ConnectionFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownHost { reason } => write!(formatter, "its host name cannot be resolved ({reason})"),
            Self::NoAuthorities => formatter
                .write_str("its certificate cannot be checked, because this machine has no certificate authorities"),
            Self::Certificate(error) => write!(formatter, "its certificate {}", certificate(error)),
            Self::Tls(error) => write!(formatter, "TLS failed ({error})"),
        }
    }
}

impl ConnectionFault {
    /// What to do about it, where that does not depend on the service.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoAuthorities => Some(
                "this machine has no certificate authorities, so no https address can be trusted: install the package \
                 ca-certificates, or name a bundle in SSL_CERT_FILE",
            ),
            Self::UnknownHost { .. } | Self::Certificate(_) | Self::Tls(_) => None,
        }
    }
}

/// The fault behind an error of a request, where it is one of these.
pub fn connection_fault(error: &(dyn Error + 'static)) -> Option<ConnectionFault> {
    for cause in causes(error) {
        match cause.downcast_ref() {
            Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) if authorities::are_missing() => {
                return Some(ConnectionFault::NoAuthorities);
            }
            Some(rustls::Error::InvalidCertificate(fault)) => return Some(ConnectionFault::Certificate(fault.clone())),
            Some(other) => return Some(ConnectionFault::Tls(other.clone())),
            // The HTTP library has no type for it; its sentence is all there is to go by.
            None if cause.to_string() == "dns error" => {
                let reason = causes(cause).last().unwrap_or(cause).to_string();
                return Some(ConnectionFault::UnknownHost { reason });
            }
            None => {}
        }
    }
    None
}

/// The error and all its causes; I/O errors hide theirs one level deeper than `source` looks.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    })
}

fn certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet (or this machine's clock is wrong)".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another host".to_owned()
        }
        // One that signs itself as an authority is among the others.
        CertificateError::UnknownIssuer | CertificateError::Other(_) => {
            "is not signed by an authority this machine trusts (self-signed, or its chain is incomplete)".to_owned()
        }
        other => format!("is refused ({other})"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    async fn fault_at(url: &str) -> Option<ConnectionFault> {
        let client = crate::http::client().build().expect("a client");
        connection_fault(&client.get(url).send().await.expect_err("no answer"))
    }

    #[tokio::test]
    async fn a_name_that_leads_nowhere_is_told_from_a_closed_door() {
        // A label of more than 63 letters: refused on this machine, without asking any server for it.
        let nowhere = format!("http://{}.example/", "x".repeat(70));
        let fault = fault_at(&nowhere).await;
        let Some(ConnectionFault::UnknownHost { reason }) = fault else { panic!("{fault:?}") };
        assert!(reason.starts_with("failed to lookup address information"), "what the system says: {reason}");
        let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        assert_eq!(fault_at(&format!("http://{closed}/")).await, None);
    }

    #[tokio::test]
    async fn plain_http_behind_an_https_address_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("https://{}/", listener.local_addr().expect("an address"));
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut hello = [0; 4_096];
            let _read = stream.read(&mut hello).expect("a greeting");
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").expect("written");
        });
        let fault = fault_at(&url).await.expect("a fault");
        assert!(matches!(fault, ConnectionFault::Tls(_)), "{fault}");
    }

    #[test]
    fn certificates_are_explained() {
        let words = |error| ConnectionFault::Certificate(error).to_string();
        assert_eq!(words(CertificateError::Expired), "its certificate has expired");
        assert_eq!(words(CertificateError::NotValidForName), "its certificate is for another host");
        assert!(words(CertificateError::UnknownIssuer).contains("is not signed by an authority"));
        assert!(words(CertificateError::Revoked).starts_with("its certificate is refused ("));
    }
}
