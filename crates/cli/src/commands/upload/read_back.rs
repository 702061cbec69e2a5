//! Every module once more from where the subnet will read it.

use std::time::Duration;

use futures::StreamExt as _;
use gen404_delivery::{Downloader, Loss, Manners, Told, Unknown, Validators};
use gen404_round::{CdnUrl, Stem};
use gen404_storage::{Md5, Module};

use crate::errors::{Blame, CommandError};
use crate::ui::Ui;

/// A file that was written just now may not be everywhere yet, so it is asked for once more than the subnet asks.
const MANNERS: Manners = Manners {
    per_host: 10,
    jitter: Duration::ZERO,
    attempts: 3,
    retry_pause: Duration::from_secs(1),
    longest_pause: Duration::from_secs(30),
    time_limit: Duration::from_mins(1),
};

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
    Lost(Loss),
    /// No answer that would tell.
    Unknown(Unknown),
}

/// Reads all of them.
pub(super) async fn all(ui: &Ui, url: &CdnUrl, modules: &[Module], at_once: usize) -> Result<Vec<Read>, CommandError> {
    let reader = Downloader::new(MANNERS).map_err(|error| CommandError::from_error(Blame::Here, &error))?;
    let progress = ui.progress(Some(modules.len() as u64), "reading back");
    let reading = modules.iter().map(|module| one(&reader, url, module));
    let mut reading = futures::stream::iter(reading).buffer_unordered(at_once);
    let mut all = Vec::new();
    let mut failed = 0;
    while let Some(read) = reading.next().await {
        if let Some(words) = words(&read.reading) {
            failed += 1;
            if failed <= TOLD {
                ui.warning(format!("{url} does not give {}.js: {words}", read.stem));
            }
            if failed == 1
                && let Some(hint) = hint(&read.reading)
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

async fn one(reader: &Downloader, url: &CdnUrl, module: &Module) -> Read {
    let reading = match reader.read(url.as_str(), &module.stem, &Validators::default()).await {
        Told::There(there) if there.bytes.len() as u64 == module.bytes && Md5::of(&there.bytes) == module.md5 => {
            Reading::Same
        }
        // Nobody asked whether it has changed.
        Told::There(_) | Told::Unchanged => Reading::Other,
        Told::Lost(loss) => Reading::Lost(loss),
        Told::Unknown(unknown) => Reading::Unknown(unknown),
    };
    Read { stem: module.stem.clone(), reading }
}

/// What is wrong with a reading.
pub(super) fn words(reading: &Reading) -> Option<String> {
    match reading {
        Reading::Same => None,
        Reading::Other => Some("it gives other bytes, perhaps old ones of a cache".to_owned()),
        Reading::Lost(loss) => Some(loss.to_string()),
        Reading::Unknown(unknown) => Some(unknown.to_string()),
    }
}

/// What to do about it: these files were uploaded just now, so what they are called is not in doubt.
fn hint(reading: &Reading) -> Option<&'static str> {
    match reading {
        Reading::Same | Reading::Other => None,
        Reading::Lost(Loss::Status(status)) if matches!(status.as_u16(), 401 | 403) => Some(
            "everybody must be able to read the bucket below the prefix without a key: allow it at the storage (public access, \
             a bucket policy, or --acl public-read)",
        ),
        Reading::Lost(Loss::Status(status)) if status.as_u16() == 404 => {
            Some("does --public-url lead to the place that --to or --copy-to names, with the same prefix?")
        }
        Reading::Lost(loss) => Some(loss.fix()),
        Reading::Unknown(Unknown::NoAnswer(error)) => Some(error.hint().unwrap_or("is --public-url right?")),
        Reading::Unknown(Unknown::TooSlow(_)) => {
            Some("the subnet would wait longer, and others would not: is the host well?")
        }
    }
}
