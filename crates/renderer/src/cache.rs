//! Pictures kept by what they were made of: the same module drawn by the same renderer is never drawn again, whoever asks and
//! under whatever name. Whole files only; what is in them it does not know. What was not used for longest goes first when the
//! cache grows beyond a limit.

use std::fs::{DirEntry, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use gen404_outside::disk::{Durability, write_whole};
use gen404_round::view::Picture;
use sha2::{Digest, Sha256};

use crate::folder::Fingerprint;

const BEGIN: &[u8] = b"\x89PNG\r\n\x1a\n";
const END: &[u8] = b"\0\0\0\0IEND\xaeB`\x82";

/// Pictures used as lately as this stay whatever the limit: another match may be about to read them.
const IN_USE: Duration = Duration::from_hours(1);

/// A folder of pictures by fingerprint: `<root>/<ab>/<hash>/white/front.png`.
#[derive(Debug, Clone)]
pub struct PictureCache {
    root: PathBuf,
}

impl PictureCache {
    /// The cache at `root`, made when the first picture is kept.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The picture's file, when it is there and whole. It counts as used now.
    pub fn find(&self, fingerprint: &Fingerprint, picture: Picture) -> Option<PathBuf> {
        let path = self.path(fingerprint, picture);
        let mut file = File::open(&path).ok()?;
        if !is_whole(&mut file).ok()? {
            return None;
        }
        // Where that cannot be noted, as in a folder of somebody else, nothing can be taken away either.
        let _ = file.set_modified(SystemTime::now());
        Some(path)
    }

    /// Keeps a picture and gives back its file.
    pub fn keep(&self, fingerprint: &Fingerprint, picture: Picture, file: &[u8]) -> io::Result<PathBuf> {
        let path = self.path(fingerprint, picture);
        write_whole(&path, file, Durability::Whole)?;
        Ok(path)
    }

    /// Takes away the modules whose pictures were not used for longest, until the rest has at most `limit` bytes. Nothing but the
    /// cache's own folders is touched, whatever else lies at the root.
    pub fn prune(&self, limit: u64, now: SystemTime) -> io::Result<Pruned> {
        let mut kept = self.modules()?;
        // The latest come first, and go last.
        kept.sort_by_key(|module| std::cmp::Reverse(module.used));
        let mut pruned = Pruned::default();
        let mut total = 0_u64;
        for module in kept {
            total = total.saturating_add(module.bytes);
            let in_use = now.duration_since(module.used).is_ok_and(|ago| ago < IN_USE) || module.used > now;
            if total <= limit || in_use {
                continue;
            }
            match std::fs::remove_dir_all(&module.folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            pruned.modules += 1;
            pruned.bytes += module.bytes;
            total -= module.bytes;
        }
        Ok(pruned)
    }

    /// The folders of the modules.
    fn modules(&self) -> io::Result<Vec<Module>> {
        let mut modules = Vec::new();
        for (name, shelf) in folders(&self.root)?.into_iter().filter(|(name, _)| is_hex(name, 2)) {
            for (hash, folder) in folders(&shelf)?.into_iter().filter(|(hash, _)| is_hex(hash, 64)) {
                if hash.starts_with(&name) {
                    modules.extend(Module::look(folder)?);
                }
            }
        }
        Ok(modules)
    }

    fn path(&self, fingerprint: &Fingerprint, picture: Picture) -> PathBuf {
        let hash = hex::encode(Sha256::digest(fingerprint.as_text()));
        self.root.join(&hash[..2]).join(hash).join(format!("{picture}.png"))
    }
}

/// What was taken away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Modules whose pictures are gone.
    pub modules: u64,
    /// Bytes that their files had.
    pub bytes: u64,
}

/// The pictures of one module.
struct Module {
    folder: PathBuf,
    bytes: u64,
    /// When the last of them was.
    used: SystemTime,
}

impl Module {
    /// `None` when it is gone meanwhile, or has no file.
    fn look(folder: PathBuf) -> io::Result<Option<Self>> {
        let (mut bytes, mut used) = (0_u64, None);
        let inner = folders(&folder)?.into_iter().map(|(_, inner)| inner);
        for place in std::iter::once(folder.clone()).chain(inner) {
            for entry in entries(&place)? {
                let Ok(file) = entry.metadata() else { continue };
                if file.is_file() {
                    bytes = bytes.saturating_add(file.len());
                    used = used.max(file.modified().ok());
                }
            }
        }
        Ok(used.map(|used| Self { folder, bytes, used }))
    }
}

/// The folders in a folder, without links to some; nothing when it is gone.
fn folders(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = entries(folder)?.into_iter();
    let own = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    Ok(own.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path()))).collect())
}

fn entries(folder: &Path) -> io::Result<Vec<DirEntry>> {
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read?.collect(),
    }
}

fn is_hex(name: &str, length: usize) -> bool {
    name.len() == length && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether the file begins and ends as a PNG does: a power cut leaves less.
fn is_whole(file: &mut File) -> io::Result<bool> {
    let (mut begin, mut end) = ([0; BEGIN.len()], [0; END.len()]);
    file.read_exact(&mut begin)?;
    file.seek(SeekFrom::End(-i64::try_from(END.len()).expect("short")))?;
    file.read_exact(&mut end)?;
    Ok(begin == BEGIN && end == END)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Image;

    #[test]
    fn a_picture_is_found_by_module_and_renderer_and_only_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = PictureCache::new(folder.path());
        let print = Fingerprint::new("module", "renderer");
        assert_eq!(cache.find(&print, Picture::Grid), None);
        let png = Image::filled(3, 3, [1, 2, 3, 255]).to_png();
        let path = cache.keep(&print, Picture::Grid, &png).expect("written");
        assert_eq!(cache.find(&print, Picture::Grid), Some(path.clone()));
        assert_eq!(cache.find(&Fingerprint::new("module", "other"), Picture::Grid), None);
        assert_eq!(cache.find(&Fingerprint::new("other", "renderer"), Picture::Grid), None);
        for cut in [0, 5, png.len() - 1] {
            std::fs::write(&path, &png[..cut]).expect("written");
            assert_eq!(cache.find(&print, Picture::Grid), None, "{cut} bytes of {}", png.len());
        }
    }

    /// A cache with a picture of each of these modules, used so many hours ago.
    fn filled(root: &Path, ages: &[(&str, u64)], now: SystemTime) -> (PictureCache, u64) {
        let cache = PictureCache::new(root);
        let png = Image::filled(30, 30, [1, 2, 3, 255]).to_png();
        for (module, hours) in ages {
            let path = cache.keep(&Fingerprint::new(module, "renderer"), Picture::Grid, &png).expect("written");
            let file = File::options().write(true).open(path).expect("a file");
            file.set_modified(now - Duration::from_hours(*hours)).expect("set");
        }
        (cache, png.len() as u64)
    }

    fn is_there(cache: &PictureCache, module: &str) -> bool {
        cache.path(&Fingerprint::new(module, "renderer"), Picture::Grid).is_file()
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first_and_what_is_in_use_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let now = SystemTime::now();
        let (cache, size) = filled(folder.path(), &[("old", 9), ("older", 20), ("used", 30), ("new", 0)], now);
        cache.find(&Fingerprint::new("used", "renderer"), Picture::Grid).expect("there");
        assert_eq!(cache.prune(4 * size, now).expect("pruned"), Pruned::default());
        assert_eq!(cache.prune(3 * size, now).expect("pruned"), Pruned { modules: 1, bytes: size });
        assert!(!is_there(&cache, "older") && is_there(&cache, "old"));
        assert_eq!(cache.prune(0, now).expect("pruned"), Pruned { modules: 1, bytes: size });
        assert!(is_there(&cache, "used") && is_there(&cache, "new"), "another match may be about to read them");
        let later = now + Duration::from_hours(2);
        assert_eq!(cache.prune(size, later).expect("pruned"), Pruned { modules: 1, bytes: size });
        let none = PictureCache::new(folder.path().join("nowhere"));
        assert_eq!(none.prune(0, later).expect("nothing to do"), Pruned::default());
    }

    #[test]
    fn nothing_that_is_not_the_caches_own_is_taken_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let elsewhere = tempfile::tempdir().expect("a folder");
        let (now, hash) = (SystemTime::now(), "ab".repeat(32));
        let (cache, size) = filled(folder.path(), &[("old", 9)], now);
        let foreign = ["notes.txt", "ab/notes.txt", "ab/short/a.png", "cd/a.png"].map(|name| folder.path().join(name));
        let misplaced = folder.path().join("cd").join(&hash).join("a.png");
        let linked = elsewhere.path().join("a.png");
        for file in foreign.iter().chain([&misplaced, &linked]) {
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            std::fs::write(file, "mine").expect("a file");
        }
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("ab").join(&hash)).expect("a link");
        let later = now + Duration::from_hours(2);
        assert_eq!(cache.prune(0, later).expect("pruned"), Pruned { modules: 1, bytes: size });
        assert!(foreign.iter().chain([&misplaced, &linked]).all(|file| file.is_file()));
    }
}
