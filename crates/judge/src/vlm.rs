//! The seam to a vision model: one question in, the text of one reply out.
//! Nothing here knows stages; what a reply means is read elsewhere.

mod body;
mod openai;

use std::future::Future;

pub use openai::{ChatClient, ChatSettings};

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

/// A vision model.
pub trait Vlm: Send + Sync {
    /// Puts the question and returns the text of the reply, which may be empty. Must come back within a time limit.
    fn ask(&self, request: &Request<'_>) -> impl Future<Output = Result<String, VlmError>> + Send;
}

impl<V: Vlm> Vlm for &V {
    fn ask(&self, request: &Request<'_>) -> impl Future<Output = Result<String, VlmError>> + Send {
        (*self).ask(request)
    }
}

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VlmError {
    /// The endpoint could not be reached.
    #[error("cannot reach {endpoint}")]
    Unreachable {
        /// Where, without credentials.
        endpoint: String,
        /// Why.
        source: reqwest::Error,
    },
    /// It took longer than the limit.
    #[error("{endpoint} did not answer within {seconds} s")]
    TimedOut {
        /// Where, without credentials.
        endpoint: String,
        /// The limit.
        seconds: u64,
    },
    /// The connection broke while the reply came.
    #[error("the reply of {endpoint} broke off")]
    BrokeOff {
        /// Where, without credentials.
        endpoint: String,
        /// Why.
        source: reqwest::Error,
    },
    /// An HTTP status that is no success.
    #[error("{endpoint} answered {status}{}", if message.is_empty() { String::new() } else { format!(": {message}") })]
    Status {
        /// Where, without credentials.
        endpoint: String,
        /// The HTTP status.
        status: u16,
        /// What it said about it, shortened.
        message: String,
    },
    /// The reply is too long to be one.
    #[error("{endpoint} answered with more than {} MiB", limit >> 20)]
    TooLong {
        /// Where, without credentials.
        endpoint: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// The body is no chat completion.
    #[error("{endpoint} did not answer with a chat completion")]
    NoCompletion {
        /// Where, without credentials.
        endpoint: String,
    },
    /// An API key that no header can carry.
    #[error("the API key holds characters that a header cannot carry")]
    Key,
}

impl VlmError {
    /// Whether the same request may succeed when it is sent again.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::BrokeOff { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 409 | 429 | 500..),
            Self::TooLong { .. } | Self::NoCompletion { .. } | Self::Key => false,
        }
    }

    /// Whether every other request will meet the same: a wrong key, a wrong address, an unknown model.
    pub fn is_hopeless(&self) -> bool {
        matches!(self, Self::Status { status: 401 | 403 | 404 | 405 | 300..=399, .. } | Self::Key)
    }
}
