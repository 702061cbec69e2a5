//! A scratch git repository, standing for a miner's pipeline.
//! It must not depend on the git configuration of whoever runs the demo.

use std::path::Path;
use std::process::Command;

use crate::errors::CommandError;

/// Makes the repository with one commit; returns its hash.
pub(super) fn scratch(folder: &Path) -> Result<String, CommandError> {
    let write = || {
        std::fs::create_dir_all(folder.join("docker"))?;
        std::fs::write(folder.join("hardware.json"), "{\"hardware\": [\"4xH200\"]}\n")?;
        std::fs::write(folder.join("docker/Dockerfile"), "FROM scratch\nEXPOSE 10006\n")
    };
    write().map_err(|error| CommandError::failed(format!("cannot write {}: {error}", folder.display())))?;
    git(folder, &["init", "--quiet"])?;
    git(folder, &["add", "--all"])?;
    git(folder, &["commit", "--quiet", "--allow-empty", "--message", "A pipeline"])?;
    git(folder, &["rev-parse", "HEAD"])
}

fn git(folder: &Path, arguments: &[&str]) -> Result<String, CommandError> {
    let output = Command::new("git")
        .args(["-c", "user.name=Demo", "-c", "user.email=demo@example.invalid", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .map_err(|error| CommandError::failed(format!("git does not run: {error}")).with_hint("install git"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(CommandError::failed(format!("git {} failed: {}", arguments.join(" "), said.trim())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
