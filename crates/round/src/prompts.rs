//! Prompts of a round and their names. A stem becomes a file name and an archive entry on this machine,
//! so the type only holds what is harmless there.

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

/// Longest stem; real rounds have had 64 hex characters, and UUIDs with dashes.
const LONGEST_STEM: usize = 128;

/// The byte order mark that some editors put in front of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Name of a prompt and of everything made from it (`<stem>.js`, `<stem>.png`, `<stem>.json`).
///
/// ASCII letters, digits, `-`, `_` and `.`, beginning with a letter, digit or `_`, without `..` in it or `.` at its end
/// (`<stem>.js` would hold `..`): never a path, never hidden.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Stem(String);

/// A text that cannot be a stem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not a stem: 1 to {LONGEST_STEM} letters, digits, `-`, `_` or `.`, not beginning with `-` or `.`, without `..` and not ending with `.`", text.escape_debug())]
pub struct InvalidStem {
    text: String,
}

impl Stem {
    /// The stem as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it matches the pattern that the batch API documents, `^[a-z0-9]+$` (measured on the subnet's reference
    /// service). Real rounds have had stems that do not, and generators differ in whether they take them.
    pub fn matches_the_batch_api(&self) -> bool {
        self.0.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    }
}

impl FromStr for Stem {
    type Err = InvalidStem;

    fn from_str(text: &str) -> Result<Self, InvalidStem> {
        let body = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        let head = text.bytes().next().is_some_and(|byte| !matches!(byte, b'-' | b'.'));
        let climbs = text.contains("..") || text.ends_with('.');
        if body && head && !climbs && text.len() <= LONGEST_STEM {
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

/// How a prompts file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptsForm {
    /// `{"prompts": [{"stem"?, "image_url"}], "seed"?}`.
    Json,
    /// One http(s) URL per line, as the subnet publishes `prompts.txt`; the seed is in `seed.json` beside it.
    List,
}

/// A prompts file in either form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptSet {
    /// The prompts in the file's order, their stems all different.
    pub prompts: Vec<Prompt>,
    /// Seed of the round, when the file has one.
    pub seed: Option<u64>,
    /// How the file is written.
    pub form: PromptsForm,
}

/// What is wrong with a prompts file.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPrompts {
    /// Not JSON of the expected shape.
    #[error(r#"not a prompts file: it must be {{"prompts": [{{"stem"?, "image_url"}}], "seed"?}}"#)]
    Shape(#[source] serde_json::Error),
    /// Neither JSON nor a list of addresses.
    #[error("line {line}: `{}` is not an http(s) URL; a prompts file is JSON, or has one URL per line", text.escape_debug())]
    Line {
        /// Place in the file, from 1.
        line: usize,
        /// Start of the line.
        text: String,
    },
    /// A list that is not text.
    #[error("not UTF-8 text")]
    Encoding(#[source] std::str::Utf8Error),
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
    /// Reads the text of a prompts file in either form and checks all of it.
    pub fn parse(text: &[u8]) -> Result<Self, InvalidPrompts> {
        let text = text.strip_prefix(MARK).unwrap_or(text);
        match text.trim_ascii_start().first() {
            Some(b'{' | b'[') => {
                Self::check(serde_json::from_slice(text).map_err(InvalidPrompts::Shape)?, PromptsForm::Json)
            }
            _ => Self::check(list(text)?, PromptsForm::List),
        }
    }

    fn check(raw: RawSet, form: PromptsForm) -> Result<Self, InvalidPrompts> {
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
        Ok(Self { prompts, seed: raw.seed, form })
    }
}

/// One address per line; empty lines count for nothing.
fn list(text: &[u8]) -> Result<RawSet, InvalidPrompts> {
    const EXCERPT: usize = 100;
    let text = str::from_utf8(text).map_err(InvalidPrompts::Encoding)?;
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
    let prompts = lines.map(|(index, line)| match understand(line) {
        // Only addresses: anything else that is not JSON could pass for a file's path, such as a saved error page.
        Some(PromptImage::Url(_)) => Ok(RawPrompt { stem: None, image_url: line.to_owned() }),
        Some(PromptImage::Path(_)) | None => {
            Err(InvalidPrompts::Line { line: index + 1, text: line.chars().take(EXCERPT).collect() })
        }
    });
    Ok(RawSet { prompts: prompts.collect::<Result<_, _>>()?, seed: None })
}

/// The seed in the `seed.json` that the subnet publishes beside `prompts.txt`: `{"seed": 579720909}`.
pub fn parse_seed(json: &[u8]) -> Result<u64, InvalidSeed> {
    #[derive(Deserialize)]
    struct RawSeed {
        seed: u64,
    }
    let RawSeed { seed } = serde_json::from_slice(json.strip_prefix(MARK).unwrap_or(json))?;
    Ok(seed)
}

/// A text that holds no seed.
#[derive(Debug, thiserror::Error)]
#[error(r#"not a round's seed: it must be {{"seed": <number>}}"#)]
pub struct InvalidSeed(#[from] serde_json::Error);

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
    fn the_list_that_the_subnet_publishes_is_read() {
        const HEX: &str = "8c6c463fe4d3d9ed969a71ca8171b2571bb14f5fae057cf12d3743014d46c747";
        const UUID: &str = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed";
        let text = format!("\u{feff}https://h/procgen/{HEX}.png\r\n\n  https://h/{UUID}.jpg ");
        let set = parse(&text).expect("a list");
        let prompts: Vec<_> =
            set.prompts.iter().map(|prompt| (prompt.stem.as_str(), prompt.image_url.as_str())).collect();
        let (hex_url, uuid_url) = (format!("https://h/procgen/{HEX}.png"), format!("https://h/{UUID}.jpg"));
        assert_eq!(prompts, [(HEX, hex_url.as_str()), (UUID, uuid_url.as_str())]);
        assert_eq!((set.seed, set.form), (None, PromptsForm::List));

        assert_eq!(parse_seed(b"\xef\xbb\xbf{\"seed\": 579720909}").expect("a seed"), 579_720_909);
        for bad in ["579720909", r#"{"seed":-1}"#, r#"{"seed":"7"}"#, "{}", ""] {
            assert!(parse_seed(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_neither_json_nor_a_list_is_refused() {
        for (text, line) in [
            ("404: Not Found", 1),
            ("https://h/a.png\n\n<html>", 3),
            ("pictures/a.png", 1),
            ("file:///a.png", 1),
            ("null", 1),
        ] {
            assert!(matches!(parse(text), Err(InvalidPrompts::Line { line: at, .. }) if at == line), "{text}");
        }
        assert!(matches!(parse(" \r\n"), Err(InvalidPrompts::Empty)));
        assert!(matches!(parse("https://h/a.png\nhttps://i/a.jpg"), Err(InvalidPrompts::Duplicate { number: 2, .. })));
        assert!(matches!(parse("https://h/a%2Fb.png"), Err(InvalidPrompts::Stem { number: 1, .. })));
        assert!(matches!(PromptSet::parse(b"https://h/\xff.png"), Err(InvalidPrompts::Encoding(_))));
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        let set = parse("\u{feff}{\"prompts\":[{\"image_url\":\"https://h/a.png\"}]}").expect("a good file");
        assert_eq!((set.prompts.len(), set.form), (1, PromptsForm::Json));
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
        for text in [
            "",
            ".",
            "..",
            "../a",
            "a/b",
            "a\\b",
            "a%2fb",
            "a\n",
            "-rf",
            ".hidden",
            "a\0b",
            "a b",
            "ü",
            &"a".repeat(129),
        ] {
            assert!(text.parse::<Stem>().is_err(), "{text:?}");
        }
        let uuid: Stem = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed".parse().expect("real rounds have had such");
        assert!(!uuid.matches_the_batch_api());
        assert!("51b5befe".parse::<Stem>().expect("allowed").matches_the_batch_api());
    }
}
