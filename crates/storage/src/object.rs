//! What is at a key, and what became of a module there.
//! Plain values.

use std::fmt;

use md5::{Digest, Md5 as Hasher};
use reqwest::header::{CONTENT_LENGTH, ETAG, HeaderMap};

/// An MD5: what S3 gives as the `ETag` of an object that came in one piece.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Md5([u8; 16]);

impl Md5 {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Hasher::digest(bytes).into())
    }
}

/// In hex, as an `ETag` has it.
impl fmt::Display for Md5 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Md5 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Md5({self})")
    }
}

/// What is at a key, compared with a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// The same bytes.
    Same,
    /// Other bytes.
    Other,
    /// The key may not look.
    Hidden,
}

/// What became of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is there now, where nothing was.
    Uploaded,
    /// It is there now in place of other bytes.
    Replaced,
    /// It was there already, and is untouched.
    Unchanged,
}

/// What the headers of an object say of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The same bytes: nobody makes an MD5 by chance.
    Same,
    /// Other bytes: their number differs.
    Other,
    /// The `ETag` is another. It need not be an MD5: not of an object in parts, nor of one encrypted with a key of KMS.
    Unclear,
}

/// Compares headers with a module.
pub(crate) fn claim(headers: &HeaderMap, bytes: usize, md5: Md5) -> Claim {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let etag = headers.get(ETAG).and_then(|etag| etag.to_str().ok()).unwrap_or_default();
    let etag = etag.trim_start_matches("W/").trim_matches('"');
    match length {
        Some(length) if length != bytes => Claim::Other,
        Some(_) if etag.eq_ignore_ascii_case(&md5.to_string()) => Claim::Same,
        _ => Claim::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn headers_are_believed_as_far_as_they_prove_something() {
        let md5 = Md5::of(b"abc");
        assert_eq!(md5.to_string(), "900150983cd24fb0d6963f7d28e17f72");
        let quoted = "\"900150983cd24fb0d6963f7d28e17f72\"";
        for (length, etag, expected) in [
            (Some("3"), Some(quoted), Claim::Same),
            (Some("3"), Some("900150983CD24FB0D6963F7D28E17F72"), Claim::Same),
            (Some("4"), Some(quoted), Claim::Other),
            (Some("3"), Some("\"900150983cd24fb0d6963f7d28e17f72-1\""), Claim::Unclear),
            (Some("3"), Some("\"00000000000000000000000000000000\""), Claim::Unclear),
            (Some("3"), None, Claim::Unclear),
            (None, Some(quoted), Claim::Unclear),
            (Some("-3"), Some(quoted), Claim::Unclear),
        ] {
            let pairs = [(CONTENT_LENGTH, length), (ETAG, etag)];
            let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name, HeaderValue::from_str(value?).ok()?)));
            assert_eq!(claim(&pairs.collect(), 3, md5), expected, "{length:?} {etag:?}");
        }
    }
}
