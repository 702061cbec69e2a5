//! Commits read over smart HTTP and from folders, by the system's git against the system's git.

use std::path::PathBuf;
use std::time::Duration;

use gen404_repository::{EntryKind, Limits, Origin, RepositoryError, Snapshot, fetch};
use gen404_round::CommitHash;
use gen404_sandbox::repositories::{Fault, Repositories};
use gen404_testing::{Nobody, commit_all, git, new_repository};

/// A folder with the repository `you/pipeline`.
struct Place {
    folder: tempfile::TempDir,
    commit: CommitHash,
}

impl Place {
    /// Two commits, of which the first one is asked for: it is no branch's tip.
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let repository = folder.path().join("you/pipeline");
        std::fs::create_dir_all(repository.join("docker")).expect("made");
        std::fs::create_dir_all(repository.join("src")).expect("made");
        if !new_repository(&repository) {
            return None;
        }
        let write = |path: &str, bytes: &[u8]| std::fs::write(repository.join(path), bytes).expect("written");
        write("docker/Dockerfile", b"FROM a@sha256:0\nCOPY src /src\nEXPOSE 10006\n");
        write("hardware.json", b"{\"hardware\": [\"4xRTX6000Pro\"]}");
        write("src/model.py", b"x = 1\n");
        // Random, so that it is as long on its way.
        let noise: Vec<u8> = (0..300_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect();
        write("weights.bin", &noise);
        std::os::unix::fs::symlink("/etc/passwd", repository.join("link.py")).expect("linked");
        let commit = commit_all(&repository).parse().expect("a hash");
        write("later.txt", b"later");
        let _later = commit_all(&repository);
        Some(Self { folder, commit })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("you/pipeline")
    }
}

fn check(snapshot: &Snapshot) {
    let names: Vec<_> = snapshot.entries.keys().map(String::as_str).collect();
    assert_eq!(names, ["docker/Dockerfile", "hardware.json", "link.py", "src/model.py", "weights.bin"]);
    assert_eq!(snapshot.entries["link.py"].kind, EntryKind::Link);
    let texts: Vec<_> = snapshot.texts.iter().map(|(path, text)| (path.as_str(), text.len())).collect();
    assert_eq!(texts, [("docker/Dockerfile", 43), ("hardware.json", 30), ("src/model.py", 6)]);
}

fn limits() -> Limits {
    Limits { time: Duration::from_mins(1) }
}

#[tokio::test]
async fn a_commit_is_read_over_http_without_a_login_and_without_its_large_files() {
    let Some(place) = Place::new() else { return };
    let host = Repositories::start(place.folder.path()).await.expect("a port");
    let origin = Origin::public(host.url(), "you/pipeline").expect("a place");
    check(&fetch(&origin, &place.commit, limits()).await.expect("read"));
    // A host that sends everything is read as well.
    host.set_faults(vec![Fault::NoFilter]);
    check(&fetch(&origin, &place.commit, limits()).await.expect("read"));
    assert_eq!(host.logins(), [""; 0]);
}

#[tokio::test]
async fn what_is_not_there_is_an_answer_and_a_silent_host_is_none() {
    let Some(place) = Place::new() else { return };
    let host = Repositories::start(place.folder.path()).await.expect("a port");
    let origin = |name: &str| Origin::public(host.url(), name).expect("a place");
    let missing: CommitHash = "0123456789abcdef0123456789abcdef01234567".parse().expect("a hash");
    let error = fetch(&origin("you/pipeline"), &missing, limits()).await.expect_err("no such commit");
    assert!(matches!(error, RepositoryError::NoCommit { .. }) && error.is_an_answer(), "{error:?}");
    let error = fetch(&origin("you/nothing"), &place.commit, limits()).await.expect_err("no such repository");
    assert!(matches!(error, RepositoryError::NotPublic { .. }) && error.is_an_answer(), "{error:?}");
    host.set_faults(vec![Fault::Private]);
    let error = fetch(&origin("you/pipeline"), &place.commit, limits()).await.expect_err("private");
    assert!(matches!(error, RepositoryError::NotPublic { .. }) && error.is_an_answer(), "{error:?}");
    host.set_faults(vec![Fault::Down]);
    let error = fetch(&origin("you/pipeline"), &place.commit, limits()).await.expect_err("down");
    assert!(matches!(error, RepositoryError::Failed { .. }) && !error.is_an_answer(), "{error:?}");
    host.set_faults(vec![Fault::Silent]);
    let short = Limits { time: Duration::from_millis(700) };
    let error = fetch(&origin("you/pipeline"), &place.commit, short).await.expect_err("silent");
    assert!(matches!(error, RepositoryError::TimedOut { .. }) && !error.is_an_answer(), "{error:?}");
    let nobody = Nobody::here();
    let nowhere: Origin = format!("http://{}/a/b", nobody.address()).parse().expect("a place");
    let error = fetch(&nowhere, &place.commit, limits()).await.expect_err("nobody is there");
    assert!(matches!(error, RepositoryError::Failed { .. }) && !error.is_an_answer(), "{error:?}");
}

#[tokio::test]
async fn a_folder_is_read_as_it_is_committed_whatever_its_configuration_says() {
    let Some(place) = Place::new() else { return };
    let trap = place.folder.path().join("trapped");
    let hook = place.path().join(".git/hooks/post-checkout");
    for (path, key) in [(hook.clone(), None), (place.folder.path().join("x.sh"), Some("core.fsmonitor"))] {
        std::fs::write(&path, format!("#!/bin/sh\ntouch {}\n", trap.display())).expect("written");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, mode).expect("set");
        if let Some(key) = key {
            git(&place.path(), &["config", key, &path.display().to_string()]).expect("set");
        }
    }
    std::fs::write(place.path().join("hardware.json"), "changed, and not committed").expect("written");
    let folder = Origin::Folder(place.path());
    check(&fetch(&folder, &place.commit, limits()).await.expect("read"));
    assert!(!trap.exists(), "something of the repository was run");
    let missing: CommitHash = "0123456789abcdef0123456789abcdef01234567".parse().expect("a hash");
    let error = fetch(&folder, &missing, limits()).await.expect_err("no such commit");
    assert!(matches!(error, RepositoryError::NoCommit { .. }), "{error:?}");
    let nowhere = Origin::Folder(place.folder.path().join("nowhere"));
    let error = fetch(&nowhere, &place.commit, limits()).await.expect_err("no such folder");
    assert!(matches!(error, RepositoryError::NotPublic { .. }), "{error:?}");
}
