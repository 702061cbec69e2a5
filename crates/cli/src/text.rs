//! Text on its way to a terminal: control characters could move the cursor, hide lines or retitle the window, and
//! addresses could hold passwords, so neither passes. Knows nothing of where a text comes from.

pub(crate) use gen404_outside::text::{harmless, harmless_json};

/// Why bytes of a file are not the text they should be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotUtf8 {
    /// Some editors and shells write every file like this, with or without a mark in front.
    #[error("it is UTF-16 text")]
    Utf16,
    #[error("it is not UTF-8 text")]
    Other,
}

/// The text of a file.
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, NotUtf8> {
    let marked = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    // No text in UTF-8 has a zero byte, and nearly every one in UTF-16 begins with a letter of one byte.
    if marked || bytes.iter().take(2).any(|byte| *byte == 0) {
        return Err(NotUtf8::Utf16);
    }
    std::str::from_utf8(bytes).map_err(|_| NotUtf8::Other)
}

/// What an address in a file would let somebody in with: a login or a query. `None` for a text that is no address; one
/// without a scheme is one when `is_address` says so. What cannot be parsed may hold secrets too, so nothing is parsed.
pub(crate) fn secret_in_address(text: &str, is_address: bool) -> Option<&'static str> {
    let text = text.replace('\\', "/");
    let rest = match text.split_once("://") {
        Some((_, rest)) => rest,
        None if is_address => text.as_str(),
        None => return None,
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let query = rest.split('#').next().and_then(|rest| rest.split_once('?'));
    if host.contains('@') {
        Some("a login")
    } else {
        query.filter(|(_, query)| !query.is_empty()).map(|_| "a query, which may be a key")
    }
}

/// Whether the text could be an address with a user name, a password or an access key in it.
///
/// Every address counts: hosted nodes put their key into the path, and what cannot be parsed has no parts to tell apart.
pub(crate) fn may_hold_credentials(text: &str) -> bool {
    text.contains("://") || text.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_16_is_told_with_and_without_its_mark() {
        for bytes in [b"\xff\xfea\0".as_slice(), b"\xfe\xff\0a", b"a\0=\0", b"\0a\0="] {
            assert_eq!(utf8(bytes), Err(NotUtf8::Utf16));
        }
        assert_eq!(utf8(b"a\xff"), Err(NotUtf8::Other));
        assert_eq!(utf8("ä = 1".as_bytes()), Ok("ä = 1"));
        assert_eq!(utf8(b""), Ok(""));
    }

    #[test]
    fn what_an_address_lets_somebody_in_with_is_seen() {
        for (text, found) in [
            ("wss://me:5ecret@node", Some("a login")),
            ("https://t0ken@h/v1", Some("a login")),
            ("https:\\\\me:5ecret@h/v1", Some("a login")),
            ("https://me:5ecret@h:99999/", Some("a login")),
            ("https://h/v1?key=5ecret", Some("a query, which may be a key")),
            ("https://h?5ecret", Some("a query, which may be a key")),
            ("https://h/a@b", None),
            ("https://h/v1?", None),
            ("https://h/v1#a?b", None),
            ("h:80?key=5ecret", None),
            ("a:b@c", None),
        ] {
            assert_eq!(secret_in_address(text, false), found, "{text}");
        }
        assert_eq!(secret_in_address("h:80/v1?key=5ecret", true), Some("a query, which may be a key"));
        assert_eq!(secret_in_address("me:5ecret@h:80", true), Some("a login"));
        assert_eq!(secret_in_address("h:80/v1", true), None);
    }
}
