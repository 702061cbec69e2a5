//! From bytes to a file's content: JSON as Python writes it, entries in their order, and what cannot be understood named.
//! Knows no single file.

use std::str;

use gen404_outside::text;
use gen404_round::Hotkey;
use gen404_round::python::{Json, NotJson};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

/// The bytes of a file as they were got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether these are certainly all of them: a server said how many there are, or nobody is writing the file. JSON shows
    /// by itself where it ends; lists of lines do not.
    pub is_whole: bool,
}

/// A file of the state that can be read from bytes.
pub trait Content: Sized {
    /// Reads it. Never panics, whatever the bytes are.
    fn read(document: &Document) -> Result<Self, Unreadable>;
}

/// What a look at a file gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading<T> {
    /// It is there.
    There(T),
    /// It is not there yet: its service has not written it.
    NotThere,
    /// It is there and makes no sense: half-written, or in a form that is not known.
    Unreadable(Unreadable),
}

impl<T> Reading<T> {
    /// The content, when there is any.
    pub fn there(&self) -> Option<&T> {
        match self {
            Self::There(content) => Some(content),
            Self::NotThere | Self::Unreadable(_) => None,
        }
    }
}

/// Why bytes are not the file they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not text.
    #[error("not UTF-8 text")]
    NotText,
    /// Not JSON, which a half-written file is not either.
    #[error("half-written, or no file of the state at all ({0})")]
    NotJson(NotJson),
    /// JSON of another form.
    #[error("not in the form that is known: {problem}")]
    Form {
        /// What is wrong with it, in one short line.
        problem: String,
    },
    /// Something else, such as a web page.
    #[error("half-written, or no file of the state at all (no header line `{expected}`)")]
    Header {
        /// The header that should be there.
        expected: &'static str,
    },
}

impl Document {
    pub(crate) fn text(&self) -> Result<&str, Unreadable> {
        str::from_utf8(text::bytes_without_mark(&self.bytes)).map_err(|_| Unreadable::NotText)
    }

    fn json(&self) -> Result<Json, Unreadable> {
        Json::parse(self.text()?).map_err(Unreadable::NotJson)
    }

    /// The whole file as one value.
    pub(crate) fn value<T: DeserializeOwned>(&self) -> Result<T, Unreadable> {
        from_json(self.json()?).map_err(|error| form(&error))
    }

    /// A map's entries in the file's order.
    pub(crate) fn entries(&self) -> Result<Vec<(String, Json)>, Unreadable> {
        match self.json()? {
            Json::Object(entries) => {
                Ok(entries.into_iter().map(|(key, value)| (key.to_string_lossy().into_owned(), value)).collect())
            }
            other => Err(Unreadable::Form { problem: format!("{} instead of an object", other.kind()) }),
        }
    }

    /// A list's items.
    pub(crate) fn items(&self) -> Result<Vec<Json>, Unreadable> {
        match self.json()? {
            Json::List(items) => Ok(items),
            other => Err(Unreadable::Form { problem: format!("{} instead of a list", other.kind()) }),
        }
    }

    /// A map by hotkey: what cannot be understood is named, and the rest counts.
    pub(crate) fn by_hotkey<T: DeserializeOwned>(&self) -> Result<ByHotkey<T>, Unreadable> {
        let mut all = ByHotkey { entries: Vec::new(), unreadable: Vec::new() };
        for (key, value) in self.entries()? {
            match (key.parse::<Hotkey>(), from_json(value)) {
                (Ok(hotkey), Ok(value)) => all.entries.push((hotkey, value)),
                (Err(_), _) | (_, Err(_)) => all.unreadable.push(text::excerpt(&key, 60)),
            }
        }
        Ok(all)
    }

    /// A list of entries that name their hotkey; of a hotkey's entries the last one counts.
    pub(crate) fn list_by_hotkey<T: DeserializeOwned>(&self) -> Result<ByHotkey<T>, Unreadable> {
        let mut all = ByHotkey { entries: Vec::new(), unreadable: Vec::new() };
        for item in self.items()? {
            let named = item.get("hotkey").and_then(|name| match name {
                Json::Text(name) => Some(name.to_string_lossy().into_owned()),
                Json::Null | Json::Bool(_) | Json::Integer(_) | Json::Float(_) | Json::List(_) | Json::Object(_) => {
                    None
                }
            });
            let name = named.unwrap_or_default();
            match (name.parse::<Hotkey>(), from_json::<T>(item)) {
                (Ok(hotkey), Ok(value)) => match all.entries.iter_mut().find(|(known, _)| *known == hotkey) {
                    Some((_, known)) => *known = value,
                    None => all.entries.push((hotkey, value)),
                },
                (Err(_), _) | (_, Err(_)) => all.unreadable.push(text::excerpt(&name, 60)),
            }
        }
        Ok(all)
    }
}

/// Entries by hotkey, in the file's order.
#[derive(Debug, Clone, PartialEq)]
pub struct ByHotkey<T> {
    /// What was understood.
    pub entries: Vec<(Hotkey, T)>,
    /// Keys of what was not, fit to be shown.
    pub unreadable: Vec<String>,
}

impl<T> ByHotkey<T> {
    /// The entry of a hotkey.
    pub fn get(&self, hotkey: Hotkey) -> Option<&T> {
        self.entries.iter().find(|(known, _)| *known == hotkey).map(|(_, value)| value)
    }
}

pub(crate) fn from_json<T: DeserializeOwned>(json: Json) -> serde_json::Result<T> {
    serde_json::from_value(json.into())
}

pub(crate) fn form(error: &serde_json::Error) -> Unreadable {
    Unreadable::Form { problem: text::excerpt(&error.to_string(), 120) }
}

/// For fields that nothing hangs on: a value of the wrong type is no value.
pub(crate) fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}
