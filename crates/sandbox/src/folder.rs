//! The folder that a sandbox works in: the user's own or a temporary one, and one sandbox's alone as long as it runs.
//! Knows no service and none of the files that they keep there.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::StartError;

/// Name of the file that is locked; a file, because not every file system locks folders.
const LOCK: &str = ".lock";

/// A folder that belongs to one sandbox.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// The lock goes with the process, however it ends; the file stays.
    _lock: File,
    _temporary: Option<TempDir>,
}

impl Folder {
    /// Takes the `wanted` folder, which is made when it is missing, or a temporary one that is removed when it is dropped.
    ///
    /// Two sandboxes in one folder would write over each other's pictures, and over the addresses in the prompts file.
    pub(crate) fn take(wanted: Option<PathBuf>) -> Result<Self, StartError> {
        let (path, temporary) = if let Some(folder) = wanted {
            let absolute = std::fs::create_dir_all(&folder).and_then(|()| folder.canonicalize());
            (absolute.map_err(|source| StartError::Folder { folder, source })?, None)
        } else {
            let made = tempfile::Builder::new().prefix("404-sandbox-").tempdir();
            let made = made.map_err(|source| StartError::Folder { folder: std::env::temp_dir(), source })?;
            (made.path().to_owned(), Some(made))
        };
        let unusable = |source| StartError::Folder { folder: path.clone(), source };
        let lock = File::options().write(true).create(true).truncate(false).open(path.join(LOCK)).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock, _temporary: temporary }),
            Err(TryLockError::WouldBlock) => Err(StartError::InUse { folder: path }),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// Where it is, absolute.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_sandboxs_at_a_time() {
        let parent = tempfile::tempdir().expect("a folder");
        let wanted = Some(parent.path().join("box"));
        let first = Folder::take(wanted.clone()).expect("nobody has it");
        assert!(matches!(Folder::take(wanted.clone()), Err(StartError::InUse { folder }) if folder == first.path()));
        drop(first);
        Folder::take(wanted).expect("it is free again");
    }
}
