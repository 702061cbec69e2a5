//! Files that were fetched before, on this machine: one file each, whole or not there. Anything odd in it is as good as
//! nothing. Knows no network.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use gen404_outside::disk::{Durability, write_whole};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{StateFile, StateUrl};

/// Raised when the form of the files changes: others are then as good as not there.
const FORM: u32 = 1;

/// More than the head of a kept file ever has.
const LONGEST_HEAD: usize = 4 << 10;

#[derive(Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
}

/// A file as it was when last looked at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Kept {
    /// Its bytes; `None` when it was not there.
    pub(crate) bytes: Option<Vec<u8>>,
    pub(crate) etag: Option<String>,
    /// When the server last said that this is the file.
    pub(crate) confirmed: Timestamp,
    /// When it was first seen to be like this.
    pub(crate) since: Timestamp,
}

/// The first line of a kept file; the bytes follow.
#[derive(Serialize, Deserialize)]
struct Head {
    form: u32,
    path: String,
    length: Option<usize>,
    #[serde(default)]
    etag: Option<String>,
    confirmed: Timestamp,
    since: Timestamp,
}

impl Cache {
    /// A cache for one state, in a folder that may hold those of others.
    pub(crate) fn new(folder: &Path, url: &StateUrl) -> Self {
        let base = match url {
            StateUrl::Web(url) => url.as_str().to_owned(),
            StateUrl::Folder(path) => path.display().to_string(),
        };
        let mut name = String::from("state-");
        for byte in &Sha256::digest(base)[..8] {
            let _never_fails = write!(name, "{byte:02x}");
        }
        Self { folder: folder.join(name) }
    }

    fn path(&self, file: StateFile) -> PathBuf {
        self.folder.join(file.path())
    }

    pub(crate) fn get(&self, file: StateFile) -> Option<Kept> {
        let all = read_at_most(&self.path(file), file.limit() + LONGEST_HEAD).ok()?;
        let end = all.iter().position(|byte| *byte == b'\n')?;
        let head: Head = serde_json::from_slice(&all[..end]).ok()?;
        let bytes = &all[end + 1..];
        let fits = head.form == FORM && head.path == file.path() && head.length.unwrap_or(0) == bytes.len();
        fits.then(|| Kept {
            bytes: head.length.map(|_| bytes.to_vec()),
            etag: head.etag,
            confirmed: head.confirmed,
            since: head.since,
        })
    }

    /// Keeps a file. That it cannot be kept is no reason to fail.
    pub(crate) fn put(&self, file: StateFile, kept: &Kept) {
        let head = Head {
            form: FORM,
            path: file.path(),
            length: kept.bytes.as_ref().map(Vec::len),
            etag: kept.etag.clone(),
            confirmed: kept.confirmed,
            since: kept.since,
        };
        let mut all = serde_json::to_vec(&head).expect("texts, numbers and times always serialise");
        all.push(b'\n');
        all.extend_from_slice(kept.bytes.as_deref().unwrap_or_default());
        if let Err(error) = write_whole(&self.path(file), &all, Durability::Whole) {
            tracing::debug!(%error, folder = %self.folder.display(), "cannot keep a file of the competition's state");
        }
    }
}

/// The whole of a file that is no larger than `limit`.
pub(crate) fn read_at_most(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    use std::io::Read;
    // Before it is opened: a pipe would be waited for until somebody writes.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    let file = std::fs::File::open(path)?;
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {limit} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_no_file_and_is_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("state.json");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("it runs").success());
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || tell.send(read_at_most(&pipe, 9).map_err(|error| error.to_string())));
        let read = told.recv_timeout(std::time::Duration::from_mins(1)).expect("it ends");
        assert_eq!(read, Err("not a file".to_owned()));
    }

    #[test]
    fn what_is_kept_comes_back_and_what_is_damaged_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = Cache::new(folder.path(), &StateUrl::Folder("/a".into()));
        let kept = Kept {
            bytes: Some(b"{}\n{}".to_vec()),
            etag: Some("\"x\"".into()),
            confirmed: Timestamp::UNIX_EPOCH,
            since: Timestamp::UNIX_EPOCH,
        };
        assert_eq!(cache.get(StateFile::State), None);
        cache.put(StateFile::State, &kept);
        assert_eq!(cache.get(StateFile::State), Some(kept.clone()));
        let absent = Kept { bytes: None, etag: None, ..kept };
        cache.put(StateFile::Config, &absent);
        assert_eq!(cache.get(StateFile::Config), Some(absent));
        assert_eq!(Cache::new(folder.path(), &StateUrl::Folder("/b".into())).get(StateFile::State), None);
        let path = cache.path(StateFile::State);
        let whole = std::fs::read(&path).expect("kept");
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).expect("written");
            assert_eq!(cache.get(StateFile::State), None, "{cut}");
        }
    }
}
