//! Records on disk: read tolerantly, written whole or not at all. A killed run leaves the old file or the new one, never half of one.

use std::path::{Path, PathBuf};

use gen404_outside::disk::{Durability, write_whole};
use gen404_outside::explain::{Blame, Explain, Hint};
use gen404_outside::text::bytes_without_mark;
use gen404_round::Stem;
use gen404_round::duel::{DuelRecord, MatchFile};
use serde::Serialize;

/// Name of the file that lists all of a match, without its ending.
const MATCH: &str = "duels";
/// What keeps the record of a duel from taking that name.
const APART: &str = ".record";

/// A record that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub struct WriteError {
    path: PathBuf,
    source: std::io::Error,
}

impl Explain for WriteError {
    fn blame(&self) -> Blame {
        Blame::Here
    }

    fn hint(&self) -> Option<Hint> {
        Some("records that are written stay; run the same command again to go on".into())
    }
}

/// The record of an earlier run; one that is missing, broken or of another duel counts as none.
pub(crate) fn read(folder: &Path, stem: &Stem) -> Option<DuelRecord> {
    let text = std::fs::read(folder.join(file_name(stem))).ok()?;
    serde_json::from_slice(bytes_without_mark(&text)).ok().filter(|record: &DuelRecord| record.stem == *stem)
}

pub(crate) fn write(folder: &Path, record: &DuelRecord) -> Result<(), WriteError> {
    write_json(folder, &file_name(&record.stem), record)
}

pub(crate) fn write_match(folder: &Path, file: &MatchFile) -> Result<(), WriteError> {
    write_json(folder, &format!("{MATCH}.json"), file)
}

/// `<stem>.json`, but for a prompt that is called like the match file: `duels.record.json`. So that no two stems share a file,
/// `duels.record` becomes `duels.record.record.json`, and so on.
fn file_name(stem: &Stem) -> String {
    let rest = stem.as_str().strip_prefix(MATCH).map(|rest| rest.replace(APART, ""));
    let apart = if rest.is_some_and(|rest| rest.is_empty()) { APART } else { "" };
    format!("{stem}{apart}.json")
}

fn write_json(folder: &Path, name: &str, content: &impl Serialize) -> Result<(), WriteError> {
    let path = folder.join(name);
    let write = || {
        let mut text = serde_json::to_vec_pretty(content)?;
        text.push(b'\n');
        write_whole(&path, &text, Durability::Lasting)
    };
    write().map_err(|source| WriteError { path: path.clone(), source })
}

#[cfg(test)]
mod tests {
    use gen404_round::duel::{Detail, NoPreview, Winner};

    use super::*;

    #[test]
    fn no_stem_takes_the_name_of_the_match_file_or_of_another_record() {
        let name = |stem: &str| file_name(&stem.parse().expect("a stem"));
        for (stem, file) in [
            ("a1", "a1.json"),
            ("duels", "duels.record.json"),
            ("duels.record", "duels.record.record.json"),
            ("duels.record.record", "duels.record.record.record.json"),
            ("duels.recorder", "duels.recorder.json"),
            ("duels2", "duels2.json"),
            ("my.duels", "my.duels.json"),
        ] {
            assert_eq!(name(stem), file);
        }
    }

    #[test]
    fn records_come_back_and_broken_ones_do_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("new/folder");
        let stem: Stem = "a1".parse().expect("a stem");
        let record = DuelRecord {
            stem: stem.clone(),
            prompt_url: "https://h/a1.png".to_owned(),
            winner: Winner::Left,
            detail: Detail::Unjudged(NoPreview { reason: "no preview from right".to_owned() }),
            calls: None,
            inputs: None,
        };
        write(&folder, &record).expect("writes");
        assert_eq!(read(&folder, &stem), Some(record.clone()));
        assert_eq!(std::fs::read_dir(&folder).expect("lists").count(), 1, "nothing else is left behind");

        let file = folder.join("a1.json");
        let text = std::fs::read_to_string(&file).expect("reads");
        std::fs::write(&file, format!("\u{feff}{text}")).expect("writes");
        assert_eq!(read(&folder, &stem), Some(record), "an editor has put its mark in front");
        std::fs::write(&file, &text[..text.len() / 2]).expect("writes");
        assert_eq!(read(&folder, &stem), None);
        std::fs::write(&file, text.replace("a1\"", "b2\"")).expect("writes");
        assert_eq!(read(&folder, &stem), None);
    }
}
