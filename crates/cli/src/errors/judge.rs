//! The judge's errors as failures of a command.
//! What the profile or the pictures lack is the user's to change; what the model does is not.

use gen404_judge::{Failure, InvalidProfile, RehearsalError, VlmError, WriteError};

use super::{CommandError, Kind};

impl From<InvalidProfile> for CommandError {
    fn from(error: InvalidProfile) -> Self {
        Self::from_error(Kind::Usage, &error)
            .with_hint("docs/judge.md describes profile files; the built-in ones are good to copy")
    }
}

impl From<VlmError> for CommandError {
    fn from(error: VlmError) -> Self {
        let hint = match &error {
            VlmError::Key => return Self::from_error(Kind::Usage, &error),
            VlmError::Status { status: 401 | 403, .. } => "give the endpoint's key with --api-key or OPENAI_API_KEY",
            VlmError::Unreachable { source, .. } if source.hint().is_some() => source.hint().unwrap_or_default(),
            VlmError::Unreachable { .. }
            | VlmError::TimedOut { .. }
            | VlmError::BrokeOff { .. }
            | VlmError::Status { .. }
            | VlmError::ErrorBody { .. }
            | VlmError::TooLong { .. }
            | VlmError::NoCompletion { .. }
            | VlmError::Nobody => {
                "check that the judge is up and --endpoint is its address; `404-cli start-judge` rents one"
            }
        };
        Self::from_error(Kind::Service, &error).with_hint(hint)
    }
}

impl From<RehearsalError> for CommandError {
    fn from(error: RehearsalError) -> Self {
        let failure = Self::from_error(Kind::Service, &error).with_hint(error.hint().to_owned());
        if error.is_of_the_reply() {
            failure.with_hint("--no-rehearsal judges all the same; what stays unanswered is counted")
        } else {
            failure
        }
    }
}

impl From<WriteError> for CommandError {
    fn from(error: WriteError) -> Self {
        Self::from_error(Kind::Failed, &error)
            .with_hint("records that are written stay; run the same command again to go on")
    }
}

impl From<&Failure> for CommandError {
    fn from(failure: &Failure) -> Self {
        let kind = if failure.is_of_the_service() { Kind::Service } else { Kind::Failed };
        Self::from_error(kind, failure)
    }
}
