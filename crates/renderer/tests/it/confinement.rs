//! How browsers are kept from the rest of the machine, seen in the list of processes.
#![cfg(target_os = "linux")]

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gen404_renderer::Studio;

use crate::equipment::options;

const NOBODY: u32 = 65534;

/// Whether an account without rights may make user namespaces here, which the sandbox is built of.
fn sandboxes_are_possible() -> bool {
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "true"]).current_dir("/").stderr(Stdio::null());
    if is_root() {
        unshare.uid(NOBODY).gid(NOBODY);
    }
    unshare.status().is_ok_and(|status| status.success())
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0)
}

/// Folders in `/proc` and command lines of the processes that mention `folder`.
fn processes(folder: &Path) -> Vec<(PathBuf, String)> {
    let folder = folder.display().to_string();
    let all = std::fs::read_dir("/proc").expect("a Linux machine").filter_map(Result::ok);
    let lines = all.filter_map(|process| {
        let line = std::fs::read(process.path().join("cmdline")).ok()?;
        Some((process.path(), String::from_utf8_lossy(&line).replace('\0', " ")))
    });
    lines.filter(|(_, line)| line.contains(&folder)).collect()
}

#[tokio::test]
async fn a_browser_has_its_sandbox_and_never_the_rights_of_root() {
    let Some(mut options) = options().await else { return };
    if !sandboxes_are_possible() {
        return gen404_testing::skipped("user namespaces for the browser's sandbox");
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("permissions");
    folder.path().clone_into(&mut options.temporary_folder);
    let studio = Studio::new(options);
    studio.warm_up().await.expect("a browser");

    let processes = processes(folder.path());
    let renderer = processes.iter().find(|(_, line)| line.contains("--type=renderer")).expect("one");
    let namespace = |process: &Path| std::fs::read_link(process.join("ns/user")).expect("a namespace");
    assert_ne!(namespace(&renderer.0), namespace(Path::new("/proc/self")), "the renderer is in a sandbox");
    for (process, line) in &processes {
        assert!(!line.contains("--no-sandbox"), "{line}");
        let Ok(owner) = std::fs::metadata(process).map(|process| process.uid()) else { continue };
        assert!(!is_root() || owner != 0, "as root: {line}");
    }
    studio.close().await;
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "the profile of another user goes as well");
}

#[tokio::test]
async fn a_folder_that_nobody_may_enter_costs_the_sandbox_but_no_picture() {
    let Some(mut options) = options().await else { return };
    if !is_root() {
        // Nobody else draws without a sandbox: there is nothing to prove.
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).expect("permissions");
    folder.path().clone_into(&mut options.temporary_folder);
    let studio = Studio::new(options);
    studio.warm_up().await.expect("a browser");
    assert!(processes(folder.path()).iter().any(|(_, line)| line.contains("--no-sandbox")));
    studio.close().await;
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}
