//! When blocks are made: by the clock, or as far from it as somebody wishes. Real slots are missed, real blocks come late, and
//! the beacon's pulses later still.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::BlockMaker;

/// How far blocks and pulses are from clockwork; by default not at all.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Weather {
    /// A block comes up to so much later than its slot begins; never later than half a slot.
    pub jitter: Duration,
    /// How many of 1,000 slots have no block, at most 900.
    pub skipped_slots: u16,
    /// A pulse is on chain so much later than the beacon has it; whole seconds count.
    pub beacon_lag: Duration,
}

/// What one slot is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Skipped,
    BlockAfter(Duration),
}

impl Weather {
    /// The slot that these random numbers make.
    fn slot(self, slot: Duration, random: [u32; 2]) -> Slot {
        if random[0] % 1000 < u32::from(self.skipped_slots.min(900)) {
            return Slot::Skipped;
        }
        let latest = self.jitter.min(slot / 2);
        Slot::BlockAfter(latest.mul_f64(f64::from(random[1]) / f64::from(u32::MAX)))
    }
}

/// Makes a block in every slot that has one, until it is stopped.
pub(super) async fn make_blocks(
    block_maker: Arc<BlockMaker>,
    block_time: Duration,
    weather: Weather,
    stop: CancellationToken,
) {
    let slot = block_time.max(Duration::from_millis(1));
    let mut ticks = tokio::time::interval(slot);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    let slots = async {
        loop {
            ticks.tick().await;
            match weather.slot(slot, random()) {
                Slot::Skipped => {}
                Slot::BlockAfter(pause) => {
                    if !pause.is_zero() {
                        tokio::time::sleep(pause).await;
                    }
                    block_maker.produce();
                }
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = slots => {}
    }
}

/// Without random numbers the weather is fair.
fn random() -> [u32; 2] {
    [getrandom::u32().unwrap_or(u32::MAX), getrandom::u32().unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_skipped_and_blocks_late_as_wished_and_never_by_more() {
        let second = Duration::from_secs(1);
        assert_eq!(Weather::default().slot(second, [0, u32::MAX]), Slot::BlockAfter(Duration::ZERO));
        let rough = Weather { jitter: Duration::from_secs(9), skipped_slots: 50, beacon_lag: Duration::ZERO };
        assert_eq!(rough.slot(second, [2_049, 0]), Slot::Skipped);
        assert_eq!(rough.slot(second, [2_050, 0]), Slot::BlockAfter(Duration::ZERO));
        assert_eq!(rough.slot(second, [50, u32::MAX]), Slot::BlockAfter(second / 2));
        let always = Weather { skipped_slots: u16::MAX, ..rough };
        assert_eq!(always.slot(second, [900, 0]), Slot::BlockAfter(Duration::ZERO), "some blocks come all the same");
    }
}
