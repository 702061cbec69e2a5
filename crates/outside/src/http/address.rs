//! Addresses as people may see them, and whether one is on this machine.
//! Whether an address is right for a service is decided there.

use url::{Host, Url};

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
