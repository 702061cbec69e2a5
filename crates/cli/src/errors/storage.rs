//! The storage's errors as failures of a command. Keys, names and clocks are the user's to change; what the service does is not.

use gen404_storage::{CredentialsError, StorageError, UploadError};

use super::{CommandError, Kind};

impl From<CredentialsError> for CommandError {
    fn from(error: CredentialsError) -> Self {
        Self::from_error(Kind::Usage, &error).with_hints(error.hint())
    }
}

impl From<StorageError> for CommandError {
    fn from(error: StorageError) -> Self {
        let kind = match &error {
            StorageError::UnknownKey { .. }
            | StorageError::WrongSecret { .. }
            | StorageError::Token { .. }
            | StorageError::Denied { .. }
            | StorageError::Hidden { .. }
            | StorageError::NoBucket { .. }
            | StorageError::OtherRegion { .. }
            | StorageError::Clock { .. }
            | StorageError::NotStorage { .. } => Kind::Usage,
            StorageError::Unreachable { .. }
            | StorageError::BrokeOff { .. }
            | StorageError::NoSpace { .. }
            | StorageError::Busy { .. }
            | StorageError::Failing { .. }
            | StorageError::Refused { .. } => Kind::Service,
            StorageError::Signing(_) => Kind::Failed,
        };
        let hint = error.hint();
        Self::from_error(kind, &error).with_hints(hint)
    }
}

impl From<UploadError> for CommandError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::Storage(error) => error.into(),
            UploadError::Read { .. } | UploadError::Changed { .. } => Self::from_error(Kind::Failed, &error),
        }
    }
}
