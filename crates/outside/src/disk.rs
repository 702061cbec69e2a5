//! Files that are whole or not there: written beside their place, then renamed. And which files a folder has.
//! Does not know what is in them.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What must be true when a write comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nobody sees half a file, not even after `kill -9`. A power cut may lose it: for what can be made again.
    Whole,
    /// The file also outlives a power cut: for what cannot be made again.
    Lasting,
}

/// Writes the file in place of whatever is there. Folders on the way are made; the file is everybody's to read as far
/// as the umask goes.
pub fn write_whole(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut part = tempfile::Builder::new()
        .prefix(".404-cli-")
        // A temporary file is its owner's alone by default; this one is on its way to be like any other.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    part.write_all(bytes)?;
    if durability == Durability::Lasting {
        part.as_file().sync_all()?;
    }
    part.persist(path).map_err(|error| error.error)?;
    if durability == Durability::Lasting {
        // The new name is the folder's content.
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The files of a folder with this extension, by name, but not hidden ones. Links that lead nowhere and whatever is neither file
/// nor folder are among them: whoever opens them says why that cannot be.
pub fn files_in(folder: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|found| found == extension) && !path.is_dir() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new/file.json");
        for (text, durability) in [("one", Durability::Whole), ("two", Durability::Lasting)] {
            write_whole(&path, text.as_bytes(), durability).expect("written");
            assert_eq!(fs::read_to_string(&path).expect("read"), text);
        }
        let parent = path.parent().expect("a folder");
        assert_eq!(fs::read_dir(parent).expect("listed").count(), 1);
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_ne!(mode & 0o044, 0, "others may read it: {mode:o}");
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("taken")).expect("made");
        assert!(write_whole(&folder.path().join("taken"), b"x", Durability::Whole).is_err());
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1);
    }
}
