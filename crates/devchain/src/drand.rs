//! The Drand pallet: the chain's own record of a randomness beacon, one verified pulse after the other.
//! A pure state machine over raw storage; it fetches nothing and signs nothing.

use gen404_timelock::{Beacon, BlsPublicKey, QUICKNET, verify_pulse};
use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

use super::items::{Hasher, Map, Single};
use super::primitives::{BlockNumber, BoundedVec, MultiSignature, MultiSigner};
use super::storage::Storage;

/// Index of the pallet in the runtime.
pub(crate) const INDEX: u8 = 26;
pub(crate) const PALLET: &str = "Drand";

/// Rounds whose pulses are kept: 7.5 days of quicknet.
const KEPT_ROUNDS: u64 = 216_000;
/// Old pulses that one call removes at most.
const PRUNED_PER_CALL: u64 = 100;

pub(crate) const BEACON_CONFIG: Single<BeaconConfiguration> = Single::new(PALLET, "BeaconConfig");
pub(crate) const PULSES: Map<u64, Pulse> = Map::new(PALLET, "Pulses", &[Hasher::Blake2_128Concat]);
pub(crate) const LAST_STORED_ROUND: Single<u64> = Single::new(PALLET, "LastStoredRound");
pub(crate) const OLDEST_STORED_ROUND: Single<u64> = Single::new(PALLET, "OldestStoredRound");
pub(crate) const NEXT_UNSIGNED_AT: Single<BlockNumber> = Single::new(PALLET, "NextUnsignedAt");

/// The beacon that the chain listens to.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) struct BeaconConfiguration {
    pub(crate) public_key: BoundedVec<u8>,
    pub(crate) period: u32,
    pub(crate) genesis_time: u32,
    pub(crate) hash: BoundedVec<u8>,
    pub(crate) group_hash: BoundedVec<u8>,
    pub(crate) scheme_id: BoundedVec<u8>,
    pub(crate) metadata: Metadata,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) struct Metadata {
    pub(crate) beacon_id: BoundedVec<u8>,
}

/// A beacon's signature of a round.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) struct Pulse {
    pub(crate) round: u64,
    pub(crate) randomness: BoundedVec<u8>,
    pub(crate) signature: BoundedVec<u8>,
}

impl Pulse {
    /// A pulse with the randomness that belongs to its signature.
    pub(crate) fn new(round: u64, signature: Vec<u8>) -> Self {
        use sha2::{Digest as _, Sha256};
        let randomness = Sha256::digest(&signature).to_vec();
        Self { round, randomness: BoundedVec(randomness), signature: BoundedVec(signature) }
    }
}

/// What an authority sends: pulses, and who fetched them when.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) struct PulsesPayload {
    pub(crate) block_number: BlockNumber,
    pub(crate) pulses: Vec<Pulse>,
    pub(crate) public: MultiSigner,
}

/// The calls of the pallet that this chain makes.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[expect(non_camel_case_types, reason = "the names of calls in metadata")]
pub(crate) enum Call {
    /// Store pulses of the beacon, after verifying them.
    #[codec(index = 0)]
    write_pulse { pulses_payload: PulsesPayload, signature: Option<MultiSignature> },
}

/// The events of the pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) enum Event {
    /// Pulses were stored.
    #[codec(index = 1)]
    NewPulse {
        /// Their rounds.
        rounds: Vec<u64>,
    },
}

/// The errors of the pallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo, thiserror::Error)]
pub(crate) enum Error {
    /// The round of a pulse is not above the last one that is stored.
    #[error("round not above the last stored one")]
    #[codec(index = 4)]
    InvalidRoundNumber,
    /// The signature of a pulse could not be read.
    #[error("unreadable pulse")]
    #[codec(index = 5)]
    PulseVerificationError,
}

/// The call `write_pulse`: stores the pulses that verify, passes over those that do not. An error has changed nothing.
///
/// A call in which nothing verifies succeeds too, and as the real pallet it then writes the last round all the same:
/// zero on a chain that has none yet.
pub(crate) fn write_pulse(storage: &mut Storage, now: BlockNumber, pulses: Vec<Pulse>) -> Result<Option<Event>, Error> {
    let key = public_key(storage).ok_or(Error::PulseVerificationError)?;
    let mut last = LAST_STORED_ROUND.get(storage).unwrap_or(0);
    let mut accepted = Vec::new();
    for pulse in pulses {
        let genuine = verify_pulse(&key, pulse.round, &pulse.signature.0).map_err(|_| Error::PulseVerificationError)?;
        if !genuine {
            continue;
        }
        if pulse.round <= last {
            return Err(Error::InvalidRoundNumber);
        }
        last = pulse.round;
        accepted.push(pulse);
    }
    let rounds: Vec<u64> = accepted.iter().map(|pulse| pulse.round).collect();
    for pulse in &accepted {
        PULSES.put(storage, &pulse.round, pulse);
    }
    LAST_STORED_ROUND.put(storage, &last);
    if let Some(first) = rounds.first()
        && OLDEST_STORED_ROUND.get(storage).unwrap_or(0) == 0
    {
        OLDEST_STORED_ROUND.put(storage, first);
    }
    prune(storage, last);
    NEXT_UNSIGNED_AT.put(storage, &now);
    Ok((!rounds.is_empty()).then_some(Event::NewPulse { rounds }))
}

/// Removes what is older than the rounds that are kept, a bounded number at a time.
fn prune(storage: &mut Storage, last: u64) {
    let oldest = OLDEST_STORED_ROUND.get(storage).unwrap_or(0);
    let keep_from = last.saturating_add(1).saturating_sub(KEPT_ROUNDS).min(oldest.saturating_add(PRUNED_PER_CALL));
    for round in oldest..keep_from {
        PULSES.remove(storage, &round);
    }
    if keep_from > oldest {
        OLDEST_STORED_ROUND.put(storage, &keep_from);
    }
}

fn public_key(storage: &Storage) -> Option<BlsPublicKey> {
    BEACON_CONFIG.get(storage)?.public_key.0.try_into().ok()
}

impl BeaconConfiguration {
    /// The configuration of a beacon; what only drand's own network uses is filled in for quicknet and empty otherwise.
    pub(crate) fn of(beacon: &Beacon) -> Self {
        let quicknet = beacon.public_key == QUICKNET.public_key;
        let known = |hex: &str| BoundedVec(if quicknet { hex::decode(hex).unwrap_or_default() } else { vec![] });
        let seconds = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            public_key: BoundedVec(beacon.public_key.to_vec()),
            period: seconds(beacon.period),
            genesis_time: seconds(beacon.genesis_time),
            hash: known("52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"),
            group_hash: known("f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e"),
            scheme_id: BoundedVec(b"bls-unchained-g1-rfc9380".to_vec()),
            metadata: Metadata {
                beacon_id: BoundedVec(if quicknet { b"quicknet".to_vec() } else { b"sandbox".to_vec() }),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::Changes;

    /// The genuine signature of quicknet's round 1000.
    const ROUND_1000: &str =
        "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39";

    fn pulse(round: u64) -> Pulse {
        Pulse::new(round, hex::decode(ROUND_1000).expect("hexadecimal"))
    }

    fn empty() -> Storage {
        let mut storage = Storage::new(0);
        BEACON_CONFIG.put(&mut storage, &BeaconConfiguration::of(&QUICKNET));
        storage.seal_genesis();
        storage
    }

    fn items(changes: &Changes) -> Vec<(String, String)> {
        changes
            .iter()
            .map(|(key, value)| (hex::encode(key), value.as_deref().map(hex::encode).unwrap_or_default()))
            .collect()
    }

    fn last_round(value: &str) -> (String, String) {
        ("a285cdb66e8b8524ea70b1693c7b1e05087f3dd6e0ceded0e388dd34f810a73d".to_owned(), value.to_owned())
    }

    fn next_unsigned_at(value: &str) -> (String, String) {
        (hex::encode(NEXT_UNSIGNED_AT.key()), value.to_owned())
    }

    #[test]
    fn a_pulse_that_is_passed_over_in_the_first_block_leaves_a_last_round_of_zero() {
        for refused in [vec![pulse(1001)], vec![]] {
            let mut storage = empty();
            assert_eq!(write_pulse(&mut storage, 1, refused), Ok(None));
            let changes = items(&storage.seal(1));
            assert_eq!(changes, [last_round("0000000000000000"), next_unsigned_at("01000000")]);
        }
    }

    #[test]
    fn a_pulse_that_is_passed_over_later_leaves_the_last_round_as_it_was() {
        let mut storage = empty();
        assert_eq!(write_pulse(&mut storage, 1, vec![pulse(1000)]), Ok(Some(Event::NewPulse { rounds: vec![1000] })));
        storage.seal(1);
        assert_eq!(write_pulse(&mut storage, 2, vec![pulse(1001)]), Ok(None));
        assert_eq!(items(&storage.seal(2)), [next_unsigned_at("02000000")]);
    }

    #[test]
    fn a_call_that_fails_changes_nothing() {
        let mut storage = empty();
        let unreadable = Pulse::new(1000, vec![0xff; 48]);
        // The first pulse of the failing call is genuine; it is not kept either.
        assert_eq!(write_pulse(&mut storage, 1, vec![pulse(1000), unreadable]), Err(Error::PulseVerificationError));
        assert_eq!(write_pulse(&mut storage, 1, vec![pulse(1000), pulse(1000)]), Err(Error::InvalidRoundNumber));
        assert_eq!(items(&storage.seal(1)), []);
    }

    #[test]
    fn exactly_so_many_rounds_are_kept_and_a_bounded_number_goes_at_a_time() {
        let mut storage = empty();
        OLDEST_STORED_ROUND.put(&mut storage, &1);
        prune(&mut storage, KEPT_ROUNDS);
        assert_eq!(OLDEST_STORED_ROUND.get(&storage), Some(1));
        prune(&mut storage, KEPT_ROUNDS + 1);
        assert_eq!(OLDEST_STORED_ROUND.get(&storage), Some(2));
        prune(&mut storage, KEPT_ROUNDS + 1_000);
        assert_eq!(OLDEST_STORED_ROUND.get(&storage), Some(102));
    }
}
