//! Text and bytes that are wiped from memory when they are no longer needed, and reading files into them.
//! Knows nothing of what the secrets mean.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use zeroize::Zeroizing;

/// No keyfile comes near it (the official ones have under 1 KiB); whatever is larger is something else.
const LARGEST_FILE: u64 = 64 * 1024;

/// Bytes that are wiped when dropped.
pub(crate) type SecretBytes = Zeroizing<Vec<u8>>;

/// Reads a small regular file; pipes, folders and giants are refused without reading them.
pub(crate) fn read(path: &Path) -> io::Result<SecretBytes> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    if metadata.len() > LARGEST_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "far too large for a keyfile"));
    }
    // The whole capacity at once: a growing vector would leave unwiped copies behind.
    let capacity = usize::try_from(metadata.len()).unwrap_or_default() + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    File::open(path)?.take(metadata.len()).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A text of a keyfile that is wiped when dropped; may well be blank.
pub(crate) struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The text without surrounding white space, or nothing when it is blank.
    pub(crate) fn content(&self) -> Option<&str> {
        Some(self.0.trim()).filter(|text| !text.is_empty())
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[hidden]")
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = SecretText;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<SecretText, E> {
                Ok(SecretText(Zeroizing::new(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// Exactly `N` bytes of hex, with or without `0x`.
pub(crate) fn decode_hex<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let mut bytes = Zeroizing::new([0; N]);
    hex::decode_to_slice(digits, &mut *bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_needs_the_exact_length_and_may_begin_with_0x() {
        assert_eq!(*decode_hex::<2>("0xff01").expect("prefixed"), [0xff, 1]);
        assert_eq!(*decode_hex::<2>("FF01").expect("bare"), [0xff, 1]);
        for text in ["", "0x", "ff", "ff0102", "0xff0g", "ö1ö"] {
            assert!(decode_hex::<2>(text).is_none(), "{text}");
        }
    }

    #[test]
    fn folders_and_giants_are_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(read(folder.path()).expect_err("a folder").kind(), io::ErrorKind::InvalidInput);
        let giant = folder.path().join("giant");
        File::create(&giant).expect("created").set_len(LARGEST_FILE + 1).expect("grown");
        assert_eq!(read(&giant).expect_err("a giant").kind(), io::ErrorKind::FileTooLarge);
    }
}
