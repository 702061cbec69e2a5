//! What was read of a place before, one line of JSON per reading, so that an interrupted run goes on where it stopped and a
//! later one asks only whether anything has changed. Lines that make no sense count for nothing.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use gen404_round::Stem;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::read::Validators;

/// A longer journal is none of ours.
const LARGEST: u64 = 64 << 20;

/// A module that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Its stem.
    pub stem: Stem,
    /// What the server called it.
    pub validators: Validators,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// How many there were.
    pub size: u64,
    /// What was made of it.
    pub verdict: Value,
}

/// The journal of one place.
#[derive(Debug)]
pub struct Journal {
    path: Option<PathBuf>,
    known: HashMap<Stem, Remembered>,
}

impl Journal {
    /// Opens the journal of an address below this folder. `maker` says who judged: another one judges anew.
    pub fn open(folder: Option<&Path>, cdn_url: &str, maker: &str) -> Self {
        let mark = hash(format!("{maker}\n{cdn_url}").as_bytes());
        let path = folder.map(|folder| folder.join(format!("{}.jsonl", &mark[..32])));
        let text = path.as_ref().and_then(|path| {
            let is_small = std::fs::metadata(path).ok()?.len() <= LARGEST;
            is_small.then(|| std::fs::read(path).ok()).flatten()
        });
        let lines = text.as_deref().unwrap_or_default().split(|byte| *byte == b'\n');
        let read = lines.filter_map(|line| serde_json::from_slice::<Remembered>(line).ok());
        Self { path, known: read.map(|one| (one.stem.clone(), one)).collect() }
    }

    /// What is known of a stem.
    pub fn known(&self, stem: &Stem) -> Option<&Remembered> {
        self.known.get(stem)
    }

    /// Writes down what was read. Without validators nothing could be asked about it later.
    pub fn remember(&mut self, one: Remembered) -> io::Result<()> {
        if one.validators == Validators::default() || self.known.get(&one.stem) == Some(&one) {
            return Ok(());
        }
        if let Some(path) = &self.path {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let mut line = serde_json::to_vec(&one)?;
            // A line that an end has cut in the middle must not swallow this one.
            line.insert(0, b'\n');
            line.push(b'\n');
            OpenOptions::new().create(true).append(true).open(path)?.write_all(&line)?;
        }
        self.known.insert(one.stem.clone(), one);
        Ok(())
    }
}

/// SHA-256 in hex.
pub(crate) fn hash(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

impl Remembered {
    /// For bytes that were just read.
    pub fn of(stem: Stem, module: &crate::Module, verdict: Value) -> Self {
        let size = u64::try_from(module.bytes.len()).unwrap_or(u64::MAX);
        Self { stem, validators: module.validators.clone(), sha256: hash(&module.bytes), size, verdict }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Module;

    fn module(text: &str, etag: Option<&str>) -> Module {
        let validators = Validators { etag: etag.map(str::to_owned), last_modified: None };
        Module { bytes: text.as_bytes().to_vec(), validators }
    }

    #[test]
    fn what_was_read_is_known_again_also_behind_a_line_that_was_cut() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = |maker: &str| Journal::open(Some(folder.path()), "https://c", maker);
        let stem: Stem = "a1".parse().expect("a stem");
        let one = Remembered::of(stem.clone(), &module("one", Some("\"1\"")), json!([]));
        let mut journal = open("v1");
        journal.remember(one.clone()).expect("written");
        let path = std::fs::read_dir(folder.path()).expect("listed").next().expect("a file").expect("readable").path();
        let half = std::fs::read(&path).expect("read");
        std::fs::write(&path, [&half[..], &half[..20]].concat()).expect("written");
        let two = Remembered::of(stem.clone(), &module("two", Some("\"2\"")), json!([]));
        let mut journal = open("v1");
        assert_eq!(journal.known(&stem), Some(&one));
        journal.remember(two.clone()).expect("written");
        assert_eq!(open("v1").known(&stem), Some(&two));
        assert_eq!(open("v2").known(&stem), None);
    }

    #[test]
    fn what_cannot_be_asked_about_is_not_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut journal = Journal::open(Some(folder.path()), "https://c", "v1");
        let one = Remembered::of("a1".parse().expect("a stem"), &module("one", None), json!([]));
        journal.remember(one).expect("nothing to write");
        assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 0);
    }
}
