//! The one HTTP client: says who it is, trusts what the machine trusts, and reaches this machine without a proxy.
//! When to ask again is decided where it is known what asking means.

mod address;
mod authorities;
mod body;
mod fault;
mod pause;

use std::time::Duration;

use reqwest::{ClientBuilder, NoProxy, Proxy, redirect};

pub use address::{is_this_machine, shown};
pub use authorities::{missing_authorities, tls};
pub use body::{BodyError, read_at_most};
pub use fault::{ConnectionFault, connection_fault};
pub use pause::wished_pause;

/// What every request says of itself: some hosts refuse clients that say nothing.
pub const USER_AGENT: &str = concat!("404-cli/", env!("CARGO_PKG_VERSION"));

/// Time to reach a host, name resolution and TLS included.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// This machine under all its names; a proxy has no way to it.
const LOOPBACK: &str = "localhost,.localhost,127.0.0.0/8,::1";

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
    proxies(|name| std::env::var(name).ok()).into_iter().fold(builder, ClientBuilder::proxy)
}

/// Only one provider of cryptography is compiled in; an error means that it is installed already.
fn choose_provider() {
    let _already_installed = rustls::crypto::ring::default_provider().install_default();
}

/// The proxies that the environment names, none of them for this machine. The lower-case names win, as with curl, and
/// `HTTP_PROXY` is left alone where a web server's request could have set it.
fn proxies(variable: impl Fn(&str) -> Option<String>) -> Vec<Proxy> {
    let get = |names: [&str; 2]| names.into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    let spared = match get(["no_proxy", "NO_PROXY"]) {
        Some(more) => format!("{LOOPBACK},{more}"),
        None => LOOPBACK.to_owned(),
    };
    let http = if variable("REQUEST_METHOD").is_some() { "http_proxy" } else { "HTTP_PROXY" };
    let named = [
        get(["http_proxy", http]).map(Proxy::http),
        get(["https_proxy", "HTTPS_PROXY"]).map(Proxy::https),
        get(["all_proxy", "ALL_PROXY"]).map(Proxy::all),
    ];
    let usable = |proxy: Result<Proxy, reqwest::Error>| match proxy {
        Ok(proxy) => Some(proxy.no_proxy(NoProxy::from_string(&spared))),
        Err(error) => {
            tracing::warn!(error = %error.without_url(), "a proxy of the environment is not a usable address and is ignored");
            None
        }
    };
    named.into_iter().flatten().filter_map(usable).collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener};

    use super::*;

    /// Answers one request with its own head.
    fn echo_once() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).expect("a byte") == 1 {
                head.push(byte[0]);
            }
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", head.len())
                .expect("written");
            stream.write_all(&head).expect("written");
        });
        address
    }

    #[tokio::test]
    async fn every_request_says_who_asks() {
        let url = format!("http://{}/x", echo_once());
        let head = client().build().expect("a client").get(url).send().await.expect("an answer").text().await;
        let head = head.expect("a body").to_lowercase();
        assert!(head.contains(&format!("user-agent: {USER_AGENT}\r\n")), "{head}");
    }

    #[tokio::test]
    async fn a_proxy_is_used_for_others_and_never_for_this_machine() {
        let proxy = echo_once();
        let variables = move |name: &str| (name == "http_proxy").then(|| format!("http://miner:pass@{proxy}"));
        let build = || {
            let builder = client().no_proxy();
            proxies(variables).into_iter().fold(builder, ClientBuilder::proxy).build().expect("a client")
        };
        let direct = build().get(format!("http://{}/direct", echo_once())).send().await.expect("an answer");
        assert!(direct.text().await.expect("a body").starts_with("GET /direct "));
        let through = build().get("http://somewhere.invalid/far").send().await.expect("the proxy answers");
        let head = through.text().await.expect("a body");
        assert!(head.starts_with("GET http://somewhere.invalid/far "), "{head}");
        assert!(head.to_lowercase().contains("proxy-authorization: basic"), "{head}");
    }

    #[test]
    fn an_unusable_proxy_is_left_out() {
        assert!(proxies(|name| (name == "HTTPS_PROXY").then(|| "http://".to_owned())).is_empty());
        assert_eq!(proxies(|name| (name == "ALL_PROXY").then(|| "http://h:1".to_owned())).len(), 1);
        let of_a_web_server =
            |name: &str| matches!(name, "HTTP_PROXY" | "REQUEST_METHOD").then(|| "http://h:1".to_owned());
        assert!(proxies(of_a_web_server).is_empty());
    }
}
