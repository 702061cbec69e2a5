//! Pictures at strangers' addresses: fetched politely, told by their first bytes, and kept on disk under their address, so
//! that nobody is asked twice. Does not know what a picture is for.

mod fetch;

pub use fetch::{FetchError, FetchLimits, Fetcher};

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use url::Url;

/// Picture formats that vision models and browsers read alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    Webp,
}

impl Format {
    const ALL: [Self; 3] = [Self::Png, Self::Jpeg, Self::Webp];

    /// Told from the file's first bytes: names and headers are often wrong.
    pub fn of(file: &[u8]) -> Option<Self> {
        if file.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if file.starts_with(b"\xff\xd8\xff") {
            Some(Self::Jpeg)
        } else if file.starts_with(b"RIFF") && file.get(8..12) == Some(b"WEBP") {
            Some(Self::Webp)
        } else {
            None
        }
    }

    /// The media type.
    pub fn mime(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }

    /// Ending of a file's name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
        }
    }
}

/// A folder of pictures that were fetched, each under its address.
#[derive(Debug, Clone)]
pub struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    /// The shelf in this folder; it is made when the first picture comes.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The shelf beside the prompt pictures that a person may have put into a folder under names of their own.
    pub fn beside(pictures: &Path) -> Self {
        Self::new(pictures.join("by-address"))
    }

    /// The picture of this address, when it was fetched before.
    pub fn find(&self, url: &Url) -> Option<PathBuf> {
        Format::ALL.into_iter().map(|format| self.place(url, format)).find(|path| path.is_file())
    }

    /// An address may hold a token, so it is not to be read from the name.
    fn place(&self, url: &Url, format: Format) -> PathBuf {
        self.folder.join(format!("{}.{}", name_of(url), format.extension()))
    }
}

/// A name for the picture of an address, from which the address cannot be read.
fn name_of(url: &Url) -> String {
    let mut url = url.clone();
    url.set_fragment(None);
    hex::encode(&Sha256::digest(url.as_str())[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_by_content() {
        assert_eq!(Format::of(b"\x89PNG\r\n\x1a\n..."), Some(Format::Png));
        assert_eq!(Format::of(b"\xff\xd8\xff\xe0"), Some(Format::Jpeg));
        assert_eq!(Format::of(b"RIFF\x10\0\0\0WEBPVP8 "), Some(Format::Webp));
        for other in [b"".as_slice(), b"RIFF", b"RIFF\x10\0\0\0WAVEfmt ", b"<html>", b"GIF89a"] {
            assert_eq!(Format::of(other), None);
        }
    }

    #[test]
    fn a_picture_is_found_by_its_whole_address_and_nothing_of_it_shows() {
        let folder = tempfile::tempdir().expect("a folder");
        let shelf = Shelf::beside(folder.path());
        let url = |text: &str| Url::parse(text).expect("a URL");
        let place = shelf.place(&url("https://h/a.png?token=s3cret"), Format::Jpeg);
        assert!(!place.display().to_string().contains("s3cret"));
        std::fs::create_dir_all(place.parent().expect("a folder")).expect("made");
        std::fs::write(&place, b"x").expect("written");
        assert_eq!(shelf.find(&url("https://h/a.png?token=s3cret#part")), Some(place));
        assert_eq!(shelf.find(&url("https://h/a.png?token=other")), None);
        assert_eq!(shelf.find(&url("https://h/a.png")), None);
    }
}
