//! Records on disk: read tolerantly, written whole or not at all. A killed run leaves the old file or the new one, never half of one.

use std::path::{Path, PathBuf};

use gen404_outside::disk::{Durability, write_whole};
use gen404_outside::text::bytes_without_mark;
use gen404_round::Stem;
use gen404_round::duel::{DuelRecord, MatchFile};
use serde::Serialize;

/// A record that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub struct WriteError {
    path: PathBuf,
    source: std::io::Error,
}

/// The record of an earlier run; one that is missing, broken or of another duel counts as none.
pub(crate) fn read(folder: &Path, stem: &Stem) -> Option<DuelRecord> {
    let text = std::fs::read(folder.join(format!("{stem}.json"))).ok()?;
    serde_json::from_slice(bytes_without_mark(&text)).ok().filter(|record: &DuelRecord| record.stem == *stem)
}

pub(crate) fn write(folder: &Path, record: &DuelRecord) -> Result<(), WriteError> {
    write_json(folder, &format!("{}.json", record.stem), record)
}

pub(crate) fn write_match(folder: &Path, file: &MatchFile) -> Result<(), WriteError> {
    write_json(folder, "duels.json", file)
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
