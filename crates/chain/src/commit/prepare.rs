//! Everything before the signature: read the situation, wait until nothing can be lost, choose the round, encrypt.
//! Sends nothing.

use std::time::Duration;

use gen404_outside::observer::Observer;
use gen404_outside::time::Clock;
use gen404_round::{BlockNumber, Hotkey, Reveal};
use gen404_timelock::{Randomness, encrypt};
use parity_scale_codec::Encode;
use tokio::time::Instant;

use super::{BLOCKS_UNTIL_REVEAL, CommitRequest, Order, Rehearsal};
use crate::clock::{ClockError, judge};
use crate::connection::Chain;
use crate::error::{CommitError, ReadError};
use crate::event::{Event, Repeating};
use crate::extrinsic::{SetCommitment, SigningContext};
use crate::hashes::BlockHash;
use crate::preflight::Intent;
use crate::rpc::RpcError;
use crate::situation::{PendingReveal, Question, Situation, UNKNOWN_HEAD};

/// A node that answers with another version every time is given up after so many looks.
const LOOKS_AT_A_RUNTIME: usize = 3;

/// What will be revealed, in the two forms it is needed in.
pub(super) struct Payload {
    pub(super) json: String,
    /// SCALE string of the JSON: what is encrypted, and what the chain will show.
    pub(super) plaintext: Vec<u8>,
}

impl Payload {
    pub(super) fn new(reveal: &Reveal) -> Self {
        let json = reveal.to_json();
        let plaintext = json.encode();
        Self { json, plaintext }
    }
}

/// Ready to be signed.
pub(super) struct Prepared {
    pub(super) call: SetCommitment,
    pub(super) context: SigningContext,
    pub(super) reveal_round: u64,
    pub(super) reveal_time: u64,
    /// The newest block when the situation was read.
    pub(super) block: BlockNumber,
    /// A pause between two looks at the chain.
    pub(super) pause: Duration,
}

/// One look at the chain.
pub(super) struct Look {
    pub(super) situation: Situation,
    next_nonce: u64,
    anchor: (BlockNumber, BlockHash),
}

impl Look {
    /// Extrinsics of the hotkey that wait in the pool.
    pub(super) fn in_pool(&self) -> u64 {
        self.next_nonce.saturating_sub(self.situation.account_nonce)
    }
}

/// The round to encrypt to.
struct Schedule {
    reveal_round: u64,
    reveal_time: u64,
    clock_error: Option<ClockError>,
}

fn schedule(situation: &Situation, clock: &dyn Clock) -> Schedule {
    let (now, clock_error) = judge(clock.now(), situation.time, &situation.beacon);
    // Never a round that the chain has already: the commitment would be open before anybody has seen it in a block.
    let reveal_round = situation
        .beacon
        .reveal_round(now, BLOCKS_UNTIL_REVEAL, situation.time.block_time)
        .max(situation.time.last_round.saturating_add(1));
    Schedule { reveal_round, reveal_time: situation.beacon.time_of_round(reveal_round), clock_error }
}

impl Chain {
    /// Waits until a commitment may be sent and prepares it.
    pub(super) async fn prepare(&self, order: &Order<'_>) -> Result<Prepared, CommitError> {
        let Order { request, payload, signer, clock, observer, round } = *order;
        let intent = self.intent(request, signer.hotkey(), payload);
        intent.check_size()?;
        let look = if round.is_none() {
            self.look_until_clear(&intent, request.wait_limit, observer).await?
        } else {
            // Every moment counts, and what is pending is to be replaced.
            let look = self.look(&intent, observer).await?;
            intent.check(&look.situation)?;
            look
        };
        if let Some(PendingReveal { reveal_round, block }) = look.situation.never_revealed {
            observer.on(Event::NeverRevealed { reveal_round, block });
        }
        let Schedule { reveal_round, reveal_time, clock_error } = match round {
            None => schedule(&look.situation, clock),
            Some(round) => Schedule {
                reveal_round: round,
                reveal_time: look.situation.beacon.time_of_round(round),
                clock_error: None,
            },
        };
        if let Some(error) = clock_error {
            observer.on(Event::ClockCorrected { error });
        }
        if let Some(block) = look.situation.revealed_in(&payload.plaintext) {
            observer.on(Event::AlreadyRevealed { block });
        }
        let call = encrypted_call(request, &look.situation, reveal_round, payload)?;
        Ok(Prepared {
            call,
            context: SigningContext { genesis: self.genesis, anchor: look.anchor, nonce: look.next_nonce },
            reveal_round,
            reveal_time,
            block: look.situation.block,
            pause: look.situation.pause(),
        })
    }

    /// One look, all checks, and the call that would be signed.
    pub(super) async fn dry_run(
        &self,
        request: &CommitRequest,
        hotkey: Hotkey,
        payload: Payload,
        clock: &dyn Clock,
        observer: &dyn Observer<Event>,
    ) -> Result<Rehearsal, CommitError> {
        let intent = self.intent(request, hotkey, &payload);
        intent.check_size()?;
        let look = self.look(&intent, observer).await?;
        let Schedule { reveal_round, reveal_time, clock_error } = schedule(&look.situation, clock);
        let call = encrypted_call(request, &look.situation, reveal_round, &payload)?;
        let call_data = call.encode(&self.runtime())?;
        Ok(Rehearsal {
            hotkey,
            block: look.situation.block,
            fits_twice: intent.fits_twice(&look.situation),
            call: "Commitments.set_commitment",
            call_data: format!("0x{}", hex::encode(call_data)),
            nonce: look.next_nonce,
            reveal_round,
            reveal_time,
            clock_error,
            checks: intent.report(&look.situation, &payload.plaintext, clock_error, look.in_pool()),
            payload: payload.json,
        })
    }

    /// One look at the chain for an order.
    pub(super) async fn look_for(&self, order: &Order<'_>) -> Result<Look, ReadError> {
        let intent = self.intent(order.request, order.signer.hotkey(), order.payload);
        self.look(&intent, order.observer).await
    }

    /// Whether there is room for this order's commitment and another one before it; `None` when that cannot be told.
    pub(super) fn fits_twice(&self, order: &Order<'_>, situation: &Situation) -> Option<bool> {
        self.intent(order.request, order.signer.hotkey(), order.payload).fits_twice(situation)
    }

    fn intent(&self, request: &CommitRequest, hotkey: Hotkey, payload: &Payload) -> Intent {
        Intent {
            netuid: request.netuid,
            hotkey,
            genesis: self.genesis,
            json_bytes: payload.json.len(),
            plaintext_bytes: payload.plaintext.len(),
        }
    }

    /// Looks again and again until no earlier commitment can be lost.
    async fn look_until_clear(
        &self,
        intent: &Intent,
        limit: Duration,
        observer: &dyn Observer<Event>,
    ) -> Result<Look, CommitError> {
        let started = Instant::now();
        let mut look = self.look(intent, observer).await?;
        let mut told = None;
        let mut lost = false;
        loop {
            intent.check(&look.situation)?;
            let Some(obstacle) = obstacle(&look) else { return Ok(look) };
            if told.as_ref() != Some(&obstacle) {
                observer.on(obstacle.clone());
                told = Some(obstacle.clone());
            }
            let waited = started.elapsed();
            if waited >= limit {
                return Err(given_up(&obstacle, waited));
            }
            tokio::time::sleep(look.situation.pause()).await;
            // A node that restarts meanwhile is waited for too; one line about it is enough.
            let repeating = Repeating(observer);
            look = match self.look(intent, if lost { &repeating } else { observer }).await {
                Ok(newer) => newer,
                Err(error) if error.is_retryable() && started.elapsed() < limit => {
                    lost = true;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            lost = false;
        }
    }

    /// Two round trips, one when the finalized head is known from connecting. A runtime that was upgraded meanwhile is
    /// read again: what is signed for another one is refused.
    async fn look(&self, intent: &Intent, observer: &dyn Observer<Event>) -> Result<Look, ReadError> {
        let known_head = self.take_fresh_finalized().await;
        for _ in 0..LOOKS_AT_A_RUNTIME {
            let runtime = &self.runtime();
            let question = &Question::new(runtime, intent.netuid, &intent.hotkey)?;
            let read = self.reading(observer, |node| async move {
                let head = match known_head {
                    Some(head) => head,
                    None => node.finalized_hash().await?,
                };
                let (version, number, next_nonce, situation) = futures::join!(
                    node.runtime_version(),
                    node.block_number(head),
                    node.next_nonce(&intent.hotkey),
                    question.ask(runtime, &node)
                );
                if version? != runtime.version {
                    // What was read with the metadata of another runtime says nothing, not even that it failed.
                    return Ok(None);
                }
                let anchor = (number?.ok_or(UNKNOWN_HEAD)?, head);
                Ok(Some(Look { situation: situation?, next_nonce: next_nonce?, anchor }))
            });
            if let Some(look) = read.await? {
                return Ok(look);
            }
            self.catch_up(observer).await?;
        }
        Err(RpcError::Unexpected { method: "state_getRuntimeVersion", expected: "the version it gave before" }.into())
    }
}

fn encrypted_call(
    request: &CommitRequest,
    situation: &Situation,
    reveal_round: u64,
    payload: &Payload,
) -> Result<SetCommitment, CommitError> {
    let mut random = [0; Randomness::BYTES];
    getrandom::fill(&mut random).map_err(CommitError::Randomness)?;
    let randomness = Randomness::from_bytes(&random);
    let encrypted = encrypt(&situation.beacon.public_key, reveal_round, &payload.plaintext, &randomness)?;
    Ok(SetCommitment::new(request.netuid, &encrypted, reveal_round))
}

/// What a commitment sent now would destroy or stumble over.
pub(super) fn obstacle(look: &Look) -> Option<Event> {
    let beacon = &look.situation.beacon;
    if let Some(pending) = look.situation.pending() {
        return Some(Event::RevealPending {
            reveal_round: pending.reveal_round,
            reveal_time: beacon.time_of_round(pending.reveal_round),
            block: pending.block,
        });
    }
    // What waits in the pool may be a commitment too.
    let count = look.in_pool();
    (count > 0).then_some(Event::ExtrinsicPending { count })
}

fn given_up(obstacle: &Event, waited: Duration) -> CommitError {
    match obstacle {
        Event::RevealPending { reveal_round, block, .. } => {
            CommitError::StillPending { block: *block, reveal_round: *reveal_round, waited }
        }
        _ => CommitError::StillInPool { waited },
    }
}
