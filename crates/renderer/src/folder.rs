//! The output folder: which file each picture is, whole files only, and what is already up to date.
//! It moves bytes between pictures and disk; how they are made it does not know.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use gen404_outside::disk::{Durability, write_whole};
use gen404_round::Stem;
use gen404_round::view::{Picture, ViewSet};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// File of an object's folder that says what its pictures were made of.
const MANIFEST: &str = ".render.json";
const MANIFEST_VERSION: u32 = 1;
/// Longest manifest that is read.
const LARGEST_MANIFEST: u64 = 64 * 1024;

/// Pictures on disk: `<stem>.png` (the grid again) beside `<stem>/grid.png`, `<stem>/white/…`, `<stem>/gray/…`.
#[derive(Debug, Clone)]
pub struct OutputFolder {
    root: PathBuf,
}

/// What pictures were made of: equal fingerprints mean equal pictures.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint {
    /// SHA-256 of the module.
    source: String,
    /// Name of the renderer, with everything that may change pixels.
    renderer: String,
}

impl Fingerprint {
    /// Of a module's text and a renderer's identity.
    pub fn new(source: &str, renderer: &str) -> Self {
        Self { source: hex::encode(Sha256::digest(source)), renderer: renderer.to_owned() }
    }

    /// Everything in one text.
    pub(crate) fn as_text(&self) -> String {
        format!("{}\0{}", self.source, self.renderer)
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    #[serde(flatten)]
    fingerprint: Fingerprint,
    views: String,
    /// Size in bytes of every file, by its path below the output folder.
    files: BTreeMap<String, u64>,
}

impl OutputFolder {
    /// The folder at `root`, made when the first picture is written.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file of one picture.
    pub fn path(&self, stem: &Stem, picture: Picture) -> PathBuf {
        self.root.join(relative(stem, picture))
    }

    /// The file that the grid is in a second time.
    pub fn overview(&self, stem: &Stem) -> PathBuf {
        self.root.join(overview(stem))
    }

    /// Whether all pictures of the set are there and were made of the same.
    pub fn is_current(&self, stem: &Stem, fingerprint: &Fingerprint, set: ViewSet) -> bool {
        let Some(manifest) = self.manifest(stem) else { return false };
        let same = manifest.version == MANIFEST_VERSION && manifest.fingerprint == *fingerprint;
        same && files(stem, set).all(|file| {
            let size = std::fs::metadata(self.root.join(&file)).ok().filter(std::fs::Metadata::is_file);
            size.is_some_and(|found| manifest.files.get(&file) == Some(&found.len()))
        })
    }

    /// Writes an object's pictures, each file whole, the manifest last; pictures of other sets that are stale now go.
    pub fn write(
        &self,
        stem: &Stem,
        fingerprint: Fingerprint,
        set: ViewSet,
        pictures: &[(Picture, impl AsRef<[u8]>)],
    ) -> io::Result<()> {
        let manifest_path = self.root.join(stem.as_str()).join(MANIFEST);
        remove_if_there(&manifest_path)?;
        let mut sizes = BTreeMap::new();
        for (picture, bytes) in pictures {
            let mut names = vec![relative(stem, *picture)];
            if *picture == Picture::Grid {
                names.push(overview(stem));
            }
            for name in names {
                write_whole(&self.root.join(&name), bytes.as_ref(), Durability::Whole)?;
                sizes.insert(name, bytes.as_ref().len() as u64);
            }
        }
        for stale in files(stem, ViewSet::All).filter(|file| !sizes.contains_key(file)) {
            remove_if_there(&self.root.join(stale))?;
        }
        let manifest = Manifest { version: MANIFEST_VERSION, fingerprint, views: set.name().to_owned(), files: sizes };
        let text = serde_json::to_vec_pretty(&manifest).expect("a manifest is plain data");
        write_whole(&manifest_path, &text, Durability::Whole)
    }

    /// Makes room for pictures of this fingerprint that come one by one: those of any other go.
    pub fn make_room(&self, stem: &Stem, fingerprint: &Fingerprint) -> io::Result<()> {
        let ours = self.manifest(stem).is_some_and(|manifest| manifest.fingerprint == *fingerprint);
        if ours { Ok(()) } else { self.clear(stem) }
    }

    /// Removes every picture of an object.
    pub fn clear(&self, stem: &Stem) -> io::Result<()> {
        let manifest = relative_manifest(stem);
        files(stem, ViewSet::All).chain([manifest]).try_for_each(|file| remove_if_there(&self.root.join(file)))
    }

    /// Adds a picture that is kept elsewhere, by a link where that is possible; the manifest comes first, so that no picture
    /// stands without one.
    pub fn add(&self, stem: &Stem, fingerprint: &Fingerprint, picture: Picture, kept: &Path) -> io::Result<()> {
        if self.manifest(stem).is_none() {
            let views = "on demand".to_owned();
            let (version, fingerprint) = (MANIFEST_VERSION, fingerprint.clone());
            let manifest = Manifest { version, fingerprint, views, files: BTreeMap::new() };
            let text = serde_json::to_vec_pretty(&manifest).expect("a manifest is plain data");
            write_whole(&self.root.join(relative_manifest(stem)), &text, Durability::Whole)?;
        }
        let path = self.path(stem, picture);
        std::fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
        match std::fs::hard_link(kept, &path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            // Another file system, or one without links.
            Err(_) => write_whole(&path, &std::fs::read(kept)?, Durability::Whole),
            Ok(()) => Ok(()),
        }
    }

    /// Removes the pictures of another version of the module: nobody may take them for this one's, which has none.
    pub fn discard_older(&self, stem: &Stem, current: &Fingerprint) -> io::Result<()> {
        let Some(manifest) = self.manifest(stem).filter(|manifest| manifest.fingerprint.source != current.source)
        else {
            return Ok(());
        };
        remove_if_there(&self.root.join(stem.as_str()).join(MANIFEST))?;
        let known = files(stem, ViewSet::All).filter(|file| manifest.files.contains_key(file));
        known.into_iter().try_for_each(|file| remove_if_there(&self.root.join(file)))
    }

    fn manifest(&self, stem: &Stem) -> Option<Manifest> {
        let path = self.root.join(stem.as_str()).join(MANIFEST);
        let size = std::fs::metadata(&path).ok()?.len();
        if size > LARGEST_MANIFEST {
            return None;
        }
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    }
}

/// Path of a picture below the output folder, with `/` on every system.
fn relative(stem: &Stem, picture: Picture) -> String {
    format!("{stem}/{picture}.png")
}

fn relative_manifest(stem: &Stem) -> String {
    format!("{stem}/{MANIFEST}")
}

fn overview(stem: &Stem) -> String {
    format!("{stem}.png")
}

/// Every file that a set has for one object.
fn files(stem: &Stem, set: ViewSet) -> impl Iterator<Item = String> {
    let overview = overview(stem);
    set.pictures().into_iter().map(move |picture| relative(stem, picture)).chain([overview])
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stem() -> Stem {
        "lamp".parse().expect("a stem")
    }

    fn written(folder: &OutputFolder, set: ViewSet, source: &str) {
        let pictures: Vec<_> = set.pictures().into_iter().map(|picture| (picture, picture.to_string())).collect();
        folder.write(&stem(), Fingerprint::new(source, "test"), set, &pictures).expect("a writable folder");
    }

    fn names(root: &Path) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    names.push(path.strip_prefix(root).expect("below the root").display().to_string());
                }
            }
        }
        names.sort();
        names
    }

    #[test]
    fn the_layout_is_the_documented_one() {
        const FRONTAL: [&str; 3] = ["front_above", "front_left", "front_right"];
        const OTHERS: [&str; 4] = ["back", "left", "right", "top_down"];
        let sets = [
            (ViewSet::Cli, &["front"][..]),
            (ViewSet::Official, &["front_below"]),
            (ViewSet::All, &["front", "front_below"]),
        ];
        for (set, own) in sets {
            let root = tempfile::tempdir().expect("a folder");
            let folder = OutputFolder::new(root.path());
            written(&folder, set, "a");
            let gray = || FRONTAL.iter().chain(own);
            let mut expected = vec!["lamp.png".to_owned(), "lamp/.render.json".to_owned(), "lamp/grid.png".to_owned()];
            expected.extend(gray().map(|view| format!("lamp/gray/{view}.png")));
            expected.extend(gray().chain(&OTHERS).map(|view| format!("lamp/white/{view}.png")));
            expected.sort();
            assert_eq!(names(root.path()), expected, "{}", set.name());
            let overview = std::fs::read(folder.overview(&stem())).expect("a file");
            assert_eq!(overview, std::fs::read(folder.path(&stem(), Picture::Grid)).expect("a file"));
        }
    }

    #[test]
    fn what_is_current_stays_and_what_is_not_is_made_again() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = OutputFolder::new(root.path());
        let print = Fingerprint::new("a", "test");
        assert!(!folder.is_current(&stem(), &print, ViewSet::Cli), "nothing there");
        written(&folder, ViewSet::All, "a");
        assert!(folder.is_current(&stem(), &print, ViewSet::All));
        assert!(folder.is_current(&stem(), &print, ViewSet::Cli), "a part of what is there");
        assert!(!folder.is_current(&stem(), &Fingerprint::new("b", "test"), ViewSet::All), "another module");
        assert!(!folder.is_current(&stem(), &Fingerprint::new("a", "other"), ViewSet::All), "another renderer");

        let picture = folder.path(&stem(), Picture::Grid);
        std::fs::write(&picture, "cut").expect("a file");
        assert!(!folder.is_current(&stem(), &print, ViewSet::All), "a damaged picture");
    }

    #[test]
    fn pictures_of_an_older_module_go_when_the_newer_has_none() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = OutputFolder::new(root.path());
        written(&folder, ViewSet::All, "a");
        std::fs::write(root.path().join("lamp/notes.txt"), "mine").expect("a file");
        folder.discard_older(&stem(), &Fingerprint::new("a", "other")).expect("a writable folder");
        assert!(folder.overview(&stem()).exists(), "the same module");
        folder.discard_older(&stem(), &Fingerprint::new("b", "test")).expect("a writable folder");
        assert_eq!(names(root.path()), ["lamp/notes.txt"]);
    }

    #[test]
    fn pictures_that_come_one_by_one_never_stand_beside_those_of_another_module() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = OutputFolder::new(root.path().join("out"));
        let kept = root.path().join("kept.png");
        std::fs::write(&kept, "picture").expect("a file");
        let (older, newer) = (Fingerprint::new("a", "test"), Fingerprint::new("b", "test"));
        for _ in 0..2 {
            folder.make_room(&stem(), &older).expect("a writable folder");
            folder.add(&stem(), &older, Picture::Grid, &kept).expect("a writable folder");
            assert_eq!(names(folder.root()), ["lamp/.render.json", "lamp/grid.png"]);
        }
        assert!(!folder.is_current(&stem(), &older, ViewSet::Official), "render would still draw the rest");
        folder.make_room(&stem(), &newer).expect("a writable folder");
        assert!(names(folder.root()).is_empty());
        assert_eq!(std::fs::read_to_string(&kept).expect("kept"), "picture");
        std::fs::create_dir_all(folder.path(&stem(), Picture::Grid).parent().expect("a folder")).expect("a folder");
        std::fs::write(folder.path(&stem(), Picture::Grid), "of unknown origin").expect("a file");
        folder.make_room(&stem(), &newer).expect("a writable folder");
        assert!(names(folder.root()).is_empty(), "no manifest");
    }

    #[test]
    fn pictures_of_an_older_module_do_not_survive_beside_newer_ones() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = OutputFolder::new(root.path());
        written(&folder, ViewSet::All, "a");
        written(&folder, ViewSet::Cli, "b");
        assert!(!root.path().join("lamp/white/front_below.png").exists());
        assert!(!folder.is_current(&stem(), &Fingerprint::new("b", "test"), ViewSet::All));
    }
}
