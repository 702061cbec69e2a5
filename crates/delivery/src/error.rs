//! Why a CDN address counts as not accessible, told apart by what its owner has to do.
//! Every sentence begins with the same words, which scripts look for.

use std::fmt;
use std::time::Duration;

use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_outside::http::{ConnectionFault, RequestError, pause_in_words};
use reqwest::StatusCode;

use crate::check::Head;

/// What was asked for. Its words are the beginning of every sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The CDN address as it was typed.
    pub cdn: String,
    /// Address of the file below it that stands for all others; the bare address was asked for when there is none.
    pub file: Option<String>,
}

/// `CDN URL https://c/17 is not accessible: `, with the address of the file behind it if one was asked for.
impl fmt::Display for Asked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CDN URL {} is not accessible: ", self.cdn)?;
        self.file.as_ref().map_or(Ok(()), |file| write!(formatter, "{file}: "))
    }
}

/// Why a CDN address counts as not accessible.
#[derive(Debug, thiserror::Error)]
pub enum CdnError {
    /// Neither HEAD nor GET is served.
    #[error("{asked}{}", statuses(*head, *get))]
    Refused {
        /// What was asked for.
        asked: Asked,
        /// What became of HEAD.
        head: Head,
        /// The answer to GET.
        get: StatusCode,
    },
    /// Cloudflare wants a browser to solve a riddle.
    #[error("{asked}{}, a Cloudflare challenge", status.as_u16())]
    Challenge {
        /// What was asked for.
        asked: Asked,
        /// The status that came with the riddle.
        status: StatusCode,
    },
    /// Too many requests, and it asks for more patience than there is.
    #[error("{asked}{}, and it {}", status.as_u16(), wish_in_words(*wished))]
    Busy {
        /// What was asked for.
        asked: Asked,
        /// 429 or 503.
        status: StatusCode,
        /// How long it asks to wait, where it says so.
        wished: Option<Duration>,
    },
    /// The file is somewhere else, where the subnet will not look.
    #[error(
        "{asked}{}, a redirect{}",
        status.as_u16(),
        target.as_deref().map(|target| format!(" to {target}")).unwrap_or_default()
    )]
    Redirect {
        /// What was asked for.
        asked: Asked,
        /// The status.
        status: StatusCode,
        /// Where it leads to, without what may be secret in it.
        target: Option<String>,
    },
    /// No answer in time.
    #[error("{asked}no answer within {} s", limit.as_secs_f64())]
    TimedOut {
        /// What was asked for.
        asked: Asked,
        /// The time it had.
        limit: Duration,
    },
    /// The host's name, its certificate, or its TLS.
    #[error("{asked}{fault}")]
    Connection {
        /// What was asked for.
        asked: Asked,
        /// What is wrong.
        fault: ConnectionFault,
    },
    /// The file did not come whole.
    #[error("{asked}the answer to GET broke off after {came} bytes{}", of_how_many(*announced))]
    BrokeOff {
        /// What was asked for.
        asked: Asked,
        /// Bytes that came.
        came: u64,
        /// Bytes that it said would come.
        announced: Option<u64>,
    },
    /// The request failed in another way.
    #[error("{asked}{source}")]
    Request {
        /// What was asked for.
        asked: Asked,
        /// What happened.
        source: RequestError,
    },
}

/// The status; both, where HEAD and GET are answered differently.
fn statuses(head: Head, get: StatusCode) -> String {
    if head == Head::Answered(get) {
        get.as_u16().to_string()
    } else {
        format!("{head} to HEAD, {} to GET", get.as_u16())
    }
}

fn wish_in_words(wished: Option<Duration>) -> String {
    wished.map_or_else(
        || "does not say for how long".to_owned(),
        |pause| format!("asks to wait {} more", pause_in_words(pause)),
    )
}

fn of_how_many(announced: Option<u64>) -> String {
    announced.map_or_else(String::new, |announced| format!(" of {announced}"))
}

impl Explain for CdnError {
    fn blame(&self) -> Blame {
        match self {
            Self::Refused { .. }
            | Self::Challenge { .. }
            | Self::Busy { .. }
            | Self::Redirect { .. }
            | Self::TimedOut { .. }
            | Self::Connection { .. }
            | Self::BrokeOff { .. }
            | Self::Request { .. } => Blame::Service,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Refused { get, .. } if get.is_server_error() && *get != StatusCode::NOT_IMPLEMENTED => {
                Some("the server itself fails: try again, and if that does not help, look into its log")
            }
            Self::Refused { asked: Asked { file: None, .. }, .. } => Some(
                "object stores (S3, R2, CloudFront) answer 403 or 404 for a bare prefix: upload any file to it and name \
                 that file with --cdn-probe NAME, so that <cdn-url>/NAME is asked for instead; --skip-cdn-check commits \
                 without asking",
            ),
            Self::Refused { .. } => Some(
                "is the file uploaded under exactly this name, and may everybody read it without a key? S3 and R2 answer \
                 403 also for a file that does not exist",
            ),
            Self::Challenge { .. } => Some(
                "the subnet's client would meet the challenge too and get no file: switch it off for this host in \
                 Cloudflare (Under Attack mode, Bot Fight Mode, or the WAF rule that asks for it)",
            ),
            Self::Busy { .. } => Some("try again later, or give it longer with --cdn-timeout"),
            Self::Redirect { asked: Asked { file: None, .. }, .. } => Some(
                "the subnet follows no redirects: give the address that <cdn-url>/<stem>.js can be downloaded from at \
                 once; if only the bare address is redirected, name a file that is uploaded with --cdn-probe NAME, or \
                 commit without asking with --skip-cdn-check",
            ),
            Self::Redirect { .. } => {
                Some("the subnet follows no redirects: give the address that the file can be downloaded from at once")
            }
            Self::Connection { fault, .. } => match fault {
                ConnectionFault::UnknownHost { .. } => {
                    Some("is the host spelled right, is its DNS record there yet, and is this machine online?")
                }
                ConnectionFault::NoAuthorities | ConnectionFault::Proxy { .. } => Some(fault.hint()),
                ConnectionFault::Certificate(_) => Some(
                    "the subnet's services check certificates too: repair it, or use an address that has a good one",
                ),
                ConnectionFault::Tls(_) => Some("does this port of the host speak https at all?"),
            },
            Self::TimedOut { .. } => Some("give it longer with --cdn-timeout, if it is only slow"),
            Self::BrokeOff { .. } => {
                Some("the subnet would get a part of the file too: upload it again, and look into the server's log")
            }
            Self::Request { .. } => None,
        }.map(Hint::Borrowed)
    }
}
