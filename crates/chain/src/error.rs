//! What can go wrong, by operation, with whose matter it is and what to do about it.
//! The texts are whole sentences already, so no cause is added to them.

mod commit;
mod dial;

use std::time::Duration;

use gen404_outside::explain::{Blame, Explain, Hint};

pub use self::commit::{CommitError, Doubt};
pub(crate) use self::dial::UnknownName;
use crate::hashes::BlockHash;
use crate::network::{Endpoint, Network, elsewhere};
use crate::rpc::limit::RateLimit;
use crate::rpc::{DialError, RpcError, TransportError, still};
use crate::runtime::IncompatibleChain;

/// Most characters of a stranger's text that are shown.
pub(crate) const SHOWN: usize = 300;

/// No connection stands. The reason is that of the endpoint tried last; those of the others were observed.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot use {}: {source}{}{}",
    at(network, endpoint),
    still(*waited),
    if *tried > 1 { format!(" ({tried} endpoints tried)") } else { String::new() }
)]
pub struct ConnectError {
    /// The network.
    pub network: Network,
    /// The endpoint that failed last; one that has only had enough for now comes before others.
    pub endpoint: Endpoint,
    /// Number of endpoints tried.
    pub tried: usize,
    /// How long was waited for endpoints that asked for a pause.
    pub waited: Duration,
    /// Why.
    pub source: EndpointError,
}

/// A network that is an address needs no second one.
fn at(network: &Network, endpoint: &Endpoint) -> String {
    if matches!(network, Network::Url(_)) { endpoint.to_string() } else { format!("{network}: {endpoint}") }
}

impl Explain for ConnectError {
    fn blame(&self) -> Blame {
        match self.source {
            EndpointError::NotSubstrate { .. }
            | EndpointError::WrongGenesis { .. }
            | EndpointError::Incompatible(_) => Blame::User,
            EndpointError::Dial { .. } | EndpointError::Busy(_) | EndpointError::Rpc(_) => Blame::Service,
        }
    }

    fn hint(&self) -> Option<Hint> {
        if let EndpointError::Dial { source } = &self.source
            && let Some(hint) = dial::hint(source.as_ref())
        {
            return Some(hint.into());
        }
        let hint = match &self.source {
            EndpointError::Incompatible(source) => source.hint(),
            EndpointError::NotSubstrate { .. } => {
                "check --subtensor.endpoint: something answers there, but it is not a chain node"
            }
            EndpointError::Busy(_) => return Some(elsewhere(&self.network.endpoints()).into()),
            EndpointError::WrongGenesis { .. } => "this endpoint serves another chain; do not send anything there",
            EndpointError::Dial { .. } | EndpointError::Rpc(_) if self.network == Network::Local => {
                "start a node on this machine first, for example with `404-cli sandbox --subtensor-port 9944`"
            }
            EndpointError::Dial { .. } | EndpointError::Rpc(_) => {
                "check the network connection, or name another node with --subtensor.endpoint"
            }
        };
        Some(hint.into())
    }

    fn sentence(&self) -> String {
        self.to_string()
    }
}

/// Why one endpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// No WebSocket connection.
    #[error("{}", dial::words(source.as_ref()))]
    Dial {
        /// Why.
        source: TransportError,
    },
    /// It has had enough of us for now.
    #[error(transparent)]
    Busy(Box<RateLimit>),
    /// It speaks, but not like a chain.
    #[error("not a Substrate node: {source}")]
    NotSubstrate {
        /// What it said.
        source: RpcError,
    },
    /// It stopped answering.
    #[error(transparent)]
    Rpc(RpcError),
    /// Another chain than the network's name promises.
    #[error("serves another chain (genesis {found})")]
    WrongGenesis {
        /// Its genesis hash.
        found: BlockHash,
    },
    /// Its runtime cannot be understood.
    #[error(transparent)]
    Incompatible(#[from] IncompatibleChain),
}

impl From<DialError> for EndpointError {
    fn from(error: DialError) -> Self {
        match error {
            DialError::Busy(limit) => Self::Busy(limit),
            DialError::Failed(source) => Self::Dial { source },
        }
    }
}

/// Why something could not be read from the chain.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The node did not answer as it should.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// The connection broke and could not be made again.
    #[error(transparent)]
    Connect(Box<ConnectError>),
    /// The chain has not what was asked for.
    #[error(transparent)]
    Incompatible(#[from] IncompatibleChain),
}

impl From<ConnectError> for ReadError {
    fn from(error: ConnectError) -> Self {
        Self::Connect(Box::new(error))
    }
}

impl Explain for ReadError {
    fn blame(&self) -> Blame {
        match self {
            Self::Rpc(_) => Blame::Service,
            Self::Connect(source) => source.blame(),
            Self::Incompatible(_) => Blame::User,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Rpc(RpcError::Limited { limit, .. }) => Some(elsewhere(std::slice::from_ref(&limit.endpoint)).into()),
            Self::Rpc(_) => Some("try again, or name another node with --subtensor.endpoint".into()),
            Self::Connect(source) => source.hint(),
            Self::Incompatible(source) => Some(source.hint().into()),
        }
    }

    fn sentence(&self) -> String {
        self.to_string()
    }
}

impl ReadError {
    /// Whether trying again may help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Rpc(_) => true,
            Self::Connect(source) => source.blame() == Blame::Service,
            Self::Incompatible(_) => false,
        }
    }
}
