//! Reading what may be missing, null or of a strange type: it becomes the default, and the rest is kept.
//! Only what makes an answer useless (a workload without an identifier) is left out.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A field that is allowed to be anything: what does not fit becomes the default.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = Value::deserialize(deserializer)?;
    Ok(T::deserialize(value).unwrap_or_default())
}

/// A list in which an entry that cannot be read does not spoil the others.
#[derive(Debug, Deserialize)]
#[serde(from = "Vec<Entry<T>>", bound(deserialize = "T: Deserialize<'de>"))]
pub(crate) struct Readable<T> {
    /// The entries that could be read, in their order.
    pub(crate) entries: Vec<T>,
    /// How many could not.
    pub(crate) strange: usize,
}

impl<T> Default for Readable<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), strange: 0 }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry<T> {
    Read(T),
    Strange(IgnoredAny),
}

impl<T> From<Vec<Entry<T>>> for Readable<T> {
    fn from(list: Vec<Entry<T>>) -> Self {
        let mut readable = Self { entries: Vec::with_capacity(list.len()), strange: 0 };
        for entry in list {
            match entry {
                Entry::Read(entry) => readable.entries.push(entry),
                Entry::Strange(IgnoredAny) => readable.strange += 1,
            }
        }
        readable
    }
}

/// One page of a list.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(crate) struct Items<T> {
    pub(crate) items: Option<Readable<T>>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) next_cursor: Option<String>,
}

/// The body of an answer that says no.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Problem {
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) error: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) reason: Option<String>,
}

/// A log that came wrapped in JSON instead of as text.
#[derive(Debug, Deserialize)]
pub(crate) struct Log {
    pub(crate) output: String,
}
