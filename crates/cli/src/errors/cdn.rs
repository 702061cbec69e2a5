//! An inaccessible CDN as a failure of a command: an outside service does not do what it should.

use gen404_delivery::CdnError;

use super::{CommandError, Kind};

impl From<CdnError> for CommandError {
    fn from(error: CdnError) -> Self {
        Self::from_error(Kind::Service, &error).with_hints(error.hint())
    }
}
