//! Replays recordings of the real pallets: every result, every event and every changed raw storage item must be equal.
//! The recordings were made by running the pallets themselves; nothing of them was written by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use flate2::read::GzDecoder;
use parity_scale_codec::{Decode, Encode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::drand::{self, Pulse};
use crate::items::prefix;
use crate::primitives::{Account, BlockNumber};
use crate::runtime::{RuntimeCall, RuntimeEvent};
use crate::storage::{Changes, Storage};
use crate::{commitments, drand::BeaconConfiguration};

#[derive(Deserialize)]
struct Recording {
    scenarios: Vec<Scenario>,
}

#[derive(Deserialize)]
struct Scenario {
    name: String,
    registered: BTreeMap<u16, BTreeSet<String>>,
    blocks: Vec<Block>,
}

#[derive(Deserialize)]
struct Block {
    number: BlockNumber,
    epoch_index: BTreeMap<u16, u64>,
    initialize_events: Vec<RecordedEvent>,
    ops: Vec<Operation>,
    storage: BTreeMap<String, Option<String>>,
    #[serde(default)]
    drand_storage: BTreeMap<String, Option<String>>,
}

#[derive(Deserialize)]
struct RecordedEvent {
    raw: String,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Operation {
    SetCommitment {
        who: String,
        args: String,
        result: Value,
        #[serde(default)]
        events: Vec<RecordedEvent>,
    },
    Pulse {
        round: u64,
        signature: String,
    },
    WritePulse {
        pulses: Vec<RecordedPulse>,
        result: Value,
    },
    SetMaxSpace {
        origin: String,
        new_limit: u32,
        result: Value,
    },
    Deregister {
        netuid: u16,
        who: String,
    },
}

#[derive(Deserialize)]
struct RecordedPulse {
    round: u64,
    signature: String,
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.trim_start_matches("0x")).expect("hexadecimal")
}

fn text(bytes: &[u8]) -> String {
    format!("0x{}", hex::encode(bytes))
}

fn raw(events: &[RecordedEvent]) -> Vec<&str> {
    events.iter().map(|event| event.raw.as_str()).collect()
}

fn changed(changes: &Changes, pallet: &str) -> BTreeMap<String, Option<String>> {
    let start = &prefix(pallet, "")[..16];
    changes
        .iter()
        .filter(|(key, _)| key.starts_with(start))
        .map(|(key, value)| (text(key), value.as_deref().map(text)))
        .collect()
}

/// The outcome in the words of the recording; what is there "for people" only is left out.
fn outcome(error: Option<(&str, u8)>) -> Value {
    error.map_or_else(|| json!("ok"), |(name, code)| {
        json!({ "error": name, "module_index": commitments::INDEX, "error_bytes": text(&[code, 0, 0, 0]) })
    })
}

struct Replay {
    storage: Storage,
    registered: BTreeMap<u16, BTreeSet<String>>,
}

impl Replay {
    fn set_commitment(&mut self, block: &Block, who: &str, args: &str) -> (Value, Vec<String>) {
        let mut call = vec![commitments::INDEX, 0];
        call.extend(bytes(args));
        let mut rest = &call[..];
        let decoded = RuntimeCall::decode(&mut rest).ok().filter(|_| rest.is_empty());
        let Some(RuntimeCall::Commitments(commitments::Call::set_commitment { netuid, info })) = decoded else {
            return (json!({ "error": "undecodable" }), vec![]);
        };
        let subnet = commitments::Subnet {
            registered: self.registered.get(&netuid).is_some_and(|accounts| accounts.contains(who)),
            // Subnets without an epoch of their own in the recording are those nobody is registered on.
            epoch: block.epoch_index.get(&netuid).copied().unwrap_or(0),
        };
        let account = Account(bytes(who).try_into().expect("an account"));
        match commitments::set_commitment(&mut self.storage, block.number, account, netuid, subnet, info) {
            Ok(event) => (outcome(None), vec![text(&RuntimeEvent::Commitments(event).encode())]),
            Err(error) => {
                let name = format!("Commitments.{error:?}");
                (outcome(Some((&name, error.encode()[0]))), vec![])
            }
        }
    }

    fn block(&mut self, scenario: &str, block: &Block) {
        let place = format!("{scenario}, block {}", block.number);
        let revealed: Vec<_> = commitments::on_initialize(&mut self.storage, block.number)
            .into_iter()
            .map(|event| text(&RuntimeEvent::Commitments(event).encode()))
            .collect();
        assert_eq!(revealed, raw(&block.initialize_events), "{place}: events of the hooks");
        for (index, operation) in block.ops.iter().enumerate() {
            let place = format!("{place}, operation {index}");
            match operation {
                Operation::SetCommitment { who, args, result, events } => {
                    let mut expected = result.clone();
                    if let Value::Object(fields) = &mut expected {
                        fields.remove("detail");
                    }
                    let (outcome, raised) = self.set_commitment(block, who, args);
                    assert_eq!(outcome, expected, "{place}");
                    assert_eq!(raised, raw(events), "{place}");
                }
                Operation::Pulse { round, signature } => {
                    drand::PULSES.put(&mut self.storage, round, &Pulse::new(*round, bytes(signature)));
                }
                Operation::WritePulse { pulses, result } => {
                    let pulses = pulses.iter().map(|pulse| Pulse::new(pulse.round, bytes(&pulse.signature))).collect();
                    let written = drand::write_pulse(&mut self.storage, block.number, pulses);
                    assert_eq!(written.is_ok(), *result == "ok", "{place}");
                }
                Operation::SetMaxSpace { origin, new_limit, result } => {
                    // Who may call is the dispatcher's question; the pallet itself sees root only.
                    let root = origin == "root";
                    assert_eq!(*result == "ok", root, "{place}");
                    if root {
                        commitments::set_max_space(&mut self.storage, *new_limit);
                    }
                }
                Operation::Deregister { netuid, who } => {
                    self.registered.entry(*netuid).or_default().remove(who);
                }
            }
        }
        let changes = self.storage.seal(block.number);
        assert_eq!(changed(&changes, commitments::PALLET), block.storage, "{place}: storage of Commitments");
        assert_eq!(changed(&changes, drand::PALLET), block.drand_storage, "{place}: storage of Drand");
    }
}

#[test]
fn all_recordings_of_the_real_pallets_are_replayed() {
    let packed = include_bytes!("../../tests/data/chain-scenarios.json.gz");
    let mut json = String::new();
    GzDecoder::new(&packed[..]).read_to_string(&mut json).expect("the file is whole");
    let recording: Recording = serde_json::from_str(&json).expect("the file is as described");
    assert_eq!(recording.scenarios.len(), 150);
    for scenario in recording.scenarios {
        let mut storage = Storage::new(0);
        drand::BEACON_CONFIG.put(&mut storage, &BeaconConfiguration::of(&gen404_timelock::QUICKNET));
        storage.seal_genesis();
        let mut replay = Replay { storage, registered: scenario.registered };
        for block in &scenario.blocks {
            replay.block(&scenario.name, block);
        }
    }
}
