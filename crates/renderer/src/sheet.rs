//! The contact sheet: every object's grid of an output folder, small, with its name, on one picture.
//! It reads PNG files and knows nothing of how they came to be.

mod lettering;

use std::io;
use std::path::{Path, PathBuf};

use gen404_outside::disk::{Durability, write_whole};
use gen404_outside::explain::{Blame, Explain};
use gen404_round::Stem;

use crate::image::{Image, InvalidImage};

/// Width and height of one small picture.
const THUMBNAIL: u32 = 240;
/// Free pixels around it.
const MARGIN: u32 = 8;
/// Height of the line with the name.
const LINE: u32 = 18;
/// Most small pictures in a row.
const MOST_COLUMNS: u32 = 8;
/// Most objects on one sheet; a round has 128.
const MOST_OBJECTS: usize = 256;
/// Largest file that is read.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;
const PAPER: [u8; 4] = [250, 250, 248, 255];

/// Why there is no contact sheet.
#[derive(Debug, thiserror::Error)]
pub enum SheetError {
    /// A folder or file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A picture is none.
    #[error("{} is not a picture", path.display())]
    Picture {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: InvalidImage,
    },
    /// Nothing to show.
    #[error("no <stem>.png in {}", folder.display())]
    NoPictures {
        /// The output folder.
        folder: PathBuf,
    },
    /// The sheet cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The sheet's file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl Explain for SheetError {
    fn blame(&self) -> Blame {
        match self {
            Self::Read { .. } | Self::Picture { .. } | Self::NoPictures { .. } | Self::Write { .. } => Blame::Here,
        }
    }
}

/// Makes a sheet of every `<stem>.png` in `folder` and writes it to `file`; gives back how many it shows.
///
/// At most 256 objects, by name. Blocking: reads and shrinks every picture.
pub fn contact_sheet(folder: &Path, file: &Path) -> Result<usize, SheetError> {
    let pictures = pictures_in(folder, file)?;
    let count = u32::try_from(pictures.len()).expect("at most MOST_OBJECTS");
    let columns = (count.isqrt() + u32::from(count.isqrt().pow(2) < count)).min(MOST_COLUMNS);
    let (cell_width, cell_height) = (THUMBNAIL + MARGIN, THUMBNAIL + LINE + MARGIN);
    let mut sheet = Image::filled(columns * cell_width + MARGIN, count.div_ceil(columns) * cell_height + MARGIN, PAPER);
    for ((stem, path), place) in pictures.iter().zip(0..) {
        let (left, top) = (MARGIN + place % columns * cell_width, MARGIN + place / columns * cell_height);
        let bytes = read(path)?;
        let image = Image::from_png(&bytes).map_err(|source| SheetError::Picture { path: path.clone(), source })?;
        let small = image.shrunk_to(THUMBNAIL);
        sheet.paste(&small, left + (THUMBNAIL - small.width()) / 2, top);
        lettering::write(&mut sheet, stem.as_str(), left, top + THUMBNAIL + 4, THUMBNAIL);
    }
    write_whole(file, &sheet.to_png(), Durability::Whole)
        .map_err(|source| SheetError::Write { path: file.to_owned(), source })?;
    Ok(pictures.len())
}

/// The pictures by name, the sheet itself left out.
fn pictures_in(folder: &Path, sheet: &Path) -> Result<Vec<(Stem, PathBuf)>, SheetError> {
    let failed = |source| SheetError::Read { path: folder.to_owned(), source };
    let sheet = sheet.canonicalize().ok();
    let mut pictures = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_none_or(|extension| extension != "png") || path.canonicalize().ok() == sheet {
            continue;
        }
        if let Ok(stem) = path.file_stem().unwrap_or_default().to_string_lossy().parse::<Stem>() {
            pictures.push((stem, path));
        }
    }
    if pictures.is_empty() {
        return Err(SheetError::NoPictures { folder: folder.to_owned() });
    }
    pictures.sort_by(|(a, _), (b, _)| a.as_str().cmp(b.as_str()));
    pictures.truncate(MOST_OBJECTS);
    Ok(pictures)
}

fn read(path: &Path) -> Result<Vec<u8>, SheetError> {
    use std::io::Read;
    let failed = |source| SheetError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    std::fs::File::open(path).and_then(|file| file.take(LARGEST_FILE).read_to_end(&mut bytes)).map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_of_the_folder_is_on_the_sheet_once() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, shade) in [("b", 20), ("a", 10), ("c", 30)] {
            let image = Image::filled(480, 480, [shade, 0, 0, 255]);
            std::fs::write(folder.path().join(format!("{name}.png")), image.to_png()).expect("a file");
        }
        std::fs::write(folder.path().join("notes.txt"), "no picture").expect("a file");
        let file = folder.path().join("sheet.png");
        for _ in 0..2 {
            // The second time the sheet itself is in the folder.
            assert_eq!(contact_sheet(folder.path(), &file).expect("a sheet"), 3);
        }
        let sheet = Image::from_png(&std::fs::read(&file).expect("a file")).expect("a PNG");
        assert_eq!((sheet.width(), sheet.height()), (2 * 248 + 8, 2 * 266 + 8));
        let red = |x: u32, y: u32| sheet.pixels()[(y * sheet.width() + x) as usize * 4];
        assert_eq!([red(100, 100), red(350, 100), red(100, 366)], [10, 20, 30]);
    }

    #[test]
    fn an_empty_folder_has_no_sheet() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = contact_sheet(folder.path(), &folder.path().join("sheet.png")).expect_err("nothing to show");
        assert!(matches!(error, SheetError::NoPictures { .. }));
    }
}
