//! What a service says is wrong with the prompts of an order it refuses (422): which ones, and why.
//! Pure: the body and the stems come in, places in the order and reasons go out.

use std::collections::BTreeMap;

use gen404_outside::text::excerpt;
use serde_json::Value;

/// Characters of a reason.
const REASON: usize = 200;
/// A bare word of fewer characters could be any word of the sentence.
const SHORTEST_BARE_STEM: usize = 8;

/// Prompts that the body names by their place, as pydantic does: `detail[].loc` with `"prompts"` and a number.
pub(crate) fn named_by_place(body: &[u8], prompts: usize) -> BTreeMap<usize, String> {
    let mut named = BTreeMap::new();
    if let Ok(body) = serde_json::from_slice(body) {
        collect_places(&body, prompts, &mut named);
    }
    named
}

fn collect_places(value: &Value, prompts: usize, named: &mut BTreeMap<usize, String>) {
    match value {
        Value::Object(fields) => {
            if let Some(place) = fields.get("loc").and_then(place).filter(|place| *place < prompts) {
                let reason = fields.get("msg").and_then(Value::as_str).unwrap_or("no reason given");
                named.entry(place).or_insert_with(|| excerpt(reason, REASON));
            } else {
                fields.values().for_each(|field| collect_places(field, prompts, named));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_places(item, prompts, named)),
        _ => {}
    }
}

/// The number behind `"prompts"`.
fn place(location: &Value) -> Option<usize> {
    let location = location.as_array()?;
    let prompts = location.iter().position(|step| step == "prompts")?;
    let number = location.get(prompts + 1)?;
    let number = number.as_u64().or_else(|| number.as_str()?.parse().ok())?;
    usize::try_from(number).ok()
}

/// Prompts whose stems the body's sentences mention.
pub(crate) fn named_by_stem(body: &[u8], stems: &[&str]) -> BTreeMap<usize, String> {
    let sentences = match serde_json::from_slice(body) {
        Ok(body) => sentences(&body),
        Err(_) => vec![String::from_utf8_lossy(body).into_owned()],
    };
    let mention = |stem: &str| sentences.iter().find(|sentence| mentions(sentence, stem));
    let named = stems.iter().enumerate().filter_map(|(place, stem)| Some((place, excerpt(mention(stem)?, REASON))));
    named.collect()
}

/// Every text that speaks about the request, and none that merely repeats it.
fn sentences(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(sentences).collect(),
        Value::Object(fields) => {
            let speaking = fields.iter().filter(|(name, _)| !matches!(name.as_str(), "input" | "ctx" | "loc" | "body"));
            speaking.flat_map(|(_, field)| sentences(field)).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether the stem is in the sentence as a word of its own: in quotes, or too long for any other word.
fn mentions(sentence: &str, stem: &str) -> bool {
    let of_a_stem = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let of_a_quote = |c: char| matches!(c, '\'' | '"' | '`' | '“' | '”' | '‘' | '’');
    sentence.match_indices(stem).any(|(at, _)| {
        let before = sentence[..at].chars().next_back();
        let after = sentence[at + stem.len()..].chars().next();
        let alone = !before.is_some_and(of_a_stem) && !after.is_some_and(of_a_stem);
        let quoted = before.is_some_and(of_a_quote) && after.is_some_and(of_a_quote);
        alone && (quoted || stem.len() >= SHORTEST_BARE_STEM)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HEX: &str = "22de4efc4723f624b92889e8c79c9b4fb903e8a6b5907c9f0727ede8f2ccab47";
    const UUID: &str = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed";

    fn places(body: &Value) -> Vec<(usize, String)> {
        named_by_place(body.to_string().as_bytes(), 3).into_iter().collect()
    }

    fn stems(body: &str) -> Vec<usize> {
        named_by_stem(body.as_bytes(), &[HEX, "lamp", UUID]).into_keys().collect()
    }

    #[test]
    fn fastapi_names_places() {
        let msg = "String should match pattern '^[a-z0-9]+$'";
        let error = |place: Value| json!({"type": "string_pattern_mismatch", "loc": place, "msg": msg, "input": UUID});
        let body = json!({"detail": [error(json!(["body", "prompts", 2, "stem"])), error(json!(["body", "seed"]))]});
        assert_eq!(places(&body), [(2, msg.to_owned())]);
        // A service's own handler, and the older form.
        let wrapped =
            json!({"error": "bad request", "errors": [{"loc": ["prompts", "0"], "msg": "too\nlong\u{1b}[31m"}]});
        assert_eq!(places(&wrapped), [(0, "too long".to_owned())]);
        for nowhere in [
            json!({"detail": [error(json!(["body", "prompts", 3, "stem"]))]}),
            json!({"detail": [error(json!(["body", "prompts"]))]}),
            json!({"detail": "no"}),
            json!([1, null]),
        ] {
            assert!(places(&nowhere).is_empty(), "{nowhere}");
        }
        assert!(named_by_place(b"<html>", 3).is_empty());
    }

    #[test]
    fn sentences_name_stems() {
        assert_eq!(stems(&json!({"detail": format!("stem \"{UUID}\": must match ^[a-z0-9]+$")}).to_string()), [2]);
        assert_eq!(stems(&format!("bad stem {UUID}.")), [2]);
        assert_eq!(stems("stem 'lamp' is not taken"), [1]);
        assert_eq!(
            stems(&json!({"detail": [{"msg": "bad", "loc": ["body"], "input": [HEX, UUID]}]}).to_string()),
            [0; 0]
        );
        assert_eq!(stems("no lamp here"), [0; 0], "a word of the sentence");
        assert_eq!(stems(&format!("x{UUID} {UUID}-1")), [0; 0], "part of another");
    }
}
