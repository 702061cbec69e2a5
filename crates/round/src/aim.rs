//! How a reveal is made to fall on one block, and never before it: what to do at each new block. Pure: blocks, rounds and
//! times come in as values.
//!
//! The chain opens a commitment at the beginning of the block after the one that has both the commitment and the beacon's
//! pulse. A commitment to a round whose pulse is on chain already is therefore opened in the block right after its own. One
//! that is sent when the head is two blocks before the target can be in the block before the target or in a later one, so it
//! is opened in the target or later, whatever the beacon does. What is left to chance is only whether the next author has it
//! in time.
//!
//! Before that, a fallback is committed: it is opened some blocks after the target, should this machine be gone by then.
//! The last commitment replaces it.

use crate::BlockNumber;

/// Blocks before the target at which the last commitment is sent.
pub const LAST_CALL: BlockNumber = 2;

/// The fallback is committed when the target is this near: close enough to foresee when that will be.
pub const FALLBACK_FROM: BlockNumber = 25;

/// Nearer than this no fallback is sent: it could still be in the pool when the last commitment must go.
const FALLBACK_UNTIL: BlockNumber = 5;

/// Slots without a block that the fallback allows for, besides one for every second block to go.
const SPARE_SLOTS: u64 = 8;

/// With fewer of them left, it is put off again.
const FEWEST_SPARE_SLOTS: u64 = 2;

/// What the chain shows at its head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sight {
    /// The head.
    pub head: BlockNumber,
    /// Its time stamp, in Unix seconds.
    pub time: u64,
    /// Seconds between two slots: no block comes sooner after another.
    pub slot: f64,
    /// The newest round whose pulse is on chain.
    pub last_round: u64,
    /// The round of this hotkey's own commitment that waits for its reveal, once it is in a block.
    pub pending: Option<u64>,
}

/// What to do at a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing before this block.
    WaitFor {
        /// The block.
        block: BlockNumber,
    },
    /// Commit so that it is opened around this Unix time, which is after the target whatever slots are missed: the fallback.
    Fallback {
        /// The time, in seconds.
        time: u64,
    },
    /// Commit to this round now: it is opened in the block after the next.
    Now {
        /// A round whose pulse is on chain.
        round: u64,
    },
    /// What is on chain is opened in the next block: see what comes of it.
    Watch,
}

/// The block at whose head the fallback is committed; `None` when the target is too near for one.
pub fn fallback_block(target: BlockNumber, head: BlockNumber) -> Option<BlockNumber> {
    let to_go = target.saturating_sub(head);
    (to_go >= FALLBACK_UNTIL).then(|| head.max(target.saturating_sub(FALLBACK_FROM)))
}

/// The step at this head, for a reveal in the block `target`. `time_of_round` says when a round of the beacon is published.
pub fn step(target: BlockNumber, sight: &Sight, time_of_round: impl Fn(u64) -> u64) -> Step {
    let last_call = target.saturating_sub(LAST_CALL);
    if sight.head >= last_call {
        return match sight.pending {
            Some(round) if round <= sight.last_round => Step::Watch,
            _ => Step::Now { round: sight.last_round },
        };
    }
    let to_go = target - sight.head;
    if to_go > FALLBACK_FROM {
        return Step::WaitFor { block: target - FALLBACK_FROM };
    }
    if to_go < FALLBACK_UNTIL {
        return Step::WaitFor { block: last_call };
    }
    // The target comes later by every slot that is missed.
    let with_spare = |slots| after(sight.time, to_go + to_go / 2 + slots, sight.slot);
    match sight.pending {
        Some(round) if time_of_round(round) >= with_spare(FEWEST_SPARE_SLOTS) => {
            Step::WaitFor { block: sight.head + 1 }
        }
        Some(_) | None => Step::Fallback { time: with_spare(SPARE_SLOTS) },
    }
}

/// The time so many slots later.
fn after(time: u64, slots: u64, slot: f64) -> u64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float-to-integer cast saturates, and no distance is beyond 2^52 slots"
    )]
    let seconds = (slots as f64 * slot).ceil() as u64;
    time.saturating_add(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: BlockNumber = 1_000;

    fn at(head: BlockNumber, pending: Option<u64>) -> Step {
        let sight = Sight { head, time: head * 12, slot: 12.0, last_round: 40, pending };
        // A round a second, counted from 0, makes times easy to read.
        step(TARGET, &sight, |round| round)
    }

    #[test]
    fn the_last_commitment_is_sent_two_blocks_before_and_never_sooner() {
        assert_eq!(at(1, None), Step::WaitFor { block: 975 });
        assert_eq!(at(996, None), Step::WaitFor { block: 998 });
        assert_eq!(at(997, None), Step::WaitFor { block: 998 });
        for head in [998, 999, 1_000, 2_000] {
            assert_eq!(at(head, None), Step::Now { round: 40 });
            assert_eq!(at(head, Some(41)), Step::Now { round: 40 }, "the fallback is replaced");
            assert_eq!(at(head, Some(40)), Step::Watch, "opened in the next block");
        }
    }

    #[test]
    fn the_fallback_is_opened_after_the_target_and_put_off_when_slots_are_missed() {
        // Twenty-five blocks to go, and room for twenty missed slots.
        let time = (TARGET + 20) * 12;
        assert_eq!(at(975, None), Step::Fallback { time });
        assert_eq!(at(976, Some(time)), Step::WaitFor { block: 977 });
        // Ten blocks to go, with five slots to spare for them: seven are left, or only six.
        let late = |missed: u64| {
            let sight = Sight { head: 990, time: (990 + missed) * 12, slot: 12.0, last_round: 40, pending: Some(time) };
            step(TARGET, &sight, |round| round)
        };
        assert_eq!(late(13), Step::WaitFor { block: 991 });
        assert_eq!(late(14), Step::Fallback { time: (TARGET + 14 + 5 + 8) * 12 });
    }

    #[test]
    fn the_fallbacks_block_is_foretold_as_it_comes() {
        for head in 900..TARGET {
            let first = (head..TARGET).find(|head| matches!(at(*head, None), Step::Fallback { .. }));
            assert_eq!(fallback_block(TARGET, head), first, "{head}");
        }
        assert_eq!(fallback_block(TARGET, TARGET + 1), None);
    }

    #[test]
    fn no_numbers_overflow() {
        for head in [0, 1, BlockNumber::MAX - 1, BlockNumber::MAX] {
            for target in [0, 1, 2, BlockNumber::MAX] {
                let sight = Sight { head, time: u64::MAX, slot: f64::MAX, last_round: u64::MAX, pending: Some(1) };
                let _any = step(target, &sight, |_| 0);
            }
        }
    }
}
