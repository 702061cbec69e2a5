//! Repositories for tests, made by the system's git without anything of the user's configuration.

use std::path::Path;
use std::process::Command;

use crate::skipped;

/// Runs git in a folder; what it prints, or `None` when it cannot be run or fails.
pub fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let settings = ["user.name=a", "user.email=a@b", "commit.gpgsign=false", "init.defaultBranch=main"];
    let output = Command::new("git")
        .args(settings.iter().flat_map(|setting| ["-c", setting]))
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Makes the folder a repository; whether the machine can, which is said where it cannot.
#[must_use]
pub fn new_repository(folder: &Path) -> bool {
    let made = std::fs::create_dir_all(folder).is_ok() && git(folder, &["init", "--quiet"]).is_some();
    if !made {
        skipped("git");
    }
    made
}

/// Commits everything in the folder; the commit's hash.
///
/// # Panics
///
/// Where git fails: it has made the repository, so that is a defect.
pub fn commit_all(folder: &Path) -> String {
    for arguments in [&["add", "."][..], &["commit", "--quiet", "--allow-empty", "-m", "one"]] {
        assert!(git(folder, arguments).is_some(), "git {arguments:?} fails");
    }
    git(folder, &["rev-parse", "HEAD"]).expect("a commit")
}
