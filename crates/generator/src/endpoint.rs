//! Where a generator is. The address may carry credentials, so it is only ever shown without them.
//! It must not know what is asked there.

use std::fmt;
use std::str::FromStr;

use gen404_outside::explain::{Blame, Explain, sentence};
use gen404_outside::http::{self, InvalidAddress};
use gen404_outside::secrets::Secrets;
use url::Url;

/// Base URL of a generator; shown without user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

/// A text that is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// No address at all.
    #[error("not a generator's address: {0}")]
    Address(#[from] InvalidAddress),
    /// It says more than where the generator is.
    #[error("not a generator's address: it must have no query and no fragment")]
    MoreThanAddress,
}

impl Explain for InvalidEndpoint {
    fn blame(&self) -> Blame {
        match self {
            Self::Address(_) | Self::MoreThanAddress => Blame::User,
        }
    }

    fn sentence(&self) -> String {
        format!("--endpoint is {}", sentence(self))
    }
}

impl Endpoint {
    /// Whether it is on this machine, by its name or address.
    pub fn is_local(&self) -> bool {
        http::is_this_machine(&self.0)
    }

    /// What nobody may see of it.
    pub(crate) fn secrets(&self) -> Secrets {
        Secrets::default().with_address(&self.0)
    }

    /// Address of a call, such as `status`.
    pub(crate) fn call(&self, name: &str) -> Url {
        self.0.join(name).expect("a call's name joins a base that ends with a slash")
    }
}

impl FromStr for Endpoint {
    type Err = InvalidEndpoint;

    fn from_str(text: &str) -> Result<Self, InvalidEndpoint> {
        let mut url = http::parse_address(text)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidEndpoint::MoreThanAddress);
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&http::shown(&self.0))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Endpoint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(text: &str) -> Endpoint {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn calls_are_below_the_endpoint() {
        assert_eq!(endpoint("http://h:10006").call("status").as_str(), "http://h:10006/status");
        assert_eq!(endpoint("https://h/pod/7").call("status").as_str(), "https://h/pod/7/status");
        for bad in ["h:10006", "ftp://h/", "http://h/?a=1", "http://h/#x", "", "http://"] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
        let error = "localhost:10006".parse::<Endpoint>().expect_err("no scheme").to_string();
        assert!(error.ends_with("write http://host:port"), "{error}");
    }

    #[test]
    fn credentials_are_not_shown() {
        let secret = endpoint("https://miner:s3cret@h/pod");
        assert_eq!(
            (secret.to_string(), format!("{secret:?}")),
            ("https://h/pod".into(), "Endpoint(https://h/pod)".into())
        );
    }

    #[test]
    fn this_machine_is_local() {
        for local in ["http://localhost:1", "http://127.0.0.1", "http://127.8.8.8", "http://[::1]:10006"] {
            assert!(endpoint(local).is_local(), "{local}");
        }
        for far in ["http://192.168.1.5", "https://x.targon.com", "http://localhost.evil.com", "http://0.0.0.0.example"]
        {
            assert!(!endpoint(far).is_local(), "{far}");
        }
    }
}
