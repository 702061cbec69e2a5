//! Which fields a request to the model has: servers differ in what they know, refuse and want besides.
//! What the fields mean is not known here.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::InvalidProfile;

/// Fields of every request that a profile may leave out or rename.
const SENT: [&str; 4] = ["temperature", "max_tokens", "seed", "response_format"];
/// Fields that no profile can do without.
const FIXED: [&str; 2] = ["model", "messages"];

/// Changes to the fields of a request.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RequestFields {
    /// Fields that are not sent.
    pub omit: Vec<String>,
    /// Other names for fields.
    pub rename: BTreeMap<String, String>,
    /// Fields that are sent besides, as they are.
    pub extra: Map<String, Value>,
}

impl RequestFields {
    /// The name under which a field is sent; `None` when it is left out.
    pub(crate) fn name_of<'a>(&'a self, field: &'a str) -> Option<&'a str> {
        if self.omit.iter().any(|omitted| omitted == field) {
            return None;
        }
        Some(self.rename.get(field).map_or(field, String::as_str))
    }

    /// Every name is known, and none is sent twice.
    pub(super) fn check(&self) -> Result<(), InvalidProfile> {
        let fail = |field: &str, must| Err(InvalidProfile::Request { field: field.to_owned(), must });
        let changed = self.omit.iter().chain(self.rename.keys());
        if let Some(unknown) = changed.clone().find(|field| !SENT.contains(&field.as_str())) {
            return fail(unknown, "temperature, max_tokens, seed or response_format");
        }
        if let Some(both) = self.rename.keys().find(|field| self.omit.contains(field)) {
            return fail(both, "either left out or renamed");
        }
        let mut names: Vec<&str> = FIXED.to_vec();
        let sent = SENT.into_iter().filter_map(|field| self.name_of(field));
        for name in sent.chain(self.extra.keys().map(String::as_str)) {
            if name.is_empty() || names.contains(&name) {
                return fail(name, "a name that no other field of the request has");
            }
            names.push(name);
        }
        if self.extra.values().any(is_no_json) {
            return fail("extra", "made of what JSON has: no dates and times, no infinite numbers");
        }
        Ok(())
    }
}

/// TOML's dates come as objects with a private key, its infinite numbers as null; JSON has neither.
fn is_no_json(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => {
            fields.keys().any(|key| key.starts_with("$__toml_private")) || fields.values().any(is_no_json)
        }
        Value::Array(items) => items.iter().any(is_no_json),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), String> {
        let fields: RequestFields = toml::from_str(text).expect("of this shape");
        fields.check().map_err(|error| error.to_string())
    }

    #[test]
    fn names_are_known_and_sent_once() {
        check("").expect("nothing is changed");
        check("omit = ['max_tokens']\nextra = { max_tokens = 5 }").expect("replaced");
        check("rename = { seed = 'random_seed' }\n[extra.chat_template_kwargs]\nenable_thinking = false")
            .expect("good");
        for (text, word) in [
            ("omit = ['messages']", "`request` field `messages`"),
            ("rename = { sead = 'x' }", "`sead`"),
            ("omit = ['seed']\nrename = { seed = 'x' }", "either left out or renamed"),
            ("rename = { seed = 'model' }", "`model`"),
            ("rename = { seed = 'x' }\nextra = { x = 1 }", "`x`"),
            ("extra = { temperature = 1 }", "`temperature`"),
            ("rename = { seed = '' }", "a name that no other"),
            ("extra = { a = [{ b = 2026-01-01 }] }", "no dates"),
            ("extra = { a = nan }", "no infinite numbers"),
        ] {
            let error = check(text).expect_err(text);
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
