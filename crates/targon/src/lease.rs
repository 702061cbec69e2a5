//! Leases: one small file for each machine that was bought, written before it starts to cost anything.
//! What the service says about the machine is not known here; this is what survives when the process does not.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use gen404_outside::explain::{Blame, Explain, Hint};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::amount::HourlyPrice;
use crate::key::AccountMark;
use crate::names::{PodName, Uid};

/// More than any lease; a larger file is not ours.
const LARGEST_FILE: u64 = 64 << 10;

/// What is remembered of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The service's identifier.
    pub uid: Uid,
    /// The pod's name.
    pub name: PodName,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Its price.
    pub cost_per_hour: Option<HourlyPrice>,
    /// The machine.
    pub resource: String,
    /// Address of the service, without credentials.
    pub base_url: String,
    /// The account it costs.
    pub account: Option<AccountMark>,
    /// How far its start came.
    pub phase: Phase,
}

/// How far a start came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// A process is (or was) waiting for it to answer.
    Starting,
    /// It was handed over to the user.
    Running,
}

/// Why leases cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// The folder or a file in it cannot be used.
    #[error("cannot {action} {}", path.display())]
    Disk {
        /// What was tried.
        action: &'static str,
        /// Folder or file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Another process is starting a pod of the name right now.
    #[error("another 404-cli on this machine is starting `{name}` right now")]
    BeingStarted {
        /// The pod's name.
        name: PodName,
    },
}

impl Explain for LeaseError {
    fn blame(&self) -> Blame {
        match self {
            Self::Disk { .. } | Self::BeingStarted { .. } => Blame::Here,
        }
    }

    fn hint(&self) -> Option<Hint> {
        let hint = match self {
            Self::Disk { .. } => "make the folder writable, or choose another with GEN404_STATE_DIR or --state-dir",
            Self::BeingStarted { .. } => "wait for it, or interrupt it: it gives its machine back",
        };
        Some(hint.into())
    }
}

/// The folder of all leases of this user.
///
/// Every lease is a file of its own that only its owner writes, so parallel runs cannot spoil each other's. The owner
/// holds a lock on the file while it waits; the system frees it when the process dies, however it dies.
#[derive(Debug, Clone)]
pub struct Leases {
    folder: PathBuf,
}

/// A lease found on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundLease {
    /// What it says.
    pub lease: Lease,
    /// A living process waits for this pod at the moment.
    pub in_use: bool,
}

impl FoundLease {
    /// Its process died before it could hand the pod over or give it back.
    pub fn is_left_over(&self) -> bool {
        self.lease.phase == Phase::Starting && !self.in_use
    }
}

/// The right to start a pod of one name; given up when dropped.
#[derive(Debug)]
pub struct Claim {
    _lock: File,
}

/// A written lease whose pod is being started by this process; the file stays when this is dropped.
#[derive(Debug)]
pub struct HeldLease {
    lease: Lease,
    _lock: File,
}

impl HeldLease {
    /// What was written.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }
}

impl Leases {
    /// Leases in that folder, which need not exist yet.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Reserves the name on this machine, so that two runs cannot buy the same pod twice.
    pub fn claim(&self, name: &PodName) -> Result<Claim, LeaseError> {
        self.make_folder()?;
        let path = self.folder.join(format!("{name}.claim"));
        let disk = |source| LeaseError::Disk { action: "open", path: path.clone(), source };
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(disk)?;
        match lock.try_lock() {
            Ok(()) => Ok(Claim { _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(LeaseError::BeingStarted { name: name.clone() }),
            Err(TryLockError::Error(source)) => Err(LeaseError::Disk { action: "lock", path, source }),
        }
    }

    /// Writes a new lease and holds it. When this returns, the lease survives a power cut.
    pub fn hold(&self, lease: Lease) -> Result<HeldLease, LeaseError> {
        self.make_folder()?;
        let lock = self.write(&lease)?;
        Ok(HeldLease { lease, _lock: lock })
    }

    /// The pod answers: it belongs to the user now, and no process waits for it any more.
    pub fn hand_over(&self, held: HeldLease) -> Result<Lease, LeaseError> {
        let lease = Lease { phase: Phase::Running, ..held.lease };
        self.write(&lease)?;
        Ok(lease)
    }

    /// Forgets a lease; one that is not there is fine.
    pub fn forget(&self, uid: &Uid) -> Result<(), LeaseError> {
        let path = self.path(uid);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(LeaseError::Disk { action: "remove", path, source })
            }
            _ => Ok(()),
        }
    }

    /// All leases, oldest first. What cannot be read as one is skipped with a warning in the log.
    pub fn all(&self) -> Result<Vec<FoundLease>, LeaseError> {
        let disk = |source| LeaseError::Disk { action: "read", path: self.folder.clone(), source };
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(disk(source)),
        };
        let mut leases = Vec::new();
        for entry in entries {
            let path = entry.map_err(disk)?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            match read(&path) {
                Ok(Some(found)) => leases.push(found),
                Ok(None) => {}
                Err(error) => tracing::warn!(path = %path.display(), %error, "not a lease, skipped"),
            }
        }
        leases.sort_by(|one, other| {
            (one.lease.created_at, &one.lease.uid).cmp(&(other.lease.created_at, &other.lease.uid))
        });
        Ok(leases)
    }

    /// Temporary file, lock, content, rename: a reader sees the whole lease or none, and sees it locked.
    fn write(&self, lease: &Lease) -> Result<File, LeaseError> {
        let path = self.path(&lease.uid);
        let temporary = path.with_extension(format!("{}.new", std::process::id()));
        let written = (|| {
            let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&temporary)?;
            file.lock()?;
            let mut text = serde_json::to_vec(lease).map_err(io::Error::other)?;
            text.push(b'\n');
            file.write_all(&text)?;
            file.sync_all()?;
            std::fs::rename(&temporary, &path)?;
            // The new name itself must reach the disk too.
            File::open(&self.folder)?.sync_all()?;
            Ok(file)
        })();
        written.map_err(|source| LeaseError::Disk { action: "write", path, source })
    }

    fn path(&self, uid: &Uid) -> PathBuf {
        self.folder.join(format!("{uid}.json"))
    }

    fn make_folder(&self) -> Result<(), LeaseError> {
        std::fs::create_dir_all(&self.folder).map_err(|source| LeaseError::Disk {
            action: "create",
            path: self.folder.clone(),
            source,
        })
    }
}

/// `None` when the file disappeared in between.
fn read(path: &Path) -> io::Result<Option<FoundLease>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut text = Vec::new();
    (&mut file).take(LARGEST_FILE).read_to_end(&mut text)?;
    let lease = serde_json::from_slice(&text).map_err(io::Error::other)?;
    // A shared lock: two readers at the same moment must not take each other for the owner.
    let in_use = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    Ok(Some(FoundLease { lease, in_use }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amount::Usd;

    fn lease(uid: &str) -> Lease {
        Lease {
            uid: uid.parse().unwrap(),
            name: "generator".parse().unwrap(),
            created_at: "2026-07-01T12:00:00Z".parse().unwrap(),
            cost_per_hour: Usd::from_dollars(13.0).map(HourlyPrice::new),
            resource: "h200-large".to_owned(),
            base_url: "https://api.targon.com".to_owned(),
            account: None,
            phase: Phase::Starting,
        }
    }

    #[test]
    fn a_lease_is_left_over_when_nobody_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let leases = Leases::in_folder(folder.path().join("pods"));
        assert!(leases.all().unwrap().is_empty(), "no folder, no leases");

        let held = leases.hold(lease("wrk-1")).unwrap();
        let found = leases.all().unwrap();
        assert_eq!((found.len(), found[0].in_use, found[0].is_left_over()), (1, true, false));
        assert_eq!(&found[0].lease, held.lease());

        drop(held);
        assert!(leases.all().unwrap()[0].is_left_over());
        leases.forget(&"wrk-1".parse().unwrap()).unwrap();
        leases.forget(&"wrk-1".parse().unwrap()).unwrap();
        assert!(leases.all().unwrap().is_empty());
    }

    #[test]
    fn a_pod_that_was_handed_over_is_no_left_over() {
        let folder = tempfile::tempdir().unwrap();
        let leases = Leases::in_folder(folder.path());
        let held = leases.hold(lease("wrk-1")).unwrap();
        leases.hand_over(held).unwrap();
        let found = leases.all().unwrap();
        assert_eq!((found[0].lease.phase, found[0].in_use, found[0].is_left_over()), (Phase::Running, false, false));
    }

    #[test]
    fn one_name_is_started_once_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let leases = Leases::in_folder(folder.path());
        let name: PodName = "judge".parse().unwrap();
        let claim = leases.claim(&name).unwrap();
        assert!(matches!(leases.claim(&name), Err(LeaseError::BeingStarted { .. })));
        assert!(leases.claim(&"render".parse().unwrap()).is_ok());
        drop(claim);
        assert!(leases.claim(&name).is_ok());
    }

    #[test]
    fn strange_files_do_not_hide_a_lease() {
        let folder = tempfile::tempdir().unwrap();
        let leases = Leases::in_folder(folder.path());
        drop(leases.hold(lease("wrk-1")).unwrap());
        std::fs::write(folder.path().join("broken.json"), "{").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        assert_eq!(leases.all().unwrap().len(), 1);
        assert!(!folder.path().join(format!("wrk-1.{}.new", std::process::id())).exists());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = Leases::in_folder(file.join("pods")).hold(lease("wrk-1")).unwrap_err();
        assert!(error.to_string().starts_with("cannot create "), "{error}");
    }
}
