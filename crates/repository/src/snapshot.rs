//! What is known of a commit: the names of all its files, and the few texts that matter. Pure.

use std::collections::BTreeMap;

/// What a name in the tree stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File,
    /// A symbolic link.
    Link,
    /// Another repository, which the builder's checkout leaves empty.
    Submodule,
}

/// A name in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: EntryKind,
    /// Name of its content.
    pub object: String,
}

/// A commit's tree with the texts that were fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// All files by path.
    pub entries: BTreeMap<String, Entry>,
    /// Contents of those that matter, by path; what is no text is here with replacement characters.
    pub texts: BTreeMap<String, String>,
    /// Texts that were not read because there are too many of them, or they are too large.
    pub unread: Vec<String>,
}

/// Longest text that is looked into.
pub(crate) const LONGEST_TEXT: usize = 1 << 20;
/// Texts that are looked into.
const MOST_TEXTS: usize = 500;
/// What a git-lfs pointer begins with.
pub(crate) const LFS_POINTER: &str = "version https://git-lfs.github.com/spec/";

impl Snapshot {
    /// Whether this path is a file, a link or a folder of the commit.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_matches('/');
        if path.is_empty() || path == "." || self.entries.contains_key(path) {
            return true;
        }
        let below = format!("{path}/");
        self.entries.range(below.clone()..).next().is_some_and(|(first, _)| first.starts_with(&below))
    }

    /// The texts whose path fulfils a condition.
    pub(crate) fn texts_where(&self, is_wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().filter(move |(path, _)| is_wanted(path)).map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The files whose text matters, the most important first; the others that would matter are noted as unread.
    pub(crate) fn choose(&mut self) -> Vec<(String, String)> {
        let mut wanted: Vec<_> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.kind == EntryKind::File)
            .filter_map(|(path, entry)| Some((importance(path)?, path.clone(), entry.object.clone())))
            .collect();
        wanted.sort();
        let (chosen, left) = wanted.split_at(wanted.len().min(MOST_TEXTS));
        self.unread = left.iter().map(|(_, path, _)| path.clone()).collect();
        chosen.iter().map(|(_, path, object)| (path.clone(), object.clone())).collect()
    }
}

/// Name of a path's last part.
pub(crate) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether the path ends with this extension.
pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    name(path).rsplit_once('.').is_some_and(|(stem, found)| !stem.is_empty() && found == extension)
}

pub(crate) fn is_dockerfile(path: &str) -> bool {
    name(path).starts_with("Dockerfile")
}

pub(crate) fn is_requirements(path: &str) -> bool {
    name(path).contains("requirements") && has_extension(path, "txt")
}

/// 0 is looked into before all others; `None` never.
fn importance(path: &str) -> Option<u8> {
    if matches!(path, "docker/Dockerfile" | "hardware.json" | ".gitmodules" | ".dockerignore") {
        return Some(0);
    }
    if name(path) == ".gitattributes" || is_requirements(path) || is_dockerfile(path) {
        Some(1)
    } else if has_extension(path, "sh") {
        Some(2)
    } else if has_extension(path, "py") {
        Some(3)
    } else {
        None
    }
}

#[cfg(test)]
impl Snapshot {
    /// A commit with these files.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let entry = |path: &&str| (path.to_string(), Entry { kind: EntryKind::File, object: String::new() });
        Self {
            entries: files.iter().map(|(path, _)| entry(path)).collect(),
            texts: files.iter().map(|(path, text)| (path.to_string(), text.to_string())).collect(),
            unread: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders_are_found_by_path() {
        let snapshot = Snapshot::of(&[("docker/Dockerfile", ""), ("src/a/b.py", ""), ("srca", "")]);
        for path in [".", "", "docker", "docker/", "/src/a", "src/a/b.py", "srca"] {
            assert!(snapshot.has(path), "{path}");
        }
        for path in ["dock", "src/b", "a", "src/a/b.py/c"] {
            assert!(!snapshot.has(path), "{path}");
        }
    }

    #[test]
    fn what_decides_comes_first_and_the_rest_is_noted() {
        let many: Vec<String> = (0..600).map(|number| format!("a/{number:03}.py")).collect();
        let files = many.iter().map(|path| (path.as_str(), "")).chain([("hardware.json", ""), ("a.bin", "")]);
        let mut snapshot = Snapshot::of(&files.collect::<Vec<_>>());
        let chosen = snapshot.choose();
        assert_eq!((chosen[0].0.as_str(), chosen.len(), snapshot.unread.len()), ("hardware.json", 500, 101));
    }
}
