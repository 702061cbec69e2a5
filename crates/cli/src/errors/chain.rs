//! The chain's errors as failures of a command. Their texts are whole sentences already.
//! Every failure that knows a block after the point of no return says so in the JSON.

use gen404_chain::{CommitError, ConnectError, FailureKind, ReadError};

use super::{CommandError, Kind};

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
