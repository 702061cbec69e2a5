//! From a payload to a proven reveal: look, wait, encrypt, sign, send once, and follow until the chain shows the same bytes.
//! Holds no key: a [`HotkeySigner`] signs, and a [`Clock`] says the time.

mod aimed;
mod follow;
mod prepare;
mod refusal;
mod settle;
mod upgrade;

pub use aimed::Aimed;

use std::time::Duration;

use gen404_outside::observer::Observer;
use gen404_outside::time::Clock;
use gen404_round::{BlockNumber, Hotkey, Netuid, Reveal};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use crate::clock::ClockError;
use crate::connection::Chain;
use crate::error::{CommitError, ReadError};
use crate::event::Event;
use crate::extrinsic::{HotkeySigner, SignedExtrinsic};
use crate::hashes::{BlockHash, ExtrinsicHash};
use crate::preflight::Check;
use crate::rpc::RpcError;

/// How many blocks after the commitment its reveal is aimed at, as in the official client.
pub const BLOCKS_UNTIL_REVEAL: u32 = 2;

/// Over the time limit, for the answers to one last look at the chain: who waited long wants to know how it stands.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// How far a commitment is followed before it counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Wait {
    /// Until it is in a block. Fixes its priority, proves nothing about the reveal.
    Inclusion,
    /// Until that block is final.
    Finalized,
    /// Until the block is final and the chain shows the payload byte for byte.
    #[default]
    Reveal,
}

/// What to commit.
#[derive(Debug, Clone)]
pub struct CommitRequest {
    /// The subnet.
    pub netuid: Netuid,
    /// The payload.
    pub reveal: Reveal,
    /// How far to follow it.
    pub wait: Wait,
    /// Most time for an earlier commitment's reveal, and again for this one's way to the end.
    pub wait_limit: Duration,
}

/// A commitment that reached what was waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Commitment {
    /// The hotkey that committed.
    pub hotkey: Hotkey,
    /// Hash of the extrinsic.
    pub extrinsic_hash: ExtrinsicHash,
    /// Block that holds it.
    pub block: BlockNumber,
    /// Hash of that block.
    pub block_hash: BlockHash,
    /// Place in that block.
    pub extrinsic_index: u32,
    /// Beacon round that reveals it.
    pub reveal_round: u64,
    /// Unix time of that round, in seconds.
    pub reveal_time: u64,
    /// Whether the block was seen to be final.
    pub finalized: bool,
    /// Block of the reveal, when it was waited for.
    pub revealed_block: Option<BlockNumber>,
}

/// What would be sent, and whether it could be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rehearsal {
    /// The hotkey that would commit.
    pub hotkey: Hotkey,
    /// The JSON that would be revealed.
    pub payload: String,
    /// The call, named.
    pub call: &'static str,
    /// The call's bytes, as `0x…`. Encrypted with fresh randomness: no two rehearsals are alike.
    pub call_data: String,
    /// Nonce the extrinsic would have.
    pub nonce: u64,
    /// Beacon round that would reveal it.
    pub reveal_round: u64,
    /// Unix time of that round, in seconds.
    pub reveal_time: u64,
    /// What was found wrong with the machine's clock.
    pub clock_error: Option<ClockError>,
    /// Everything that was checked.
    pub checks: Vec<Check>,
    /// The block that was looked at.
    #[serde(skip)]
    pub block: BlockNumber,
    /// Whether the current epoch has room for this commitment and another one before it; `None` when that cannot be told.
    #[serde(skip)]
    pub fits_twice: Option<bool>,
}

impl Rehearsal {
    /// Whether a commitment would be sent now.
    pub fn is_clear(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }
}

/// A commitment that can be sent.
struct Outgoing {
    hotkey: Hotkey,
    prepared: prepare::Prepared,
    extrinsic: SignedExtrinsic,
    deadline: Instant,
}

impl Outgoing {
    fn last_moment(&self) -> Instant {
        self.deadline + LAST_LOOK
    }
}

/// All that a commitment is made of.
#[derive(Clone, Copy)]
struct Order<'a> {
    request: &'a CommitRequest,
    payload: &'a prepare::Payload,
    signer: &'a dyn HotkeySigner,
    clock: &'a dyn Clock,
    observer: &'a dyn Observer<Event>,
    /// The beacon round to encrypt to, whatever is pending; without one, it is chosen once nothing can be lost.
    round: Option<u64>,
}

impl Chain {
    /// Commits a payload: waits until nothing is pending, sends it once, and follows it as far as asked. Only when the
    /// runtime is upgraded in between, and the first signature has provably gone nowhere, is it signed and sent once more.
    pub async fn commit(
        &self,
        request: &CommitRequest,
        signer: &dyn HotkeySigner,
        clock: &dyn Clock,
        observer: &dyn Observer<Event>,
    ) -> Result<Commitment, CommitError> {
        let payload = &prepare::Payload::new(&request.reveal);
        let ended = self.carry_out(&Order { request, payload, signer, clock, observer, round: None }).await;
        if let Err(CommitError::Pool(_)) = ended {
            observer.on(Event::Rejected);
        }
        ended
    }

    async fn carry_out(&self, order: &Order<'_>) -> Result<Commitment, CommitError> {
        // Each of these is a large future, and none of them is needed twice at the same time: they live on the heap.
        let first = Box::pin(self.sign(order)).await?;
        match Box::pin(self.send(order, &first)).await {
            Err(refusal) if refusal.may_come_of_an_upgrade() => {
                if !self.has_outlived(order, &first).await? {
                    return Err(refusal);
                }
                self.commit_anew(order, &first, refusal).await
            }
            ended => ended,
        }
    }

    /// Waits until nothing can be lost, and signs.
    async fn sign(&self, order: &Order<'_>) -> Result<Outgoing, CommitError> {
        let prepared = self.prepare(order).await?;
        let extrinsic = prepared.call.sign(&self.runtime(), &prepared.context, order.signer)?;
        let deadline = Instant::now() + order.request.wait_limit;
        Ok(Outgoing { hotkey: order.signer.hotkey(), prepared, extrinsic, deadline })
    }

    fn follow<'a>(&'a self, order: &Order<'a>, outgoing: &'a Outgoing) -> follow::Follow<'a> {
        follow::Follow {
            chain: self,
            netuid: order.request.netuid,
            hotkey: outgoing.hotkey,
            extrinsic: &outgoing.extrinsic,
            observer: order.observer,
            from: outgoing.prepared.block,
            deadline: outgoing.deadline,
            limit: order.request.wait_limit,
            pause: outgoing.prepared.pause,
        }
    }

    /// Sends the extrinsic and follows it as far as asked.
    async fn send(&self, order: &Order<'_>, outgoing: &Outgoing) -> Result<Commitment, CommitError> {
        order.observer.on(Event::Submitting {
            extrinsic_hash: outgoing.extrinsic.hash,
            reveal_round: outgoing.prepared.reveal_round,
            reveal_time: outgoing.prepared.reveal_time,
        });
        let follow = self.follow(order, outgoing);
        let inclusion = self
            .telling(order.observer, timeout_at(outgoing.last_moment(), follow.until_included()))
            .await
            .unwrap_or_else(|_| Err(follow.not_included()))
            .map_err(|error| error.after_sending(outgoing.extrinsic.hash, None))?;
        self.settle(order, outgoing, inclusion).await
    }

    /// Follows an included extrinsic as far as asked.
    async fn settle(
        &self,
        order: &Order<'_>,
        outgoing: &Outgoing,
        mut inclusion: follow::Inclusion,
    ) -> Result<Commitment, CommitError> {
        let (request, extrinsic_hash) = (order.request, outgoing.extrinsic.hash);
        let follow = self.follow(order, outgoing);
        let mut end = settle::End::default();
        if request.wait > Wait::Inclusion {
            let target = settle::Target {
                netuid: request.netuid,
                hotkey: outgoing.hotkey,
                plaintext: &order.payload.plaintext,
                reveal_round: outgoing.prepared.reveal_round,
                wait: request.wait,
            };
            let settling = timeout_at(outgoing.last_moment(), follow.until_settled(&mut inclusion, &mut end, &target));
            let settled = self.telling(order.observer, settling).await;
            settled
                .unwrap_or_else(|_| Err(follow.too_late(inclusion, end, &target)))
                .map_err(|error| error.after_sending(extrinsic_hash, Some(inclusion.block)))?;
        }
        if !inclusion.succeeded && end.revealed_block.is_none() {
            let unread = RpcError::Unexpected { method: "state_queryStorageAt", expected: "the events of its block" };
            return Err(CommitError::from(ReadError::from(unread)).after_sending(extrinsic_hash, Some(inclusion.block)));
        }
        Ok(Commitment {
            hotkey: outgoing.hotkey,
            extrinsic_hash,
            block: inclusion.block,
            block_hash: inclusion.block_hash,
            extrinsic_index: inclusion.index,
            reveal_round: outgoing.prepared.reveal_round,
            reveal_time: outgoing.prepared.reveal_time,
            finalized: end.finalized,
            revealed_block: end.revealed_block,
        })
    }

    /// Everything [`Chain::commit`] does up to the signature, without waiting for anything.
    pub async fn rehearse(
        &self,
        request: &CommitRequest,
        hotkey: Hotkey,
        clock: &dyn Clock,
        observer: &dyn Observer<Event>,
    ) -> Result<Rehearsal, CommitError> {
        let payload = prepare::Payload::new(&request.reveal);
        self.dry_run(request, hotkey, payload, clock, observer).await
    }
}
