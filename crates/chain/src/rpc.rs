//! The seam to a node: JSON-RPC calls and one subscription, with time limits and typed failures.
//! Knows nothing of what is asked; `node` gives the calls their meaning.

pub(crate) mod limit;
pub(crate) mod patient;
pub(crate) mod websocket;
mod wire;

#[cfg(test)]
pub(crate) mod scripted;

use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use serde_json::Value;
use serde_json::value::RawValue;

use self::limit::RateLimit;
use crate::network::Endpoint;

/// An error of whatever carries the messages.
pub type TransportError = Box<dyn std::error::Error + Send + Sync>;

/// Why a question to a node has no answer.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// The connection broke; whether the node received the question is unknown.
    #[error("the connection to the node was lost during {method}")]
    Lost {
        /// The JSON-RPC method.
        method: &'static str,
        /// What broke.
        #[source]
        source: TransportError,
    },
    /// No answer in time; whether the node received the question is unknown.
    #[error("the node did not answer {method} within {} s", limit.as_secs())]
    Timeout {
        /// The JSON-RPC method.
        method: &'static str,
        /// The time limit.
        limit: Duration,
    },
    /// The node has had enough of us for now: it did not even look at the question.
    #[error("{} does not answer {method}: {limit}{}", limit.endpoint, still(*waited))]
    Limited {
        /// The JSON-RPC method.
        method: &'static str,
        /// What the node said.
        limit: Box<RateLimit>,
        /// How long the question was repeated.
        waited: Duration,
    },
    /// The node answered with an error.
    #[error("the node refused {method}: {message}{} (code {code})", data.as_deref().map(|data| format!(": {data}")).unwrap_or_default())]
    Refused {
        /// The JSON-RPC method.
        method: &'static str,
        /// JSON-RPC error code.
        code: i32,
        /// The node's words, made printable.
        message: String,
        /// More of the node's words, made printable.
        data: Option<String>,
    },
    /// The answer is not what the method promises.
    #[error("the node answered {method} with something that is not {expected}")]
    Unexpected {
        /// The JSON-RPC method.
        method: &'static str,
        /// What it should have been.
        expected: &'static str,
    },
}

/// The end of a sentence about a limit.
pub(crate) fn still(waited: Duration) -> String {
    if waited.as_secs() == 0 { String::new() } else { format!(", still after waiting {} s", waited.as_secs()) }
}

impl RpcError {
    /// Whether the same question may succeed on a fresh connection.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::Timeout { .. })
    }
}

/// A reply: the `result` of a JSON-RPC response.
pub(crate) type Reply = Result<Box<RawValue>, RpcError>;

/// Notifications of a subscription; ends when the node or the connection ends it.
pub(crate) type Notifications = BoxStream<'static, Result<Box<RawValue>, RpcError>>;

/// A standing connection to a node. Every method has its own time limit inside.
pub(crate) trait Rpc: Send + Sync {
    /// Asks one question. Questions asked at the same time travel together.
    fn call(&self, method: &'static str, params: Vec<Value>) -> BoxFuture<'_, Reply>;

    /// Starts a subscription; dropping the stream ends it.
    fn subscribe(
        &self,
        method: &'static str,
        params: Vec<Value>,
        unsubscribe: &'static str,
    ) -> BoxFuture<'_, Result<Notifications, RpcError>>;
}

/// Why no connection stands.
pub(crate) enum DialError {
    /// The server has had enough of us for now.
    Busy(Box<RateLimit>),
    /// Anything else.
    Failed(TransportError),
}

/// Opens connections.
pub(crate) trait Dial: Send + Sync {
    /// Connects to one endpoint, within the time limit that the dialler was made with.
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Rpc>, DialError>>;
}
