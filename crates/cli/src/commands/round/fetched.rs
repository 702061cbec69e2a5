//! What `round prompts` and `round outputs` have in common: which addresses may be fetched, and what is said of those that
//! could not be.

use std::io;
use std::path::Path;

use gen404_outside::http::is_this_machine;
use serde::Serialize;
use url::Url;

use crate::errors::CommandError;

/// Why an address was not asked.
pub(super) const NOT_ALLOWED: &str = "its address is on this machine, though the state is not";

/// A file that could not be had.
#[derive(Debug, Serialize)]
pub(super) struct Missed {
    pub(super) name: String,
    pub(super) reason: String,
}

/// Whether an address out of the state may be fetched: a state from elsewhere has no business on this machine.
pub(super) fn is_allowed(url: &Url, may_be_here: bool) -> bool {
    may_be_here || !is_this_machine(url)
}

/// Gives a file on a shelf the name that people and other commands look for.
pub(super) fn name(path: &Path, folder: &Path, stem: &str) -> io::Result<()> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("png");
    let named = folder.join(format!("{stem}.{extension}"));
    // An earlier picture of that name may be another one.
    match std::fs::remove_file(&named) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    std::fs::hard_link(path, &named).or_else(|_| std::fs::copy(path, &named).map(drop))
}

/// How many files there are, or the failure that names those that are not.
pub(super) fn all_or_nothing(count: usize, what: &str, missed: &[Missed]) -> Result<usize, CommandError> {
    let Some(first) = missed.first() else { return Ok(count) };
    let message = format!("{} of {count} {what} could not be had ({}: {})", missed.len(), first.name, first.reason);
    let missed = serde_json::to_value(missed).unwrap_or_default();
    Err(CommandError::service(message)
        .with_hint("run it again: what is there already is not fetched a second time")
        .with_field("missed", missed))
}
