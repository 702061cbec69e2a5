//! References to container images, by the rules of the registries themselves, so that a wrong one costs nothing.
//! Whether the image exists only its registry knows.

use std::fmt;
use std::str::FromStr;

/// The longest name, without tag and digest.
const LONGEST_NAME: usize = 255;

/// The longest tag.
const LONGEST_TAG: usize = 128;

/// A reference to an image: `[host[:port]/]path[:tag][@digest]`, for example `ghcr.io/me/generator:1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageReference(String);

/// Why a text is not a reference to an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidImage {
    /// Nothing, or blanks.
    #[error("the image is empty")]
    Empty,
    /// An address of a web page.
    #[error("an image is written without https://, as in ghcr.io/me/generator:1")]
    Address,
    /// The registries know no capitals.
    #[error("an image's name has no upper-case letters (only a tag may): write `{lower}`")]
    UpperCase {
        /// The name as it would be accepted.
        lower: String,
    },
    /// The host or its port.
    #[error("the image's registry must be a host, with a port or without, as in ghcr.io or localhost:5000")]
    Registry,
    /// The path.
    #[error(
        "an image's name has lower-case letters and digits, with single `.` or `_`, `__` or hyphens between them, and parts \
         parted by `/`, as in ghcr.io/me/generator:1"
    )]
    Name,
    /// Far too long.
    #[error("an image's name has at most {LONGEST_NAME} characters")]
    TooLong,
    /// The tag.
    #[error(
        "an image's tag has 1 to {LONGEST_TAG} letters, digits, `_`, `.` and `-`, and begins with none of the last two"
    )]
    Tag,
    /// The digest.
    #[error("an image's digest is written @sha256: and 64 lower-case hexadecimal digits")]
    Digest,
    /// A local image's identifier, which no registry knows.
    #[error("64 hexadecimal digits are an image on one machine, not in a registry: push it and give its name")]
    Identifier,
}

impl ImageReference {
    /// The reference as it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name inside its registry, without host, tag and digest.
    pub fn name(&self) -> &str {
        let path = split_host(&self.0).1;
        path.split([':', '@']).next().unwrap_or(path)
    }

    /// The host of its registry, where it names one.
    pub fn registry(&self) -> Option<&str> {
        split_host(&self.0).0
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for ImageReference {
    type Err = InvalidImage;

    fn from_str(text: &str) -> Result<Self, InvalidImage> {
        if text.trim().is_empty() {
            return Err(InvalidImage::Empty);
        }
        if text.contains("://") {
            return Err(InvalidImage::Address);
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        let (host, path) = split_host(rest);
        // What a colon begins in the path is the tag; a port has its colon before the first slash.
        let (path, tag) = match path.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (path, None),
        };
        if !host.is_none_or(is_host) {
            return Err(InvalidImage::Registry);
        }
        if path.bytes().any(|byte| byte.is_ascii_uppercase()) {
            let begin = host.map_or(0, |host| host.len() + 1);
            let (before, after) = (&text[..begin], &text[begin + path.len()..]);
            return Err(InvalidImage::UpperCase { lower: format!("{before}{}{after}", path.to_ascii_lowercase()) });
        }
        if !path.split('/').all(is_component) {
            return Err(InvalidImage::Name);
        }
        if host.map_or(0, |host| host.len() + 1) + path.len() > LONGEST_NAME {
            return Err(InvalidImage::TooLong);
        }
        if !tag.is_none_or(is_tag) {
            return Err(InvalidImage::Tag);
        }
        if !digest.is_none_or(is_digest) {
            return Err(InvalidImage::Digest);
        }
        if host.is_none() && path.len() == 64 && path.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidImage::Identifier);
        }
        Ok(Self(text.to_owned()))
    }
}

/// The registry's host, and the rest. The first part is a host when it looks like one; Docker Hub is meant otherwise.
fn split_host(text: &str) -> (Option<&str>, &str) {
    match text.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (Some(host), path),
        _ => (None, text),
    }
}

fn is_host(text: &str) -> bool {
    let (name, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            (None, port.strip_prefix(':').or(Some(port).filter(|port| !port.is_empty())))
        }
        None => match text.split_once(':') {
            Some((name, port)) => (Some(name), Some(port)),
            None => (Some(text), None),
        },
    };
    let label = |label: &str| {
        let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        inner && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    };
    let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    name.is_none_or(|name| name.split('.').all(label)) && port.is_none_or(digits)
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let (Some(first), Some(last)) = (text.as_bytes().first(), text.as_bytes().last()) else { return false };
    let mut separators = text.split(|letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit());
    let good = |between: &str| matches!(between, "." | "_" | "__") || between.bytes().all(|byte| byte == b'-');
    is_letter(first) && is_letter(last) && separators.all(good)
}

/// `\w[\w.-]{0,127}`
fn is_tag(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=LONGEST_TAG).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with(['.', '-'])
}

/// The two algorithms that registries use.
fn is_digest(text: &str) -> bool {
    let Some((algorithm, digits)) = text.split_once(':') else { return false };
    let length = match algorithm {
        "sha256" => 64,
        "sha512" => 128,
        _ => return false,
    };
    digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> InvalidImage {
        text.parse::<ImageReference>().expect_err(text)
    }

    #[test]
    fn what_registries_take_is_taken() {
        let digest = format!("@sha256:{}", "0f".repeat(32));
        for good in [
            "python",
            "python:3.12-slim",
            "me/generator:1",
            "ghcr.io/me/generator:V1.0_Rc-2",
            "localhost/gen",
            "localhost:5000/gen:1",
            "GHCR.io/me/gen",
            "[::1]:5000/gen",
            "10.0.0.1:80/a/b/c",
            "vllm/vllm-openai:v0.20.0",
            "europe-west3-docker.pkg.dev/gen-456515/active-competition/render-service-js:0.4.3",
            "me/a__b.c---d_e",
            &format!("ghcr.io/me/gen{digest}"),
            &format!("ghcr.io/me/gen:1{digest}"),
        ] {
            let read = good.parse::<ImageReference>().map(|image| image.to_string());
            assert_eq!(read.as_deref(), Ok(good));
        }
    }

    #[test]
    fn upper_case_names_are_refused_with_the_right_spelling() {
        for (wrong, right) in [
            ("ghcr.io/Me/Generator:V1", "ghcr.io/me/generator:V1"),
            ("Me/generator", "me/generator"),
            ("Generator", "generator"),
            ("Generator:Latest", "generator:Latest"),
            ("Ghcr.io/G", "Ghcr.io/g"),
        ] {
            assert_eq!(refused(wrong), InvalidImage::UpperCase { lower: right.to_owned() }, "{wrong}");
        }
    }

    #[test]
    fn everything_else_is_refused_by_its_name() {
        use InvalidImage::{Address, Digest, Empty, Identifier, Name, Registry, Tag, TooLong};
        let long = format!("ghcr.io/{}", "a".repeat(250));
        let long_tag = format!("a:{}", "x".repeat(129));
        let short_digest = format!("a@sha256:{}", "0".repeat(63));
        let loud_digest = format!("a@sha256:{}", "F".repeat(64));
        let identifier = "0f".repeat(32);
        for (text, why) in [
            ("", Empty),
            (" ", Empty),
            ("https://ghcr.io/me/gen:1", Address),
            ("docker://me/gen", Address),
            ("ghcr.io:/me/gen", Registry),
            ("ghcr.io:99999/me/gen", Registry),
            ("-ghcr.io/me/gen", Registry),
            ("ghcr..io/me/gen", Registry),
            ("[::x]/me/gen", Registry),
            ("ghcr.io//gen", Name),
            ("/gen", Name),
            ("gen/", Name),
            ("me/gen ", Name),
            (" me/gen", Name),
            ("me/ge n", Name),
            ("me/_gen", Name),
            ("me/gen-", Name),
            ("me/a..b", Name),
            ("me/a___b", Name),
            ("me/a._b", Name),
            ("me/gén", Name),
            ("'me/gen:1'", Name),
            (&long, TooLong),
            ("gen:", Tag),
            ("gen:.1", Tag),
            ("gen:-1", Tag),
            ("gen:1:2", Tag),
            ("me/gen:1/2", Tag),
            ("gen: 1", Tag),
            (&long_tag, Tag),
            ("gen@", Digest),
            ("gen@sha256", Digest),
            ("gen@md5:00", Digest),
            ("gen@sha256:1@2", Digest),
            (&short_digest, Digest),
            (&loud_digest, Digest),
            (&identifier, Identifier),
        ] {
            assert_eq!(refused(text), why, "{text}");
        }
    }

    #[test]
    fn the_registry_is_read_from_the_name() {
        let registry = |text: &str| text.parse::<ImageReference>().expect(text).registry().map(str::to_owned);
        assert_eq!(registry("ghcr.io/me/gen:1").as_deref(), Some("ghcr.io"));
        assert_eq!(registry("localhost:5000/gen").as_deref(), Some("localhost:5000"));
        assert_eq!((registry("me/gen:1"), registry("gen:1")), (None, None));
        let name = |text: &str| text.parse::<ImageReference>().expect(text).name().to_owned();
        assert_eq!((name("localhost:5000/me/gen:1"), name("gen")), ("me/gen".to_owned(), "gen".to_owned()));
    }

    proptest! {
        /// Nothing that is accepted could be taken for something else on its way.
        #[test]
        fn what_is_accepted_is_plain(text in "[a-zA-Z0-9:/@._ -]{0,40}") {
            if let Ok(image) = text.parse::<ImageReference>() {
                prop_assert!(image.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert!(!image.name().bytes().any(|byte| byte.is_ascii_uppercase()), "{}", image.name());
            }
        }
    }
}
