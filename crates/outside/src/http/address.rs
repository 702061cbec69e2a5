//! Addresses as people may see them, and whether one is on this machine.
//! Whether an address is right for a service is decided there.

use url::{Host, Url};

/// A text that is no address of a service. It does not repeat the text, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// `host:port`, or whatever else does not begin with http:// or https://.
    #[error("an address begins with http:// or https://: write http://host:port")]
    NoScheme,
    /// It begins as it should, but cannot be understood.
    #[error("not an address such as http://host:port: {0}")]
    Unreadable(url::ParseError),
}

/// The address of a service as people type it, of which only http and https count.
pub fn parse_address(text: &str) -> Result<Url, InvalidAddress> {
    let text = text.trim();
    let begins = |scheme: &str| text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
    // `localhost:8000` parses as an address of the scheme `localhost`, so the parser cannot be asked.
    if !begins("http://") && !begins("https://") {
        return Err(InvalidAddress::NoScheme);
    }
    Url::parse(text).map_err(InvalidAddress::Unreadable)
}

/// The address without user, password, query and fragment: all of them may let somebody in.
///
/// A trailing slash is left out. An address without a host has no credentials and is shown as it is.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for addresses without a host.
    let _no_host = url.set_username("").and_then(|()| url.set_password(None));
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().trim_end_matches('/').to_owned()
}

/// Whether the address is on this machine, by name or number.
pub fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().expect("a URL")
    }

    #[test]
    fn an_address_without_a_scheme_is_told_how_to_be_written() {
        for good in ["http://h:1", "HTTPS://h/x?y=1", " http://user:pass@h "] {
            assert!(parse_address(good).is_ok(), "{good}");
        }
        for bad in
            ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "host", "", "ftp://h", "http:/h", "me:s3cret@h:1", "ü"]
        {
            let error = parse_address(bad).expect_err(bad);
            assert_eq!(error, InvalidAddress::NoScheme, "{bad}");
            assert!(error.to_string().ends_with("write http://host:port"), "{error}");
        }
        for bad in ["http://", "http://h:99999", "http://a b/", "http://[::1"] {
            let error = parse_address(bad).expect_err(bad);
            assert!(
                matches!(error, InvalidAddress::Unreadable(_)) && error.to_string().contains("http://host:port"),
                "{bad}"
            );
        }
    }

    #[test]
    fn nothing_that_lets_somebody_in_is_shown() {
        assert_eq!(shown(&url("https://miner:s3cret@h:8/pod/?key=1#x")), "https://h:8/pod");
        assert_eq!(shown(&url("http://h")), "http://h");
    }

    #[test]
    fn this_machine_has_many_names() {
        for name in ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]"] {
            assert!(is_this_machine(&url(&format!("http://{name}:1/"))), "{name}");
        }
        for name in ["localhost.example", "10.0.0.1", "0.0.0.0", "[::2]", "example"] {
            assert!(!is_this_machine(&url(&format!("http://{name}/"))), "{name}");
        }
    }
}
