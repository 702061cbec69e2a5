//! The one error type of the commands: what went wrong, whose matter it is, and what to do about it.
//! The only place that knows exit codes. A room's error says all that itself ([`Explain`]), so `?` is enough.

use std::error::Error;
use std::fmt;

use gen404_outside::explain::Explain;
pub(crate) use gen404_outside::explain::{Blame, sentence};
use serde_json::{Map, Value};

/// The documented exit code (docs/output.md).
pub(crate) fn exit_code(blame: Blame) -> u8 {
    match blame {
        Blame::Here => 1,
        Blame::User => 2,
        Blame::Service => 3,
        Blame::Chain => 4,
        Blame::Interruption => 130,
    }
}

/// A command's failure.
#[derive(Debug)]
pub(crate) struct CommandError {
    pub(crate) blame: Blame,
    pub(crate) message: String,
    pub(crate) hints: Vec<String>,
    /// Keys that follow `success` and `error` in the JSON object.
    pub(crate) fields: Map<String, Value>,
    /// Stdout is closed: nothing can be reported there any more.
    pub(crate) silent: bool,
}

impl CommandError {
    pub(crate) fn new(blame: Blame, message: impl Into<String>) -> Self {
        Self { blame, message: message.into(), hints: Vec::new(), fields: Map::new(), silent: false }
    }

    /// An error that does not say itself whose matter it is.
    pub(crate) fn from_error(blame: Blame, error: &dyn Error) -> Self {
        Self::new(blame, sentence(error))
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(Blame::Here, message)
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Blame::User, message)
    }

    pub(crate) fn service(message: impl Into<String>) -> Self {
        Self::new(Blame::Service, message)
    }

    pub(crate) fn interrupted() -> Self {
        Self::new(Blame::Interruption, "Interrupted by user")
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

    /// Puts in front what it is about.
    #[must_use]
    pub(crate) fn context(self, about: impl fmt::Display) -> Self {
        Self { message: format!("{about}: {}", self.message), ..self }
    }

    /// A failure to print the result of a commitment. It must not hide that the commitment is there, not even where a
    /// closed stdout is no news.
    pub(crate) fn after_commitment(self) -> Self {
        let message = format!("{}; the commitment itself is done and on chain", self.message);
        Self { message, silent: false, ..self }
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

impl<E: Explain> From<E> for CommandError {
    fn from(error: E) -> Self {
        let failure = match error.blame() {
            Blame::Interruption => Self::interrupted(),
            blame => Self::new(blame, error.sentence()).with_hints(error.hint()),
        };
        Self { fields: error.facts(), ..failure }
    }
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

    #[test]
    fn exit_codes_are_the_documented_ones() {
        let codes = [Blame::Here, Blame::User, Blame::Service, Blame::Chain, Blame::Interruption].map(exit_code);
        assert_eq!(codes, [1, 2, 3, 4, 130]);
    }
}
