//! A drand beacon as a schedule: which round belongs to which second.
//! Knows nothing of curves; the key is only carried.

/// A beacon's public key: a point of G2 in compressed form.
pub type BlsPublicKey = [u8; 96];

/// A drand beacon: round 1 is published at `genesis_time`, one more every `period`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beacon {
    /// Key that the signatures of all rounds verify against.
    pub public_key: BlsPublicKey,
    /// Unix time of round 1, in seconds.
    pub genesis_time: u64,
    /// Seconds between two rounds; at least 1.
    pub period: u64,
}

/// drand's public mainnet beacon `quicknet` (chain hash `52db9ba7…c84e971`), the one Finney listens to.
pub const QUICKNET: Beacon = Beacon {
    public_key: [
        0x83, 0xcf, 0x0f, 0x28, 0x96, 0xad, 0xee, 0x7e, 0xb8, 0xb5, 0xf0, 0x1f, 0xca, 0xd3, 0x91, 0x22, 0x12, 0xc4,
        0x37, 0xe0, 0x07, 0x3e, 0x91, 0x1f, 0xb9, 0x00, 0x22, 0xd3, 0xe7, 0x60, 0x18, 0x3c, 0x8c, 0x4b, 0x45, 0x0b,
        0x6a, 0x0a, 0x6c, 0x3a, 0xc6, 0xa5, 0x77, 0x6a, 0x2d, 0x10, 0x64, 0x51, 0x0d, 0x1f, 0xec, 0x75, 0x8c, 0x92,
        0x1c, 0xc2, 0x2b, 0x0e, 0x17, 0xe6, 0x3a, 0xaf, 0x4b, 0xcb, 0x5e, 0xd6, 0x63, 0x04, 0xde, 0x9c, 0xf8, 0x09,
        0xbd, 0x27, 0x4c, 0xa7, 0x3b, 0xab, 0x4a, 0xf5, 0xa6, 0xe9, 0xc7, 0x6a, 0x4b, 0xc0, 0x9e, 0x76, 0xea, 0xe8,
        0x99, 0x1e, 0xf5, 0xec, 0xe4, 0x5a,
    ],
    genesis_time: 1_692_803_367,
    period: 3,
};

impl Beacon {
    /// The round the ecosystem's tools encrypt to when a reveal is wanted `blocks` blocks after `unix_seconds`.
    ///
    /// `block_time` is in seconds. The same integer arithmetic as the official client, so both give the same round;
    /// times before the beacon's genesis count as its genesis.
    pub fn reveal_round(&self, unix_seconds: u64, blocks: u32, block_time: f64) -> u64 {
        // A float-to-integer cast saturates and takes NaN to 0: nonsense in gives an early round, never a panic.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturation is what is wanted")]
        let ahead = (f64::from(blocks) * block_time).round() as u64;
        unix_seconds.saturating_sub(self.genesis_time).saturating_add(ahead) / self.period.max(1)
    }

    /// The newest round published at `unix_seconds`; 0 before the beacon's genesis.
    pub fn round_at(&self, unix_seconds: u64) -> u64 {
        unix_seconds.checked_sub(self.genesis_time).map_or(0, |age| age / self.period.max(1) + 1)
    }

    /// Unix time, in seconds, at which a round is published.
    pub fn time_of_round(&self, round: u64) -> u64 {
        self.genesis_time.saturating_add(round.saturating_sub(1).saturating_mul(self.period.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_blocks_of_twelve_seconds_are_eight_rounds_of_quicknet() {
        let now = QUICKNET.genesis_time + 3_000;
        assert_eq!(QUICKNET.round_at(now), 1_001);
        assert_eq!(QUICKNET.reveal_round(now, 2, 12.0), 1_008);
        assert_eq!(QUICKNET.time_of_round(1_008), now + 21);
    }

    #[test]
    fn before_genesis_there_is_no_round() {
        assert_eq!(QUICKNET.round_at(QUICKNET.genesis_time - 1), 0);
        assert_eq!(QUICKNET.round_at(QUICKNET.genesis_time), 1);
        assert_eq!(QUICKNET.reveal_round(0, 2, 12.0), 8);
    }

    proptest! {
        #[test]
        fn a_round_is_published_at_its_own_time(round in 1_u64..=u64::MAX / 1_000, period in 1_u64..100) {
            let beacon = Beacon { period, ..QUICKNET };
            prop_assert_eq!(beacon.round_at(beacon.time_of_round(round)), round);
            prop_assert_eq!(beacon.round_at(beacon.time_of_round(round) - 1), round - 1);
        }

        #[test]
        fn no_number_panics(seconds: u64, blocks: u32, block_time: f64, genesis_time: u64, period: u64, round: u64) {
            let beacon = Beacon { genesis_time, period, ..QUICKNET };
            beacon.reveal_round(seconds, blocks, block_time);
            beacon.round_at(seconds);
            beacon.time_of_round(round);
        }
    }
}
