//! Whether modules can be drawn on this machine: Chromium, three, and npm to fetch it. Fetches and draws nothing.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;

use gen404_outside::explain::Explain as _;
use gen404_round::check::Check;

use crate::chromium::{Chromium, VERIFIED_VERSION};
use crate::three::{THREE_PACKAGE, Three, ThreeSource};

/// Names of the checks.
pub const CHECKS: [&str; 3] = ["chromium", "three", "npm"];

/// Looks at the machine.
pub async fn checks(given: Option<&Path>, search_path: Option<&OsStr>, three: &ThreeSource) -> Vec<Check> {
    let (chromium, there, npm) = tokio::join!(Chromium::find(given, search_path), Three::here(three), npm_version());
    let chromium = match chromium {
        Ok(chromium) => {
            let words = format!("{} is version {}", chromium.path().display(), chromium.version());
            if chromium.version().starts_with(VERIFIED_VERSION) {
                Check::pass("chromium", words)
            } else {
                Check::pass("chromium", format!("{words}; equal pixels are verified with {VERIFIED_VERSION}"))
            }
        }
        Err(error) => {
            let fix = error.hint().unwrap_or("install Chromium, or name one with --chromium".into());
            Check::fail("chromium", error.sentence(), fix)
        }
    };
    let (three, npm) = match (there, npm) {
        (Ok(()), Some(version)) => (here(), Check::pass("npm", format!("npm {version}"))),
        (Ok(()), None) => (
            here(),
            Check::skipped("npm", "there is no npm, and three is here already", "install npm to fetch three again"),
        ),
        (Err(_), Some(version)) if matches!(three, ThreeSource::Cache(_)) => (
            Check::warn(
                "three",
                format!("{THREE_PACKAGE} is not here yet: the first drawing fetches it"),
                "run `404-cli validate FILE` once while online",
            ),
            Check::pass("npm", format!("npm {version}")),
        ),
        (Err(_), None) if matches!(three, ThreeSource::Cache(_)) => (
            Check::skipped(
                "three",
                format!("{THREE_PACKAGE} is not here, and is fetched with npm"),
                "mend `npm` first",
            ),
            Check::fail("npm", "npm cannot be started, and three must be fetched with it", "install npm"),
        ),
        (Err(error), version) => {
            let fix = error.hint().unwrap_or("see --three-module".into());
            let three = Check::fail("three", format!("{THREE_PACKAGE} is not here: {}", error.sentence()), fix);
            let npm = match version {
                Some(version) => Check::pass("npm", format!("npm {version}")),
                // A file that was named is not fetched.
                None => Check::skipped(
                    "npm",
                    "there is no npm, and three is a file of its own",
                    "install npm to fetch three",
                ),
            };
            (three, npm)
        }
    };
    vec![chromium, three, npm]
}

fn here() -> Check {
    Check::pass("three", format!("{THREE_PACKAGE} is here, byte for byte"))
}

async fn npm_version() -> Option<String> {
    let run = tokio::process::Command::new("npm").arg("--version").stdin(Stdio::null()).kill_on_drop(true).output();
    let output = run.await.ok().filter(|output| output.status.success())?;
    Some(crate::failure::clean(String::from_utf8_lossy(&output.stdout).trim()))
}
