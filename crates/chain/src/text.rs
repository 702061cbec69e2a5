//! Text that strangers wrote, made fit for a terminal and an error message.
//! Does not care what the text is about.

/// Longest piece of foreign text that is passed on, in characters.
const LIMIT: usize = 300;

/// Drops control characters and formatting that can reorder text, and cuts what is too long.
pub(crate) fn printable(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .map(|character| if character.is_whitespace() { ' ' } else { character })
        .filter(|character| !character.is_control() && !is_reordering(*character))
        .take(LIMIT)
        .collect();
    if text.chars().count() > LIMIT {
        shown.push('…');
    }
    shown.trim().to_owned()
}

/// Zero-width and bidirectional controls, which are not "control characters" by Unicode's classes.
fn is_reordering(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_floods_are_stopped() {
        assert_eq!(printable("\u{1b}]0;owned\u{7}bad\nline\u{202e}"), "]0;ownedbad line");
        assert_eq!(printable(&"x".repeat(1_000)).chars().count(), 301);
    }
}
