//! Subtensor: commitments, their proof, and reads. The only room that names `subxt`.
//!
//! Knows no wallet (a [`HotkeySigner`] signs), no terminal (an [`Observer`](gen404_outside::observer::Observer) is told what happens) and no configuration.
//! Everything about pallets, calls and types comes from the metadata of the node that is connected.
//!
//! # The ways in
//!
//! * [`Network`] is parsed from what a user typed; [`Chain::connect`] makes a standing [`Chain`], on a fallback endpoint when
//!   it has to, with the metadata from [`ConnectOptions::cache_folder`] when it can.
//! * [`Chain::commit`] takes a [`CommitRequest`] (a [`gen404_round::Reveal`], a subnet, how far to [`Wait`]) to a
//!   [`Commitment`]. It waits while an earlier commitment is pending, sends exactly once, survives lost connections, and
//!   proves the reveal byte for byte. [`Chain::commit_at`] has the reveal fall on a block. [`Chain::rehearse`] does all of it up to the signature.
//! * [`Chain::reveals`] lists what a subnet has revealed, [`Chain::reveal_histories`] payload by payload; [`Chain::owners`],
//!   [`Chain::registered`], [`Chain::coldkey_locks`], [`Chain::hotkey_status`], [`Chain::moments`] and
//!   [`Chain::head`] answer the smaller questions.
//! * [`ConnectError`], [`ReadError`] and [`CommitError`] say whose matter they are and what to do ([`gen404_outside::explain`]).
//!
//! ```no_run
//! # async fn example(signer: &dyn gen404_chain::HotkeySigner) -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use gen404_chain::{Chain, CommitRequest, ConnectOptions, Wait};
//! use gen404_outside::time::SystemClock;
//! use gen404_round::{NETUID, Reveal};
//!
//! let chain = Chain::connect(ConnectOptions::new("finney".parse()?), &()).await?;
//! let request = CommitRequest {
//!     netuid: NETUID,
//!     reveal: Reveal::Commit { commit: "5b1e56b263464daec34aae0ce9fee7c609a4eb07".parse()? },
//!     wait: Wait::Reveal,
//!     wait_limit: Duration::from_secs(120),
//! };
//! let commitment = chain.commit(&request, signer, &SystemClock::start(), &()).await?;
//! # let _ = commitment; Ok(())
//! # }
//! ```

pub mod checks;
mod clock;
mod commit;
mod connection;
mod error;
mod event;
mod extrinsic;
mod hashes;
mod moments;
mod network;
mod node;
mod preflight;
mod reads;
mod reveals;
mod rpc;
mod runtime;
mod situation;
mod submission;

#[cfg(test)]
mod finney;

pub use clock::ClockError;
pub use commit::{Aimed, BLOCKS_UNTIL_REVEAL, CommitRequest, Commitment, Rehearsal, Wait};
pub use connection::{Chain, ChainIdentity, ConnectOptions};
pub use error::{CommitError, ConnectError, Doubt, EndpointError, ReadError};
pub use event::Event;
pub use extrinsic::HotkeySigner;
pub use hashes::{BlockHash, ExtrinsicHash};
pub use moments::{BlockMoment, Moments};
pub use network::{Endpoint, FINNEY_GENESIS, InvalidNetwork, Network};
pub use preflight::Check;
pub use reads::{ColdkeyLock, HotkeyStatus, LockAnswer};
pub use reveals::{HotkeyReveals, RevealHistories, RevealHistory, RevealList};
pub use rpc::limit::RateLimit;
pub use rpc::{RpcError, TransportError};
pub use runtime::IncompatibleChain;
pub use runtime::dispatch::DispatchError;
pub use situation::{CommitmentSpace, PendingReveal};
pub use submission::{PoolRejection, PoolVerdict};
