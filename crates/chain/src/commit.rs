//! From a payload to a proven reveal: look, wait, encrypt, sign, send once, and follow until the chain shows the same bytes.
//! Holds no key: a [`HotkeySigner`] signs, and a [`Clock`] says the time.

mod follow;
mod prepare;
mod settle;
mod upgrade;

use std::time::Duration;

use gen404_round::{BlockNumber, Hotkey, Netuid, Reveal};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use crate::clock::{Clock, ClockError};
use crate::connection::Chain;
use crate::error::CommitError;
use crate::extrinsic::{HotkeySigner, SignedExtrinsic};
use crate::hashes::{BlockHash, ExtrinsicHash};
use crate::observer::{Event, Observer};
use crate::preflight::Check;

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

impl Chain {
    /// Commits a payload: waits until nothing is pending, sends it once, and follows it as far as asked. Only when the
    /// runtime is upgraded in between, and the first signature has provably gone nowhere, is it signed and sent once more.
    pub async fn commit(
        &self,
        request: &CommitRequest,
        signer: &dyn HotkeySigner,
        clock: &dyn Clock,
        observer: &dyn Observer,
    ) -> Result<Commitment, CommitError> {
        let payload = prepare::Payload::new(&request.reveal);
        // Each of these is a large future, and none of them is needed twice at the same time: they live on the heap.
        let mut outgoing = Box::pin(self.sign(request, signer, &payload, clock, observer)).await?;
        let failure = match Box::pin(self.send(request, &outgoing, &payload, observer)).await {
            Err(error) if error.may_come_of_an_upgrade() => error,
            ended => return ended,
        };
        // An upgrade of the runtime makes every signature of before worthless: one more, and no other reason for one.
        match self.after_upgrade(&self.follow(request, &outgoing, observer)).await {
            upgrade::Finding::SameRuntime => return Err(failure),
            upgrade::Finding::InBlock(inclusion) => {
                return Box::pin(self.settle(request, &outgoing, &payload, (*inclusion)?, observer)).await;
            }
            upgrade::Finding::WentNowhere => {}
        }
        let nonce = outgoing.extrinsic.nonce;
        observer.observe(&Event::Rejected);
        outgoing = Box::pin(self.sign(request, signer, &payload, clock, observer)).await?;
        // With the same nonce only one of the two can ever be in a block; another one says that somebody else sends too.
        if outgoing.extrinsic.nonce != nonce {
            return Err(failure);
        }
        Box::pin(self.send(request, &outgoing, &payload, observer)).await
    }

    /// Waits until nothing can be lost, and signs.
    async fn sign(
        &self,
        request: &CommitRequest,
        signer: &dyn HotkeySigner,
        payload: &prepare::Payload,
        clock: &dyn Clock,
        observer: &dyn Observer,
    ) -> Result<Outgoing, CommitError> {
        let prepared = self.prepare(request, signer.hotkey(), payload, clock, observer).await?;
        let extrinsic = prepared.call.sign(&self.runtime(), &prepared.context, signer)?;
        Ok(Outgoing { hotkey: signer.hotkey(), prepared, extrinsic, deadline: Instant::now() + request.wait_limit })
    }

    fn follow<'a>(
        &'a self,
        request: &CommitRequest,
        outgoing: &'a Outgoing,
        observer: &'a dyn Observer,
    ) -> follow::Follow<'a> {
        follow::Follow {
            chain: self,
            hotkey: outgoing.hotkey,
            extrinsic: &outgoing.extrinsic,
            observer,
            from: outgoing.prepared.block,
            deadline: outgoing.deadline,
            limit: request.wait_limit,
            pause: outgoing.prepared.pause,
        }
    }

    /// Sends the extrinsic and follows it as far as asked.
    async fn send(
        &self,
        request: &CommitRequest,
        outgoing: &Outgoing,
        payload: &prepare::Payload,
        observer: &dyn Observer,
    ) -> Result<Commitment, CommitError> {
        observer.observe(&Event::Submitting {
            extrinsic_hash: outgoing.extrinsic.hash,
            reveal_round: outgoing.prepared.reveal_round,
            reveal_time: outgoing.prepared.reveal_time,
        });
        let follow = self.follow(request, outgoing, observer);
        let inclusion = self
            .telling(observer, timeout_at(outgoing.last_moment(), follow.until_included()))
            .await
            .unwrap_or_else(|_| Err(follow.not_included()))
            .map_err(|error| error.after_sending(outgoing.extrinsic.hash, None))?;
        self.settle(request, outgoing, payload, inclusion, observer).await
    }

    /// Follows an included extrinsic as far as asked.
    async fn settle(
        &self,
        request: &CommitRequest,
        outgoing: &Outgoing,
        payload: &prepare::Payload,
        mut inclusion: follow::Inclusion,
        observer: &dyn Observer,
    ) -> Result<Commitment, CommitError> {
        let follow = self.follow(request, outgoing, observer);
        let mut end = settle::End::default();
        if request.wait > Wait::Inclusion {
            let target = settle::Target {
                netuid: request.netuid,
                hotkey: outgoing.hotkey,
                plaintext: &payload.plaintext,
                reveal_round: outgoing.prepared.reveal_round,
                wait: request.wait,
            };
            let settling = timeout_at(outgoing.last_moment(), follow.until_settled(&mut inclusion, &mut end, &target));
            let settled = self.telling(observer, settling).await;
            settled
                .unwrap_or_else(|_| Err(follow.too_late(inclusion, end, &target)))
                .map_err(|error| error.after_sending(outgoing.extrinsic.hash, Some(inclusion.block)))?;
        }
        Ok(Commitment {
            hotkey: outgoing.hotkey,
            extrinsic_hash: outgoing.extrinsic.hash,
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
        observer: &dyn Observer,
    ) -> Result<Rehearsal, CommitError> {
        let payload = prepare::Payload::new(&request.reveal);
        self.dry_run(request, hotkey, payload, clock, observer).await
    }
}
