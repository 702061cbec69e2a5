//! Text and bytes that are wiped from memory when they are no longer needed, and reading files into them.
//! Knows nothing of what the secrets mean.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use gen404_outside::text::bytes_without_mark;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use zeroize::Zeroizing;

/// No keyfile comes near it (the official ones have under 1 KiB); whatever is larger is something else.
const LARGEST_FILE: u64 = 64 * 1024;

/// Bytes that are wiped when dropped.
pub(crate) type SecretBytes = Zeroizing<Vec<u8>>;

/// Reads a small regular file; pipes, folders and giants are refused without reading them. A byte order mark in front is
/// left out, and a text in UTF-16, as some editors and shells write it behind such a mark, becomes UTF-8.
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
    Ok(unmarked(bytes))
}

/// The text or bytes behind a byte order mark, in UTF-8.
fn unmarked(bytes: SecretBytes) -> SecretBytes {
    let read = match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf8(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf8(rest, u16::from_be_bytes),
        marked => {
            let plain = bytes_without_mark(marked);
            (plain.len() < marked.len()).then(|| Zeroizing::new(plain.to_vec()))
        }
    };
    read.unwrap_or(bytes)
}

/// UTF-16 as UTF-8, unless it is none.
fn utf8(utf16: &[u8], unit: impl Fn([u8; 2]) -> u16) -> Option<SecretBytes> {
    let (pairs, []) = utf16.as_chunks::<2>() else { return None };
    // No character of one unit has more than three bytes: the vector never grows, and leaves no copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(3 * pairs.len()));
    for letter in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        let mut encoded = Zeroizing::new([0; 4]);
        bytes.extend_from_slice(letter.ok()?.encode_utf8(&mut *encoded).as_bytes());
    }
    Some(bytes)
}

/// Whether a text stands in quotes that do not belong to it, as some tools leave them around values they copy.
pub(crate) fn is_quoted(text: &str) -> bool {
    let text = text.trim();
    ['"', '\''].iter().any(|quote| text.len() > 1 && text.starts_with(*quote) && text.ends_with(*quote))
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
    fn what_stands_behind_a_byte_order_mark_is_read_as_utf8() {
        let folder = tempfile::tempdir().expect("a folder");
        let read_back = |content: &[u8]| {
            let path = folder.path().join("file");
            std::fs::write(&path, content).expect("written");
            read(&path).expect("readable").to_vec()
        };
        let units = |order: fn(u16) -> [u8; 2]| "\u{feff}{ü€𝜏}".encode_utf16().flat_map(order).collect::<Vec<u8>>();
        for marked in ["\u{feff}{ü€𝜏}".as_bytes(), &units(u16::to_le_bytes), &units(u16::to_be_bytes)] {
            assert_eq!(read_back(marked), "{ü€𝜏}".as_bytes());
        }
        // Not text: left as it is.
        for other in [&b"\xff\xfe\x00"[..], b"\xff\xfe\x00\xd8", b"$NACL\xef\xbb\xbf", b"", b"\xef\xbb"] {
            assert_eq!(read_back(other), other);
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
