//! The wallet's errors as failures of a command.
//! A key that cannot be used is a matter of configuration.

use gen404_wallet::{FindError, NoPassword, OpenError};

use super::{CommandError, Kind};

impl From<FindError> for CommandError {
    fn from(error: FindError) -> Self {
        Self::from_error(Kind::Usage, &error).with_hints(error.hint())
    }
}

impl From<OpenError> for CommandError {
    fn from(error: OpenError) -> Self {
        if matches!(error, OpenError::NoPassword { source: NoPassword::Declined, .. }) {
            return Self::interrupted();
        }
        Self::from_error(Kind::Usage, &error).with_hints(error.hint())
    }
}
