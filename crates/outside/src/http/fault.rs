//! Why a connection did not come about, in words for people: the name, the proxy, the certificate, or TLS itself.
//! What to do about it depends on the service and is said there.

use std::error::Error;
use std::fmt;
use std::io;

use rustls::CertificateError;

use super::proxies::{self, NamedProxy};
use super::{RequestError, authorities};

/// What kept two machines from talking. Anything else is best told by the error itself.
#[derive(Debug, Clone, PartialEq)]
pub enum ConnectionFault {
    /// The host's name leads to no address.
    UnknownHost {
        /// What the system says; a machine without a network looks the same but for this.
        reason: String,
    },
    /// The proxy on the way does not answer, or does not let the request through.
    Proxy {
        /// The environment variable that names it.
        variable: &'static str,
        /// Its address without a login.
        address: String,
        /// What is wrong with it.
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
            Self::Proxy { variable, address, reason } => {
                write!(formatter, "the proxy that {variable} names, {address}, cannot be used ({reason})")
            }
            Self::NoAuthorities => formatter
                .write_str("its certificate cannot be checked, because this machine has no certificate authorities"),
            Self::Certificate(error) => write!(formatter, "its certificate {}", certificate(error)),
            Self::Tls(error) => write!(formatter, "TLS failed ({error})"),
        }
    }
}

impl ConnectionFault {
    /// What to do about it, where that does not depend on the service.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::UnknownHost { .. } => "is the host spelled right, and is this machine online?",
            Self::Proxy { .. } => {
                "is the proxy running, and its address with the login right? unset the variable to do without, or name the \
                 host in NO_PROXY"
            }
            Self::NoAuthorities => {
                "this machine has no certificate authorities, so no https address can be trusted: install the package \
                 ca-certificates, or name a bundle in SSL_CERT_FILE"
            }
            Self::Certificate(_) => {
                "use an address that has a good certificate, or repair this one; if an authority of your own has signed it, \
                 name its bundle in SSL_CERT_FILE"
            }
            Self::Tls(_) => "does this port speak https at all? http:// may be right",
        }
    }

    /// Whether it stays as long as nobody repairs it, so that asking again is of no use.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::NoAuthorities | Self::Certificate(_))
    }
}

/// The fault behind an error of a request, where it is one of these.
pub fn connection_fault(error: &(dyn Error + 'static)) -> Option<ConnectionFault> {
    fault_behind(error, proxies::of_the_environment())
}

/// The same, with these proxies on the way.
pub(super) fn fault_behind(error: &(dyn Error + 'static), proxies: &[NamedProxy]) -> Option<ConnectionFault> {
    for cause in causes(error) {
        if let Some(known) = cause.downcast_ref::<RequestError>() {
            return known.fault().cloned();
        }
        match cause.downcast_ref() {
            Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) if authorities::are_missing() => {
                return Some(ConnectionFault::NoAuthorities);
            }
            Some(rustls::Error::InvalidCertificate(fault)) => return Some(ConnectionFault::Certificate(fault.clone())),
            Some(other) => return Some(ConnectionFault::Tls(other.clone())),
            None => {}
        }
    }
    // TLS comes after the proxy, so the proxy did its part there.
    proxy_fault(error, proxies).or_else(|| unknown_host(error))
}

/// Behind a proxy only the proxy is connected to: whatever goes wrong before TLS is its fault.
fn proxy_fault(error: &(dyn Error + 'static), proxies: &[NamedProxy]) -> Option<ConnectionFault> {
    let request = causes(error).find_map(|cause| cause.downcast_ref::<reqwest::Error>())?;
    let proxy = proxies::on_the_way(proxies, request.url().filter(|_| request.is_connect())?)?;
    let reason = if request.is_timeout() {
        "no connection in time".to_owned()
    } else {
        causes(error).last().unwrap_or(error).to_string()
    };
    Some(ConnectionFault::Proxy { variable: proxy.variable, address: proxy.address, reason })
}

/// The HTTP library has no type for it; its sentence is all there is to go by.
fn unknown_host(error: &(dyn Error + 'static)) -> Option<ConnectionFault> {
    let lookup = causes(error).find(|cause| cause.to_string() == "dns error")?;
    let reason = causes(lookup).last().unwrap_or(lookup).to_string();
    Some(ConnectionFault::UnknownHost { reason })
}

/// The error and all its causes; I/O errors hide theirs one level deeper than `source` looks.
pub(super) fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
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

    use gen404_testing::Nobody;
    use reqwest::ClientBuilder;

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
        let closed = Nobody::here();
        assert_eq!(fault_at(&format!("http://{}/", closed.address())).await, None);
    }

    #[tokio::test]
    async fn a_dead_proxy_is_named_by_its_variable_and_not_by_its_login() {
        let dead = Nobody::here();
        let variables = |name: &str| (name == "HTTPS_PROXY").then(|| format!("http://miner:s3cret@{}", dead.address()));
        let proxies = proxies::named(variables);
        let all = proxies.iter().filter_map(NamedProxy::proxy);
        let client = all.fold(crate::http::client().no_proxy(), ClientBuilder::proxy).build().expect("a client");
        let error = client.get("https://far.example/?key=s3cret").send().await.expect_err("nobody lets it through");
        let fault = fault_behind(&error, &proxies).expect("a fault");
        let words = fault.to_string();
        let proxy = format!("the proxy that HTTPS_PROXY names, http://{}, cannot be used (", dead.address());
        assert!(words.starts_with(&proxy) && words.contains("refused") && !words.contains("s3cret"), "{words}");
        assert!(fault.hint().contains("NO_PROXY") && !fault.is_permanent());
        // Without the proxy in the way the same error is somebody else's.
        assert_eq!(fault_behind(&error, &[]), None);
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
        // What self-signed ones come to: the library's own words are those of its source code.
        let own =
            CertificateError::Other(rustls::OtherError(std::sync::Arc::new(io::Error::other("CaUsedAsEndEntity"))));
        assert!(!words(own).contains("CaUsed"));
    }
}
