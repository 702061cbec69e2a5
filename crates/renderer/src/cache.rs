//! Pictures kept by what they were made of: the same module drawn by the same renderer is never drawn again, whoever asks and
//! under whatever name. Whole files only; what is in them it does not know.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use gen404_outside::disk::{Durability, write_whole};
use gen404_round::view::Picture;
use sha2::{Digest, Sha256};

use crate::folder::Fingerprint;

const BEGIN: &[u8] = b"\x89PNG\r\n\x1a\n";
const END: &[u8] = b"\0\0\0\0IEND\xaeB`\x82";

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

    /// The picture's file, when it is there and whole.
    pub fn find(&self, fingerprint: &Fingerprint, picture: Picture) -> Option<PathBuf> {
        let path = self.path(fingerprint, picture);
        is_whole(&path).is_ok_and(|whole| whole).then_some(path)
    }

    /// Keeps a picture and gives back its file.
    pub fn keep(&self, fingerprint: &Fingerprint, picture: Picture, file: &[u8]) -> io::Result<PathBuf> {
        let path = self.path(fingerprint, picture);
        write_whole(&path, file, Durability::Whole)?;
        Ok(path)
    }

    fn path(&self, fingerprint: &Fingerprint, picture: Picture) -> PathBuf {
        let hash = hex::encode(Sha256::digest(fingerprint.as_text()));
        self.root.join(&hash[..2]).join(hash).join(format!("{picture}.png"))
    }
}

/// Whether the file begins and ends as a PNG does: a power cut leaves less.
fn is_whole(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
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
}
