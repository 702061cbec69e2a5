//! The name of one file below a CDN address, which stands for all that will be there.
//! It becomes part of an address, so the type only holds what is one plain segment of a path.

use std::fmt;
use std::str::FromStr;

use gen404_round::CdnUrl;
use url::Url;

/// No file that is delivered has a longer name.
const LONGEST: usize = 255;

/// Name of a file directly below the CDN address, for example `<stem>.js`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeName(String);

/// A text that cannot be the name of a file below a CDN address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the name of a file: 1 to {LONGEST} letters, digits, `-`, `_` and `.`, not beginning with `-` or `.`, without the \
     address in front"
)]
pub struct InvalidProbe;

impl FromStr for ProbeName {
    type Err = InvalidProbe;

    fn from_str(text: &str) -> Result<Self, InvalidProbe> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let good = (1..=LONGEST).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with(['-', '.']);
        if good { Ok(Self(text.to_owned())) } else { Err(InvalidProbe) }
    }
}

impl fmt::Display for ProbeName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What is asked for: the address as it was typed, or a file below it, put together as the subnet does.
pub(crate) fn address(cdn: &CdnUrl, probe: Option<&ProbeName>) -> (Url, String) {
    let Some(name) = probe else { return (cdn.url().clone(), cdn.as_str().to_owned()) };
    let text = format!("{}/{name}", cdn.as_str().trim_end_matches('/'));
    let url = text.parse().expect("an address and a plain name make an address");
    (url, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_below_the_address() {
        for good in ["probe.txt", "a", "5b1e.js", "8d3f-11.js", "_x"] {
            assert!(good.parse::<ProbeName>().is_ok(), "{good}");
        }
        for bad in ["", ".", "..", ".hidden", "-x", "a/b", "/a", "a?b", "a#b", "a%2fb", "a b", "ü", "https://c/a"] {
            assert_eq!(bad.parse::<ProbeName>(), Err(InvalidProbe), "{bad}");
        }
        assert_eq!("x".repeat(256).parse::<ProbeName>(), Err(InvalidProbe));
    }

    #[test]
    fn it_is_appended_as_the_subnet_appends_a_stem() {
        let name: ProbeName = "a.js".parse().expect("a name");
        for (cdn, asked) in [("https://c/17", "https://c/17/a.js"), ("https://c/17//", "https://c/17/a.js")] {
            assert_eq!(address(&cdn.parse().expect("an address"), Some(&name)).1, asked);
        }
        let (url, text) = address(&"https://C".parse().expect("an address"), None);
        assert_eq!((url.as_str(), text.as_str()), ("https://c/", "https://C"));
    }
}
