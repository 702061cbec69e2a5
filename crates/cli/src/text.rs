//! Text from outside on its way to a terminal: control characters could move the cursor, hide lines or retitle the
//! window, so none passes. Knows nothing of where a text comes from.

use std::borrow::Cow;

/// The text with every control character but line feed and tab replaced, so that no terminal obeys it.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_harmful) {
        Cow::Owned(text.chars().map(|c| if is_harmful(c) { char::REPLACEMENT_CHARACTER } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// C0 and C1 controls, and the marks that reorder the text around them.
fn is_harmful(c: char) -> bool {
    let reorders = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    (c.is_control() && c != '\n' && c != '\t') || reorders
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn escapes_do_not_pass() {
        assert_eq!(harmless("plain\ttext\nübung"), "plain\ttext\nübung");
        assert_eq!(harmless("\u{1b}[2Jgone\r\u{9b}31m"), "\u{fffd}[2Jgone\u{fffd}\u{fffd}31m");
        assert_eq!(harmless("txt.\u{202e}exe"), "txt.\u{fffd}exe");
    }
}
