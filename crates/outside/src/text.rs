//! Text from strangers on its way to a person: nothing in it may move a cursor, hide a line, reorder what is around it
//! or run on for ever. Knows nothing of where a text comes from.

use std::borrow::Cow;
use std::fmt::Write as _;

/// C0 and C1 controls, and the invisible marks that reorder or hide what is around them.
pub fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The text for a terminal: every harmful character but line feed and tab is replaced by U+FFFD.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let harmful = |c: char| is_harmful(c) && c != '\n' && c != '\t';
    if text.chars().any(harmful) {
        Cow::Owned(text.chars().map(|c| if harmful(c) { char::REPLACEMENT_CHARACTER } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// The JSON text with harmful characters written as escapes: no terminal obeys it, and its value stays what it was.
pub fn harmless_json(json: &str) -> Cow<'_, str> {
    let harmful = |c: char| is_harmful(c) && c != '\n' && c != '\t';
    if !json.chars().any(harmful) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if harmful(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _infallible = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// The text on one line for an error message: no terminal sequences, no harmful characters, white space as single
/// spaces, and at most `limit` characters before an ellipsis.
pub fn excerpt(text: &str, limit: usize) -> String {
    let plain = without_sequences(text);
    let mut line = String::with_capacity(plain.len().min(4 * limit));
    let mut length = 0;
    for word in plain.split_whitespace() {
        let mut letters = word.chars().filter(|c| !is_harmful(*c)).peekable();
        if letters.peek().is_none() {
            continue;
        }
        let space = (length > 0).then_some(' ');
        for letter in space.into_iter().chain(letters) {
            if length == limit {
                line.push('…');
                return line;
            }
            line.push(letter);
            length += 1;
        }
    }
    line
}

/// [`excerpt`] of bytes that are probably text, such as the beginning of an answer's body.
pub fn excerpt_of_bytes(bytes: &[u8], limit: usize) -> String {
    // A character has at most four bytes; the rest is room for sequences and white space.
    excerpt(&String::from_utf8_lossy(&bytes[..bytes.len().min(16 * limit)]), limit)
}

/// A line that somebody else wrote, such as one of a log: without terminal sequences and harmful characters, its spaces
/// kept. A tab or a line break becomes a space.
pub fn line(text: &str) -> String {
    let plain = without_sequences(text);
    plain.chars().map(|c| if matches!(c, '\t' | '\n' | '\r') { ' ' } else { c }).filter(|c| !is_harmful(*c)).collect()
}

/// The text with every occurrence of the secret blotted out.
pub fn without_secret(text: &str, secret: &str) -> String {
    if secret.is_empty() { text.to_owned() } else { text.replace(secret, "[key]") }
}

/// The text without the byte order mark that some editors put in front.
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// [`without_mark`] of bytes.
pub fn bytes_without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// The text without what terminals take for commands: colours, titles, links.
fn without_sequences(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '\u{1b}' {
            plain.push(letter);
            continue;
        }
        match letters.next() {
            // Control sequence: ends with a letter or one of a few signs.
            Some('[') => while letters.next().is_some_and(|part| !('\u{40}'..='\u{7e}').contains(&part)) {},
            // Operating system command: ends with BEL or ESC \.
            Some(']') => {
                while let Some(part) = letters.next() {
                    if part == '\u{7}' || (part == '\u{1b}' && letters.next_if_eq(&'\\').is_some()) {
                        break;
                    }
                }
            }
            _ => {}
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_terminal_gets_nothing_to_obey() {
        assert_eq!(harmless("plain\ttext\nübung"), "plain\ttext\nübung");
        assert_eq!(harmless("\u{1b}[2Jgone\r\u{9b}31m"), "\u{fffd}[2Jgone\u{fffd}\u{fffd}31m");
        assert_eq!(harmless("txt.\u{202e}exe"), "txt.\u{fffd}exe");
    }

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(excerpt("\u{1b}[1;31mred\u{1b}[0m text", 99), "red text");
        assert_eq!(excerpt("\u{1b}]0;title\u{7}after", 99), "after");
        assert_eq!(excerpt("\u{1b}]8;;http://x\u{1b}\\link", 99), "link");
        assert_eq!(excerpt("a\tb\r\n \u{0} c\u{0}\u{202e}d", 99), "a b cd");
        assert_eq!(excerpt("  äöü  ", 2), "äö…");
        assert_eq!(excerpt("  äöü  ", 3), "äöü");
        assert_eq!(excerpt_of_bytes(b"\xffab c", 99), "\u{fffd}ab c");
    }

    #[test]
    fn a_line_keeps_its_indentation() {
        assert_eq!(line("    \u{1b}[31mat\u{1b}[0m  x\ty\r\n\u{202e}z\u{0}"), "    at  x y  z");
    }

    #[test]
    fn marks_and_secrets_go() {
        assert_eq!(without_mark("\u{feff}{}"), "{}");
        assert_eq!(bytes_without_mark(b"\xef\xbb\xbf{}"), b"{}");
        assert_eq!(without_secret("bad key sn4_x, sn4_x!", "sn4_x"), "bad key [key], [key]!");
        assert_eq!(without_secret("text", ""), "text");
    }

    proptest! {
        #[test]
        fn nothing_harmful_is_left(text in any::<String>(), limit in 0_usize..50) {
            let line = excerpt(&text, limit);
            prop_assert!(!line.chars().any(is_harmful));
            prop_assert!(line.chars().count() <= limit + 1);
            prop_assert!(!super::line(&text).chars().any(is_harmful));
            prop_assert!(!harmless(&text).chars().any(|c| is_harmful(c) && c != '\n' && c != '\t'));
            // Escapes keep the value only inside JSON strings; that is all that is ever printed.
        }
    }
}
