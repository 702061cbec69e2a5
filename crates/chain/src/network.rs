//! The names of networks, the endpoints behind them, and how an endpoint is shown.
//! Opens no connection; which endpoint answers is `connection`'s business.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use url::Url;

use crate::hashes::BlockHash;

/// Finney's first block. Whoever says to be Finney must show this hash.
pub const FINNEY_GENESIS: BlockHash = BlockHash([
    0x2f, 0x05, 0x55, 0xcc, 0x76, 0xfc, 0x28, 0x40, 0xa2, 0x5a, 0x6e, 0xa3, 0xb9, 0x63, 0x71, 0x46, 0x80, 0x6f, 0x1f,
    0x44, 0xb0, 0x90, 0xc1, 0x75, 0xff, 0xde, 0x2a, 0x7e, 0x5a, 0xb3, 0x6c, 0x03,
]);

/// A chain to talk to, by the name the ecosystem gives it or by its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Network {
    /// The main network; has public fallback endpoints.
    Finney,
    /// The public test network.
    Test,
    /// The main network, served by a node that keeps all old state.
    Archive,
    /// A node on this machine, `ws://127.0.0.1:9944`.
    Local,
    /// Any other node.
    Url(Endpoint),
}

/// Each named network with its endpoints in the order they are tried.
const NAMED: &[(&str, Network, &[&str])] = &[
    (
        "finney",
        Network::Finney,
        &[
            "wss://entrypoint-finney.opentensor.ai:443",
            "wss://lite.chain.opentensor.ai:443",
            "wss://lite.sub.latent.to:443",
        ],
    ),
    ("test", Network::Test, &["wss://test.finney.opentensor.ai:443"]),
    ("archive", Network::Archive, &["wss://archive.chain.opentensor.ai:443"]),
    ("local", Network::Local, &["ws://127.0.0.1:9944"]),
];

/// All names, as a sentence lists them.
fn names() -> String {
    NAMED.iter().map(|(name, _, _)| *name).collect::<Vec<_>>().join(", ")
}

impl Network {
    /// All places where the network can be reached, best first; never empty.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        if let Self::Url(endpoint) = self {
            return vec![endpoint.clone()];
        }
        let addresses =
            NAMED.iter().find(|(_, network, _)| network == self).map_or(&[][..], |(_, _, addresses)| addresses);
        addresses.iter().map(|address| address.parse().expect("the table holds valid addresses")).collect()
    }

    /// The genesis hash a node of this network must have, where it is known.
    pub fn expected_genesis(&self) -> Option<BlockHash> {
        // No wildcard: a network that is added says here whether a node can pass itself off as one of it.
        match self {
            Self::Finney | Self::Archive => Some(FINNEY_GENESIS),
            Self::Test | Self::Local | Self::Url(_) => None,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMED.iter().find(|(_, network, _)| network == self) {
            Some((name, _, _)) => formatter.write_str(name),
            None => match self {
                Self::Url(endpoint) => endpoint.fmt(formatter),
                _ => formatter.write_str("network"),
            },
        }
    }
}

/// What to do when endpoints have had enough of us: wait, or use one of Finney's public ones that were not tried.
pub(crate) fn elsewhere(tried: &[Endpoint]) -> String {
    let public: Vec<_> = [Network::Finney, Network::Archive]
        .iter()
        .flat_map(Network::endpoints)
        .filter(|endpoint| !tried.contains(endpoint))
        .map(|endpoint| endpoint.to_string())
        .collect();
    format!(
        "wait a few minutes and try again, or name another node with --subtensor.endpoint; for Finney: {}",
        public.join(", ")
    )
}

/// Why a text names no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNetwork {
    /// Neither a known name nor an address.
    #[error("unknown network: use {}, or a ws:// or wss:// address", names())]
    UnknownName,
    /// An address of another protocol.
    #[error("a chain endpoint starts with ws:// or wss://, not {scheme}://")]
    Scheme {
        /// The scheme that was given.
        scheme: String,
    },
    /// Starts like an address and is none.
    #[error("not a valid chain endpoint: {0}")]
    Address(#[from] url::ParseError),
    /// The name or address together with the quotes around it.
    #[error("the network stands in quotes: leave them out")]
    Quoted,
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let text = text.trim();
        if text.starts_with(['"', '\'']) {
            return Err(InvalidNetwork::Quoted);
        }
        if let Some((_, network, _)) = NAMED.iter().find(|(name, _, _)| *name == text) {
            return Ok(network.clone());
        }
        text.parse().map(Self::Url)
    }
}

/// The address of a node. Shown without user, password, query and fragment.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// The whole address, secrets included: for connecting only, never for showing.
    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

impl FromStr for Endpoint {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        if !text.contains("://") {
            return Err(InvalidNetwork::UnknownName);
        }
        let url = Url::parse(text)?;
        match url.scheme() {
            "ws" | "wss" => Ok(Self(url)),
            scheme => Err(InvalidNetwork::Scheme { scheme: scheme.to_owned() }),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        if let Some(port) = self.0.port() {
            write!(formatter, ":{port}")?;
        }
        // Hosted nodes put their access key into the path.
        if !matches!(self.0.path(), "" | "/") {
            formatter.write_str("/…")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_endpoints_and_back() {
        for (name, _, _) in NAMED {
            let network: Network = name.parse().expect("a known name");
            assert_eq!(network.to_string(), *name);
            assert!(!network.endpoints().is_empty());
        }
        assert_eq!(Network::Finney.endpoints().len(), 3);
        assert_eq!(Network::Finney.expected_genesis(), Some(FINNEY_GENESIS));
        assert_eq!(Network::Local.endpoints()[0].to_string(), "ws://127.0.0.1:9944");
    }

    #[test]
    fn addresses_hide_what_may_be_secret() {
        let network: Network = "wss://user:password@node.example:4443/key123?token=abc#x".parse().expect("an address");
        assert_eq!(network.to_string(), "wss://node.example:4443/…");
        assert_eq!(format!("{network:?}"), "Url(wss://node.example:4443/…)");
        assert_eq!(network.endpoints()[0].url().as_str(), "wss://user:password@node.example:4443/key123?token=abc#x");
    }

    #[test]
    fn what_is_no_network_says_why() {
        let unknown = "finny".parse::<Network>().expect_err("no such network");
        let words = "unknown network: use finney, test, archive, local, or a ws:// or wss:// address";
        assert_eq!(unknown.to_string(), words);
        assert_eq!(unknown, InvalidNetwork::UnknownName);
        assert_eq!(
            "https://node.example".parse::<Network>(),
            Err(InvalidNetwork::Scheme { scheme: "https".to_owned() })
        );
        assert!(matches!("wss://".parse::<Network>(), Err(InvalidNetwork::Address(_))));
        for quoted in ["'finney'", "\"wss://node.example\"", " 'local' "] {
            assert_eq!(quoted.parse::<Network>(), Err(InvalidNetwork::Quoted));
        }
        assert_eq!(" finney\r\n".parse(), Ok(Network::Finney));
    }

    #[test]
    fn other_places_are_those_that_were_not_tried() {
        let hint = elsewhere(&Network::Finney.endpoints());
        assert!(hint.contains("archive.chain") && !hint.contains("entrypoint"), "{hint}");
        let own = "wss://lite.chain.opentensor.ai:443".parse().expect("an address");
        let hint = elsewhere(&[own]);
        assert!(hint.contains("entrypoint-finney") && !hint.contains("lite.chain"), "{hint}");
    }
}
