//! A headless Chromium of this machine, driven over its debugging pipe: found, started, talked to, and gone again.
//! Only this file's children know processes and the browser protocol; nothing here knows pictures or files of results.

mod confinement;
mod connection;
mod find;
mod last_words;
mod process;
mod profile;
mod tab;

use std::path::PathBuf;
use std::time::Duration;

pub(crate) use confinement::Confinement;
use find::OLDEST_VERSION;
pub use find::{Chromium, VERIFIED_VERSION};
use gen404_outside::explain::{Blame, Explain, Hint};
pub use last_words::Trouble;
pub use process::GraphicsBackend;
pub(crate) use process::{Browser, LaunchOptions};
pub use tab::ThrownAt;
pub(crate) use tab::{Judged, Manner, Tab, Taken};

/// Why there is no browser, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum ChromiumError {
    /// Nothing to start.
    #[error("no Chromium found on PATH")]
    NotFound,
    /// The given path is not a program.
    #[error("{} is not a program that can be started", path.display())]
    NotAProgram {
        /// What was given.
        path: PathBuf,
    },
    /// The program does not tell Chromium's version, whatever it is.
    #[error("{} does not tell its version as Chromium does{}", path.display(), after_colon(.said))]
    NoVersion {
        /// The program.
        path: PathBuf,
        /// What it says instead.
        said: String,
        /// What that means, if it is known.
        trouble: Option<Trouble>,
    },
    /// A version that lacks what the render page needs.
    #[error("{} is Chromium {version}, {OLDEST_VERSION} or newer is needed", path.display())]
    TooOld {
        /// The program.
        path: PathBuf,
        /// Its version.
        version: String,
    },
    /// No place for the browser's profile.
    #[error("cannot make a temporary profile in {}", folder.display())]
    Profile {
        /// The folder for temporary files.
        folder: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The system would not start it.
    #[error("cannot start {}", path.display())]
    Start {
        /// The program.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// It ended, or closed its pipe, while something was asked of it.
    #[error("Chromium ended unexpectedly{}", after_colon(.last_words))]
    Ended {
        /// The telling part of what it wrote to its error output.
        last_words: String,
        /// What that means, if it is known.
        trouble: Option<Trouble>,
    },
    /// The tab with the module is gone.
    #[error("the browser's tab crashed{}", if *.out_of_memory { ": out of memory" } else { "" })]
    TabCrashed {
        /// Whether it had run out of memory.
        out_of_memory: bool,
    },
    /// No answer in time.
    #[error("Chromium did not {what} within {} s", limit.as_secs())]
    Unresponsive {
        /// What it should have done.
        what: &'static str,
        /// How long it had.
        limit: Duration,
    },
    /// It answered with an error.
    #[error("Chromium refused {method}: {message}")]
    Refused {
        /// Method of the browser protocol.
        method: &'static str,
        /// Its message.
        message: String,
    },
    /// It answered something that has no meaning here.
    #[error("Chromium's answer to {method} cannot be understood")]
    Unintelligible {
        /// Method of the browser protocol.
        method: &'static str,
    },
    /// The page could not set up a realm for a module.
    #[error("the render page failed: {detail}")]
    Page {
        /// What it says.
        detail: String,
    },
}

impl Explain for ChromiumError {
    fn blame(&self) -> Blame {
        match self {
            Self::NotFound | Self::NotAProgram { .. } | Self::NoVersion { .. } | Self::TooOld { .. } => Blame::User,
            Self::Profile { .. }
            | Self::Start { .. }
            | Self::Ended { .. }
            | Self::TabCrashed { .. }
            | Self::Unresponsive { .. }
            | Self::Refused { .. }
            | Self::Unintelligible { .. }
            | Self::Page { .. } => Blame::Here,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::NotFound => {
                Some("install it (`apt install chromium`, or any Chrome), or give --chromium PATH or CHROMIUM_PATH")
            }
            Self::TooOld { .. } => Some("install a newer one, and name it with --chromium or CHROMIUM_PATH"),
            Self::NotAProgram { .. } => Some("give --chromium or CHROMIUM_PATH the path of the browser's program"),
            Self::Profile { .. } => Some("set TMPDIR to a folder with free space that you can write to"),
            Self::NoVersion { trouble: Some(trouble), .. } | Self::Ended { trouble: Some(trouble), .. } => {
                Some(trouble.hint())
            }
            Self::NoVersion { trouble: None, .. } => {
                Some("give --chromium or CHROMIUM_PATH the path of the browser's program")
            }
            Self::Page { detail } if detail.contains("WebGL") => {
                Some("this Chromium draws no WebGL in software: use a full Chromium 140 or newer, without --fast")
            }
            Self::Start { .. }
            | Self::Ended { trouble: None, .. }
            | Self::TabCrashed { .. }
            | Self::Unresponsive { .. }
            | Self::Refused { .. }
            | Self::Unintelligible { .. }
            | Self::Page { .. } => None,
        }
        .map(Hint::Borrowed)
    }
}

fn after_colon(words: &str) -> String {
    if words.is_empty() { String::new() } else { format!(": {words}") }
}
