//! Prompts of a round and their names. A stem becomes a file name and an archive entry on this machine,
//! so the type only holds what is harmless there.

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

/// Longest stem; real rounds have had 64 hex characters and once a UUID.
const LONGEST_STEM: usize = 128;

/// Name of a prompt and of everything made from it (`<stem>.js`, `<stem>.png`, `<stem>.json`).
///
/// ASCII letters, digits, `-`, `_` and `.`, beginning with a letter, digit or `_`: never a path, never hidden.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Stem(String);

/// A text that cannot be a stem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no stem: 1 to {LONGEST_STEM} letters, digits, `-`, `_` or `.`, not beginning with `-` or `.`", text.escape_debug())]
pub struct InvalidStem {
    text: String,
}

impl Stem {
    /// The stem as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the generator's batch API takes it: `^[a-z0-9]+$` (measured on the subnet's reference service).
    pub fn is_accepted_by_generators(&self) -> bool {
        self.0.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    }
}

impl FromStr for Stem {
    type Err = InvalidStem;

    fn from_str(text: &str) -> Result<Self, InvalidStem> {
        let body = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        let head = text.bytes().next().is_some_and(|byte| !matches!(byte, b'-' | b'.'));
        if body && head && text.len() <= LONGEST_STEM {
            Ok(Self(text.to_owned()))
        } else {
            let text = text.chars().take(LONGEST_STEM).collect();
            Err(InvalidStem { text })
        }
    }
}

impl TryFrom<String> for Stem {
    type Error = InvalidStem;

    fn try_from(text: String) -> Result<Self, InvalidStem> {
        text.parse()
    }
}

impl From<Stem> for String {
    fn from(stem: Stem) -> Self {
        stem.0
    }
}

impl fmt::Display for Stem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Where a prompt's picture is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptImage {
    /// An http or https address.
    Url(Url),
    /// A file of this machine, as written in the prompts file (relative to it unless absolute).
    Path(PathBuf),
}

/// One picture of an object that a module shall be made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Its name.
    pub stem: Stem,
    /// The address as the file has it.
    pub image_url: String,
    /// The same, understood.
    pub image: PromptImage,
}

/// A prompts file: `{"prompts": [{"stem"?, "image_url"}], "seed"?}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptSet {
    /// The prompts in the file's order, their stems all different.
    pub prompts: Vec<Prompt>,
    /// Seed of the round, when the file has one.
    pub seed: Option<u64>,
}

/// What is wrong with a prompts file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPrompts {
    /// Not JSON of the expected shape.
    #[error(r#"not a prompts file: it must be {{"prompts": [{{"stem"?, "image_url"}}], "seed"?}}"#)]
    Shape(#[source] serde_json::Error),
    /// No prompts.
    #[error("the prompts file holds no prompts")]
    Empty,
    /// A stem, given or taken from the address, is unusable.
    #[error("prompt {number}")]
    Stem {
        /// Place in the file, from 1.
        number: usize,
        /// What is wrong with it.
        source: InvalidStem,
    },
    /// Two prompts share a stem, so one's files would replace the other's.
    #[error("prompt {number} has the stem `{stem}` of an earlier one")]
    Duplicate {
        /// Place in the file, from 1.
        number: usize,
        /// The repeated stem.
        stem: Stem,
    },
    /// An address that is neither http(s) nor a path.
    #[error("prompt {number}: `{}` is neither an http(s) URL nor a file's path", image_url.escape_debug())]
    Image {
        /// Place in the file, from 1.
        number: usize,
        /// The address.
        image_url: String,
    },
}

#[derive(Deserialize)]
struct RawSet {
    prompts: Vec<RawPrompt>,
    #[serde(default)]
    seed: Option<u64>,
}

#[derive(Deserialize)]
struct RawPrompt {
    #[serde(default)]
    stem: Option<String>,
    image_url: String,
}

impl PromptSet {
    /// Reads the text of a prompts file and checks all of it.
    pub fn parse(json: &[u8]) -> Result<Self, InvalidPrompts> {
        let raw: RawSet = serde_json::from_slice(json).map_err(InvalidPrompts::Shape)?;
        if raw.prompts.is_empty() {
            return Err(InvalidPrompts::Empty);
        }
        let mut seen = HashSet::new();
        let mut prompts = Vec::with_capacity(raw.prompts.len());
        for (index, RawPrompt { stem, image_url }) in raw.prompts.into_iter().enumerate() {
            let number = index + 1;
            let Some(image) = understand(&image_url) else {
                return Err(InvalidPrompts::Image { number, image_url });
            };
            let stem = stem.unwrap_or_else(|| file_stem(&image));
            let stem: Stem = stem.parse().map_err(|source| InvalidPrompts::Stem { number, source })?;
            if !seen.insert(stem.clone()) {
                return Err(InvalidPrompts::Duplicate { number, stem });
            }
            prompts.push(Prompt { stem, image_url, image });
        }
        Ok(Self { prompts, seed: raw.seed })
    }
}

fn understand(image_url: &str) -> Option<PromptImage> {
    if image_url.is_empty() || image_url.chars().any(char::is_control) {
        return None;
    }
    match Url::parse(image_url) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Some(PromptImage::Url(url)),
        Ok(url) if url.scheme() == "file" => url.to_file_path().ok().map(PromptImage::Path),
        Ok(_) => None,
        Err(_) => Some(PromptImage::Path(PathBuf::from(image_url))),
    }
}

/// The subnet's rule: last segment of the address, minus its final extension.
fn file_stem(image: &PromptImage) -> String {
    let name = match image {
        PromptImage::Url(url) => url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default(),
        PromptImage::Path(path) => path.file_name().and_then(|name| name.to_str()).unwrap_or_default(),
    };
    name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<PromptSet, InvalidPrompts> {
        PromptSet::parse(json.as_bytes())
    }

    #[test]
    fn stems_come_from_the_file_or_the_address() {
        let set = parse(
            r#"{"prompts":[{"stem":"a1","image_url":"https://h/x.png"},{"image_url":"https://h/d/51b5.v2.png?w=3"},
                {"image_url":"pictures/chair.png"}],"seed":3035696319,"more":1}"#,
        )
        .expect("a good file");
        let stems: Vec<_> = set.prompts.iter().map(|prompt| prompt.stem.as_str()).collect();
        assert_eq!(stems, ["a1", "51b5.v2", "chair"]);
        assert_eq!(set.seed, Some(3_035_696_319));
        assert_eq!(set.prompts[2].image, PromptImage::Path("pictures/chair.png".into()));
    }

    #[test]
    fn bad_files_are_refused_with_their_place() {
        assert!(matches!(parse("[]"), Err(InvalidPrompts::Shape(_))));
        assert!(matches!(parse(r#"{"prompts":[]}"#), Err(InvalidPrompts::Empty)));
        let twice = r#"{"prompts":[{"image_url":"https://h/a.png"},{"image_url":"https://i/a.jpg"}]}"#;
        assert!(matches!(parse(twice), Err(InvalidPrompts::Duplicate { number: 2, .. })));
        for image_url in ["", "ftp://h/a.png", "javascript:x"] {
            let json = format!(r#"{{"prompts":[{{"image_url":"{image_url}"}}]}}"#);
            assert!(matches!(parse(&json), Err(InvalidPrompts::Image { number: 1, .. })), "{image_url}");
        }
    }

    #[test]
    fn stems_can_never_leave_their_folder() {
        for text in ["", ".", "..", "../a", "a/b", "-rf", ".hidden", "a\0b", "a b", "ü", &"a".repeat(129)] {
            assert!(text.parse::<Stem>().is_err(), "{text:?}");
        }
        let uuid: Stem = "0b1c-22_x.Y".parse().expect("allowed");
        assert!(!uuid.is_accepted_by_generators());
        assert!("51b5befe".parse::<Stem>().expect("allowed").is_accepted_by_generators());
    }
}
