//! What can go wrong in one call of the service, and what to do about it.
//! Everything the service said is cut, cleaned and freed of the key before it gets in here.

use std::fmt;
use std::time::Duration;

use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_outside::http::{RequestError, pause_in_words};

/// One call of the service, as an error names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// `GET /inventory`
    Inventory,
    /// `GET /me/credits`
    Credits,
    /// `GET /workloads`
    List,
    /// `POST /workloads`
    Create,
    /// `POST /workloads/{uid}/deploy`
    Deploy,
    /// `GET /workloads/{uid}`
    Read,
    /// `GET /workloads/{uid}/state`
    State,
    /// `GET /workloads/{uid}/events`
    Events,
    /// `GET /workloads/{uid}/logs`
    Logs,
    /// `DELETE /workloads/{uid}`
    Delete,
}

impl fmt::Display for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Inventory => "reading the inventory",
            Self::Credits => "reading the credits",
            Self::List => "listing the pods",
            Self::Create => "registering the pod",
            Self::Deploy => "deploying the pod",
            Self::Read => "looking up the pod",
            Self::State => "reading the pod's state",
            Self::Events => "reading the pod's events",
            Self::Logs => "reading the pod's log",
            Self::Delete => "stopping the pod",
        })
    }
}

/// Why a call did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum TargonError {
    /// The address of the service cannot be used.
    #[error("the Targon address {address} cannot be used: {why}")]
    BadAddress {
        /// The address, without credentials.
        address: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The HTTP client could not be made.
    #[error("no HTTP client could be set up")]
    NoClient {
        /// Why.
        #[source]
        source: RequestError,
    },
    /// The call needs a key and there is none.
    #[error("{call} needs a Targon API key")]
    KeyMissing {
        /// What was tried.
        call: Call,
    },
    /// 401 or 403.
    #[error("Targon refused the API key ({status}{said})")]
    KeyRefused {
        /// HTTP status.
        status: u16,
        /// The service's words.
        said: Said,
    },
    /// 402, or the reason `INSUFFICIENT_CREDITS`.
    #[error("the Targon account has too few credits{said}")]
    NoCredits {
        /// The service's words.
        said: Said,
    },
    /// 404.
    #[error("{call}: Targon knows no such pod")]
    NotFound {
        /// What was tried.
        call: Call,
    },
    /// 409 when registering.
    #[error("Targon says the name is taken{said}")]
    NameTaken {
        /// The service's words.
        said: Said,
    },
    /// 429, also after waiting and asking again.
    #[error("{call}: Targon answers 429 and asks {}", wish_in_words(*retry_after))]
    RateLimited {
        /// What was tried.
        call: Call,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// Any other answer that says no.
    #[error("{call} was refused ({status}{said})")]
    Refused {
        /// What was tried.
        call: Call,
        /// HTTP status.
        status: u16,
        /// The service's words.
        said: Said,
    },
    /// 5xx: the service is unwell, and what was asked may still happen.
    #[error(
        "{call} failed on Targon's side ({status}{said}){}",
        retry_after.map_or_else(String::new, |wish| format!(", and it asks {}", wish_in_words(Some(wish))))
    )]
    Unwell {
        /// What was tried.
        call: Call,
        /// HTTP status.
        status: u16,
        /// The service's words.
        said: Said,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// No connection at all: nothing was sent.
    #[error("{call}: Targon cannot be reached")]
    Unreachable {
        /// What was tried.
        call: Call,
        /// Why.
        #[source]
        source: RequestError,
    },
    /// The connection broke after the request was (perhaps) sent.
    #[error("{call}: the connection to Targon broke")]
    Broken {
        /// What was tried.
        call: Call,
        /// Why.
        #[source]
        source: RequestError,
    },
    /// No complete answer in time.
    #[error("{call}: no answer from Targon within {} s", limit.as_secs())]
    TimedOut {
        /// What was tried.
        call: Call,
        /// The time it had.
        limit: Duration,
    },
    /// The answer is larger than any honest one.
    #[error("{call}: the answer is larger than {limit} bytes")]
    TooLarge {
        /// What was tried.
        call: Call,
        /// The most that is read.
        limit: usize,
    },
    /// The answer is not what the service is known to say.
    #[error("{call}: the answer cannot be understood")]
    NotUnderstood {
        /// What was tried.
        call: Call,
        /// What the reader stumbled over.
        #[source]
        source: serde_json::Error,
    },
    /// The pages of a list lead in a circle or never end.
    #[error("{call}: the pages of the list never end")]
    EndlessPages {
        /// What was tried.
        call: Call,
    },
}

/// What the service said along with a status: nothing, its error text, or its reason word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The error text, or the beginning of a body that is not JSON.
    pub message: Option<String>,
    /// The machine-readable word, for example `INSUFFICIENT_CREDITS`.
    pub reason: Option<String>,
}

/// `: insufficient credits [INSUFFICIENT_CREDITS]`, or nothing.
impl fmt::Display for Said {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(message) = &self.message {
            write!(formatter, ": {message}")?;
        }
        if let Some(reason) = &self.reason {
            write!(formatter, " [{reason}]")?;
        }
        Ok(())
    }
}

/// `to wait 30 s`, or that it does not say how long.
fn wish_in_words(wish: Option<Duration>) -> String {
    wish.map_or_else(|| "to slow down".to_owned(), |wish| format!("to wait {}", pause_in_words(wish)))
}

impl TargonError {
    /// Asking again may help, and asking again does no harm where the call itself is harmless.
    pub fn is_retryable(&self) -> bool {
        match self {
            // A bad certificate is as bad the next time.
            Self::Unreachable { source, .. } => !source.is_permanent(),
            Self::RateLimited { .. } | Self::Unwell { .. } | Self::Broken { .. } | Self::TimedOut { .. } => true,
            _ => false,
        }
    }

    /// What was asked for may have happened all the same, so look before asking again.
    pub fn is_uncertain(&self) -> bool {
        matches!(
            self,
            Self::Unwell { .. }
                | Self::Broken { .. }
                | Self::TimedOut { .. }
                | Self::TooLarge { .. }
                | Self::NotUnderstood { .. }
        )
    }

    /// How long the service asks to be left alone.
    pub fn wished_pause(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::Unwell { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The key is missing or not accepted, so no other call can work either.
    pub fn is_about_the_key(&self) -> bool {
        matches!(self, Self::KeyMissing { .. } | Self::KeyRefused { .. })
    }
}

impl Explain for TargonError {
    fn blame(&self) -> Blame {
        match self {
            Self::BadAddress { .. } | Self::KeyMissing { .. } | Self::KeyRefused { .. } => Blame::User,
            Self::NoCredits { .. } | Self::NameTaken { .. } | Self::NotFound { .. } | Self::NoClient { .. } => {
                Blame::Here
            }
            Self::RateLimited { .. }
            | Self::Refused { .. }
            | Self::Unwell { .. }
            | Self::Unreachable { .. }
            | Self::Broken { .. }
            | Self::TimedOut { .. }
            | Self::TooLarge { .. }
            | Self::NotUnderstood { .. }
            | Self::EndlessPages { .. } => Blame::Service,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::BadAddress { .. } => Some("correct --targon-base-url or TARGON_BASE_URL"),
            Self::KeyMissing { .. } => {
                Some("set TARGON_API_KEY: a flag would show the key to everybody who lists the machine's processes")
            }
            Self::KeyRefused { .. } => Some("check TARGON_API_KEY: keys are made and revoked in the Targon dashboard"),
            Self::NoCredits { .. } => Some("top up the account in the Targon dashboard, or take a smaller --resource"),
            Self::NameTaken { .. } => Some("`404-cli pods` shows what runs; --replace stops the old one first"),
            Self::RateLimited { retry_after: Some(_), .. } | Self::Unwell { retry_after: Some(_), .. } => {
                Some("run the same command again when that time is over; the dashboard shows what runs meanwhile")
            }
            Self::RateLimited { .. } | Self::Unwell { .. } | Self::TimedOut { .. } | Self::Broken { .. } => {
                Some("try again in a minute; `404-cli pods` shows what runs meanwhile")
            }
            Self::Unreachable { source, .. } => {
                source.hint().or(Some("check the network, and --targon-base-url if one is set"))
            }
            Self::NotUnderstood { .. } | Self::TooLarge { .. } | Self::EndlessPages { .. } => {
                Some("the address may not be Targon's, or its API has changed: look with -vv")
            }
            Self::NoClient { .. } | Self::NotFound { .. } | Self::Refused { .. } => None,
        }
        .map(Hint::Borrowed)
    }
}
