//! The renderer's errors as failures of a command.
//! A missing browser or three is a matter of this machine's configuration; a service that does not answer is not.

use gen404_renderer::server::ServerError;
use gen404_renderer::{BatchError, ChromiumError, DrawError, RenderError, ServiceError, SheetError, ThreeError};

use super::{CommandError, Kind};

impl From<ChromiumError> for CommandError {
    fn from(error: ChromiumError) -> Self {
        let kind = match error {
            ChromiumError::NotFound
            | ChromiumError::NotAProgram { .. }
            | ChromiumError::NoVersion { .. }
            | ChromiumError::TooOld { .. } => Kind::Usage,
            ChromiumError::Profile { .. }
            | ChromiumError::Start { .. }
            | ChromiumError::Ended { .. }
            | ChromiumError::TabCrashed { .. }
            | ChromiumError::Unresponsive { .. }
            | ChromiumError::Refused { .. }
            | ChromiumError::Unintelligible { .. }
            | ChromiumError::Page { .. } => Kind::Failed,
        };
        Self::from_error(kind, &error).with_hints(error.hint())
    }
}

impl From<ThreeError> for CommandError {
    fn from(error: ThreeError) -> Self {
        Self::from_error(three_kind(&error), &error).with_hints(error.hint())
    }
}

impl From<ServiceError> for CommandError {
    fn from(error: ServiceError) -> Self {
        let kind = match error {
            ServiceError::Address => Kind::Usage,
            ServiceError::Refused(_) => Kind::Failed,
            ServiceError::Client(_)
            | ServiceError::Unreachable { .. }
            | ServiceError::Status { .. }
            | ServiceError::TooLarge
            | ServiceError::Malformed { .. }
            | ServiceError::Picture(_) => Kind::Service,
        };
        Self::from_error(kind, &error).with_hints(error.hint())
    }
}

impl From<&RenderError> for CommandError {
    fn from(error: &RenderError) -> Self {
        let kind = match error {
            RenderError::Studio(DrawError::Three(error)) => three_kind(error),
            // No browser was ever ready here: that is a matter of this machine, not of a module.
            RenderError::Studio(DrawError::Unusable(_)) => Kind::Usage,
            RenderError::Service(_) if error.is_service_failure() => Kind::Service,
            RenderError::Service(_)
            | RenderError::Studio(
                DrawError::Refused(_)
                | DrawError::TooSlow { .. }
                | DrawError::Threw { .. }
                | DrawError::GraphicsCrashed
                | DrawError::Chromium(_)
                | DrawError::Picture(_)
                | DrawError::Closed,
            )
            | RenderError::Read { .. }
            | RenderError::Stem(_)
            | RenderError::Write { .. } => Kind::Failed,
        };
        Self::from_error(kind, error).with_hints(error.hint())
    }
}

impl From<BatchError> for CommandError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::NotPrepared(error) => (&error).into(),
            BatchError::Folder { .. } | BatchError::NoModules { .. } => Self::from_error(Kind::Usage, &error),
        }
    }
}

impl From<SheetError> for CommandError {
    fn from(error: SheetError) -> Self {
        Self::from_error(Kind::Failed, &error)
    }
}

impl From<ServerError> for CommandError {
    fn from(error: ServerError) -> Self {
        Self::from_error(Kind::Failed, &error).with_hints(error.hint())
    }
}

fn three_kind(error: &ThreeError) -> Kind {
    match error {
        ThreeError::Npm { .. } | ThreeError::NpmTimeout => Kind::Service,
        ThreeError::Read { .. } | ThreeError::Different { .. } | ThreeError::NoNpm(_) | ThreeError::Cache { .. } => {
            Kind::Usage
        }
    }
}
