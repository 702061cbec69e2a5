//! Which time it is, judged by the machine's clock and the chain's own witnesses: block time stamps and beacon rounds.
//! Decides only what to believe; encrypting to the round that follows from it is `commit`'s business.

use gen404_timelock::Beacon;
use jiff::Timestamp;
use serde::Serialize;

/// How wrong the machine's clock was found to be, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockError {
    /// Behind the chain: a reveal round from it would lie in the past, and the commitment would be opened at once.
    SlowBy(u64),
    /// Ahead of the chain: the reveal would come that much late.
    FastBy(u64),
}

impl std::fmt::Display for ClockError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SlowBy(seconds) => write!(formatter, "about {seconds} s slow"),
            Self::FastBy(seconds) => write!(formatter, "about {seconds} s fast"),
        }
    }
}

/// A clock this little behind is not worth a word; network delay alone can look like it.
const SLOW_TOLERANCE: u64 = 5;
/// Blocks in a row that may be missing before the machine's clock is taken to be ahead, and the least such time.
const FAST_TOLERANCE_BLOCKS: f64 = 3.0;
const FAST_TOLERANCE_AT_LEAST: u64 = 30;

/// What the chain shows of the time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ChainTime {
    /// Time stamp of the newest block, in Unix seconds; 0 when unknown.
    pub(crate) block: u64,
    /// The newest beacon round the chain has stored.
    pub(crate) last_round: u64,
    /// Seconds between two blocks.
    pub(crate) block_time: f64,
}

/// The time to reckon with, in Unix seconds, and what was wrong with the machine's.
pub(crate) fn judge(now: Timestamp, chain: ChainTime, beacon: &Beacon) -> (u64, Option<ClockError>) {
    let local = u64::try_from(now.as_second()).unwrap_or(0);
    // A round cannot exist before its time, and block authors check each other's time stamps.
    let round_time = if chain.last_round == 0 { 0 } else { beacon.time_of_round(chain.last_round) };
    let witnessed = chain.block.max(round_time);
    if witnessed == 0 {
        return (local, None);
    }
    if local.saturating_add(SLOW_TOLERANCE) < witnessed {
        return (witnessed, Some(ClockError::SlowBy(witnessed - local)));
    }
    let tolerance = saturating_seconds(chain.block_time * FAST_TOLERANCE_BLOCKS).max(FAST_TOLERANCE_AT_LEAST);
    if chain.block > 0 && local > witnessed.saturating_add(tolerance) {
        // The newest block is half a block old on average.
        let likely = witnessed.saturating_add(saturating_seconds(chain.block_time / 2.0));
        return (likely, Some(ClockError::FastBy(local.saturating_sub(likely))));
    }
    (local, None)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturation is what is wanted")]
fn saturating_seconds(seconds: f64) -> u64 {
    seconds as u64
}

#[cfg(test)]
mod tests {
    use gen404_timelock::QUICKNET;
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_second(seconds.try_into().expect("a date")).expect("a date")
    }

    fn judged(local: u64, block: u64, round_time: u64) -> (u64, Option<ClockError>) {
        let chain = ChainTime { block, last_round: QUICKNET.round_at(round_time), block_time: 12.0 };
        judge(at(local), chain, &QUICKNET)
    }

    #[test]
    fn a_right_clock_is_believed() {
        // A fresh block, one whose successors are missing, a beacon that lags behind.
        for (block, round_time) in [(NOW, NOW - 3), (NOW - 35, NOW - 40), (NOW - 5, NOW - 600), (NOW + 3, NOW)] {
            assert_eq!(judged(NOW, block, round_time), (NOW, None));
        }
    }

    #[test]
    fn a_minute_slow_is_noticed_and_corrected() {
        assert_eq!(judged(NOW - 60, NOW - 4, NOW - 9), (NOW - 4, Some(ClockError::SlowBy(56))));
        // Only the beacon is ahead: it cannot lie about the future.
        let (time, error) = judged(NOW - 60, NOW - 200, NOW);
        assert!(time >= NOW - 3 && matches!(error, Some(ClockError::SlowBy(57..=60))));
    }

    #[test]
    fn a_minute_fast_is_noticed_and_corrected() {
        assert_eq!(judged(NOW + 60, NOW - 4, NOW - 9), (NOW + 2, Some(ClockError::FastBy(58))));
    }

    #[test]
    fn a_chain_without_any_witness_changes_nothing() {
        let chain = ChainTime { block: 0, last_round: 0, block_time: 12.0 };
        assert_eq!(judge(at(0), chain, &QUICKNET), (0, None));
    }

    proptest! {
        #[test]
        fn no_numbers_panic(local in 0_u64..u64::from(u32::MAX), block: u64, last_round: u64, block_time: f64) {
            judge(at(local), ChainTime { block, last_round, block_time }, &QUICKNET);
        }
    }
}
