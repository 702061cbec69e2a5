//! Time and forks at somebody's wish: many blocks at once, or the newest ones replaced.
//! Only makes blocks; what is in them is decided elsewhere.

use super::{DevelopmentChain, drand, unix_millis};

impl DevelopmentChain {
    /// Lets time pass: makes so many blocks at once, each as much later than the last as blocks are by the clock. The chain's
    /// clock, and its beacon's, are ahead of this machine's by that much afterwards.
    pub fn pass(&self, blocks: u64) {
        let slot = i64::try_from(self.block_time.as_millis()).unwrap_or(i64::MAX);
        for _ in 0..blocks {
            {
                let mut offset = self.block_maker.clock_offset();
                *offset = offset.saturating_add(slot);
            }
            self.block_maker.produce();
        }
    }

    /// Lets another fork win that is a block longer: so many of the newest blocks (none that is final) are replaced, and what
    /// was in them is lost. What waits in the pool gets into the first block of the new fork.
    pub fn fork(&self, blocks: u32) {
        // Held to the end, so that the clock makes no block in between.
        let offset = *self.block_maker.clock_offset();
        let feed = self.block_maker.feed();
        let mut node = self.block_maker.service.node();
        node.retract(blocks);
        for later in 0..=u64::from(blocks) {
            let last = drand::LAST_STORED_ROUND.get(&node.runtime.storage).unwrap_or(0);
            // A millisecond apart, so that no two of them can be the same block.
            let now = unix_millis(offset).saturating_add(later);
            let pulses = feed.due((now / 1000).saturating_sub(self.block_maker.beacon_lag), last);
            node.produce(now, pulses);
        }
    }
}
