//! Runs the built binary with a clean environment and a home of its own.

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use tempfile::TempDir;

/// A home folder for runs of the binary; nothing of the developer's machine gets in.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The binary in this home, with nothing but PATH from the environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("404-cli").expect("the binary is built");
        command.env_clear().env("HOME", self.path()).current_dir(self.path());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command.args(arguments);
        command
    }

    /// The same for runs that are watched.
    pub(crate) fn std_command(&self) -> std::process::Command {
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("404-cli"));
        command.env_clear().env("HOME", self.path()).current_dir(self.path());
        if let Some(path) = std::env::var_os("PATH") {
            command.env("PATH", path);
        }
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary runs")
    }
}

/// Where this machine has three, or would have it after scripts/setup: runs that draw get it as `GEN404_THREE_MODULE`, so
/// that none of them fetches it.
pub(crate) fn three_module() -> PathBuf {
    if let Some(given) = std::env::var_os("GEN404_THREE_MODULE") {
        return given.into();
    }
    let home_cache = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(home_cache, PathBuf::from);
    cache.join("404-cli/three@0.183.2/three.module.js")
}

/// Exit code, stdout and stderr as text, for snapshots.
pub(crate) fn transcript(output: &Output) -> String {
    format!(
        "exit {}\n--- stdout\n{}--- stderr\n{}",
        output.status.code().map_or_else(|| "by signal".to_owned(), |code| code.to_string()),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    )
}
