//! What a stem is lost by, in the words that the subnet's downloader writes down, and what cannot be known from here.

use std::time::Duration;

use gen404_outside::http::{ConnectionFault, RequestError, pause_in_words};
use reqwest::StatusCode;

/// The subnet would not get the module.
#[derive(Debug, thiserror::Error)]
pub enum Loss {
    /// Another status than one of success.
    #[error("HTTP {}", _0.as_u16())]
    Status(StatusCode),
    /// The file is somewhere else, where the subnet will not look.
    #[error("HTTP {}, a redirect{}", status.as_u16(), target.as_deref().map(|target| format!(" to {target}")).unwrap_or_default())]
    Redirect {
        /// The status.
        status: StatusCode,
        /// Where it leads, without what may be secret in it.
        target: Option<String>,
    },
    /// Cloudflare wants a browser to solve a riddle.
    #[error("HTTP {}, a Cloudflare challenge", _0.as_u16())]
    Challenge(StatusCode),
    /// It goes on answering that there are too many requests.
    #[error("HTTP {}, again and again{}", status.as_u16(), wished.map(|wished| format!(": it asks to wait {} more", pause_in_words(wished))).unwrap_or_default())]
    Busy {
        /// The status.
        status: StatusCode,
        /// How long it asks to wait, where it says so.
        wished: Option<Duration>,
    },
    /// More than a module may have.
    #[error("more than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// It is not compressed as it says.
    #[error("the answer is not {encoding}, as it says")]
    Encoding {
        /// What it says.
        encoding: String,
    },
    /// The answer ended before its announced end.
    #[error("the answer is damaged: {problem}")]
    Damaged {
        /// How.
        problem: String,
    },
    /// The certificate, which the subnet's client checks too.
    #[error("{0}")]
    Connection(ConnectionFault),
}

impl Loss {
    /// `failure_reason` of the stem in `submitted.json`. The names of exceptions are those of the subnet's client.
    pub fn failure_reason(&self) -> String {
        match self {
            Self::Status(status)
            | Self::Redirect { status, .. }
            | Self::Challenge(status)
            | Self::Busy { status, .. } => {
                format!("js_fetch_failed: HTTP {}", status.as_u16())
            }
            Self::TooLarge { .. } => "js_too_large".to_owned(),
            Self::Encoding { .. } => "js_fetch_failed: DecodingError".to_owned(),
            Self::Damaged { .. } => "js_fetch_failed: RemoteProtocolError".to_owned(),
            Self::Connection(_) => "js_fetch_failed: ConnectError".to_owned(),
        }
    }

    /// What the miner can do about it.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::Status(status) if status.is_server_error() => "the server itself fails: look into its log",
            Self::Status(status) if matches!(status.as_u16(), 401 | 403 | 404 | 410) => {
                "upload it under exactly this name, readable by everybody without a key; object stores answer 403 also for \
                 what does not exist"
            }
            Self::Status(_) => "have the server answer 200 with the file",
            Self::Redirect { .. } => "the subnet follows no redirects: reveal the address that the files really have",
            Self::Challenge(_) => {
                "switch the challenge off for this host in Cloudflare (Under Attack mode, Bot Fight Mode, or the WAF rule)"
            }
            Self::Busy { .. } => {
                "raise the host's limit of requests: the subnet asks twice, three seconds apart, and then never again"
            }
            Self::TooLarge { .. } => "a module may have 1,048,576 bytes",
            Self::Encoding { .. } => {
                "store the module as it is, or packed as its Content-Encoding says: a file in gzip is none without that header, \
                 and a plain one must not have it"
            }
            Self::Damaged { .. } => "upload it again, and look into the server's log",
            Self::Connection(_) => "repair the certificate: the subnet's services check it too",
        }
    }
}

/// Nobody can say from here whether the subnet would get the module.
#[derive(Debug, thiserror::Error)]
pub enum Unknown {
    /// No answer.
    #[error("{0}")]
    NoAnswer(RequestError),
    /// None in time.
    #[error("no whole answer within {} s", _0.as_secs())]
    TooSlow(Duration),
}

impl Unknown {
    /// What the user can do about it.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::NoAnswer(error) => {
                error.hint().unwrap_or("is this machine online, and does the host answer elsewhere?")
            }
            Self::TooSlow(_) => "the subnet waits up to 300 s: give it longer with --cdn-timeout",
        }
    }
}
