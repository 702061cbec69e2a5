//! A state of the competition that cannot be had, as a failure of a command.

use gen404_competition::{FetchError, RecomputeError, ViewError};

use super::{CommandError, Kind};

impl From<FetchError> for CommandError {
    fn from(error: FetchError) -> Self {
        let hint = error.hint();
        Self::from_error(Kind::Service, &error).with_hints(hint)
    }
}

impl From<ViewError> for CommandError {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::Fetch(error) => error.into(),
            ViewError::NoState => Self::from_error(Kind::Usage, &error).with_hint("see --state-url"),
            ViewError::Unreadable(_) => Self::from_error(Kind::Service, &error).with_hint("try again in a minute"),
        }
    }
}

impl From<RecomputeError> for CommandError {
    fn from(error: RecomputeError) -> Self {
        let failure = Self::from_error(Kind::Failed, &error);
        match error {
            RecomputeError::NoMargin => failure.with_hint("give it as --win-margin"),
            RecomputeError::NoSubmissions | RecomputeError::Submissions(_) => failure,
        }
    }
}
