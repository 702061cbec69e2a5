//! Why a commitment is not where it should be, and what that says about sending it again.
//! Which refusal is believed is decided by `commit`; here it has its words.

use std::time::Duration;

use gen404_outside::explain::{Blame, Explain, Facts, Hint};
use gen404_round::{BlockNumber, Hotkey, Netuid};
use gen404_timelock::InvalidPublicKey;

use super::ReadError;
use crate::hashes::ExtrinsicHash;
use crate::network::elsewhere;
use crate::rpc::RpcError;
use crate::runtime::IncompatibleChain;
use crate::runtime::dispatch::DispatchError;
use crate::submission::{PoolRejection, PoolVerdict};

/// Why it cannot be told what became of an extrinsic that a node refused.
#[derive(Debug, thiserror::Error)]
pub enum Doubt {
    /// Another node may have it, and would put it into a later block.
    #[error("no newer block could be looked at")]
    NoNewBlock,
    /// The chain could not be asked.
    #[error(transparent)]
    Unseen(ReadError),
    /// An extrinsic with its nonce waits in the node's pool; it may be this one.
    #[error("an extrinsic with the same nonce waits in the node's pool")]
    InPool,
    /// The call failed in a block that may still be replaced by one in which it succeeds.
    #[error("that block is not final yet")]
    NotFinal,
    /// The node contradicts itself about its runtime, as one does that has not noticed an upgrade.
    #[error("the node gives {shown} as the version of its runtime, but its newest block has {runs}")]
    StaleVersion {
        /// The version that it shows, for which the extrinsic was signed.
        shown: u32,
        /// The version in its newest block.
        runs: u32,
    },
}

/// Why a commitment is not where it should be. Variants that know a block happened after the point of no return:
/// the extrinsic is on chain, and sending again would replace it.
#[derive(Debug, thiserror::Error)]
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
    /// The pool took the extrinsic and let it fall, and it is in no block since.
    #[error("the extrinsic {extrinsic_hash} did not get into a block: {verdict}")]
    Dropped {
        /// Its hash.
        extrinsic_hash: ExtrinsicHash,
        /// What the node said.
        verdict: PoolVerdict,
        /// Last block into which another node could still put it; `None` when it can get into none any more.
        last_block: Option<BlockNumber>,
    },
    /// A node refused the extrinsic or let it fall, and another one may have put it on chain all the same.
    #[error("{refusal}; whether it is on chain all the same cannot be told: {doubt}")]
    Undecided {
        /// Its hash.
        extrinsic_hash: ExtrinsicHash,
        /// The refusal.
        refusal: Box<CommitError>,
        /// Why it cannot be told.
        doubt: Doubt,
        /// Last block in which it may still be included.
        last_block: BlockNumber,
    },
    /// Sent, and then no node could be asked any more what became of it.
    #[error("{}, but its outcome is unknown: {source}", match block {
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

    /// The same failure, once the chain has shown that the extrinsic can get into no block any more.
    pub(crate) fn for_ever(self) -> Self {
        match self {
            Self::Dropped { extrinsic_hash, verdict, .. } => {
                Self::Dropped { extrinsic_hash, verdict, last_block: None }
            }
            other => other,
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
}

impl Explain for CommitError {
    fn blame(&self) -> Blame {
        match self {
            Self::PayloadTooLong { .. } => Blame::User,
            Self::Read(source) => source.blame(),
            Self::Pool(rejection) if !rejection.is_of_a_pool() => Blame::Service,
            Self::ForeignBeacon
            | Self::InvalidBeacon(_)
            | Self::Randomness(_)
            | Self::StillPending { .. }
            | Self::StillInPool { .. }
            | Self::NotSent { .. }
            | Self::OutOfSight { .. }
            | Self::Undecided { .. }
            | Self::Dropped { last_block: Some(_), .. }
            | Self::NotIncluded { .. }
            | Self::NotFinalized { .. }
            | Self::NotRevealed { .. } => Blame::Service,
            Self::Pool(_)
            | Self::NotRegistered { .. }
            | Self::SpaceUsedUp { .. }
            | Self::Dropped { last_block: None, .. }
            | Self::Dispatch { .. }
            | Self::Replaced { .. }
            | Self::RevealFailed { .. } => Blame::Chain,
        }
    }

    fn hint(&self) -> Option<Hint> {
        Some(match self {
            Self::Read(source) => return source.hint(),
            Self::PayloadTooLong { .. } => "use a shorter CDN address".into(),
            Self::ForeignBeacon => "do not use this node: it could read your commitment before everybody else; \
                                    name another one with --subtensor.endpoint"
                .into(),
            Self::InvalidBeacon(_) => "name another node with --subtensor.endpoint".into(),
            Self::NotRegistered { netuid, .. } => format!(
                "register the hotkey on subnet {netuid} first, or check --wallet.name, --wallet.hotkey, --netuid and \
                 --subtensor.endpoint"
            ).into(),
            Self::SpaceUsedUp { tempo, .. } => match tempo {
                Some(tempo) => format!("wait for the next epoch; one has {tempo} blocks").into(),
                None => "wait for the next epoch".into(),
            },
            Self::StillPending { reveal_round, .. } => format!(
                "it waits for beacon round {reveal_round}; sending now would destroy it. Wait longer with \
                 --wait-timeout, or see with list-all whether it has been revealed"
            ).into(),
            Self::StillInPool { .. } => "wait until it is included, then try again".into(),
            Self::NotSent { source: RpcError::Limited { limit, .. } } => {
                elsewhere(std::slice::from_ref(&limit.endpoint)).into()
            }
            Self::NotSent { .. } => "try again, or name another node with --subtensor.endpoint".into(),
            Self::Pool(rejection) => return rejection.hint(),
            Self::Dropped { last_block: Some(last_block), .. } => format!(
                "another node could still include it, up to block {last_block}: see with list-all before sending again, \
                 because a second commitment would replace the first"
            ).into(),
            Self::Dropped { verdict, .. } => return verdict.hint(),
            Self::Undecided { extrinsic_hash, last_block, doubt, .. } => {
                let elsewhere = match doubt {
                    Doubt::StaleVersion { .. } => ", at another node (--subtensor.endpoint)",
                    _ => "",
                };
                format!(
                    "before you run this again, see with list-all a minute from now whether it has been revealed, or look \
                     for {extrinsic_hash} in a block explorer{elsewhere}: it may be included up to block {last_block}, \
                     and a second commitment would replace it"
                )
                .into()
            }
            Self::OutOfSight { .. } => {
                "see with list-all, once a node answers, before you send again: a second commitment \
                                        would replace the first, and its later block would count"
                    .into()
            }
            Self::NotIncluded { last_block, .. } => format!(
                "it can still be included up to block {last_block}; see with list-all before sending again, \
                 because a second commitment would replace the first"
            ).into(),
            Self::Randomness(_) | Self::Dispatch { .. } => return None,
            Self::NotFinalized { .. } => "it is very likely to stay; see with list-all".into(),
            Self::NotRevealed { reveal_round, .. } => format!(
                "the chain reveals it once it has beacon round {reveal_round}; see with list-all, and do not send \
                 again before, because that would replace it"
            ).into(),
            Self::Replaced { .. } => {
                "somebody else with this hotkey committed meanwhile; send again when nothing is pending".into()
            }
            Self::RevealFailed { .. } => "send it again; if it happens again, name another node with \
                                          --subtensor.endpoint"
                .into(),
        })
    }

    /// Every failure that knows a block after the point of no return says so.
    fn facts(&self) -> Facts {
        self.included_in().map(|block| ("block".to_owned(), block.into())).into_iter().collect()
    }

    fn sentence(&self) -> String {
        self.to_string()
    }
}
