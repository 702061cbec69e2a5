//! Which Chromium of this machine is used, and which version it is.
//! It looks at paths and asks the program for its version; it starts no browser.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::ChromiumError;

/// The version whose pixels are compared with the official service's in our tests (major and build).
pub const VERIFIED_VERSION: &str = "156.0.8078";

/// The first major version in which bytes can become base64 without a detour (`Uint8Array.prototype.toBase64`).
pub(super) const OLDEST_VERSION: u32 = 140;

/// Names that distributions give to it, best known first.
const NAMES: [&str; 6] =
    ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome", "chrome-headless-shell"];
/// Where macOS keeps it.
const BUNDLES: [&str; 2] = [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const VERSION_LIMIT: Duration = Duration::from_secs(20);

/// A Chromium that can be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chromium {
    path: PathBuf,
}

impl Chromium {
    /// The given program, or the first of the known names in `search_path` (the value of `PATH`).
    pub fn find(given: Option<&Path>, search_path: Option<&std::ffi::OsStr>) -> Result<Self, ChromiumError> {
        if let Some(path) = given {
            return if is_program(path) {
                Ok(Self { path: path.to_owned() })
            } else {
                Err(ChromiumError::NotAProgram { path: path.to_owned() })
            };
        }
        let folders: Vec<_> = search_path.map(|paths| std::env::split_paths(paths).collect()).unwrap_or_default();
        let on_path = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        on_path
            .chain(BUNDLES.iter().map(PathBuf::from))
            .find(|path| is_program(path))
            .map(|path| Self { path })
            .ok_or(ChromiumError::NotFound)
    }

    /// The program.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its version, as in `156.0.8078.79`.
    pub async fn version(&self) -> Result<String, ChromiumError> {
        let run = tokio::process::Command::new(&self.path)
            .arg("--version")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(VERSION_LIMIT, run)
            .await
            .map_err(|_| ChromiumError::Unresponsive { what: "tell its version", limit: VERSION_LIMIT })?
            .map_err(|source| ChromiumError::Start { path: self.path.clone(), source })?;
        let version = version_in(&String::from_utf8_lossy(&output.stdout))
            .ok_or(ChromiumError::NotAProgram { path: self.path.clone() })?;
        if is_too_old(&version) {
            return Err(ChromiumError::TooOld { path: self.path.clone(), version });
        }
        Ok(version)
    }
}

/// The first word that looks like `156.0.8078.79`.
fn version_in(text: &str) -> Option<String> {
    let word = |word: &&str| {
        word.split('.').count() == 4
            && word.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    };
    text.split_whitespace().find(word).map(str::to_owned)
}

fn is_too_old(version: &str) -> bool {
    version.split('.').next().and_then(|major| major.parse().ok()).is_none_or(|major: u32| major < OLDEST_VERSION)
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_browsers_print() {
        assert_eq!(
            version_in("Chromium 156.0.8078.79 built on Debian GNU/Linux 13 (trixie)\n").as_deref(),
            Some("156.0.8078.79")
        );
        assert_eq!(version_in("bash 5.2"), None);
        assert!(is_too_old("139.0.7258.5") && !is_too_old("140.0.7339.1") && !is_too_old("1000.0.1.1"));
    }

    #[test]
    fn a_given_path_must_be_a_program_and_nothing_else_is_tried() {
        let not_a_program = Path::new("/etc/passwd");
        assert!(matches!(Chromium::find(Some(not_a_program), None), Err(ChromiumError::NotAProgram { .. })));
        let shell = Chromium::find(Some(Path::new("/bin/sh")), None).expect("a shell is a program");
        assert_eq!(shell.path(), Path::new("/bin/sh"));
    }

    #[test]
    fn names_are_searched_in_the_order_of_preference() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["google-chrome", "chromium"] {
            let path = folder.path().join(name);
            std::fs::write(&path, "").expect("a file");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("permissions");
        }
        let found = Chromium::find(None, Some(folder.path().as_os_str())).expect("a program");
        assert_eq!(found.path(), folder.path().join("chromium"));
    }
}
