//! Which modules are meant, and their bytes.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use gen404_outside::disk::files_in;
use gen404_outside::text::line;
use gen404_round::module_rule::MODULE_BYTES;
use rustix::fs::OFlags;

use super::result::Judged;
use crate::errors::{Blame, CommandError};

/// Where a module comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Source {
    Stdin,
    File(PathBuf),
}

/// The modules that are named: files as they are, folders as their `*.js` files by name.
pub(super) fn named(paths: &[PathBuf]) -> Result<Vec<Source>, CommandError> {
    let mut sources = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            if sources.contains(&Source::Stdin) {
                return Err(CommandError::usage("- is given twice, and stdin can be read once"));
            }
            sources.push(Source::Stdin);
        } else if path.is_dir() {
            let modules = in_folder(path)?;
            if modules.is_empty() {
                let message = format!("{} has no file that ends in .js", path.display());
                return Err(
                    CommandError::usage(message).with_hint("give the folder that holds the modules, or the files")
                );
            }
            sources.extend(modules.into_iter().map(Source::File));
        } else if path.exists() || path.is_symlink() {
            sources.push(Source::File(path.clone()));
        } else {
            return Err(CommandError::usage(format!("{} does not exist", path.display())));
        }
    }
    // Whoever names a file twice is not told that it is its own twin.
    let mut known = HashSet::new();
    sources.retain(|source| known.insert(source.clone()));
    Ok(sources)
}

/// The `*.js` files of a folder, by name.
pub(super) fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, CommandError> {
    let unreadable = |error: io::Error| CommandError::usage(format!("cannot list {}: {error}", folder.display()));
    // `./a.js` is called `a.js`
    let called = |path: PathBuf| path.strip_prefix(".").map(Path::to_path_buf).unwrap_or(path);
    Ok(files_in(folder, "js").map_err(unreadable)?.into_iter().map(called).collect())
}

/// Bytes of stdin that are counted; whoever sends more will not mind a round number.
const COUNTED: u64 = 256 * 1024 * 1024;

/// A file that cannot be judged, and why.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) file: String,
    /// A line, whatever the file is called.
    pub(super) reason: String,
    /// Whether the file is to blame, or what should have run it.
    pub(super) blame: Blame,
}

impl Source {
    /// Reads and judges the module.
    pub(super) fn judged(self) -> Result<Judged, Unreadable> {
        let file = match &self {
            Self::Stdin => "-".to_owned(),
            Self::File(path) => path.display().to_string(),
        };
        let read = match &self {
            Self::Stdin => read(io::stdin().lock(), None),
            Self::File(path) => open(path).and_then(|(opened, length)| read(opened, Some(length))),
        };
        match read {
            Ok((bytes, length)) => Ok(Judged::new(file, bytes, length)),
            Err(error) => {
                let reason = line(&format!("cannot read {file}: {error}"));
                Err(Unreadable { file, reason, blame: Blame::User })
            }
        }
    }
}

/// A regular file and its length. A pipe may never have a writer, and a device never an end.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(nonblocking).open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_file() {
        return Ok((file, metadata.len()));
    }
    Err(io::Error::other("it is not a regular file; give a module through a pipe as `… | 404-cli validate -`"))
}

/// The bytes, as far as a module may go, and how many there are: `length` if that is known to be more.
fn read(mut from: impl Read, length: Option<u64>) -> io::Result<(Vec<u8>, u64)> {
    let mut bytes = Vec::new();
    let read = from.by_ref().take(MODULE_BYTES as u64 + 1).read_to_end(&mut bytes)? as u64;
    if read <= MODULE_BYTES as u64 {
        return Ok((bytes, read));
    }
    match length {
        Some(length) => Ok((bytes, length.max(read))),
        None => Ok((bytes, read + io::copy(&mut from.take(COUNTED), &mut io::sink())?)),
    }
}
