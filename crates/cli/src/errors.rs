//! The one error type of the commands: what went wrong, of which kind, and what to do about it.
//! The only place that knows exit codes; each service's errors are sorted into kinds in a file of `errors/`.

mod cdn;
mod chain;
mod competition;
mod generator;
mod judge;
mod renderer;
mod report;
mod sandbox;
mod storage;
mod targon;
mod wallet;

use std::error::Error;
use std::fmt;

use serde_json::{Map, Value};

/// Kinds of failure, as scripts tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Failed, or the answer is no.
    Failed,
    /// Usage or configuration.
    Usage,
    /// An outside service failed or timed out.
    Service,
    /// The chain refused.
    ChainRefused,
    /// The user interrupted.
    Interrupted,
}

impl Kind {
    /// The documented exit code (docs/output.md).
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Service => 3,
            Self::ChainRefused => 4,
            Self::Interrupted => 130,
        }
    }
}

/// A command's failure.
#[derive(Debug)]
pub(crate) struct CommandError {
    pub(crate) kind: Kind,
    pub(crate) message: String,
    pub(crate) hints: Vec<String>,
    /// Keys that follow `success` and `error` in the JSON object.
    pub(crate) fields: Map<String, Value>,
    /// Stdout is closed: nothing can be reported there any more.
    pub(crate) silent: bool,
}

impl CommandError {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new(), fields: Map::new(), silent: false }
    }

    /// The error with all its causes in one sentence.
    pub(crate) fn from_error(kind: Kind, error: &dyn Error) -> Self {
        Self::new(kind, sentence(error))
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    pub(crate) fn service(message: impl Into<String>) -> Self {
        Self::new(Kind::Service, message)
    }

    pub(crate) fn interrupted() -> Self {
        Self::new(Kind::Interrupted, "Interrupted by user")
    }

    pub(crate) fn panicked() -> Self {
        Self::failed("404-cli hit a bug in itself and stopped")
            .with_hint("please report it with the lines above; run again with -vv for more")
    }

    /// The process could not get its own means (threads, signal handlers).
    pub(crate) fn runtime(error: &std::io::Error) -> Self {
        Self::failed(format!("this process could not start its runtime: {error}"))
    }

    /// Stdout is closed, as in `404-cli list-all | head -1`.
    pub(crate) fn stdout(error: &std::io::Error) -> Self {
        let closed = error.kind() == std::io::ErrorKind::BrokenPipe;
        Self { silent: closed, ..Self::failed(format!("cannot write the result to stdout: {error}")) }
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds whatever the failed room advises.
    #[must_use]
    pub(crate) fn with_hints(mut self, hints: impl IntoIterator<Item: Into<String>>) -> Self {
        self.hints.extend(hints.into_iter().map(Into::into));
        self
    }

    /// Adds a key to the JSON object of the failure.
    #[must_use]
    pub(crate) fn with_field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

/// `error: cause: cause`, leaving out causes that repeat what was just said.
pub(crate) fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

/// A panic is a bug of ours: its place goes to stderr, the JSON object still comes.
pub(crate) fn install_panic_hook() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        // Only the place: a payload may carry data from outside.
        tracing::error!(target: "404-cli", "bug at {place}");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("inner")]
    struct Inner;

    #[test]
    fn causes_become_one_sentence() {
        assert_eq!(sentence(&Outer(Inner)), "outer: inner");
    }

    #[test]
    fn exit_codes_are_the_documented_ones() {
        let codes =
            [Kind::Failed, Kind::Usage, Kind::Service, Kind::ChainRefused, Kind::Interrupted].map(Kind::exit_code);
        assert_eq!(codes, [1, 2, 3, 4, 130]);
    }
}
