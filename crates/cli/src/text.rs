//! Text on its way to a terminal: control characters could move the cursor, hide lines or retitle the window, and
//! addresses could hold passwords, so neither passes. Knows nothing of where a text comes from.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with every control character but line feed and tab replaced, so that no terminal obeys it.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_harmful) {
        Cow::Owned(text.chars().map(|c| if is_harmful(c) { char::REPLACEMENT_CHARACTER } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// The JSON text with the same characters written as escapes: no terminal obeys it, and its value stays what it was.
pub(crate) fn harmless_json(json: &str) -> Cow<'_, str> {
    if !json.chars().any(is_harmful) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_harmful(c) {
            let _infallible = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Whether the text could be an address with a user name, a password or an access key in it.
///
/// Every address counts: hosted nodes put their key into the path, and what cannot be parsed has no parts to tell apart.
pub(crate) fn may_hold_credentials(text: &str) -> bool {
    text.contains("://") || text.contains('@')
}

/// C0 and C1 controls, and the marks that reorder the text around them.
fn is_harmful(c: char) -> bool {
    let reorders = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    (c.is_control() && c != '\n' && c != '\t') || reorders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_do_not_pass() {
        assert_eq!(harmless("plain\ttext\nübung"), "plain\ttext\nübung");
        assert_eq!(harmless("\u{1b}[2Jgone\r\u{9b}31m"), "\u{fffd}[2Jgone\u{fffd}\u{fffd}31m");
        assert_eq!(harmless("txt.\u{202e}exe"), "txt.\u{fffd}exe");
    }

    #[test]
    fn json_keeps_its_value_and_loses_its_control() {
        let value = serde_json::json!({"commit": "x\u{9b}31mRED\u{202e}evil\u{7f}\u{1b}\n übung"});
        let text = value.to_string();
        let escaped = harmless_json(&text);
        assert!(escaped.contains(r"x\u009b31mRED\u202eevil\u007f\u001b\n übung"), "{escaped}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
    }
}
