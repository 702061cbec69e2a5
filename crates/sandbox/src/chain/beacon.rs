//! Where the chain's pulses come from: a beacon of its own, or signatures of a real one that are handed in.
//! Knows keys and rounds; when a pulse goes into a block is decided by the node's loop.

use gen404_timelock::{Beacon, BeaconSecret, QUICKNET, Signature};

use super::drand::Pulse;

/// Rounds written in one block at most; a beacon that was frozen for long catches up over several blocks.
const PULSES_PER_BLOCK: u64 = 64;

/// The beacon that a development chain listens to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BeaconSource {
    /// A beacon with a secret key of its own that signs a round every `period` seconds.
    Own {
        /// Seconds; at least 1.
        period: u64,
    },
    /// drand's quicknet, of which only these rounds are known. What is encrypted to another round stays closed.
    Quicknet {
        /// Rounds with their genuine signatures; a wrong one is passed over by the pallet.
        pulses: Vec<(u64, Signature)>,
    },
}

impl Default for BeaconSource {
    fn default() -> Self {
        Self::Own { period: 1 }
    }
}

/// Brings the pulses for the next block.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) beacon: Beacon,
    origin: Origin,
    pub(crate) frozen: bool,
}

#[derive(Debug)]
enum Origin {
    Own(BeaconSecret),
    Known(Vec<(u64, Signature)>),
}

impl Feed {
    /// `seed` makes the secret key; `now` is the Unix time, in seconds, at which the chain starts.
    pub(crate) fn new(source: BeaconSource, seed: &[u8; 32], now: u64) -> Self {
        match source {
            BeaconSource::Own { period } => {
                let secret = BeaconSecret::from_seed(seed);
                let period = period.max(1);
                // A thousand rounds have passed already, so that clients may look back.
                let genesis_time = now.saturating_sub(period * 1000);
                let beacon = Beacon { public_key: secret.public_key(), genesis_time, period };
                Self { beacon, origin: Origin::Own(secret), frozen: false }
            }
            BeaconSource::Quicknet { mut pulses } => {
                pulses.sort_unstable_by_key(|(round, _)| *round);
                Self { beacon: QUICKNET, origin: Origin::Known(pulses), frozen: false }
            }
        }
    }

    /// The pulses of rounds after `last` that are known at `now`.
    pub(crate) fn due(&self, now: u64, last: u64) -> Vec<Pulse> {
        if self.frozen {
            return Vec::new();
        }
        match &self.origin {
            Origin::Own(secret) => {
                let newest = self.beacon.round_at(now);
                let first = if last == 0 { newest } else { last + 1 };
                let end = newest.min(first.saturating_add(PULSES_PER_BLOCK - 1));
                (first.max(1)..=end).map(|round| Pulse::new(round, secret.sign(round).to_vec())).collect()
            }
            Origin::Known(pulses) => pulses
                .iter()
                .filter(|(round, _)| *round > last)
                .map(|(round, signature)| Pulse::new(*round, signature.to_vec()))
                .collect(),
        }
    }
}
