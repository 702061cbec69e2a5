//! Which Chromium of this machine is used, and which version it is.
//! It looks at paths and asks programs for their version; it starts no browser.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::ChromiumError;
use super::last_words::LastWords;

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

/// A Chromium that has told its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chromium {
    path: PathBuf,
    version: String,
}

impl Chromium {
    /// The given program, or the first in `search_path` (the value of `PATH`) that is a Chromium of use.
    ///
    /// A known name may belong to a program that only tells what to install, or to a browser that lacks a library or is
    /// too old; then the next one is asked. A given program has to be the one.
    pub async fn find(given: Option<&Path>, search_path: Option<&OsStr>) -> Result<Self, ChromiumError> {
        if let Some(path) = given {
            return if is_program(path) {
                Self::asked(path).await
            } else {
                Err(ChromiumError::NotAProgram { path: path.to_owned() })
            };
        }
        let mut reason = ChromiumError::NotFound;
        for path in candidates(search_path) {
            match Self::asked(&path).await {
                Ok(chromium) => return Ok(chromium),
                Err(error) => {
                    tracing::info!(program = %path.display(), %error, "not a Chromium of use");
                    if says_less(&reason, &error) {
                        reason = error;
                    }
                }
            }
        }
        Err(reason)
    }

    /// The program, by its full path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its version, as in `156.0.8078.79`.
    pub fn version(&self) -> &str {
        &self.version
    }

    async fn asked(path: &Path) -> Result<Self, ChromiumError> {
        let run = tokio::process::Command::new(path).arg("--version").stdin(Stdio::null()).kill_on_drop(true).output();
        let output = tokio::time::timeout(VERSION_LIMIT, run)
            .await
            .map_err(|_| ChromiumError::Unresponsive { what: "tell its version", limit: VERSION_LIMIT })?
            .map_err(|source| ChromiumError::Start { path: path.to_owned(), source })?;
        let Some(version) = version_in(&String::from_utf8_lossy(&output.stdout)) else {
            let words = LastWords::of(&[output.stdout, output.stderr].concat());
            let (said, trouble) = (words.text(), words.trouble());
            return Err(ChromiumError::NoVersion { path: path.to_owned(), said, trouble });
        };
        if is_too_old(&version) {
            return Err(ChromiumError::TooOld { path: path.to_owned(), version });
        }
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Ok(Self { path, version })
    }
}

/// Every program of a known name, each once: `/bin` and `/usr/bin` are often the same folder.
fn candidates(search_path: Option<&OsStr>) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for folder in search_path.map(|paths| std::env::split_paths(paths).collect::<Vec<_>>()).unwrap_or_default() {
        let folder = folder.canonicalize().unwrap_or(folder);
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    let on_path = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    on_path.chain(BUNDLES.iter().map(PathBuf::from)).filter(|path| is_program(path)).collect()
}

/// Whether the later reason tells more about this machine: that a stub is no browser is worth the least.
fn says_less(reason: &ChromiumError, later: &ChromiumError) -> bool {
    let worth = |error: &ChromiumError| match error {
        ChromiumError::NotFound => 0,
        ChromiumError::NoVersion { trouble: None | Some(super::Trouble::Advice), .. } => 1,
        _ => 2,
    };
    worth(reason) < worth(later)
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
    use std::os::unix::fs::PermissionsExt;

    use gen404_outside::explain::Explain as _;

    use super::*;
    use crate::chromium::Trouble;

    const STUB: &str = "echo \"Command '$0' requires the chromium snap to be installed.\" >&2\n\
                        echo 'Please install it with: snap install chromium' >&2\nexit 1";
    const WITHOUT_LIBRARY: &str = "echo \"$0: error while loading shared libraries: libnss3.so: cannot open shared \
                                   object file: No such file or directory\" >&2\nexit 127";
    const OLD: &str = "echo 'Chromium 139.0.7258.5'";
    const GOOD: &str = "echo 'Google Chrome 143.0.7499.40'";

    /// A folder of programs, in which the first names are tried first.
    fn programs(list: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, script) in list {
            // Written by another process: one that is forked meanwhile would keep it open, and it could not be run.
            let path = folder.path().join(name);
            let written = std::process::Command::new("sh")
                .args(["-c", "printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1\"", "sh"])
                .args([path.as_os_str(), OsStr::new(script)])
                .status();
            assert!(written.expect("a shell").success());
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("permissions");
        }
        folder
    }

    async fn found(list: &[(&str, &str)]) -> Result<String, ChromiumError> {
        let folder = programs(list);
        let chromium = Chromium::find(None, Some(folder.path().as_os_str())).await?;
        Ok(chromium.path().file_name().expect("a name").to_string_lossy().into_owned())
    }

    #[test]
    fn versions_are_found_in_what_browsers_print() {
        assert_eq!(
            version_in("Chromium 156.0.8078.79 built on Debian GNU/Linux 13 (trixie)\n").as_deref(),
            Some("156.0.8078.79")
        );
        assert_eq!(version_in("bash 5.2"), None);
        assert!(is_too_old("139.0.7258.5") && !is_too_old("140.0.7339.1") && !is_too_old("1000.0.1.1"));
    }

    #[tokio::test]
    async fn a_given_path_must_be_a_browser_and_nothing_else_is_tried() {
        let file = Chromium::find(Some(Path::new("/etc/passwd")), None).await;
        assert!(matches!(file, Err(ChromiumError::NotAProgram { .. })), "{file:?}");
        let folder = programs(&[("chromium", GOOD), ("stub", STUB), ("nolibs", WITHOUT_LIBRARY), ("silent", "exit 0")]);
        for (name, words, trouble) in [
            ("stub", "requires the chromium snap to be installed", Some(Trouble::Advice)),
            ("nolibs", "libnss3.so", Some(Trouble::Library)),
            ("silent", "does not tell its version", None),
        ] {
            let given = folder.path().join(name);
            let error = Chromium::find(Some(&given), Some(folder.path().as_os_str())).await.expect_err("no browser");
            assert!(error.to_string().contains(words), "{error}");
            assert!(
                matches!(&error, ChromiumError::NoVersion { trouble: found, .. } if *found == trouble),
                "{error:?}"
            );
            assert!(error.hint().is_some(), "{name}");
        }
        let good = Chromium::find(Some(&folder.path().join("chromium")), None).await.expect("a browser");
        assert_eq!(good.version(), "143.0.7499.40");
    }

    #[tokio::test]
    async fn names_are_tried_in_the_order_of_preference_until_one_is_of_use() {
        assert_eq!(found(&[("google-chrome", GOOD), ("chromium", GOOD)]).await.expect("one"), "chromium");
        for unusable in [STUB, WITHOUT_LIBRARY, OLD, "exit 0"] {
            let programs = [("google-chrome", GOOD), ("chromium", unusable)];
            assert_eq!(found(&programs).await.expect("the next"), "google-chrome", "{unusable}");
        }
    }

    #[tokio::test]
    async fn when_none_is_of_use_the_most_telling_reason_is_given() {
        assert!(matches!(found(&[]).await, Err(ChromiumError::NotFound)));
        let advice = found(&[("chromium", STUB)]).await;
        assert!(matches!(advice, Err(ChromiumError::NoVersion { trouble: Some(Trouble::Advice), .. })), "{advice:?}");
        let library = found(&[("chromium", STUB), ("chrome", WITHOUT_LIBRARY)]).await;
        assert!(
            matches!(library, Err(ChromiumError::NoVersion { trouble: Some(Trouble::Library), .. })),
            "{library:?}"
        );
        assert!(matches!(found(&[("chromium", STUB), ("chrome", OLD)]).await, Err(ChromiumError::TooOld { .. })));
    }
}
