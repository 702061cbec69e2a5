//! Which modules are meant, and their bytes.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use gen404_round::module_rule::MODULE_BYTES;

use super::result::Judged;
use crate::errors::CommandError;

/// Where a module comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        } else if path.exists() {
            sources.push(Source::File(path.clone()));
        } else {
            return Err(CommandError::usage(format!("{} does not exist", path.display())));
        }
    }
    Ok(sources)
}

/// The `*.js` files of a folder, by name.
pub(super) fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, CommandError> {
    let unreadable = |error: io::Error| CommandError::usage(format!("cannot list {}: {error}", folder.display()));
    let mut modules = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "js") && path.is_file() {
            // `./a.js` is called `a.js`
            modules.push(path.strip_prefix(".").map(Path::to_path_buf).unwrap_or(path));
        }
    }
    modules.sort();
    Ok(modules)
}

impl Source {
    /// Reads and judges the module.
    pub(super) fn judged(self) -> Result<Judged, CommandError> {
        let name = match &self {
            Self::Stdin => "-".to_owned(),
            Self::File(path) => path.display().to_string(),
        };
        let read = match &self {
            Self::Stdin => read(io::stdin().lock()),
            Self::File(path) => File::open(path).and_then(read),
        };
        let (bytes, length) = read.map_err(|error| CommandError::usage(format!("cannot read {name}: {error}")))?;
        Ok(Judged::new(name, bytes, length))
    }
}

/// The bytes, as far as a module may go, and how many there are.
fn read(mut from: impl Read) -> io::Result<(Vec<u8>, u64)> {
    let mut bytes = Vec::new();
    let read = from.by_ref().take(MODULE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    let rest = io::copy(&mut from, &mut io::sink())?;
    Ok((bytes, read as u64 + rest))
}
