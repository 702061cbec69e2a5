//! The proxies of the environment: which of them a request goes through, and how it is named without its login.
//! None of them is ever used for this machine.

use std::sync::LazyLock;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{NoProxy, Proxy};
use url::Url;

/// This machine under all its names; a proxy has no way to it.
const LOOPBACK: &str = "localhost,.localhost,127.0.0.0/8,::1";

static OF_THE_ENVIRONMENT: LazyLock<Vec<NamedProxy>> = LazyLock::new(|| named(|name| std::env::var(name).ok()));

/// A proxy that a variable names.
#[derive(Clone)]
pub(super) struct NamedProxy {
    variable: &'static str,
    /// As it was set, login included: never shown.
    value: String,
    carries: Carries,
    /// Hosts that it is not used for.
    spared: String,
}

#[derive(Clone, Copy)]
enum Carries {
    Http,
    Https,
    All,
}

/// What may be said of a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) variable: &'static str,
    /// Without its login.
    pub(super) address: String,
}

/// A proxy that requests of this process go through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyInUse {
    /// The variable that names it.
    pub variable: &'static str,
    /// Its host and port; `None` where the variable holds no usable address.
    pub place: Option<(String, u16)>,
}

/// The proxies that the environment names, without their logins.
pub fn proxies_in_use() -> Vec<ProxyInUse> {
    of_the_environment().iter().map(NamedProxy::in_use).collect()
}

/// The proxies that this process was given, in the order in which they are asked.
pub(super) fn of_the_environment() -> &'static [NamedProxy] {
    &OF_THE_ENVIRONMENT
}

/// The first of the proxies that takes requests to this address.
pub(super) fn on_the_way(proxies: &[NamedProxy], url: &Url) -> Option<Shown> {
    proxies.iter().find_map(|proxy| proxy.on_the_way(url))
}

/// The lower-case names win, as with curl, and `HTTP_PROXY` is left alone where a web server's request could have set it.
pub(super) fn named(variable: impl Fn(&str) -> Option<String>) -> Vec<NamedProxy> {
    let get = |names: [&'static str; 2]| {
        let set = |name| Some((name, variable(name).filter(|value| !value.is_empty())?));
        names.into_iter().find_map(set)
    };
    let spared = match get(["no_proxy", "NO_PROXY"]) {
        Some((_, more)) => format!("{LOOPBACK},{more}"),
        None => LOOPBACK.to_owned(),
    };
    let http = if variable("REQUEST_METHOD").is_some() { "http_proxy" } else { "HTTP_PROXY" };
    let named = [
        (get(["http_proxy", http]), Carries::Http),
        (get(["https_proxy", "HTTPS_PROXY"]), Carries::Https),
        (get(["all_proxy", "ALL_PROXY"]), Carries::All),
    ];
    let named = named.into_iter().filter_map(|(set, carries)| {
        let (variable, value) = set?;
        Some(NamedProxy { variable, value, carries, spared: spared.clone() })
    });
    named.collect()
}

impl NamedProxy {
    /// For the HTTP client; none where the variable holds no usable address.
    pub(super) fn proxy(&self) -> Option<Proxy> {
        let proxy = match self.carries {
            Carries::Http => Proxy::http(&self.value),
            Carries::Https => Proxy::https(&self.value),
            Carries::All => Proxy::all(&self.value),
        };
        let Ok(proxy) = proxy else {
            tracing::warn!("{} is not a usable address of a proxy and is ignored", self.variable);
            return None;
        };
        Some(proxy.no_proxy(NoProxy::from_string(&self.spared)))
    }

    fn in_use(&self) -> ProxyInUse {
        let with_scheme =
            if self.value.contains("://") { self.value.clone() } else { format!("http://{}", self.value) };
        let url: Option<Url> = with_scheme.parse().ok();
        let place = url.filter(|_| self.proxy().is_some()).and_then(|url| {
            let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
            Some((host, url.port().or_else(|| url.port_or_known_default()).unwrap_or(1_080)))
        });
        ProxyInUse { variable: self.variable, place }
    }

    fn on_the_way(&self, url: &Url) -> Option<Shown> {
        let builder = Matcher::builder().no(self.spared.as_str());
        let matcher = match self.carries {
            Carries::Http => builder.http(self.value.as_str()),
            Carries::Https => builder.https(self.value.as_str()),
            Carries::All => builder.all(self.value.as_str()),
        };
        let taken = matcher.build().intercept(&url.as_str().parse().ok()?)?;
        // The login is no part of it any more.
        let address = taken.uri().to_string().trim_end_matches('/').to_owned();
        Some(Shown { variable: self.variable, address })
    }
}

#[cfg(test)]
mod tests {
    use reqwest::ClientBuilder;

    use super::*;
    use crate::http::{client, echo};

    #[tokio::test]
    async fn a_proxy_is_used_for_others_and_never_for_this_machine() {
        let proxy = echo::once();
        let variables = move |name: &str| (name == "http_proxy").then(|| format!("http://miner:pass@{proxy}"));
        let build = || {
            let proxies = named(variables);
            let proxies = proxies.iter().filter_map(NamedProxy::proxy);
            proxies.fold(client().no_proxy(), ClientBuilder::proxy).build().expect("a client")
        };
        let direct = build().get(format!("http://{}/direct", echo::once())).send().await.expect("an answer");
        assert!(direct.text().await.expect("a body").starts_with("GET /direct "));
        let through = build().get("http://somewhere.invalid/far").send().await.expect("the proxy answers");
        let head = through.text().await.expect("a body");
        assert!(head.starts_with("GET http://somewhere.invalid/far "), "{head}");
        assert!(head.to_lowercase().contains("proxy-authorization: basic"), "{head}");
    }

    #[test]
    fn an_unusable_proxy_is_left_out() {
        let usable = |name: &'static str, value: &str| {
            let value = value.to_owned();
            named(move |asked| (asked == name).then(|| value.clone())).iter().filter_map(NamedProxy::proxy).count()
        };
        assert_eq!(usable("HTTPS_PROXY", "http://"), 0);
        assert_eq!(usable("ALL_PROXY", "http://h:1"), 1);
        let of_a_web_server =
            |name: &str| matches!(name, "HTTP_PROXY" | "REQUEST_METHOD").then(|| "http://h:1".to_owned());
        assert!(named(of_a_web_server).is_empty());
    }

    #[test]
    fn the_proxy_of_a_request_is_named_by_its_variable_and_without_its_login() {
        let variables = |name: &str| {
            let value = match name {
                "HTTPS_PROXY" => "http://miner:s3cret@proxy.example:3128/x",
                "all_proxy" => "other.example:8080",
                "NO_PROXY" => "near.example",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let proxies = named(variables);
        for (url, expected) in [
            ("https://far.example/a", Some(("HTTPS_PROXY", "http://proxy.example:3128"))),
            ("http://far.example/a", Some(("all_proxy", "http://other.example:8080"))),
            ("https://near.example/", None),
            ("https://127.0.0.1/", None),
            ("https://localhost:1/", None),
        ] {
            let found = on_the_way(&proxies, &url.parse().expect("a URL"));
            let found = found.as_ref().map(|found| (found.variable, found.address.as_str()));
            assert_eq!(found, expected, "{url}");
        }
    }
}
