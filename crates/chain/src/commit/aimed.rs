//! A reveal in one block: waits for its time, commits a fallback, and then the commitment that counts. What to do at each
//! block is `gen404_round::aim`'s business, whose commitment waits on chain is decided here.

use std::time::Duration;

use gen404_outside::observer::Observer;
use gen404_outside::time::Clock;
use gen404_round::BlockNumber;
use gen404_round::aim::{FALLBACK_FROM, Sight, Step, step};
use tokio::time::{Instant, sleep};

use super::{BLOCKS_UNTIL_REVEAL, CommitRequest, Commitment, Order, Wait, prepare};
use crate::connection::Chain;
use crate::error::{CommitError, ReadError};
use crate::event::Event;
use crate::extrinsic::HotkeySigner;
use crate::situation::{PendingReveal, Situation};

/// The longest pause between two looks: connections that nobody uses are cut.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The fallback must be in a block, or given up, so many blocks before the target.
const CLEAR_BEFORE: BlockNumber = 4;

/// What aiming came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aimed {
    /// The commitment for the target is done, as far as it was to be followed.
    Committed(Commitment),
    /// An earlier run has done it: the payload was revealed in the target or later.
    RevealedBefore {
        /// Block of the reveal.
        block: BlockNumber,
    },
}

/// What one run remembers.
#[derive(Default)]
struct Memory {
    /// Rounds of the fallbacks that it has sent.
    own: Vec<u64>,
    /// The first block that it has seen.
    first: Option<BlockNumber>,
    /// The block that was last told to be waited for.
    told: Option<BlockNumber>,
    /// Early reveals that were told.
    early: Option<BlockNumber>,
    /// What it was last told to wait for.
    obstacle: Option<Event>,
    /// Since when every question has failed.
    failing_since: Option<Instant>,
}

impl Memory {
    /// Lets a question fail, unless none has been answered for that long.
    fn bear(&mut self, error: ReadError, limit: Duration) -> Result<(), CommitError> {
        let since = *self.failing_since.get_or_insert_with(Instant::now);
        if error.is_retryable() && since.elapsed() < limit { Ok(()) } else { Err(error.into()) }
    }

    fn tell(&mut self, obstacle: Option<Event>, observer: &dyn Observer<Event>) {
        if let Some(obstacle) = obstacle.filter(|obstacle| self.obstacle.as_ref() != Some(obstacle)) {
            observer.on(obstacle.clone());
            self.obstacle = Some(obstacle);
        }
    }
}

impl Chain {
    /// Commits a payload so that it is revealed in the block `target`, or in one of the next, but not before. Waits for as long
    /// as that takes; may be stopped and begun again at any time.
    pub async fn commit_at(
        &self,
        request: &CommitRequest,
        target: BlockNumber,
        signer: &dyn HotkeySigner,
        clock: &dyn Clock,
        observer: &dyn Observer<Event>,
    ) -> Result<Aimed, CommitError> {
        let payload = &prepare::Payload::new(&request.reveal);
        let order = Order { request, payload, signer, clock, observer, round: None };
        let mut memory = Memory::default();
        loop {
            let look = match self.look_for(&order).await {
                Ok(look) => look,
                Err(error) => {
                    memory.bear(error, request.wait_limit)?;
                    sleep(Duration::from_secs(2)).await;
                    continue;
                }
            };
            memory.failing_since = None;
            let situation = &look.situation;
            let first = *memory.first.get_or_insert(situation.block);
            match situation.revealed_in(&payload.plaintext) {
                Some(block) if block >= target => return Ok(Aimed::RevealedBefore { block }),
                Some(block) if block >= first && memory.early != Some(block) => {
                    observer.on(Event::CameEarly { block, target });
                    memory.early = Some(block);
                }
                _ => {}
            }
            if let Some(PendingReveal { reveal_round, block }) = another_ones(situation, target) {
                return Err(CommitError::StillPending { block, reveal_round, waited: Duration::ZERO });
            }
            if look.in_pool() > 0 || must_wait(situation, target, &memory) {
                memory.tell(prepare::obstacle(&look), observer);
                sleep(short(situation)).await;
                continue;
            }
            match step(target, &sight(situation), |round| situation.beacon.time_of_round(round)) {
                Step::Watch => sleep(short(situation)).await,
                Step::WaitFor { block } => {
                    if block > situation.block + 1 && memory.told != Some(block) {
                        observer.on(Event::Aiming { target, head: situation.block, next: block });
                        memory.told = Some(block);
                    }
                    sleep(until(situation, block)).await;
                }
                // The last commitment is what counts: nothing may take its room.
                Step::Fallback { .. } if self.fits_twice(&order, situation) == Some(false) => {
                    memory.tell(Some(Event::NoRoomForFallback { target }), observer);
                    sleep(short(situation)).await;
                }
                Step::Fallback { time } => {
                    let round = situation.beacon.round_at(time).saturating_add(1);
                    memory.own.push(round);
                    self.commit_fallback(&order, target, situation, round).await?;
                }
                Step::Now { round } => {
                    let order = Order { round: Some(round), ..order };
                    let committed = match Box::pin(self.carry_out(&order)).await {
                        // Nothing is signed yet when a question before it fails.
                        Err(CommitError::Read(error)) => {
                            memory.bear(error, request.wait_limit)?;
                            sleep(short(situation)).await;
                            continue;
                        }
                        ended => ended?,
                    };
                    match committed.revealed_block {
                        // The block that the commitment was to follow was replaced by one that has it.
                        Some(block) if block < target => {
                            observer.on(Event::CameEarly { block, target });
                            memory.early = Some(block);
                        }
                        _ => return Ok(Aimed::Committed(committed)),
                    }
                }
            }
        }
    }

    /// Sends the fallback. That it does not get into a block in time is no reason to fail: the last commitment is what counts.
    async fn commit_fallback(
        &self,
        order: &Order<'_>,
        target: BlockNumber,
        situation: &Situation,
        round: u64,
    ) -> Result<(), CommitError> {
        let blocks = target.saturating_sub(situation.block).saturating_sub(CLEAR_BEFORE).max(1);
        let request = CommitRequest {
            wait: Wait::Inclusion,
            wait_limit: order.request.wait_limit.min(blocks_long(situation, blocks)),
            ..order.request.clone()
        };
        order.observer.on(Event::Fallback { reveal_time: situation.beacon.time_of_round(round) });
        match Box::pin(self.carry_out(&Order { request: &request, round: Some(round), ..*order })).await {
            Err(error @ (CommitError::NotRegistered { .. } | CommitError::PayloadTooLong { .. })) => Err(error),
            Err(error) => {
                order.observer.on(Event::FallbackFailed { reason: error.to_string() });
                sleep(short(situation)).await;
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }
}

/// A commitment on chain that no run for this target has made, and that is opened only after it: to go on would destroy it.
/// The fallback of a run is never in a block so long before the target.
fn another_ones(situation: &Situation, target: BlockNumber) -> Option<PendingReveal> {
    let pending = situation.pending()?;
    let is_older = pending.block + FALLBACK_FROM <= target;
    (is_older && situation.beacon.time_of_round(pending.reveal_round) >= soonest(situation, target)).then_some(pending)
}

/// The earliest time of the target.
fn soonest(situation: &Situation, target: BlockNumber) -> u64 {
    let blocks = target.saturating_sub(situation.block).max(BLOCKS_UNTIL_REVEAL.into());
    situation.time.block.saturating_add(blocks_long(situation, blocks).as_secs())
}

/// Whether a commitment is on chain that must not be replaced: one that is opened in the next block anyway, or one that is
/// opened before the target and that no run for this target has made. A fallback is always opened after it.
fn must_wait(situation: &Situation, target: BlockNumber, memory: &Memory) -> bool {
    let Some(PendingReveal { reveal_round, .. }) = situation.pending() else { return false };
    let is_due = reveal_round <= situation.time.last_round;
    is_due
        || (situation.beacon.time_of_round(reveal_round) < soonest(situation, target)
            && !memory.own.contains(&reveal_round))
}

fn sight(situation: &Situation) -> Sight {
    Sight {
        head: situation.block,
        time: situation.time.block,
        slot: situation.time.block_time,
        last_round: situation.time.last_round,
        pending: situation.pending().map(|pending| pending.reveal_round),
    }
}

fn blocks_long(situation: &Situation, blocks: BlockNumber) -> Duration {
    let slot = Duration::try_from_secs_f64(situation.time.block_time).unwrap_or(LONGEST_PAUSE);
    slot.saturating_mul(u32::try_from(blocks).unwrap_or(u32::MAX))
}

/// A pause where a new block must be seen at once.
fn short(situation: &Situation) -> Duration {
    (blocks_long(situation, 1) / 24).clamp(Duration::from_millis(20), Duration::from_millis(500))
}

/// A pause that ends well before the block.
fn until(situation: &Situation, block: BlockNumber) -> Duration {
    match block.saturating_sub(situation.block) {
        0..=2 => short(situation),
        blocks => blocks_long(situation, blocks - 2).min(LONGEST_PAUSE),
    }
}
