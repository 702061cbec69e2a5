//! The chain's errors as failures of a command. Their texts are whole sentences already.
//! Every failure that knows a block after the point of no return says so in the JSON.

use gen404_chain::{CommitError, ConnectError, FailureKind, ReadError};

use super::{CommandError, Kind};

impl CommandError {
    /// A failure to print the result of a commitment. It must not hide that the commitment is there, not even where a
    /// closed stdout is no news.
    pub(crate) fn after_commitment(self) -> Self {
        let message = format!("{}; the commitment itself is done and on chain", self.message);
        Self { message, silent: false, ..self }
    }
}

impl From<FailureKind> for Kind {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Usage => Self::Usage,
            FailureKind::Outside => Self::Service,
            FailureKind::Refused => Self::ChainRefused,
        }
    }
}

impl From<ConnectError> for CommandError {
    fn from(error: ConnectError) -> Self {
        Self::new(error.kind().into(), error.to_string()).with_hints(error.hint())
    }
}

impl From<ReadError> for CommandError {
    fn from(error: ReadError) -> Self {
        Self::new(error.kind().into(), error.to_string()).with_hints(error.hint())
    }
}

impl From<CommitError> for CommandError {
    fn from(error: CommitError) -> Self {
        let failure = Self::new(error.kind().into(), error.to_string()).with_hints(error.hint());
        match error.included_in() {
            Some(block) => failure.with_field("block", block),
            None => failure,
        }
    }
}
