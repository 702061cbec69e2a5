//! How far repeats agree: modules of the same bytes, and different modules of the same pictures.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use gen404_round::Stem;
use gen404_round::audit::Against;
use serde::Serialize;

use crate::errors::CommandError;

/// The folder of a match's records and pictures.
pub(super) fn match_folder(against: Against, repeat: u32) -> String {
    format!("{against}-vs-generated-{repeat}")
}

/// Modules that all repeats have made.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Sameness {
    /// Repeats that were compared.
    pub(super) repeats: usize,
    /// Prompts that each of them has a module for.
    pub(super) stems: usize,
    /// The same bytes in all of them.
    pub(super) identical: usize,
    /// Not the same bytes, and the same pixels in all pictures that were drawn of each.
    pub(super) same_pictures: usize,
    /// The rest.
    pub(super) different: usize,
}

impl Sameness {
    /// Compares the modules of the repeats' folders, and the pictures that their matches have drawn.
    pub(super) fn of(output: &Path, repeats: usize, stems: &BTreeSet<Stem>) -> Result<Self, CommandError> {
        let mut same = Self { repeats, ..Self::default() };
        if repeats < 2 {
            return Ok(same);
        }
        let each = |folder: &dyn Fn(u32) -> PathBuf| (1..).take(repeats).map(folder).collect::<Vec<_>>();
        let folders = each(&|repeat| output.join(super::repeats::folder(repeat)));
        let drawn = each(&|repeat| output.join(match_folder(Against::Submitted, repeat)).join("right"));
        for stem in stems {
            let compared = equal(folders.iter().map(|folder| folder.join(format!("{stem}.js"))))
                .map_err(|error| CommandError::failed(format!("cannot compare the repeats of {stem}: {error}")))?;
            let Some(identical) = compared else { continue };
            same.stems += 1;
            if identical {
                same.identical += 1;
            } else if same_pictures(&drawn, stem).unwrap_or(false) {
                same.same_pictures += 1;
            } else {
                same.different += 1;
            }
        }
        Ok(same)
    }
}

/// Whether all files have the same bytes; none when one of them is not there.
fn equal(mut files: impl Iterator<Item = PathBuf>) -> io::Result<Option<bool>> {
    let read = |path: PathBuf| match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let Some(first) = files.next().map(read).transpose()?.flatten() else { return Ok(None) };
    let mut all = true;
    for file in files {
        let Some(other) = read(file)? else { return Ok(None) };
        all &= other == first;
    }
    Ok(Some(all))
}

/// Whether every picture that was drawn of each repeat is the same; one at least.
fn same_pictures(drawn: &[PathBuf], stem: &Stem) -> io::Result<bool> {
    let mut compared = 0;
    let Some(first) = drawn.first() else { return Ok(false) };
    for entry in fs::read_dir(first.join(stem.as_str()))? {
        let name = entry?.file_name();
        if Path::new(&name).extension().is_none_or(|extension| extension != "png") {
            continue;
        }
        match equal(drawn.iter().map(|folder| folder.join(stem.as_str()).join(&name)))? {
            Some(false) => return Ok(false),
            Some(true) => compared += 1,
            None => {}
        }
    }
    Ok(compared > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_before_pictures() {
        let output = tempfile::tempdir().expect("a folder");
        let put = |path: &str, text: &str| {
            let path = output.path().join(path);
            fs::create_dir_all(path.parent().expect("below the folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        };
        for (repeat, [same, pixels, other]) in [(1, ["a", "b1", "c1"]), (2, ["a", "b2", "c2"])] {
            put(&format!("generated_{repeat}/same.js"), same);
            put(&format!("generated_{repeat}/pixels.js"), pixels);
            put(&format!("generated_{repeat}/other.js"), other);
            put(&format!("submitted-vs-generated-{repeat}/right/pixels/front.png"), "picture");
            put(&format!("submitted-vs-generated-{repeat}/right/other/front.png"), other);
        }
        put("generated_1/lost.js", "only once");
        let stems = ["same", "pixels", "other", "lost"].map(|stem| stem.parse().expect("a stem")).into();
        let same = Sameness::of(output.path(), 2, &stems).expect("readable");
        assert_eq!(same, Sameness { repeats: 2, stems: 3, identical: 1, same_pictures: 1, different: 1 });
    }
}
