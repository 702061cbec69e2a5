//! Asks a CDN address whether anybody can read it, the way the subnet will: over plain HTTP(S), without any key.
//! Knows neither wallets nor the chain; what an answer means for a commit is decided by the command.

use std::error::Error;
use std::io;
use std::time::Duration;

use gen404_round::CdnUrl;
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use rustls::CertificateError;
use url::Url;

const USER_AGENT: &str = concat!("404-cli/", env!("CARGO_PKG_VERSION"));

/// Why a CDN address counts as not accessible.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CdnError {
    #[error("CDN URL {url} is not accessible: {}", status.as_u16())]
    Status { url: String, status: StatusCode },
    #[error("CDN URL {url} is not accessible: {}, a redirect{}", status.as_u16(), target.as_deref().map(|target| format!(" to {target}")).unwrap_or_default())]
    Redirect {
        url: String,
        status: StatusCode,
        /// Where it leads to, without what may be secret in it.
        target: Option<String>,
    },
    #[error("CDN URL {url} is not accessible: no answer within {} s", limit.as_secs_f64())]
    TimedOut { url: String, limit: Duration },
    #[error("CDN URL {url} is not accessible: its certificate {}", fault(certificate))]
    Certificate { url: String, certificate: CertificateError },
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
            Self::Redirect { .. } => Some(
                "the subnet follows no redirects: give the address that <cdn-url>/<stem>.js can be downloaded from at once; \
                 if only the bare folder is redirected, go on with --skip-cdn-check",
            ),
            Self::TimedOut { .. } | Self::Request { .. } => None,
        }
    }
}

/// Asks with HEAD; any 2xx will do. Redirects are not followed, because the subnet follows none.
pub(crate) async fn check(cdn: &CdnUrl, limit: Duration) -> Result<(), CdnError> {
    let url = || cdn.as_str().to_owned();
    let request = async {
        let client = Client::builder().user_agent(USER_AGENT).redirect(Policy::none()).build()?;
        client.head(cdn.url().clone()).send().await
    };
    let answer = tokio::time::timeout(limit, request)
        .await
        .map_err(|_| CdnError::TimedOut { url: url(), limit })?
        .map_err(|error| explain(url(), error))?;
    let status = answer.status();
    if status.is_success() {
        Ok(())
    } else if status.is_redirection() {
        Err(CdnError::Redirect { url: url(), status, target: target(&answer) })
    } else {
        Err(CdnError::Status { url: url(), status })
    }
}

/// Where an answer redirects to. User, password, query and fragment are left out: they may let somebody in.
fn target(answer: &Response) -> Option<String> {
    let location = answer.headers().get(LOCATION)?.to_str().ok()?;
    let mut target: Url = answer.url().join(location).ok()?;
    let _ = target.set_username("");
    let _ = target.set_password(None);
    target.set_query(None);
    target.set_fragment(None);
    Some(target.into())
}

fn explain(url: String, error: reqwest::Error) -> CdnError {
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
        // One that signs itself as an authority is among the others.
        CertificateError::UnknownIssuer | CertificateError::Other(_) => {
            "is not signed by an authority this machine trusts (self-signed, or its chain is incomplete)".to_owned()
        }
        other => format!("is refused ({other})"),
    }
}
