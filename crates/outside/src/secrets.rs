//! What one of our requests carried and nobody may see: a key, a login, the values of a query. A server's error may
//! repeat any of it, so its words are blotted before they are cut short, shown or stored.
//! Knows nothing of who is asked, nor what an answer means.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::{Url, form_urlencoded};

/// Shorter than this, a word guards nothing, and blotting it would spoil sentences.
const SHORTEST: usize = 4;

/// Words that are blotted out of texts from outside.
#[derive(Clone, Default)]
pub struct Secrets(Vec<(String, &'static str)>);

impl Secrets {
    /// With a key, shown as `[key]`.
    #[must_use]
    pub fn with_key(mut self, key: &str) -> Self {
        self.add(key, "[key]");
        self
    }

    /// With what may let somebody in at this address: its login, as it is written, as it is meant and as it is sent, and
    /// the values of its query. A user name beside a password is none.
    #[must_use]
    pub fn with_address(mut self, address: &Url) -> Self {
        let (user, password) = (address.username(), address.password());
        if !user.is_empty() || password.is_some() {
            let meant = |text: &str| decoded(text).into_owned();
            let login = format!("{}:{}", meant(user), meant(password.unwrap_or_default()));
            self.add(STANDARD.encode(&login).trim_end_matches('='), "[login]");
            let secret = password.unwrap_or(user);
            self.add(secret, "[login]");
            self.add(&meant(secret), "[login]");
        }
        for pair in address.query().unwrap_or_default().split('&') {
            // A query without names is a value as a whole.
            self.add(pair.split_once('=').map_or(pair, |(_, value)| value), "…");
        }
        for (name, value) in address.query_pairs() {
            self.add(if value.is_empty() { &name } else { &value }, "…");
        }
        self
    }

    fn add(&mut self, word: &str, shown: &'static str) {
        // JSON may write a slash with a backslash before it.
        for word in [word.to_owned(), word.replace('/', "\\/")] {
            if word.chars().count() >= SHORTEST && !self.0.iter().any(|(known, _)| *known == word) {
                self.0.push((word, shown));
            }
        }
        // A word that holds another goes first, else a part of it would stay.
        self.0.sort_by_key(|(word, _)| std::cmp::Reverse(word.len()));
    }

    /// The text without any of them.
    pub fn blotted<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.0.iter().fold(Cow::Borrowed(text), |text, (word, shown)| {
            if text.contains(word.as_str()) { Cow::Owned(text.replace(word.as_str(), shown)) } else { text }
        })
    }

    /// [`Self::blotted`] of bytes that are probably text.
    pub fn blotted_bytes<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if self.0.iter().any(|(word, _)| bytes.windows(word.len()).any(|window| window == word.as_bytes())) {
            Cow::Owned(self.blotted(&String::from_utf8_lossy(bytes)).into_owned().into_bytes())
        } else {
            Cow::Borrowed(bytes)
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Secrets({})", self.0.len())
    }
}

/// What a part of an address means, its percent signs read.
fn decoded(text: &str) -> Cow<'static, str> {
    // These three mean themselves there, unlike in a form.
    let form = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    let name = form_urlencoded::parse(form.as_bytes()).next().map(|(name, _)| name.into_owned());
    Cow::Owned(name.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_request_carried_is_blotted() {
        let address = "https://miner:p%40ss+word@h/v1?key=TOP%2FSECRET&v=2&token".parse().expect("a URL");
        let secrets = Secrets::default().with_key("sk-SECRETKEY12345").with_address(&address);
        let basic = STANDARD.encode("miner:p@ss+word");
        let said =
            format!("Basic {basic} p@ss+word p%40ss+word Bearer sk-SECRETKEY12345, ?key=TOP%2FSECRET TOP/SECRET");
        let shown = secrets.blotted(&said);
        for secret in [basic.trim_end_matches('='), "p@ss", "p%40", "SECRET"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert!(shown.contains("Bearer [key], ?key=… …"), "{shown}");
        assert_eq!(secrets.blotted(r"TOP\/SECRET of 2 miner"), "… of 2 miner");
        assert_eq!(secrets.blotted_bytes(b"\xffsk-SECRETKEY12345"), "\u{fffd}[key]".as_bytes());
        assert_eq!(secrets.blotted_bytes(b"\xffplain"), b"\xffplain".as_slice());
        assert!(!format!("{secrets:?}").contains("SECRET"));
    }

    #[test]
    fn a_login_of_one_word_is_blotted_and_no_address_spoils_a_text() {
        let token = Secrets::default().with_address(&"https://t0ken@h/".parse().expect("a URL"));
        assert_eq!(token.blotted("t0ken, dDBrZW46"), "[login], [login]");
        let plain = Secrets::default().with_address(&"https://h/v1".parse().expect("a URL")).with_key("x");
        assert_eq!(plain.blotted("x h v1 https"), "x h v1 https");
    }
}
