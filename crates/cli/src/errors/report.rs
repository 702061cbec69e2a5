//! Failures of the report, sorted into kinds.

use gen404_report::ReportError;

use super::{CommandError, Kind};

impl From<ReportError> for CommandError {
    fn from(error: ReportError) -> Self {
        let kind = match error {
            ReportError::NoMatch { .. } | ReportError::Shape { .. } | ReportError::TooLarge { .. } => Kind::Usage,
            ReportError::Read { .. } | ReportError::Render(_) | ReportError::Write { .. } => Kind::Failed,
        };
        let command_error = Self::from_error(kind, &error);
        match error.hint() {
            Some(hint) => command_error.with_hint(hint),
            None => command_error,
        }
    }
}
