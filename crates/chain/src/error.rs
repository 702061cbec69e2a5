//! What can go wrong, by operation, with what to do about it; and the four kinds every failure falls into.
//! Says nothing about exit codes or colours: the kinds are all that a caller needs to choose them.

use std::time::Duration;

use gen404_outside::http::missing_authorities;
use gen404_outside::text::excerpt;
use gen404_round::{BlockNumber, Hotkey, Netuid};
use gen404_timelock::InvalidPublicKey;

use crate::hashes::{BlockHash, ExtrinsicHash};
use crate::network::{Endpoint, Network, elsewhere};
use crate::rpc::limit::RateLimit;
use crate::rpc::{DialError, RpcError, TransportError, still};
use crate::runtime::IncompatibleChain;
use crate::runtime::dispatch::DispatchError;
use crate::submission::{PoolRejection, PoolVerdict};

/// Most characters of a stranger's text that are shown.
pub(crate) const SHOWN: usize = 300;

/// Whose fault a failure is, which is what decides what a user does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// An option or a file is wrong.
    Usage,
    /// A service out there failed or took too long.
    Outside,
    /// The chain said no.
    Refused,
}

/// No connection stands. The reason is that of the endpoint tried last; those of the others were observed.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot use {network}: {endpoint}: {source}{}{}",
    still(*waited),
    if *tried > 1 { format!(" ({tried} endpoints tried)") } else { String::new() }
)]
#[non_exhaustive]
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

impl ConnectError {
    /// Whose fault it is.
    pub fn kind(&self) -> FailureKind {
        match self.source {
            EndpointError::NotSubstrate { .. }
            | EndpointError::WrongGenesis { .. }
            | EndpointError::Incompatible(_) => FailureKind::Usage,
            EndpointError::Dial { .. } | EndpointError::Busy(_) | EndpointError::Rpc(_) => FailureKind::Outside,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        if let EndpointError::Dial { source } = &self.source
            && let Some(hint) = missing_authorities(source.as_ref())
        {
            return Some(hint.to_owned());
        }
        let hint = match &self.source {
            EndpointError::Incompatible(source) => source.hint(),
            EndpointError::NotSubstrate { .. } => {
                "check --subtensor.endpoint: something answers there, but it is not a chain node"
            }
            EndpointError::Busy(_) => return Some(elsewhere(&self.network.endpoints())),
            EndpointError::WrongGenesis { .. } => "this endpoint serves another chain; do not send anything there",
            _ if self.network == Network::Local => {
                "start a node on this machine first, for example with `404-cli sandbox --subtensor-port 9944`"
            }
            _ => "check the network connection, or name another node with --subtensor.endpoint",
        };
        Some(hint.to_owned())
    }
}

/// Why one endpoint cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// No WebSocket connection.
    #[error("{}", excerpt(&innermost(source.as_ref()), SHOWN))]
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

/// The last cause of an error says most; what wraps it repeats it or names library types.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// Why something could not be read from the chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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

impl ReadError {
    /// Whose fault it is.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Rpc(_) => FailureKind::Outside,
            Self::Connect(source) => source.kind(),
            Self::Incompatible(_) => FailureKind::Usage,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Rpc(RpcError::Limited { limit, .. }) => Some(elsewhere(std::slice::from_ref(&limit.endpoint))),
            Self::Rpc(_) => Some("try again, or name another node with --subtensor.endpoint".to_owned()),
            Self::Connect(source) => source.hint(),
            Self::Incompatible(source) => Some(source.hint().to_owned()),
        }
    }

    /// Whether trying again may help.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Rpc(_) => true,
            Self::Connect(source) => source.kind() == FailureKind::Outside,
            Self::Incompatible(_) => false,
        }
    }
}

/// Why a commitment is not where it should be. Variants that know a block happened after the point of no return:
/// the extrinsic is on chain, and sending again would replace it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The payload does not fit.
    #[error("the payload has {bytes} bytes, the chain takes at most {limit}")]
    PayloadTooLong {
        /// Bytes of JSON.
        bytes: usize,
        /// The most there may be.
        limit: usize,
    },
    /// Something could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The node names a beacon that is not Finney's.
    #[error("the node gives a beacon key that is not drand quicknet's, although its genesis is Finney's")]
    ForeignBeacon,
    /// The node's beacon key is not a key.
    #[error("the beacon key of this chain is invalid")]
    InvalidBeacon(#[from] InvalidPublicKey),
    /// No randomness from the operating system.
    #[error("the operating system gives no random bytes: {0}")]
    Randomness(getrandom::Error),
    /// The hotkey may not commit.
    #[error("hotkey {hotkey} is not registered on subnet {netuid}")]
    NotRegistered {
        /// The hotkey.
        hotkey: Hotkey,
        /// The subnet.
        netuid: Netuid,
    },
    /// The hotkey has committed too much in this epoch.
    #[error("no commitment space left in this epoch: {used} of {limit} bytes used, {cost} needed")]
    SpaceUsedUp {
        /// Bytes used in this epoch.
        used: u64,
        /// Bytes there are.
        limit: u64,
        /// Bytes this commitment needs.
        cost: u64,
        /// Blocks of an epoch, where known.
        tempo: Option<u64>,
    },
    /// An earlier commitment is not revealed, and its time is over.
    #[error("an earlier commitment of block {block} is still not revealed after waiting {} s", waited.as_secs())]
    StillPending {
        /// Block of the earlier commitment.
        block: BlockNumber,
        /// Its round.
        reveal_round: u64,
        /// How long it was waited for.
        waited: Duration,
    },
    /// An earlier extrinsic stays in the pool.
    #[error("an earlier extrinsic of this hotkey is still not in a block after waiting {} s", waited.as_secs())]
    StillInPool {
        /// How long it was waited for.
        waited: Duration,
    },
    /// The node took nothing at all, because it has had enough of us for now.
    #[error("nothing was sent: {source}")]
    NotSent {
        /// What the node said.
        source: RpcError,
    },
    /// The pool did not take the extrinsic.
    #[error("the node did not accept the extrinsic: {0}")]
    Pool(#[source] PoolRejection),
    /// The pool took the extrinsic and let it fall.
    #[error("the extrinsic {extrinsic_hash} did not get into a block: {verdict}")]
    Dropped {
        /// Its hash.
        extrinsic_hash: ExtrinsicHash,
        /// What the node said.
        verdict: PoolVerdict,
    },
    /// Sent, and then no node could be asked any more what became of it.
    #[error("{}, but what becomes of it cannot be seen: {source}", match block {
        Some(block) => format!("the commitment is in block {block}"),
        None => format!("the extrinsic {extrinsic_hash} was sent"),
    })]
    OutOfSight {
        /// Its hash.
        extrinsic_hash: ExtrinsicHash,
        /// The block in which it was seen.
        block: Option<BlockNumber>,
        /// Why nothing can be seen.
        source: ReadError,
    },
    /// Not in a block in time.
    #[error("the extrinsic {extrinsic_hash} was sent but is in no block after {} s", waited.as_secs())]
    NotIncluded {
        /// Its hash.
        extrinsic_hash: ExtrinsicHash,
        /// How long it was waited for.
        waited: Duration,
        /// Last block in which it may still be included.
        last_block: BlockNumber,
    },
    /// The runtime refused the call inside its block.
    #[error("the chain refused the commitment in block {block}: {error}")]
    Dispatch {
        /// Number of the block.
        block: BlockNumber,
        /// The error, explained by the metadata.
        error: DispatchError,
    },
    /// In a block, but not final in time.
    #[error("the commitment is in block {block}, which is not final after {} s", waited.as_secs())]
    NotFinalized {
        /// Number of the block.
        block: BlockNumber,
        /// How long it was waited for.
        waited: Duration,
    },
    /// In a block, but not revealed in time.
    #[error("the commitment is in block {block}, but is not revealed after {} s", waited.as_secs())]
    NotRevealed {
        /// Number of the block.
        block: BlockNumber,
        /// Round that should reveal it.
        reveal_round: u64,
        /// How long it was waited for.
        waited: Duration,
    },
    /// Another commitment took its place before the reveal.
    #[error("the commitment of block {block} was replaced by another one in block {by} before it was revealed")]
    Replaced {
        /// Block of our commitment.
        block: BlockNumber,
        /// Block of the other one.
        by: BlockNumber,
    },
    /// The chain took it out without revealing it.
    #[error("the chain dropped the commitment of block {block} without revealing it")]
    RevealFailed {
        /// Block of our commitment.
        block: BlockNumber,
    },
}

impl From<IncompatibleChain> for CommitError {
    fn from(error: IncompatibleChain) -> Self {
        Self::Read(error.into())
    }
}

impl CommitError {
    /// The same failure, once the extrinsic has been given to a node and seen in this block.
    pub(crate) fn after_sending(self, extrinsic_hash: ExtrinsicHash, block: Option<BlockNumber>) -> Self {
        match self {
            Self::Read(source) => Self::OutOfSight { extrinsic_hash, block, source },
            other => other,
        }
    }

    /// Whether this is what an upgrade of the runtime between signing and inclusion looks like.
    pub(crate) fn may_come_of_an_upgrade(&self) -> bool {
        match self {
            Self::Pool(rejection) => rejection.may_come_of_an_upgrade(),
            Self::Dropped { verdict, .. } => *verdict == PoolVerdict::Invalid,
            _ => false,
        }
    }

    /// Whose fault it is.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::PayloadTooLong { .. } => FailureKind::Usage,
            Self::Read(source) => source.kind(),
            Self::ForeignBeacon
            | Self::InvalidBeacon(_)
            | Self::Randomness(_)
            | Self::StillPending { .. }
            | Self::StillInPool { .. }
            | Self::NotSent { .. }
            | Self::OutOfSight { .. }
            | Self::NotIncluded { .. }
            | Self::NotFinalized { .. }
            | Self::NotRevealed { .. } => FailureKind::Outside,
            Self::NotRegistered { .. }
            | Self::SpaceUsedUp { .. }
            | Self::Pool(_)
            | Self::Dropped { .. }
            | Self::Dispatch { .. }
            | Self::Replaced { .. }
            | Self::RevealFailed { .. } => FailureKind::Refused,
        }
    }

    /// Whether the commitment is in a block, so that doing the same again would replace or repeat it.
    pub fn included_in(&self) -> Option<BlockNumber> {
        match self {
            Self::NotFinalized { block, .. }
            | Self::NotRevealed { block, .. }
            | Self::Replaced { block, .. }
            | Self::RevealFailed { block } => Some(*block),
            Self::OutOfSight { block, .. } => *block,
            _ => None,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Read(source) => return source.hint(),
            Self::PayloadTooLong { .. } => "use a shorter CDN address".to_owned(),
            Self::ForeignBeacon => "do not use this node: it could read your commitment before everybody else; \
                                    name another one with --subtensor.endpoint"
                .to_owned(),
            Self::InvalidBeacon(_) => "name another node with --subtensor.endpoint".to_owned(),
            Self::NotRegistered { netuid, .. } => format!(
                "register the hotkey on subnet {netuid} first, or check --wallet.name, --wallet.hotkey, --netuid and \
                 --subtensor.endpoint"
            ),
            Self::SpaceUsedUp { tempo, .. } => match tempo {
                Some(tempo) => format!("wait for the next epoch; one has {tempo} blocks"),
                None => "wait for the next epoch".to_owned(),
            },
            Self::StillPending { reveal_round, .. } => format!(
                "it waits for beacon round {reveal_round}; sending now would destroy it. Wait longer with \
                 --wait-timeout, or see with list-all whether it has been revealed"
            ),
            Self::StillInPool { .. } => "wait until it is included, then try again".to_owned(),
            Self::NotSent { source: RpcError::Limited { limit, .. } } => {
                elsewhere(std::slice::from_ref(&limit.endpoint))
            }
            Self::NotSent { .. } => "try again, or name another node with --subtensor.endpoint".to_owned(),
            Self::Pool(rejection) => return rejection.hint(),
            Self::Dropped { verdict, .. } => return verdict.hint(),
            Self::OutOfSight { .. } => {
                "see with list-all, once a node answers, before you send again: a second commitment \
                                        would replace the first, and its later block would count"
                    .to_owned()
            }
            Self::NotIncluded { last_block, .. } => format!(
                "it can still be included up to block {last_block}; see with list-all before sending again, \
                 because a second commitment would replace the first"
            ),
            Self::Randomness(_) | Self::Dispatch { .. } => return None,
            Self::NotFinalized { .. } => "it is very likely to stay; see with list-all".to_owned(),
            Self::NotRevealed { reveal_round, .. } => format!(
                "the chain reveals it once it has beacon round {reveal_round}; see with list-all, and do not send \
                 again before, because that would replace it"
            ),
            Self::Replaced { .. } => {
                "somebody else with this hotkey committed meanwhile; send again when nothing is pending".to_owned()
            }
            Self::RevealFailed { .. } => "send it again; if it happens again, name another node with \
                                          --subtensor.endpoint"
                .to_owned(),
        })
    }
}
