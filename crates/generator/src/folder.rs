//! The output folder: whole files only, each put in its place by a rename, and one run at a time.
//! It knows files and the journal; it must not know where modules come from.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use gen404_round::Stem;

use crate::journal::{Journal, Made, Origin, Sent, fingerprint};

/// Our own corner in the folder: journal, half-written files, downloads.
const CORNER: &str = ".404-cli";
const JOURNAL: &str = "generate.jsonl";
const DOWNLOAD: &str = "results.zip.part";
const MODULE: &str = "module.part";

/// Why an output folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be made, read or written.
    #[error("cannot use {}", path.display())]
    Unusable {
        /// The path concerned.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another run has it.
    #[error("another run is writing into {}", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
}

/// An output folder that belongs to this run.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    path: PathBuf,
    pub(crate) journal: Journal,
    /// Larger files are not ours.
    largest_module: u64,
}

impl OutputFolder {
    /// Makes the folder when it is missing, takes it for this run, and clears away what a killed run left half-written.
    pub(crate) fn open(path: &Path, largest_module: u64) -> Result<Self, FolderError> {
        let corner = path.join(CORNER);
        let unusable = |path: &Path| {
            let path = path.to_owned();
            move |source| FolderError::Unusable { path, source }
        };
        fs::create_dir_all(&corner).map_err(unusable(&corner))?;
        let journal_path = corner.join(JOURNAL);
        let journal = OpenOptions::new().read(true).append(true).create(true).open(&journal_path);
        let journal = journal.map_err(unusable(&journal_path))?;
        // The lock is held as long as the journal is open, and goes with the process however it ends.
        journal.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => FolderError::InUse { path: path.to_owned() },
            TryLockError::Error(error) => unusable(&journal_path)(error),
        })?;
        for half_written in [DOWNLOAD, MODULE] {
            let leftover = corner.join(half_written);
            match fs::remove_file(&leftover) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unusable(&leftover)(error)),
                _ => {}
            }
        }
        let journal = Journal::open(journal).map_err(unusable(&journal_path))?;
        Ok(Self { path: path.to_owned(), journal, largest_module })
    }

    /// Whether the stem's file is there, and whether this very request made it.
    pub(crate) fn holds(&self, stem: &Stem, origin: &Origin) -> Result<Held, FolderError> {
        let path = self.place(stem);
        let unusable = |source| FolderError::Unusable { path: path.clone(), source };
        let facts = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Held::Nothing),
            facts => facts.map_err(unusable)?,
        };
        if !facts.is_file() || facts.len() > self.largest_module {
            return Ok(Held::SomethingElse);
        }
        let content = fs::read(&path).map_err(unusable)?;
        let ours = self.journal.knows(stem, origin, &fingerprint(&content));
        Ok(if ours { Held::Finished } else { Held::SomethingElse })
    }

    /// Puts a module in its place: whole or not at all.
    pub(crate) fn save(&mut self, stem: &Stem, module: &[u8], origin: Origin, endpoint: &str) -> io::Result<()> {
        let part = self.path.join(CORNER).join(MODULE);
        fs::write(&part, module)?;
        let made = Made { stem: stem.clone(), origin, endpoint: endpoint.to_owned(), sha256: fingerprint(module) };
        self.journal.made(made)?;
        fs::rename(&part, self.place(stem))
    }

    /// An empty file for a download; the one before is gone.
    pub(crate) fn new_download(&self) -> io::Result<File> {
        let path = self.path.join(CORNER).join(DOWNLOAD);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
        // Without its name nothing is left behind, however this process ends.
        fs::remove_file(&path)?;
        Ok(file)
    }

    /// The batch that an earlier run sent and never collected.
    pub(crate) fn on_its_way(&self) -> Option<&Sent> {
        self.journal.on_its_way()
    }

    fn place(&self, stem: &Stem) -> PathBuf {
        self.path.join(format!("{stem}.js"))
    }
}

/// What is in a stem's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    Nothing,
    Finished,
    SomethingElse,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(seed: u64) -> Origin {
        Origin { seed, picture: "p".into(), fingerprint: "f".into() }
    }

    #[test]
    fn a_file_is_finished_only_for_the_request_that_made_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("results");
        let stem: Stem = "lamp".parse().expect("a stem");
        let mut output = OutputFolder::open(&path, 1 << 20).expect("made");
        assert_eq!(output.holds(&stem, &origin(1)).expect("read"), Held::Nothing);
        output.save(&stem, b"export", origin(1), "http://g").expect("saved");
        drop(output);
        let output = OutputFolder::open(&path, 1 << 20).expect("opened again");
        assert_eq!(output.holds(&stem, &origin(1)).expect("read"), Held::Finished);
        assert_eq!(output.holds(&stem, &origin(2)).expect("read"), Held::SomethingElse);
        fs::write(path.join("lamp.js"), "edited").expect("written");
        assert_eq!(output.holds(&stem, &origin(1)).expect("read"), Held::SomethingElse);
    }

    #[test]
    fn one_run_at_a_time_and_nothing_half_written_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let output = OutputFolder::open(folder.path(), 1 << 20).expect("opened");
        assert!(matches!(OutputFolder::open(folder.path(), 1 << 20), Err(FolderError::InUse { .. })));
        fs::write(folder.path().join(CORNER).join(MODULE), "half").expect("written");
        drop(output);
        let output = OutputFolder::open(folder.path(), 1 << 20).expect("free again");
        output.new_download().expect("a file");
        let left: Vec<_> = fs::read_dir(folder.path().join(CORNER))
            .expect("listed")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(left, [JOURNAL]);
    }
}
