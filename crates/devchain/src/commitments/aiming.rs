//! A thousand windows, and a reveal aimed at the first block of each: the planner of `round` against this pallet, in a
//! network that misses slots, delivers late, and has a beacon that lags.

#![expect(clippy::cast_sign_loss, reason = "times after 1970")]

use std::collections::{BTreeMap, HashMap};

use gen404_round::aim::{Sight, Step, step};
use gen404_timelock::{Beacon, BeaconSecret, Randomness, encrypt};

use super::{BlockNumber, COMMITMENT_OF, CommitmentInfo, Data, REVEALED_COMMITMENTS, Subnet, on_initialize};
use crate::drand::{PULSES, Pulse};
use crate::primitives::{Account, BoundedVec};
use crate::storage::Storage;

const WHO: (u16, Account) = (17, Account([7; 32]));
const SLOT: f64 = 12.0;
const TARGET: BlockNumber = 30;
const START: u32 = 1_700_000_000;

/// What happens to a network: `SplitMix64`, the same for the same window.
struct Dice(u64);

impl Dice {
    /// From `low` to `high`.
    fn between(&mut self, low: f64, high: f64) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        low + (high - low) * f64::from((mixed >> 32) as u32) / f64::from(u32::MAX)
    }

    fn happens(&mut self, chance: f64) -> bool {
        self.between(0.0, 1.0) < chance
    }
}

/// The beacon, and what has been computed with its key: pairings are slow.
struct Drand {
    beacon: Beacon,
    secret: BeaconSecret,
    signatures: HashMap<u64, Vec<u8>>,
    ciphertexts: HashMap<u64, Vec<u8>>,
}

impl Drand {
    fn new() -> Self {
        let secret = BeaconSecret::from_seed(&[4; 32]);
        let beacon = Beacon { public_key: secret.public_key(), genesis_time: u64::from(START) - 30_000, period: 3 };
        Self { beacon, secret, signatures: HashMap::new(), ciphertexts: HashMap::new() }
    }

    fn pulse(&mut self, round: u64) -> Pulse {
        let signature = self.signatures.entry(round).or_insert_with(|| self.secret.sign(round).to_vec());
        Pulse::new(round, signature.clone())
    }

    fn commitment(&mut self, round: u64) -> CommitmentInfo {
        let key = &self.beacon.public_key;
        let encrypted = self.ciphertexts.entry(round).or_insert_with(|| {
            let randomness = Randomness::from_bytes(&[9; Randomness::BYTES]);
            encrypt(key, round, b"\x04x", &randomness).expect("the key is one")
        });
        let field = Data::TimelockEncrypted { encrypted: BoundedVec(encrypted.clone()), reveal_round: round };
        CommitmentInfo { fields: BoundedVec(vec![field]) }
    }
}

/// What became of one window.
struct Outcome {
    /// Blocks in which something was revealed.
    reveals: Vec<u64>,
    /// Commitments that were sent.
    commitments: usize,
}

/// How a run of the tool goes.
#[derive(Clone, Copy)]
struct Run {
    /// Whether it is killed before the last commitment.
    is_killed: bool,
    /// Slots that are missed in a row once, just before the target.
    outage: u32,
}

const NORMAL: Run = Run { is_killed: false, outage: 0 };

/// One window. The miner acts only at a block it has seen; what it sends is in the first block whose author had it in time.
fn window(drand: &mut Drand, seed: u64, run: Run) -> Outcome {
    let mut dice = Dice(seed);
    let missed = dice.between(0.01, 0.05);
    let mut lag = dice.between(1.0, 4.0);
    let mut storage = Storage::new(0);
    storage.seal_genesis();
    let mut slot_time = f64::from(START);
    let mut last_round = drand.beacon.round_at(START.into()) - 30;
    // What was sent: when authors have it, and the round.
    let mut sent: Option<(f64, u64)> = None;
    let mut commitments = 0;
    for number in 1..=TARGET + 120 {
        slot_time += SLOT;
        while dice.happens(missed) {
            slot_time += SLOT;
        }
        if number == TARGET - 4 {
            slot_time += SLOT * f64::from(run.outage);
        }
        on_initialize(&mut storage, number);
        if let Some((arrives, round)) = sent
            && arrives < slot_time
        {
            let subnet = Subnet { registered: true, epoch: 0 };
            let info = drand.commitment(round);
            super::set_commitment(&mut storage, number, WHO.1, WHO.0, subnet, info).expect("there is space");
            sent = None;
        }
        // The beacon's pulses lag by one to four blocks, now and then by many more.
        lag =
            if dice.happens(0.03) { dice.between(4.0, 30.0) } else { (lag + dice.between(-1.0, 1.0)).clamp(1.0, 4.0) };
        let newest = drand.beacon.round_at((slot_time - lag * SLOT) as u64);
        for round in last_round + 1..=newest {
            let pulse = if waits_for(&storage, round) || sent.is_some_and(|(_, sent)| sent == round) {
                drand.pulse(round)
            } else {
                // Nobody will ever ask for this one, unless it is the newest below.
                Pulse::new(round, Vec::new())
            };
            PULSES.put(&mut storage, &round, &pulse);
        }
        last_round = last_round.max(newest);
        let newest = drand.pulse(last_round);
        PULSES.put(&mut storage, &last_round, &newest);
        storage.seal(number);

        let is_pending = COMMITMENT_OF.get(&storage, &WHO).is_some();
        if sent.is_none() && !is_pending && REVEALED_COMMITMENTS.get(&storage, &WHO).is_some() {
            break;
        }
        if sent.is_some() || (run.is_killed && number >= TARGET - 3) {
            continue;
        }
        let pending = COMMITMENT_OF
            .get(&storage, &WHO)
            .and_then(|commitment| commitment.info.fields.0.iter().filter_map(Data::reveal_round).max());
        let time = slot_time as u64;
        let sight = Sight { head: number.into(), time, slot: SLOT, last_round, pending };
        let round = match step(TARGET.into(), &sight, |round| drand.beacon.time_of_round(round)) {
            Step::WaitFor { .. } | Step::Watch => continue,
            Step::Fallback { time } => drand.beacon.round_at(time) + 1,
            Step::Now { round } => round,
        };
        // A block is made, travels, is seen at the next look, and the answer travels back.
        let slow = if dice.happens(0.02) { dice.between(3.0, 15.0) } else { 0.0 };
        let arrives = slot_time + dice.between(0.2, 2.5) + dice.between(0.0, 1.0) + dice.between(0.1, 1.5) + slow;
        commitments += 1;
        sent = Some((arrives, round));
    }
    let reveals = REVEALED_COMMITMENTS.get(&storage, &WHO).unwrap_or_default();
    Outcome { reveals: reveals.iter().map(|(_, block)| *block).collect(), commitments }
}

/// Whether the commitment on chain is to this round.
fn waits_for(storage: &Storage, round: u64) -> bool {
    let commitment = COMMITMENT_OF.get(storage, &WHO);
    commitment.is_some_and(|of| of.info.fields.0.iter().any(|field| field.reveal_round() == Some(round)))
}

#[test]
#[expect(clippy::print_stderr, reason = "the distribution is what docs/commit.md shows")]
fn of_a_thousand_reveals_none_is_early_and_nearly_all_are_in_the_first_block() {
    let mut drand = Drand::new();
    let mut distance: BTreeMap<i64, usize> = BTreeMap::new();
    let mut most = 0;
    for seed in 0..1_000 {
        let outcome = window(&mut drand, seed, NORMAL);
        assert_eq!(outcome.reveals.len(), 1, "window {seed}: {:?}", outcome.reveals);
        let block = i64::try_from(outcome.reveals[0]).expect("a small number");
        *distance.entry(block - i64::from(TARGET)).or_default() += 1;
        most = most.max(outcome.commitments);
    }
    eprintln!("blocks after the target, and how often: {distance:?}; commitments at most: {most}");
    let count = |blocks: std::ops::Range<i64>| -> usize { distance.range(blocks).map(|(_, count)| *count).sum() };
    assert_eq!(count(i64::MIN..0), 0, "{distance:?}");
    assert!(count(0..1) >= 900, "{distance:?}");
    assert!(count(0..2) >= 990, "{distance:?}");
    assert!(most <= 5, "{most} commitments would not fit into an epoch's space with much else");
}

#[test]
fn without_the_last_commitment_the_fallback_comes_after_the_target() {
    let mut drand = Drand::new();
    for seed in 0..100 {
        let outcome = window(&mut drand, seed, Run { is_killed: true, ..NORMAL });
        assert_eq!(outcome.reveals.len(), 1, "window {seed}");
        let block = outcome.reveals[0];
        assert!(block >= u64::from(TARGET) && block < u64::from(TARGET) + 60, "window {seed}: block {block}");
    }
}

#[test]
fn an_outage_of_a_minute_brings_no_early_reveal() {
    let mut drand = Drand::new();
    for seed in 0..100 {
        let outcome = window(&mut drand, seed, Run { outage: 5, ..NORMAL });
        assert!(
            outcome.reveals.iter().all(|block| *block >= u64::from(TARGET)),
            "window {seed}: {:?}",
            outcome.reveals
        );
    }
}
