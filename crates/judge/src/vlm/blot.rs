//! A server's body without what the request carried, before anything of it is cut short, shown or stored.
//! What the body says is read elsewhere.

use gen404_outside::secrets::Secrets;
use serde_json::{Map, Value};

/// The body with secrets blotted out of its texts; JSON stays JSON, however its texts are escaped.
pub(super) fn body(secrets: &Secrets, body: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<Value>(body) {
        Ok(json) => {
            let blotted = value(secrets, json.clone());
            // The server's own order is kept where nothing had to go.
            if blotted == json { body.to_vec() } else { blotted.to_string().into_bytes() }
        }
        Err(_) => secrets.blotted_bytes(body).into_owned(),
    }
}

fn value(secrets: &Secrets, json: Value) -> Value {
    match json {
        Value::String(text) => Value::String(secrets.blotted(&text).into_owned()),
        Value::Array(items) => items.into_iter().map(|item| value(secrets, item)).collect(),
        Value::Object(fields) => {
            let blotted = |(name, field): (String, Value)| (secrets.blotted(&name).into_owned(), value(secrets, field));
            Value::Object(fields.into_iter().map(blotted).collect::<Map<_, _>>())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => json,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_blotted_however_they_are_written() {
        let secrets = Secrets::default().with_key("sk-S/ECRET");
        let blotted = |text: &[u8]| String::from_utf8(body(&secrets, text)).expect("text");
        let escaped = br#"{"error":{"message":"Bearer \u0073k-S\/ECRET","code":401}}"#;
        assert_eq!(blotted(escaped), r#"{"error":{"code":401,"message":"Bearer [key]"}}"#);
        assert_eq!(blotted(b"<p>sk-S/ECRET</p>"), "<p>[key]</p>");
    }
}
