//! A prompts file on this disk, as several commands take it. What it means is `gen404_round`'s business.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use gen404_round::PromptSet;

use crate::errors::{CommandError, Kind};

/// Larger files are refused; a round's has some twenty kilobytes.
const LARGEST: u64 = 16 << 20;

/// Reads and checks the file.
pub(crate) fn read(path: &Path) -> Result<PromptSet, CommandError> {
    let unreadable = |error| CommandError::usage(format!("cannot read the prompts file {}: {error}", path.display()));
    let mut text = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(LARGEST + 1).read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LARGEST {
        return Err(CommandError::usage(format!("{} is too large for a prompts file", path.display())));
    }
    PromptSet::parse(&text).map_err(|error| {
        let error = CommandError::from_error(Kind::Usage, &error);
        CommandError { message: format!("{}: {}", path.display(), error.message), ..error }
    })
}
