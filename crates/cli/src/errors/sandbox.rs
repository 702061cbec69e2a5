//! Why a sandbox did not start, as a command's failure.

use gen404_sandbox::StartError;

use super::{CommandError, Kind};

impl From<StartError> for CommandError {
    fn from(error: StartError) -> Self {
        let hint = match &error {
            StartError::Chain(_) => Some("another program may use the port: choose another --subtensor-port, or 0"),
            StartError::Folder { .. } => Some("choose a folder of your own with --dir"),
            StartError::InUse { .. } | StartError::Wallet(_) | StartError::Judge(_) | StartError::Service { .. } => {
                None
            }
        };
        let failure = Self::from_error(Kind::Failed, &error);
        match hint {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}
