//! The storage that `upload` would write to: options into the storage's own check.

use gen404_round::check::Check;
use gen404_storage::{Bucket, checks as storage};

use super::Arguments;
use crate::errors::CommandError;

pub(super) async fn checks(arguments: &Arguments) -> Vec<Check> {
    let Some(location) = &arguments.storage.to else { return storage::without_place() };
    let asked = async {
        let (endpoint, credentials) = arguments.storage.find().await?;
        let bucket = Bucket::new(endpoint, location.bucket(), credentials.clone(), None)?;
        Ok::<_, CommandError>(storage::checks(&bucket, location, &credentials).await)
    };
    asked.await.unwrap_or_else(|error| storage::not_asked(error.message, error.hints.into_iter().next()))
}
