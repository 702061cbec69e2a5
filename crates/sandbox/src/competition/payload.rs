//! What a revealed payload says: the prefix of a SCALE string taken off, quotes made JSON's, three fields picked out.
//! Reads strangers' bytes; decides nothing about rounds.

use serde_json::{Map, Value};

/// The fields of a submission, in the order in which the collector looks for them.
pub(super) const FIELDS: [&str; 3] = ["repo", "commit", "cdn_url"];

/// The JSON object in a payload, if there is one.
pub(super) fn object(payload: &[u8]) -> Option<Map<String, Value>> {
    let text = String::from_utf8_lossy(without_length(payload)).replace(char::REPLACEMENT_CHARACTER, "");
    // The whole text, values included: an apostrophe breaks it, as it does on the real far side.
    match serde_json::from_str(&text.replace('\'', "\"")) {
        Ok(Value::Object(object)) => Some(object),
        Ok(_) | Err(_) => None,
    }
}

/// A SCALE string begins with its length, whose two lowest bits say how many bytes it takes.
fn without_length(payload: &[u8]) -> &[u8] {
    let prefix = match payload.first().map(|first| first & 0b11) {
        None => 0,
        Some(0) => 1,
        Some(1) => 2,
        Some(_) => 4,
    };
    payload.get(prefix..).unwrap_or_default()
}

/// What Python takes for true.
pub(super) fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use parity_scale_codec::Encode as _;

    use super::*;

    #[test]
    fn objects_are_found_behind_lengths_and_with_either_quotes() {
        let long = format!(r#"{{"repo":"a/{}"}}"#, "b".repeat(100));
        for text in [r#"{"repo":"a/b"}"#, "{'repo':'a/b'}", &long] {
            assert!(object(&text.encode()).is_some_and(|found| found.contains_key("repo")), "{text}");
        }
        for nothing in ["", "7", "null", "[\"repo\"]", "{'repo':'it's'}", "{"] {
            assert_eq!(object(&nothing.encode()), None, "{nothing}");
        }
        for bytes in [&[][..], &[0], &[1], &[2, 0, 0], &[0xff; 40]] {
            assert_eq!(object(bytes), None, "{bytes:?}");
        }
    }
}
