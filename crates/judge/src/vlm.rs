//! The seam to a vision model: one question in, the text of one reply out.
//! Nothing here knows stages; what a reply means is read elsewhere.

mod address;
mod blot;
mod body;
mod openai;
mod said;
mod sameness;

use std::future::Future;
use std::time::Duration;

use gen404_outside::explain::{Blame, Explain, Hint};
pub(crate) use openai::LONGEST_WISHED_PAUSE;
pub use openai::{ChatClient, ChatSettings, EachOf, Greeting};
pub use sameness::{Greeted, Identity, Served, Trait, Unlike, unlike_answers, unlike_models};

use gen404_outside::http::{RequestError, wish_in_words};
use gen404_outside::pool::Culprit;

use crate::profile::Part;

/// One request to the model.
#[derive(Debug, Clone, PartialEq)]
pub struct Request<'a> {
    /// Kind of the question; the schema is sent as `<label>-response`.
    pub label: &'a str,
    /// System message.
    pub system: &'a str,
    /// User message.
    pub parts: &'a [Part],
    /// JSON schema of the reply, as text.
    pub schema: &'static str,
    /// Sampling temperature.
    pub temperature: f64,
    /// Sampling seed.
    pub seed: u64,
    /// Limit of the reply's length.
    pub max_tokens: u32,
}

/// What came back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The text, which may be empty.
    pub text: String,
    /// Why the model stopped, in the server's word: `stop`, `length`, …
    pub finish_reason: Option<String>,
    /// The model thought aloud before it answered, or instead of answering.
    pub thought: bool,
    /// Why the model does not want to answer, in its own words, shortened.
    pub refusal: Option<String>,
    /// Who says so.
    pub identity: Identity,
}

impl Answer {
    /// The reply is not whole: its limit was reached.
    pub fn was_cut(&self) -> bool {
        matches!(self.finish_reason.as_deref(), Some("length" | "max_tokens" | "MAX_TOKENS"))
    }
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

/// A vision model.
pub trait Vlm: Send + Sync {
    /// Puts the question and returns the reply. Must come back within a time limit.
    fn ask(&self, request: &Request<'_>) -> impl Future<Output = Result<Answer, VlmError>> + Send;
}

impl<V: Vlm> Vlm for &V {
    fn ask(&self, request: &Request<'_>) -> impl Future<Output = Result<Answer, VlmError>> + Send {
        (*self).ask(request)
    }
}

/// `None` when there is nothing to ask, and so nobody.
impl<V: Vlm> Vlm for Option<V> {
    async fn ask(&self, request: &Request<'_>) -> Result<Answer, VlmError> {
        match self {
            Some(model) => model.ask(request).await,
            None => Err(VlmError::Nobody),
        }
    }
}

/// Why there is no reply. Addresses are those that were asked, without credentials and query.
#[derive(Debug, thiserror::Error)]
pub enum VlmError {
    /// The endpoint could not be reached.
    #[error("cannot reach {address}")]
    Unreachable {
        /// Where.
        address: String,
        /// Why.
        source: RequestError,
    },
    /// It took longer than the limit.
    #[error("{address} did not answer within {seconds} s")]
    TimedOut {
        /// Where.
        address: String,
        /// The limit.
        seconds: u64,
    },
    /// The connection broke while the reply came.
    #[error("the reply of {address} broke off")]
    BrokeOff {
        /// Where.
        address: String,
        /// Why.
        source: RequestError,
    },
    /// An HTTP status that is no success, or one that stands in an error body sent as a success.
    #[error("{address} answered {status}{}{}", wish_in_words(*wished), after_colon(message))]
    Status {
        /// Where.
        address: String,
        /// The status.
        status: u16,
        /// What it said about it, shortened.
        message: String,
        /// The pause it asked for.
        wished: Option<Duration>,
    },
    /// A success by its HTTP status, but an error by its body, which names no status.
    #[error("{address} answered with an error{}", after_colon(message))]
    ErrorBody {
        /// Where.
        address: String,
        /// What it said, shortened.
        message: String,
    },
    /// The reply is too long to be one.
    #[error("{address} answered with more than {} MiB", limit >> 20)]
    TooLong {
        /// Where.
        address: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// The body is no chat completion.
    #[error("{address} did not answer with a chat completion{}", after_colon(begins))]
    NoCompletion {
        /// Where.
        address: String,
        /// How the body begins, shortened.
        begins: String,
    },
    /// An API key that no header can carry.
    #[error("the API key holds characters that a header cannot carry")]
    Key,
    /// There is no model to ask.
    #[error("there is no endpoint to ask")]
    Nobody,
}

impl Explain for VlmError {
    fn blame(&self) -> Blame {
        match self {
            Self::Key => Blame::User,
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::BrokeOff { .. }
            | Self::Status { .. }
            | Self::ErrorBody { .. }
            | Self::TooLong { .. }
            | Self::NoCompletion { .. }
            | Self::Nobody => Blame::Service,
        }
    }

    fn hint(&self) -> Option<Hint> {
        let is_it_up = "check that the judge is up and that this is its address; `404-cli start-judge` rents one";
        let hint = match self {
            Self::Key => return None,
            Self::Status { status: 401 | 403, .. } => "give the endpoint's key with --api-key or OPENAI_API_KEY",
            Self::Unreachable { source, .. } => source.hint().unwrap_or(is_it_up),
            Self::TimedOut { .. }
            | Self::BrokeOff { .. }
            | Self::Status { .. }
            | Self::ErrorBody { .. }
            | Self::TooLong { .. }
            | Self::NoCompletion { .. }
            | Self::Nobody => is_it_up,
        };
        Some(hint.into())
    }
}

fn after_colon(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

impl VlmError {
    /// Whether the same request may succeed when it is sent again.
    pub fn is_retryable(&self) -> bool {
        match self {
            // A bad certificate is as bad the next time.
            Self::Unreachable { source, .. } => !source.is_permanent(),
            Self::TimedOut { .. } | Self::BrokeOff { .. } | Self::ErrorBody { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 409 | 425 | 429 | 500..),
            Self::TooLong { .. } | Self::NoCompletion { .. } | Self::Key | Self::Nobody => false,
        }
    }

    /// Whether every other request will meet the same: a wrong key, a wrong address, an unknown model, an empty account.
    pub fn is_hopeless(&self) -> bool {
        matches!(self, Self::Status { status: 401..=405 | 410 | 300..=399, .. } | Self::Key | Self::Nobody)
    }

    /// The server understood and does not want this kind of request, at least as it is.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Status { status, .. } => (400..500).contains(status) && !self.is_retryable() && !self.is_hopeless(),
            Self::ErrorBody { .. } => true,
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::BrokeOff { .. }
            | Self::TooLong { .. }
            | Self::NoCompletion { .. }
            | Self::Key
            | Self::Nobody => false,
        }
    }

    /// Whom it speaks against when there are other endpoints.
    pub(crate) fn culprit(&self) -> Culprit {
        match self {
            Self::Key | Self::Nobody => Culprit::Work,
            Self::Status { status: 500, wished: None, .. } | Self::ErrorBody { .. } => Culprit::Either,
            _ if self.is_retryable() => Culprit::Moment { wished: self.wished_pause() },
            _ if self.is_refusal() => Culprit::Work,
            // A wrong key or address, a page of a proxy.
            _ => Culprit::Endpoint,
        }
    }

    /// The pause that the server asked for.
    pub fn wished_pause(&self) -> Option<Duration> {
        match self {
            Self::Status { wished, .. } => *wished,
            _ => None,
        }
    }
}
