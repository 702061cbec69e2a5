//! What happens while the chain is being talked to, as typed events for whoever shows progress.
//! Has no opinion on how, or whether, an event is shown.

use std::time::Duration;

use gen404_outside::observer::Observer;
use gen404_round::BlockNumber;
use serde::Serialize;

use crate::clock::ClockError;
use crate::hashes::{BlockHash, ExtrinsicHash};
use crate::network::Endpoint;

/// Tells on everything but endpoints that fail: for the second try and all that follow it.
pub(crate) struct Repeating<'a>(pub(crate) &'a dyn Observer<Event>);

impl Observer<Event> for Repeating<'_> {
    fn on(&self, event: Event) {
        if !matches!(event, Event::EndpointFailed { .. } | Event::ConnectionLost { .. }) {
            self.0.on(event);
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// An endpoint could not be used; the next one is tried, if there is one.
    EndpointFailed {
        /// Which one.
        endpoint: Endpoint,
        /// Why, in printable words.
        reason: String,
    },
    /// A connection stands.
    Connected {
        /// To which endpoint.
        endpoint: Endpoint,
        /// Whether it is not the network's first choice.
        fallback: bool,
        /// Version of the runtime there.
        spec_version: u32,
    },
    /// A node has had enough of us for now; it is asked again after the pause.
    AskedToWait {
        /// Which one.
        endpoint: Endpoint,
        /// For how long.
        pause: Duration,
    },
    /// The chain's runtime was upgraded while we were at work; it has been read again.
    RuntimeUpgraded {
        /// Version of the runtime before.
        from: u32,
        /// Version of the runtime now.
        to: u32,
    },
    /// The machine's clock is wrong; the chain's time is used for the reveal round.
    ClockCorrected {
        /// By how much.
        error: ClockError,
    },
    /// The hotkey has a commitment that is not revealed yet; sending now would destroy it, so it is waited for.
    RevealPending {
        /// Beacon round that reveals it.
        reveal_round: u64,
        /// Unix time of that round, in seconds.
        reveal_time: u64,
        /// Block of the pending commitment.
        block: BlockNumber,
    },
    /// The hotkey has a commitment that nothing can ever reveal: the beacon has passed its round, and the chain has no
    /// pulse of it. It is not waited for.
    NeverRevealed {
        /// Its beacon round.
        reveal_round: u64,
        /// Block of the commitment.
        block: BlockNumber,
    },
    /// An earlier extrinsic of the hotkey is not in a block yet; it may be a commitment, so it is waited for.
    ExtrinsicPending {
        /// How many are waiting.
        count: u64,
    },
    /// The chain has revealed this very payload before. A place in the round is that of the newest reveal.
    AlreadyRevealed {
        /// Block of that reveal.
        block: BlockNumber,
    },
    /// A reveal is aimed at a block, and there is nothing to do before another one.
    Aiming {
        /// The block that the reveal is aimed at.
        target: BlockNumber,
        /// The newest block.
        head: BlockNumber,
        /// The block that is waited for.
        next: BlockNumber,
    },
    /// A commitment goes out that is opened some time after the target, should nothing better follow.
    Fallback {
        /// Unix time of its round, in seconds.
        reveal_time: u64,
    },
    /// The epoch has room for one commitment only, so it is not spent on a fallback.
    NoRoomForFallback {
        /// The block that is aimed at.
        target: BlockNumber,
    },
    /// That commitment did not get into a block.
    FallbackFailed {
        /// Why, in printable words.
        reason: String,
    },
    /// A reveal came before the block that it was aimed at; it is committed again.
    CameEarly {
        /// Block of the reveal.
        block: BlockNumber,
        /// The block that it was aimed at.
        target: BlockNumber,
    },
    /// The extrinsic goes to the node now.
    Submitting {
        /// Its hash.
        extrinsic_hash: ExtrinsicHash,
        /// Round that reveals it.
        reveal_round: u64,
        /// Unix time of that round, in seconds.
        reveal_time: u64,
    },
    /// The node would not have it; it is nowhere.
    Rejected,
    /// The node took it into its pool.
    InPool,
    /// The node keeps it aside because an earlier nonce is missing.
    WaitingForEarlierNonce,
    /// The connection broke and is made again; what happened meanwhile is looked up on chain.
    ConnectionLost {
        /// Why, in printable words.
        reason: String,
    },
    /// The commitment is in a block. This block is what counts for priority.
    Included {
        /// Its number.
        block: BlockNumber,
        /// Its hash.
        block_hash: BlockHash,
    },
    /// The block was replaced by another one; the commitment is looked for again.
    Retracted {
        /// Number of the block that is gone.
        block: BlockNumber,
    },
    /// The block is final.
    Finalized {
        /// Its number.
        block: BlockNumber,
    },
    /// The chain has opened the commitment, and what it shows is byte for byte what was sent.
    Revealed {
        /// Block of the reveal.
        block: BlockNumber,
    },
}
