//! Values that nobody may see. Their type is the mark: an option whose value is a `SecretString` is kept out of help
//! texts, errors and settings files (`settings::is_secret`), without a list that could forget one.

use std::ffi::{OsStr, OsString};

use clap::builder::{StringValueParser, TypedValueParser};
use clap::{Arg, Command, Error};
use secrecy::SecretString;

/// Stands where an error would show the value.
const HIDDEN: &str = "…";

/// Reads a key: white space around it is not part of it, quotation marks never are, and what no header can carry is named. No
/// error repeats the value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyParser;

impl TypedValueParser for KeyParser {
    type Value = SecretString;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<SecretString, Error> {
        let given = value.to_owned();
        // The parser that words the error never sees the value.
        StringValueParser::new().try_map(move |_| key(&given)).parse_ref(command, arg, OsStr::new(HIDDEN))
    }
}

/// What is wrong with a key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum InvalidKey {
    #[error("it is not valid UTF-8")]
    NotUtf8,
    #[error("it begins or ends with {}, which is not part of a key: take it away", named(*.0))]
    Quoted(char),
    #[error("it holds {}, which no key has", named(*.0))]
    Holds(char),
}

fn key(given: &OsString) -> Result<SecretString, InvalidKey> {
    let key = given.to_str().ok_or(InvalidKey::NotUtf8)?.trim();
    let is_mark = |letter: &char| matches!(letter, '"' | '\'' | '`') || is_typographic(*letter);
    if let Some(mark) = key.chars().next().filter(is_mark).or_else(|| key.chars().next_back().filter(is_mark)) {
        return Err(InvalidKey::Quoted(mark));
    }
    match key.chars().find(|letter| !letter.is_ascii_graphic()) {
        Some(letter) => Err(InvalidKey::Holds(letter)),
        None => Ok(key.into()),
    }
}

fn is_typographic(letter: char) -> bool {
    matches!(letter, '\u{ab}' | '\u{bb}' | '\u{2018}'..='\u{201f}' | '\u{2039}' | '\u{203a}' | '\u{2032}' | '\u{2033}')
}

/// The character in words, with its number: most of those that go wrong cannot be seen.
fn named(letter: char) -> String {
    let name = match letter {
        ' ' => "a space",
        '\n' => "a line feed",
        '\r' => "a carriage return",
        '\t' => "a tab",
        '"' | '\'' | '`' => "a quotation mark",
        '\u{a0}' => "a no-break space",
        '\u{feff}' => "a byte order mark",
        '\u{200b}'..='\u{200f}' => "an invisible character",
        letter if is_typographic(letter) => "a typographic quotation mark",
        letter if letter.is_control() => "a control character",
        _ => "a character that is not ASCII",
    };
    format!("{name} (U+{:04X})", u32::from(letter))
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use clap::Parser;
    use secrecy::ExposeSecret;

    use super::*;

    #[derive(Debug, Parser)]
    struct Sample {
        #[arg(long, value_parser = KeyParser)]
        key: SecretString,
    }

    #[test]
    fn keys_are_trimmed_and_quotation_marks_named() {
        let read = |value: &str| {
            Sample::try_parse_from(["sample", "--key", value])
                .map(|sample| sample.key.expose_secret().to_owned())
                .map_err(|error| error.to_string())
        };
        assert_eq!(read(" k-5ecret\r\n").as_deref(), Ok("k-5ecret"));
        for (refused, reason) in [
            (
                "\"k-5ecret\"",
                "it begins or ends with a quotation mark (U+0022), which is not part of a key: take it away",
            ),
            ("'k-5ecret'", "it begins or ends with a quotation mark (U+0027)"),
            ("k-5ecret\"", "it begins or ends with a quotation mark (U+0022)"),
            ("'k-5ecret", "it begins or ends with a quotation mark (U+0027)"),
            ("\u{201c}k-5ecret\u{201d}", "it begins or ends with a typographic quotation mark (U+201C)"),
            ("k-5ecret\u{2019}", "it begins or ends with a typographic quotation mark (U+2019)"),
            ("k-5ecret k-5ecret", "it holds a space (U+0020), which no key has"),
            ("k-5ecret\nk-5ecret", "it holds a line feed (U+000A)"),
            ("k-5ecret\r\nk-5ecret", "it holds a carriage return (U+000D)"),
            ("k-5ecret\u{a0}k", "it holds a no-break space (U+00A0)"),
            ("k-5ecret\u{200b}", "it holds an invisible character (U+200B)"),
            ("k-5ecret\u{7}k", "it holds a control character (U+0007)"),
            ("k-5ecr\u{435}t", "it holds a character that is not ASCII (U+0435)"),
        ] {
            let said = read(refused).unwrap_err();
            assert!(said.contains(&format!("invalid value '…' for '--key <KEY>': {reason}")), "{said}");
            assert!(!said.contains("5ecr"), "{said}");
        }
    }

    #[test]
    fn no_error_shows_a_key_in_any_form() {
        let given = OsString::from_vec(b"k-5ecret\xff".to_vec());
        let error = Sample::try_parse_from([OsString::from("sample"), "--key".into(), given]).unwrap_err();
        assert!(error.to_string().contains("'--key <KEY>': it is not valid UTF-8"), "{error}");
        assert!(!format!("{error:?}").contains("5ecret"), "{error:?}");
    }
}
