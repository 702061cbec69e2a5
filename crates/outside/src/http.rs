//! The one HTTP client: says who it is, trusts what the machine trusts, and reaches this machine without a proxy.
//! When to ask again is decided where it is known what asking means.

mod address;
mod authorities;
mod body;
#[cfg(test)]
mod echo;
mod fault;
mod pause;
mod proxies;
mod request_error;

use std::time::Duration;

use reqwest::{ClientBuilder, redirect};

pub use address::{InvalidAddress, is_this_machine, parse_address, shown};
pub use authorities::{missing_authorities, tls};
pub use body::{BodyError, read_at_most};
pub use fault::{ConnectionFault, connection_fault};
pub use pause::{pause_in_words, wish_in_words, wished_pause};
use proxies::NamedProxy;
pub use proxies::{ProxyInUse, proxies_in_use};
pub use request_error::RequestError;

/// What every request says of itself: some hosts refuse clients that say nothing.
pub const USER_AGENT: &str = concat!("404-cli/", env!("CARGO_PKG_VERSION"));

/// Time to reach a host, name resolution and TLS included.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// The beginnings of a client; callers add their own limits.
///
/// It sends [`USER_AGENT`], follows no redirect, connects within ten seconds, uses the proxies of the environment for
/// everything but this machine, and works without certificate authorities as far as http goes
/// ([`missing_authorities`] then explains why https fails).
pub fn client() -> ClientBuilder {
    choose_provider();
    let builder = ClientBuilder::new()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_LIMIT)
        .tls_certs_only(authorities::of_this_machine())
        .no_proxy();
    proxies::of_the_environment().iter().filter_map(NamedProxy::proxy).fold(builder, ClientBuilder::proxy)
}

/// Only one provider of cryptography is compiled in; an error means that it is installed already.
fn choose_provider() {
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_request_says_who_asks() {
        let url = format!("http://{}/x", echo::once());
        let head = client().build().expect("a client").get(url).send().await.expect("an answer").text().await;
        let head = head.expect("a body").to_lowercase();
        assert!(head.contains(&format!("user-agent: {USER_AGENT}\r\n")), "{head}");
    }
}
