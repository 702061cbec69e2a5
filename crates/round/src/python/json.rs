//! JSON as Python's `json` module reads it: `NaN` and `Infinity` are numbers, halves of surrogate pairs are characters, the
//! last of equal keys counts. A stricter reader would pass over what the subnet's services act on.

mod order;
mod parser;

use std::borrow::Cow;

/// A value as Python holds it.
#[derive(Debug, Clone)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` and `false`, which are also the numbers 1 and 0.
    Bool(bool),
    /// A whole number of any size: its digits as written, with its sign.
    Integer(String),
    /// Any other number, `NaN` and the infinities among them.
    Float(f64),
    /// Text.
    Text(Text),
    /// A list.
    List(Vec<Self>),
    /// An object, in order, every key once.
    Object(Vec<(Text, Self)>),
}

/// Text that may hold halves of surrogate pairs, as Python's strings may. They compare by code points.
///
/// Held as UTF-8 with lone surrogates in their three bytes, whose order is that of the code points.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Vec<u8>);

/// Why a text is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotJson {
    /// Against the grammar, or broken off.
    #[error("not JSON from byte {at} on")]
    Malformed {
        /// Where it stops making sense.
        at: usize,
    },
    /// So many brackets inside one another that Python's reader gives up with an error of its own.
    #[error("JSON nested too deeply")]
    TooDeep,
}

impl Text {
    /// The text, unless it holds half of a surrogate pair.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The text with U+FFFD in place of what no Rust string can hold.
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Whether Python finds `part` in it.
    pub fn contains(&self, part: &str) -> bool {
        self.0.windows(part.len()).any(|window| window == part.as_bytes())
    }

    /// The text without these characters at its end.
    pub(crate) fn trim_end_matches(&self, character: char) -> Self {
        let mut end = self.0.len();
        let mut buffer = [0; 4];
        let encoded = character.encode_utf8(&mut buffer).as_bytes();
        while self.0[..end].ends_with(encoded) {
            end -= encoded.len();
        }
        Self(self.0[..end].to_vec())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl Json {
    /// Reads a text.
    pub fn parse(text: &str) -> Result<Self, NotJson> {
        parser::parse(text)
    }

    /// The value of a key, when this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            Self::Null | Self::Bool(_) | Self::Integer(_) | Self::Float(_) | Self::Text(_) | Self::List(_) => None,
        }
    }

    /// Whether Python takes the value for true: everything but `null`, `false`, zero and what is empty.
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Integer(digits) => digits.bytes().any(|digit| (b'1'..=b'9').contains(&digit)),
            Self::Float(value) => *value != 0.0,
            Self::Text(text) => !text.0.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Object(entries) => !entries.is_empty(),
        }
    }

    /// What kind of value it is, in a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// The nearest value without Python's liberties: numbers that JSON does not know become `null`, halves of surrogate pairs
/// U+FFFD.
impl From<Json> for serde_json::Value {
    fn from(json: Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Integer(digits) => match digits.parse::<i64>() {
                Ok(number) => number.into(),
                Err(_) => match digits.parse::<u64>() {
                    Ok(number) => number.into(),
                    Err(_) => digits.parse::<f64>().ok().and_then(serde_json::Number::from_f64).into(),
                },
            },
            Json::Float(value) => serde_json::Number::from_f64(value).into(),
            Json::Text(text) => Self::String(text.to_string_lossy().into_owned()),
            Json::List(items) => items.into_iter().map(Self::from).collect(),
            Json::Object(entries) => entries
                .into_iter()
                .map(|(key, value)| (key.to_string_lossy().into_owned(), Self::from(value)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(text: &str) -> serde_json::Value {
        Json::parse(text).expect("JSON for Python").into()
    }

    #[test]
    fn what_only_python_reads_is_read() {
        assert_eq!(
            plain(r#"{"a":NaN,"b":[-Infinity,1e999,-0,1.0E2]}"#).to_string(),
            r#"{"a":null,"b":[null,null,0,100.0]}"#
        );
        assert_eq!(plain(r#""\ud83d\ude00 \u00e9 \ud800""#), "😀 é \u{fffd}\u{fffd}\u{fffd}");
        assert_eq!(plain(r#"{"a":1,"b":2,"\u0061":3}"#).to_string(), r#"{"a":3,"b":2}"#);
        assert!(matches!(Json::parse(&"[".repeat(100_000)), Err(NotJson::TooDeep)));
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        assert!(Json::parse(&deep).is_ok());
    }

    #[test]
    fn what_python_refuses_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "[1,]",
            r#"{"a":1,}"#,
            "01",
            "1.",
            ".5",
            "+1",
            "-",
            "-Inf",
            "nan",
            "tru",
            "'a'",
            "\"\t\"",
            "\"a",
            r#""\x41""#,
            r#""\u12"#,
            r#""\u+123""#,
            "1 2",
            "{1:2}",
            "\u{feff}1",
            "\u{c}1",
            "1\u{a0}",
            "/**/1",
        ] {
            assert!(matches!(Json::parse(text), Err(NotJson::Malformed { .. })), "{text:?}");
        }
    }

    #[test]
    fn truth_is_pythons() {
        for (text, truth) in [
            ("null", false),
            ("0", false),
            ("-0", false),
            ("0.0", false),
            ("-0e5", false),
            ("\"\"", false),
            ("[]", false),
            ("{}", false),
            ("false", false),
            ("NaN", true),
            ("10", true),
            ("[0]", true),
            ("\" \"", true),
            ("true", true),
        ] {
            assert_eq!(Json::parse(text).expect("JSON").is_truthy(), truth, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in any::<String>()) {
            let _result = Json::parse(&text);
        }

        #[test]
        fn what_serde_reads_is_read_alike(text in r#"[\[\]{}:,"0-9eE.\\ a-]{0,24}"#) {
            let ours = Json::parse(&text).ok().map(serde_json::Value::from);
            if let Ok(theirs) = serde_json::from_str::<serde_json::Value>(&text) {
                // Whole numbers written as -0 are integers for Python and a float for serde.
                prop_assert_eq!(ours.map(|v| v.to_string().replace("-0.0", "0")), Some(theirs.to_string().replace("-0.0", "0")));
            }
        }
    }
}
