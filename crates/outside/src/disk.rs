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

/// Writes the file in place of the file that is there. Folders on the way are made; the file is everybody's to read as far
/// as the umask goes. A device, a pipe or a socket is refused: renaming would put a file in its place, for the whole machine.
pub fn write_whole(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
    if is_special(path) {
        return Err(io::Error::other("it is there, and it is not a regular file"));
    }
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

/// Whether the path is that of a device, a pipe or a socket, or a link to one or into /proc, as /dev/stdout is.
fn is_special(path: &Path) -> bool {
    let leads_to_special = fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir());
    leads_to_special || fs::read_link(path).is_ok_and(|target| target.starts_with("/proc"))
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
    fn what_is_not_a_file_stays_what_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let _socket = std::os::unix::net::UnixListener::bind(path("socket")).expect("bound");
        std::os::unix::fs::symlink("socket", path("link")).expect("a link");
        std::os::unix::fs::symlink("/proc/self/fd/1", path("stdout")).expect("a link");
        for name in ["socket", "link", "stdout"] {
            let before = fs::symlink_metadata(path(name)).expect("there").file_type();
            assert!(write_whole(&path(name), b"x", Durability::Whole).is_err(), "{name}");
            assert_eq!(fs::symlink_metadata(path(name)).expect("there").file_type(), before, "{name}");
        }
        // a link to a file, or to nothing, is replaced by the file
        std::os::unix::fs::symlink("nowhere", path("dangling")).expect("a link");
        write_whole(&path("dangling"), b"x", Durability::Whole).expect("written");
        assert_eq!(fs::read(path("dangling")).expect("read"), b"x");
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("taken")).expect("made");
        assert!(write_whole(&folder.path().join("taken"), b"x", Durability::Whole).is_err());
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1);
    }
}
