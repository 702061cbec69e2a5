//! Every module once more from where the subnet will read it.

use std::time::Duration;

use futures::StreamExt as _;
use gen404_delivery::{ReadBackError, Reader};
use gen404_outside::explain::Explain as _;
use gen404_round::{CdnUrl, Stem};
use gen404_storage::{Md5, Module};

use crate::errors::{Blame, CommandError};
use crate::ui::Ui;

/// Time for one module.
const LIMIT: Duration = Duration::from_mins(1);

/// A file that was written just now may not be everywhere yet; the subnet asks twice, too.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// Connections to one host that nobody takes for an attack.
const MOST_AT_ONCE: usize = 10;

/// Modules whose failure is told; the JSON object has them all.
const TOLD: usize = 5;

/// What came of reading a module.
pub(super) struct Read {
    pub(super) stem: Stem,
    pub(super) reading: Reading,
}

/// What the public address gave.
pub(super) enum Reading {
    /// What was delivered.
    Same,
    /// Something else.
    Other,
    /// Nothing that the subnet could use.
    Failed(ReadBackError),
}

/// Reads all of them.
pub(super) async fn all(ui: &Ui, url: &CdnUrl, modules: &[Module], at_once: usize) -> Result<Vec<Read>, CommandError> {
    let reader = Reader::new(url.clone(), LIMIT, TRIES, PAUSE);
    let reader = reader.map_err(|error| CommandError::from_error(Blame::Here, &error))?;
    let progress = ui.progress(Some(modules.len() as u64), "reading back");
    let reading = modules.iter().map(|module| one(&reader, module));
    let mut reading = futures::stream::iter(reading).buffer_unordered(at_once.min(MOST_AT_ONCE));
    let mut all = Vec::new();
    let mut failed = 0;
    while let Some(read) = reading.next().await {
        if let Some(words) = words(&read.reading) {
            failed += 1;
            if failed <= TOLD {
                ui.warning(format!("{url} does not give {}.js: {words}", read.stem));
            }
            if failed == 1
                && let Reading::Failed(error) = &read.reading
                && let Some(hint) = error.hint()
            {
                ui.hint(hint);
            }
        }
        all.push(read);
        progress.update(all.len() as u64, "");
    }
    drop(progress);
    if failed == 0 {
        ui.done(format!("{url} gives every module as the subnet will ask for it"));
    }
    Ok(all)
}

async fn one(reader: &Reader, module: &Module) -> Read {
    let reading = match reader.read(&module.stem).await {
        Ok(bytes) if bytes.len() as u64 == module.bytes && Md5::of(&bytes) == module.md5 => Reading::Same,
        Ok(_) => Reading::Other,
        Err(error) => Reading::Failed(error),
    };
    Read { stem: module.stem.clone(), reading }
}

fn words(reading: &Reading) -> Option<String> {
    match reading {
        Reading::Same => None,
        Reading::Other => Some("other bytes than were delivered".to_owned()),
        Reading::Failed(error) => Some(error.to_string()),
    }
}
