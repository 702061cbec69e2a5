//! The browser's temporary profile folder, and the sweeping up of folders whose owner died.
//! A folder is owned as long as its lock file is locked; locks end with the process, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;

use super::confinement::Account;

/// Beginning of every profile folder's name.
const PREFIX: &str = "404-cli-chromium-";
const LOCK_FILE: &str = "owner.lock";
/// Younger folders are left alone: their owner may be about to lock them.
const SETTLING: Duration = Duration::from_mins(1);

/// A locked profile folder. The browser's supervisor removes it; dropping this only gives up the lock.
#[derive(Debug)]
pub(super) struct Profile {
    path: PathBuf,
    _lock: File,
}

impl Profile {
    /// Makes a new folder in `parent`, locks it, and gives it to the account that the browser will run as.
    pub(super) fn create(parent: &Path, owner: Option<Account>) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(parent)?;
        let lock = File::create(folder.path().join(LOCK_FILE))?;
        lock.try_lock()?;
        if let Some(Account { user, group }) = owner {
            chown(folder.path(), Some(user), Some(group))?;
        }
        Ok(Self { path: folder.keep(), _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes whatever is left of it; what cannot be removed is swept up by a later start.
    pub(super) fn remove(&self) {
        let _swept_later = std::fs::remove_dir_all(&self.path);
    }
}

/// Removes the profile folders in `parent` that nobody owns any more; gives back how many.
pub(super) fn sweep(parent: &Path, now: SystemTime) -> usize {
    let Ok(entries) = std::fs::read_dir(parent) else { return 0 };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX)))
        .filter(|entry| is_abandoned(&entry.path(), now) && std::fs::remove_dir_all(entry.path()).is_ok())
        .count()
}

fn is_abandoned(folder: &Path, now: SystemTime) -> bool {
    let Ok(changed) = std::fs::symlink_metadata(folder).and_then(|folder| folder.modified()) else { return false };
    if now.duration_since(changed).unwrap_or_default() < SETTLING {
        return false;
    }
    // Anybody can make a folder of that name: what is in it must not keep us waiting.
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    match OpenOptions::new().read(true).custom_flags(nonblocking).open(folder.join(LOCK_FILE)) {
        Ok(lock) => !matches!(lock.try_lock(), Err(TryLockError::WouldBlock)),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_folders_without_an_owner_are_swept() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let owned = Profile::create(parent.path(), None).expect("a profile");
        let abandoned = Profile::create(parent.path(), None).expect("a profile").path().to_owned();
        let foreign = parent.path().join("404-cli-other");
        std::fs::create_dir(&foreign).expect("a folder");

        assert_eq!(sweep(parent.path(), SystemTime::now()), 0, "all are too young");
        assert_eq!(sweep(parent.path(), SystemTime::now() + SETTLING * 2), 1);
        assert!(owned.path().exists() && foreign.exists() && !abandoned.exists());
    }

    #[test]
    fn a_folder_that_somebody_else_made_keeps_nobody_waiting() {
        let parent = tempfile::tempdir().expect("a temporary folder");
        let foreign = parent.path().join(format!("{PREFIX}foreign"));
        std::fs::create_dir(&foreign).expect("a folder");
        let lock = foreign.join(LOCK_FILE);
        let made = std::process::Command::new("mkfifo").arg(&lock).status().expect("mkfifo runs");
        assert!(made.success());
        // Opening it the usual way would wait for somebody who writes.
        assert_eq!(sweep(parent.path(), SystemTime::now() + SETTLING * 2), 1);
    }
}
