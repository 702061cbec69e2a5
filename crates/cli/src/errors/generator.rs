//! The generator client's errors as failures of a command.
//! What the request says is the user's to change; what the service does is not.

use gen404_generator::{ArchiveError, BatchError, ClientError, FolderError, GenerateError, InvalidEndpoint};

use super::{CommandError, Kind};

impl From<GenerateError> for CommandError {
    fn from(error: GenerateError) -> Self {
        let (kind, hint) = match &error {
            GenerateError::Request(error) => (Kind::Usage, error.hint()),
            GenerateError::Folder(FolderError::InUse { .. }) => {
                (Kind::Usage, Some("wait for that run to end, or choose another --output-folder"))
            }
            GenerateError::Client(error) => (Kind::Failed, error.hint()),
            GenerateError::Folder(FolderError::Unusable { .. }) | GenerateError::LocalPictures(_) => {
                (Kind::Failed, None)
            }
        };
        let error = Self::from_error(kind, &error);
        hint.into_iter().fold(error, Self::with_hint)
    }
}

impl From<InvalidEndpoint> for CommandError {
    fn from(error: InvalidEndpoint) -> Self {
        let error = Self::from_error(Kind::Usage, &error);
        Self { message: format!("--endpoint is {}", error.message), ..error }
    }
}

impl From<&BatchError> for CommandError {
    fn from(error: &BatchError) -> Self {
        let of_this_machine = matches!(
            error,
            BatchError::Disk(_)
                | BatchError::Archive(ArchiveError::Save(_) | ArchiveError::Read(_))
                | BatchError::Client(ClientError::Disk(_))
        );
        let kind = if of_this_machine { Kind::Failed } else { Kind::Service };
        let hint = error.hint();
        hint.into_iter().fold(Self::from_error(kind, error), Self::with_hint)
    }
}
