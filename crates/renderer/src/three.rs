//! The one version of three that every picture is made with: fetched once through the user's npm, checked, kept.
//! Only bytes with the pinned hashes are ever used, wherever they come from.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use gen404_outside::explain::{Blame, Explain, Hint};
use sha2::{Digest, Sha256};
use tokio::process::Command;

/// Name and version of the package.
pub const THREE_PACKAGE: &str = "three@0.183.2";
const MODULE: Pinned =
    Pinned { name: "three.module.js", sha256: "e8ac51bc2f6b7eb17bc88c6540eb0a1fee872f848949373de39d55f34b5c5a8f" };
const CORE: Pinned =
    Pinned { name: "three.core.js", sha256: "6a7fc83437818534d5e30ce8c8e0ce76230ca2245446ea24744bb3d88c436583" };
const FETCH_LIMIT: Duration = Duration::from_mins(3);
/// Longest file that is read; the real ones have 1.4 MB and 0.6 MB.
const LARGEST_FILE: u64 = 8 * 1024 * 1024;

#[derive(Debug, Clone, Copy)]
struct Pinned {
    name: &'static str,
    sha256: &'static str,
}

/// The texts of three's two files.
#[derive(Debug, Clone)]
pub struct Three {
    core: String,
    module: String,
}

/// Where three is taken from.
#[derive(Debug, Clone)]
pub enum ThreeSource {
    /// Kept in this folder; fetched into it through npm when it is not there yet.
    Cache(PathBuf),
    /// `three.module.js` of this path, with `three.core.js` beside it.
    File(PathBuf),
}

/// Why there is no three.
#[derive(Debug, thiserror::Error)]
pub enum ThreeError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file is not the pinned one.
    #[error("{} is not the {name} of {THREE_PACKAGE}: its SHA-256 is {sha256}", path.display())]
    Different {
        /// The file.
        path: PathBuf,
        /// The file it should be.
        name: &'static str,
        /// What it has instead.
        sha256: String,
    },
    /// npm cannot be started.
    #[error("{THREE_PACKAGE} is not there yet, and npm cannot be started to fetch it")]
    NoNpm(#[source] io::Error),
    /// npm failed.
    #[error("npm could not fetch {THREE_PACKAGE}: {last_words}")]
    Npm {
        /// End of its error output.
        last_words: String,
    },
    /// npm hangs.
    #[error("npm did not fetch {THREE_PACKAGE} within {} s", FETCH_LIMIT.as_secs())]
    NpmTimeout,
    /// The cache folder cannot be written.
    #[error("cannot keep {THREE_PACKAGE} in {}", folder.display())]
    Cache {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl Explain for ThreeError {
    fn blame(&self) -> Blame {
        match self {
            Self::Npm { .. } | Self::NpmTimeout => Blame::Service,
            Self::Read { .. } | Self::Different { .. } | Self::NoNpm(_) | Self::Cache { .. } => Blame::User,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::NoNpm(_) => Some(
                "install npm, or give --three-module FILE: the build/three.module.js of three@0.183.2 with \
                 three.core.js beside it",
            ),
            Self::Npm { .. } | Self::NpmTimeout => Some(
                "is this machine online? try `npm pack three@0.183.2`, or give --three-module FILE: the build/three.module.js \
                 of three@0.183.2 with three.core.js beside it",
            ),
            Self::Different { .. } => Some("pixels are only the official service's with exactly three@0.183.2"),
            Self::Read { .. } => Some("--three-module wants three.module.js with three.core.js beside it"),
            Self::Cache { .. } => Some(
                "set XDG_CACHE_HOME to a folder that you can write to, or give --three-module FILE: the build/three.module.js \
                 of three@0.183.2 with three.core.js beside it",
            ),
        }.map(Hint::Borrowed)
    }
}

impl Three {
    /// Reads three, fetching it first when the cache has none.
    pub async fn load(source: &ThreeSource) -> Result<Self, ThreeError> {
        match source {
            ThreeSource::File(path) => {
                let core = path.with_file_name(CORE.name);
                Ok(Self { module: read(path, MODULE).await?, core: read(&core, CORE).await? })
            }
            ThreeSource::Cache(folder) => {
                let folder = folder.join(THREE_PACKAGE);
                if let Ok(three) = Self::read_from(&folder).await {
                    return Ok(three);
                }
                fetch(&folder).await?;
                Self::read_from(&folder).await
            }
        }
    }

    /// Whether three is here; nothing is fetched.
    pub(crate) async fn here(source: &ThreeSource) -> Result<(), ThreeError> {
        match source {
            ThreeSource::File(_) => Self::load(source).await.map(drop),
            ThreeSource::Cache(folder) => Self::read_from(&folder.join(THREE_PACKAGE)).await.map(drop),
        }
    }

    async fn read_from(folder: &Path) -> Result<Self, ThreeError> {
        Ok(Self {
            module: read(&folder.join(MODULE.name), MODULE).await?,
            core: read(&folder.join(CORE.name), CORE).await?,
        })
    }

    pub(crate) fn core(&self) -> &str {
        &self.core
    }

    pub(crate) fn module(&self) -> &str {
        &self.module
    }
}

/// Fetches the package into a temporary folder beside the cache, and puts the two files in place once they are right.
async fn fetch(folder: &Path) -> Result<(), ThreeError> {
    let cannot_keep = |source| ThreeError::Cache { folder: folder.to_owned(), source };
    let parent = folder.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent).map_err(cannot_keep)?;
    let work = tempfile::Builder::new().prefix(".three-").tempdir_in(parent).map_err(cannot_keep)?;
    tracing::info!(package = THREE_PACKAGE, "fetching through npm");
    let npm = Command::new("npm")
        .args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--prefix"])
        .arg(work.path())
        .arg(THREE_PACKAGE)
        .current_dir(work.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output =
        tokio::time::timeout(FETCH_LIMIT, npm).await.map_err(|_| ThreeError::NpmTimeout)?.map_err(ThreeError::NoNpm)?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        let last_words = errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no reason given");
        return Err(ThreeError::Npm { last_words: crate::failure::clean(last_words) });
    }
    let build = work.path().join("node_modules/three/build");
    let fetched = Three::read_from(&build).await?;
    let staged = work.path().join("checked");
    std::fs::create_dir(&staged)
        .and_then(|()| std::fs::write(staged.join(MODULE.name), fetched.module()))
        .and_then(|()| std::fs::write(staged.join(CORE.name), fetched.core()))
        .and_then(|()| replace_folder(&staged, folder))
        .map_err(cannot_keep)
}

/// Another process may have put the same files there meanwhile; then ours are not needed.
fn replace_folder(staged: &Path, folder: &Path) -> io::Result<()> {
    if folder.exists() {
        for name in [MODULE.name, CORE.name] {
            std::fs::rename(staged.join(name), folder.join(name))?;
        }
        return Ok(());
    }
    match std::fs::rename(staged, folder) {
        Err(_) if folder.exists() => Ok(()),
        outcome => outcome,
    }
}

async fn read(path: &Path, pinned: Pinned) -> Result<String, ThreeError> {
    use tokio::io::AsyncReadExt;
    let failed = |source| ThreeError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    file.take(LARGEST_FILE).read_to_end(&mut bytes).await.map_err(failed)?;
    let sha256 = hex::encode(Sha256::digest(&bytes));
    if sha256 != pinned.sha256 {
        return Err(ThreeError::Different { path: path.to_owned(), name: pinned.name, sha256 });
    }
    Ok(String::from_utf8(bytes).expect("the pinned files are UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn other_bytes_than_the_pinned_ones_are_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("three.module.js");
        std::fs::write(&file, "export const REVISION = '183';").expect("a file");
        let error = Three::load(&ThreeSource::File(file)).await.expect_err("not three");
        assert!(matches!(error, ThreeError::Different { name: "three.module.js", .. }), "{error}");
    }
}
