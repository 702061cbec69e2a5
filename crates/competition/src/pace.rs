//! Blocks to times: from two moments of the chain, how fast it goes, and so when a block will be.
//! The chain's own numbers come in as values.

use gen404_round::BlockNumber;
use jiff::{SignedDuration, Timestamp};

/// A block and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The block.
    pub block: BlockNumber,
    /// Its time.
    pub time: Timestamp,
}

/// How fast the chain goes, seen from its head.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    head: Moment,
    seconds_per_block: f64,
    is_measured: bool,
}

impl Pace {
    /// From an earlier block and the head. `None` when the two say nothing: no block or no time between them.
    pub fn measured(earlier: Moment, head: Moment) -> Option<Self> {
        let blocks = head.block.checked_sub(earlier.block).filter(|blocks| *blocks > 0)?;
        let seconds = head.time.duration_since(earlier.time).as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "no chain has 2^52 blocks")]
        let seconds_per_block = seconds / blocks as f64;
        (seconds_per_block > 0.0).then_some(Self { head, seconds_per_block, is_measured: true })
    }

    /// From the head alone, with what blocks usually take.
    pub fn assumed(head: Moment, seconds_per_block: f64) -> Self {
        Self { head, seconds_per_block, is_measured: false }
    }

    /// The chain's head.
    pub fn head(&self) -> Moment {
        self.head
    }

    /// Seconds from one block to the next, on average.
    pub fn seconds_per_block(&self) -> f64 {
        self.seconds_per_block
    }

    /// Whether this chain was measured.
    pub fn is_measured(&self) -> bool {
        self.is_measured
    }

    /// About when a block is, or was. Times beyond the calendar end with it.
    pub fn time_of(&self, block: BlockNumber) -> Timestamp {
        #[expect(clippy::cast_precision_loss, reason = "an estimate, and no chain has 2^52 blocks")]
        let blocks = if block >= self.head.block {
            (block - self.head.block) as f64
        } else {
            -((self.head.block - block) as f64)
        };
        let seconds = blocks * self.seconds_per_block;
        let end = if seconds < 0.0 { Timestamp::MIN } else { Timestamp::MAX };
        let distance = SignedDuration::try_from_secs_f64(seconds).ok();
        distance.and_then(|distance| self.head.time.checked_add(distance).ok()).unwrap_or(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(block: BlockNumber, time: &str) -> Moment {
        Moment { block, time: time.parse().expect("a time") }
    }

    #[test]
    fn times_follow_the_measured_pace() {
        // Three days less 250 blocks took three days: 12.14 s a block.
        let earlier = moment(9_208_187, "2026-10-04T08:00:00Z");
        let head = moment(9_229_537, "2026-10-07T08:00:00Z");
        let pace = Pace::measured(earlier, head).expect("a pace");
        assert!((pace.seconds_per_block() - 12.1405).abs() < 0.0001, "{pace:?}");
        assert_eq!(pace.time_of(9_229_537), head.time);
        assert_eq!(pace.time_of(9_208_187).duration_since(earlier.time).as_secs(), 0);
        assert!(pace.time_of(9_229_837) > "2026-10-07T09:00:40Z".parse().expect("a time"));
        assert_eq!(pace.time_of(u64::MAX), Timestamp::MAX);
        assert!(Pace::measured(head, head).is_none());
        assert!(Pace::measured(head, earlier).is_none());
        assert!(Pace::measured(moment(1, "2026-10-07T08:00:00Z"), moment(2, "2026-10-07T08:00:00Z")).is_none());
    }
}
