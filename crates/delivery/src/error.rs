//! Why a CDN address counts as not accessible, told apart by what its owner has to do.
//! Every sentence begins with the same words, which scripts look for.

use std::time::Duration;

use gen404_outside::http::ConnectionFault;
use reqwest::StatusCode;

/// Why a CDN address counts as not accessible. The `url` is what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum CdnError {
    /// Neither HEAD nor GET is served.
    #[error("CDN URL {url} is not accessible: {}", statuses(*head, *get))]
    Refused {
        /// What was asked for.
        url: String,
        /// The answer to HEAD.
        head: StatusCode,
        /// The answer to GET.
        get: StatusCode,
        /// A file was asked for, not the bare address.
        probed: bool,
    },
    /// Cloudflare wants a browser to solve a riddle.
    #[error("CDN URL {url} is not accessible: {}, a Cloudflare challenge", status.as_u16())]
    Challenge {
        /// What was asked for.
        url: String,
        /// The status that came with the riddle.
        status: StatusCode,
    },
    /// Too many requests, and it asks for more patience than there is.
    #[error("CDN URL {url} is not accessible: {}, and it asks to wait {} s more", status.as_u16(), pause.as_secs_f64())]
    Busy {
        /// What was asked for.
        url: String,
        /// 429 or 503.
        status: StatusCode,
        /// How long it asks to wait.
        pause: Duration,
    },
    /// The file is somewhere else, where the subnet will not look.
    #[error(
        "CDN URL {url} is not accessible: {}, a redirect{}",
        status.as_u16(),
        target.as_deref().map(|target| format!(" to {target}")).unwrap_or_default()
    )]
    Redirect {
        /// What was asked for.
        url: String,
        /// The status.
        status: StatusCode,
        /// Where it leads to, without what may be secret in it.
        target: Option<String>,
        /// A file was asked for, not the bare address.
        probed: bool,
    },
    /// No answer in time.
    #[error("CDN URL {url} is not accessible: no answer within {} s", limit.as_secs_f64())]
    TimedOut {
        /// What was asked for.
        url: String,
        /// The time it had.
        limit: Duration,
    },
    /// The host's name, its certificate, or its TLS.
    #[error("CDN URL {url} is not accessible: {fault}")]
    Connection {
        /// What was asked for.
        url: String,
        /// What is wrong.
        fault: ConnectionFault,
    },
    /// The request failed in another way.
    #[error("CDN URL {url} is not accessible")]
    Request {
        /// What was asked for.
        url: String,
        /// What the HTTP library said.
        source: reqwest::Error,
    },
}

/// The status; both, where HEAD and GET are refused differently.
fn statuses(head: StatusCode, get: StatusCode) -> String {
    if head == get { head.as_u16().to_string() } else { format!("{} to HEAD, {} to GET", head.as_u16(), get.as_u16()) }
}

impl CdnError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Refused { get, .. } if get.is_server_error() && *get != StatusCode::NOT_IMPLEMENTED => {
                Some("the server itself fails: try again, and if that does not help, look into its log")
            }
            Self::Refused { probed: false, .. } => Some(
                "object stores (S3, R2, CloudFront) answer 403 or 404 for a bare prefix: upload any file to it and name \
                 that file with --cdn-probe NAME, so that <cdn-url>/NAME is asked for instead; --skip-cdn-check commits \
                 without asking",
            ),
            Self::Refused { probed: true, .. } => Some(
                "is the file uploaded under exactly this name, and may everybody read it without a key? S3 and R2 answer \
                 403 also for a file that does not exist",
            ),
            Self::Challenge { .. } => Some(
                "the subnet's client would meet the challenge too and get no file: switch it off for this host in \
                 Cloudflare (Under Attack mode, Bot Fight Mode, or the WAF rule that asks for it)",
            ),
            Self::Busy { .. } => Some("try again later, or give it longer with --cdn-timeout"),
            Self::Redirect { probed: false, .. } => Some(
                "the subnet follows no redirects: give the address that <cdn-url>/<stem>.js can be downloaded from at \
                 once; if only the bare address is redirected, name a file that is uploaded with --cdn-probe NAME, or \
                 commit without asking with --skip-cdn-check",
            ),
            Self::Redirect { probed: true, .. } => {
                Some("the subnet follows no redirects: give the address that the file can be downloaded from at once")
            }
            Self::Connection { fault, .. } => match fault {
                ConnectionFault::UnknownHost { .. } => {
                    Some("is the host spelled right, is its DNS record there yet, and is this machine online?")
                }
                ConnectionFault::NoAuthorities => fault.hint(),
                ConnectionFault::Certificate(_) => Some(
                    "the subnet's services check certificates too: repair it, or use an address that has a good one",
                ),
                ConnectionFault::Tls(_) => Some("does this port of the host speak https at all?"),
            },
            Self::TimedOut { .. } => Some("give it longer with --cdn-timeout, if it is only slow"),
            Self::Request { .. } => None,
        }
    }
}
