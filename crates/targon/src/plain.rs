//! Makes text from outside fit to be shown: no escape sequences, no control characters, no secret.
//! It does not know where the text came from or where it goes.

/// The text without terminal escape sequences and control characters; a tab or line break becomes a space.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => match letters.next() {
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
            },
            '\t' | '\n' | '\r' => shown.push(' '),
            _ if letter.is_control() || is_direction_mark(letter) => {}
            _ => shown.push(letter),
        }
    }
    shown
}

/// Signs that change the direction of the text around them and so can make it read as something else.
fn is_direction_mark(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// At most `limit` letters of the text, made fit to be shown.
pub(crate) fn excerpt(text: &str, limit: usize) -> String {
    let shown = plain(text);
    let shown = shown.trim();
    match shown.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown.to_owned(),
    }
}

/// The text with every occurrence of the secret blotted out.
pub(crate) fn without(text: &str, secret: &str) -> String {
    if secret.is_empty() { text.to_owned() } else { text.replace(secret, "[key]") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn colours_and_titles_disappear() {
        assert_eq!(plain("\u{1b}[1;31mred\u{1b}[0m text"), "red text");
        assert_eq!(plain("\u{1b}]0;title\u{7}after"), "after");
        assert_eq!(plain("\u{1b}]8;;http://x\u{1b}\\link"), "link");
        assert_eq!(plain("a\tb\r\nc\u{0}\u{202e}d"), "a b  cd");
    }

    #[test]
    fn an_excerpt_is_cut_between_letters() {
        assert_eq!(excerpt("  äöü  ", 2), "äö…");
        assert_eq!(excerpt("  äöü  ", 3), "äöü");
    }

    #[test]
    fn the_secret_is_blotted_out() {
        assert_eq!(without("bad key sn4_x, sn4_x!", "sn4_x"), "bad key [key], [key]!");
        assert_eq!(without("text", ""), "text");
    }

    proptest! {
        #[test]
        fn nothing_that_moves_a_cursor_is_left(text in any::<String>()) {
            prop_assert!(!plain(&text).chars().any(char::is_control));
        }
    }
}
