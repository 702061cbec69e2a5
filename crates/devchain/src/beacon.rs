//! Where the chain's pulses come from: a beacon of its own, or signatures of a real one that are handed in.
//! Knows keys and rounds; when a pulse goes into a block is decided by the node's loop.

use std::collections::BTreeMap;

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

/// The text is not a JSON object of rounds with their signatures in hexadecimal.
#[derive(Debug, thiserror::Error)]
#[error("not a JSON object like {{\"1000\": \"b446…\"}} with signatures of 48 bytes")]
pub struct InvalidPulses;

impl BeaconSource {
    /// Reads quicknet's pulses from JSON: an object whose keys are rounds and whose values are signatures in
    /// hexadecimal.
    pub fn quicknet_from_json(text: &str) -> Result<Self, InvalidPulses> {
        let pulses: BTreeMap<u64, String> = serde_json::from_str(text).map_err(|_| InvalidPulses)?;
        let signature = |text: String| hex::decode(text).ok()?.try_into().ok();
        let pulses = pulses.into_iter().map(|(round, text)| Some((round, signature(text)?)));
        Ok(Self::Quicknet { pulses: pulses.collect::<Option<_>>().ok_or(InvalidPulses)? })
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_beacon_goes_on_where_it_stopped() {
        let mut feed = Feed::new(BeaconSource::Own { period: 3 }, &[7; 32], 9_000);
        let rounds = |feed: &Feed, now, last| feed.due(now, last).iter().map(|pulse| pulse.round).collect::<Vec<_>>();
        assert_eq!(rounds(&feed, 9_000, 0), [1_001]);
        assert_eq!(rounds(&feed, 9_006, 1_001), [1_002, 1_003]);
        assert_eq!(rounds(&feed, 8_000, 1_001), Vec::<u64>::new());
        assert_eq!(rounds(&feed, 90_000, 1_001).len(), 64);
        feed.frozen = true;
        assert_eq!(rounds(&feed, 9_006, 1_001), Vec::<u64>::new());
    }

    #[test]
    fn known_pulses_come_in_order_once() {
        let source = BeaconSource::quicknet_from_json(include_str!("../../../interop/quicknet-pulses.json"));
        let feed = Feed::new(source.expect("the file of the interop scripts"), &[0; 32], 0);
        assert_eq!(feed.due(0, 0).iter().map(|pulse| pulse.round).collect::<Vec<_>>(), [1000, 2000]);
        assert_eq!(feed.due(0, 1000).len(), 1);
        assert!(feed.due(u64::MAX, 2000).is_empty());
        for wrong in ["", "[]", r#"{"x":"aa"}"#, r#"{"1":"aa"}"#, r#"{"1":"zz"}"#] {
            assert!(BeaconSource::quicknet_from_json(wrong).is_err(), "{wrong}");
        }
    }
}
