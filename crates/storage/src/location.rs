//! `s3://bucket/prefix`: where modules go, and which key each of them gets there.
//! Knows names only; which host has the bucket is `endpoint`'s business.

use std::fmt;
use std::str::FromStr;

use gen404_round::Stem;

/// The longest key that S3 takes, in bytes; a stem and its extension must fit behind the prefix.
const LONGEST_PREFIX: usize = 1024 - 160;

/// A bucket and the prefix below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    bucket: String,
    /// Without slashes at its ends; empty for the bucket itself.
    prefix: String,
}

/// A text that names no place in a bucket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLocation {
    /// Another form altogether.
    #[error("write s3://BUCKET/PREFIX")]
    Form,
    /// No bucket can be called that.
    #[error(
        "a bucket's name has 3 to 63 letters, digits, `-`, `.` and `_`, and begins and ends with a letter or digit"
    )]
    Bucket,
    /// Clients on the way would read another key.
    #[error("the prefix may not hold empty parts, `.` or `..`, `?`, `#`, `%` or control characters")]
    Prefix,
    /// Keys would be too long.
    #[error("the prefix may have {LONGEST_PREFIX} bytes at most")]
    TooLong,
}

impl Location {
    /// The bucket's name.
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The key of a stem's module.
    pub fn module(&self, stem: &Stem) -> String {
        self.key(&format!("{stem}.js"))
    }

    /// The key of a file below the prefix.
    pub fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }
}

impl FromStr for Location {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, InvalidLocation> {
        let rest = text.trim().strip_prefix("s3://").ok_or(InvalidLocation::Form)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let plain = |byte: u8| byte.is_ascii_alphanumeric();
        let ends = [bucket.bytes().next(), bucket.bytes().next_back()].iter().all(|end| end.is_some_and(plain));
        let body = bucket.bytes().all(|byte| plain(byte) || b"-._".contains(&byte));
        if !(3..=63).contains(&bucket.len()) || !ends || !body || bucket.contains("..") {
            return Err(InvalidLocation::Bucket);
        }
        let prefix = prefix.trim_matches('/');
        if prefix.len() > LONGEST_PREFIX {
            return Err(InvalidLocation::TooLong);
        }
        // What URLs say with these is not what keys say, and a CDN in front of the bucket reads URLs.
        let good = |part: &str| !matches!(part, "" | "." | "..") && !part.contains(['?', '#', '%', '\\']);
        if !prefix.is_empty() && !prefix.split('/').all(good) || prefix.chars().any(char::is_control) {
            return Err(InvalidLocation::Prefix);
        }
        Ok(Self { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
    }
}

/// As it would be typed.
impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "s3://{}", self.bucket)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(formatter, "/{}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_gives_each_stem_its_key() {
        let stem: Stem = "5b1e".parse().expect("a stem");
        for (text, shown, key) in [
            ("s3://cdn", "s3://cdn", "5b1e.js"),
            ("s3://cdn/", "s3://cdn", "5b1e.js"),
            ("s3://my.bucket/17/", "s3://my.bucket/17", "17/5b1e.js"),
            (" s3://Old_Bucket/a b/ü ", "s3://Old_Bucket/a b/ü", "a b/ü/5b1e.js"),
        ] {
            let location: Location = text.parse().expect(text);
            assert_eq!((location.to_string(), location.module(&stem)), (shown.to_owned(), key.to_owned()));
        }
    }

    #[test]
    fn whatever_names_another_place_for_somebody_is_refused() {
        use InvalidLocation::{Bucket, Form, Prefix, TooLong};
        let long = format!("s3://cdn/{}", "x".repeat(1000));
        for (text, why) in [
            ("cdn/17", Form),
            ("https://cdn/17", Form),
            ("S3://cdn", Form),
            ("s3://", Bucket),
            ("s3:///17", Bucket),
            ("s3://ab", Bucket),
            ("s3://-ab", Bucket),
            ("s3://a..b", Bucket),
            ("s3://me:s3cret@cdn/17", Bucket),
            ("s3://cdn/a//b", Prefix),
            ("s3://cdn/../other", Prefix),
            ("s3://cdn/a/./b", Prefix),
            ("s3://cdn/a?b", Prefix),
            ("s3://cdn/a%2fb", Prefix),
            ("s3://cdn/a\u{1b}[2Jb", Prefix),
            (&long, TooLong),
        ] {
            assert_eq!(text.parse::<Location>(), Err(why), "{text}");
        }
    }
}
