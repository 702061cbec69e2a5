//! Asks a CDN address whether anybody can read it, the way the subnet will: over plain HTTP(S), without any key.
//! Knows neither wallets nor the chain; what an answer means for a commit is decided by the command.

use std::error::Error;
use std::io;
use std::time::Duration;

use gen404_round::CdnUrl;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use rustls::CertificateError;

const REDIRECTS: usize = 5;
const USER_AGENT: &str = concat!("404-cli/", env!("CARGO_PKG_VERSION"));

/// Why a CDN address counts as not accessible.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CdnError {
    #[error("CDN URL {url} is not accessible: {}{}", status.as_u16(), redirected(url, end))]
    Status {
        url: String,
        status: StatusCode,
        /// Where redirects led to.
        end: String,
    },
    #[error("CDN URL {url} is not accessible: no answer within {} s", limit.as_secs_f64())]
    TimedOut { url: String, limit: Duration },
    #[error("CDN URL {url} is not accessible: its certificate {}", fault(certificate))]
    Certificate { url: String, certificate: CertificateError },
    #[error("CDN URL {url} is not accessible: more than {REDIRECTS} redirects")]
    Redirects { url: String },
    #[error("CDN URL {url} is not accessible")]
    Request {
        url: String,
        #[source]
        source: reqwest::Error,
    },
}

impl CdnError {
    /// What the user can do about it.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Status { status, .. } if status.is_server_error() && status.as_u16() != 501 => None,
            Self::Status { .. } => Some(
                "some object stores refuse HEAD requests or the bare folder: if <cdn-url>/<stem>.js can be downloaded \
                 without a key, go on with --skip-cdn-check",
            ),
            Self::Certificate { .. } => {
                Some("the subnet's services check certificates too: repair it, or use an address that has a good one")
            }
            Self::TimedOut { .. } | Self::Redirects { .. } | Self::Request { .. } => None,
        }
    }
}

/// Asks with HEAD; any 2xx, also after redirects, will do.
pub(crate) async fn check(cdn: &CdnUrl, limit: Duration) -> Result<(), CdnError> {
    let url = || cdn.as_str().to_owned();
    let request = async {
        let client = Client::builder().user_agent(USER_AGENT).redirect(Policy::limited(REDIRECTS)).build()?;
        client.head(cdn.url().clone()).send().await
    };
    let answer = tokio::time::timeout(limit, request)
        .await
        .map_err(|_| CdnError::TimedOut { url: url(), limit })?
        .map_err(|error| explain(url(), error))?;
    let status = answer.status();
    if status.is_success() {
        Ok(())
    } else {
        Err(CdnError::Status { url: url(), status, end: answer.url().to_string() })
    }
}

fn explain(url: String, error: reqwest::Error) -> CdnError {
    if error.is_redirect() {
        return CdnError::Redirects { url };
    }
    match certificate_error(&error) {
        Some(certificate) => CdnError::Certificate { url, certificate },
        // The address is named already, and as it was typed.
        None => CdnError::Request { url, source: error.without_url() },
    }
}

/// The certificate's fault among the causes; I/O errors hide theirs one level deeper than `source` looks.
fn certificate_error(error: &(dyn Error + 'static)) -> Option<CertificateError> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(fault)) = error.downcast_ref() {
            return Some(fault.clone());
        }
        cause = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn fault(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet (or this machine's clock is wrong)".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another host".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "is not signed by an authority this machine trusts (self-signed, or its chain is incomplete)".to_owned()
        }
        other => format!("is refused ({other})"),
    }
}

fn redirected(asked: &str, end: &str) -> String {
    if end.trim_end_matches('/') == asked.trim_end_matches('/') {
        String::new()
    } else {
        format!(" (after a redirect to {end})")
    }
}
