//! Everything about a hotkey and its chain that must be known before a commitment is sent, read at one block at once.
//! Judges nothing and sends nothing; `preflight` says what the situation allows.

use std::time::Duration;

use gen404_round::{BlockNumber, Hotkey, Netuid};
use gen404_timelock::Beacon;
use scale_value::{At, Composite, Value, ValueDef};

use crate::clock::ChainTime;
use crate::error::ReadError;
use crate::extrinsic::PALLET;
use crate::node::{Node, StorageAt};
use crate::reveals::payloads::Payloads;
use crate::rpc::RpcError;
use crate::runtime::{Decoded, IncompatibleChain, Item, Runtime, bytes, field_number, number};

const DRAND: &str = "Drand";
const SUBTENSOR: &str = "SubtensorModule";
const SYSTEM: &str = "System";

/// A commitment that the chain has not opened yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingReveal {
    /// Beacon round that opens it; of several fields the last one.
    pub reveal_round: u64,
    /// Block of the commitment.
    pub block: BlockNumber,
}

/// Bytes of commitments that count against a hotkey's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct CommitmentSpace {
    /// Bytes used in the epoch named by `last_epoch`.
    pub used: u64,
    /// Index of the epoch in which `used` was counted.
    pub last_epoch: u64,
    /// Index of the current epoch; `None` on runtimes that do not store it.
    pub current_epoch: Option<u64>,
    /// Bytes there are per epoch.
    pub limit: u64,
    /// Blocks of an epoch, where known.
    pub tempo: Option<u64>,
}

impl CommitmentSpace {
    /// Bytes used in the current epoch, `None` when it cannot be told which epoch that is.
    pub fn used_now(&self) -> Option<u64> {
        if self.used == 0 {
            return Some(0);
        }
        self.current_epoch.map(|current| if current == self.last_epoch { self.used } else { 0 })
    }

    /// Whether the current epoch has room for so many bytes more; `None` when that cannot be told.
    pub fn has_room_for(&self, bytes: u64) -> Option<bool> {
        self.used_now().map(|used| used.saturating_add(bytes) <= self.limit)
    }
}

/// What `CommitmentOf` holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredCommitment {
    pub(crate) block: BlockNumber,
    /// Rounds of the fields that are still timelocked.
    pub(crate) rounds: Vec<u64>,
}

impl StoredCommitment {
    pub(crate) fn pending(&self) -> Option<PendingReveal> {
        self.rounds.iter().max().map(|round| PendingReveal { reveal_round: *round, block: self.block })
    }
}

/// The keys of a situation, made once and asked for as often as needed.
pub(crate) struct Question {
    number: Item,
    account: Item,
    timestamp: Item,
    beacon: Item,
    last_round: Item,
    uid: Item,
    commitment: Item,
    reveals: Item,
    used_space: Item,
    max_space: Item,
    epoch_index: Option<Item>,
    tempo: Option<Item>,
}

/// The answers, all of one block.
#[derive(Debug, Clone)]
pub(crate) struct Situation {
    pub(crate) block: BlockNumber,
    /// Nonce of the account in that block; what waits in the pool is not counted.
    pub(crate) account_nonce: u64,
    pub(crate) time: ChainTime,
    pub(crate) beacon: Beacon,
    pub(crate) registered: bool,
    pub(crate) commitment: Option<StoredCommitment>,
    /// A commitment that nothing can open any more: the beacon has passed its round, and its pulse is not there.
    pub(crate) never_revealed: Option<PendingReveal>,
    pub(crate) space: CommitmentSpace,
    /// The value of `RevealedCommitments`.
    reveals: Vec<u8>,
}

impl Situation {
    /// The newest block that revealed these very bytes.
    pub(crate) fn revealed_in(&self, plaintext: &[u8]) -> Option<BlockNumber> {
        Payloads::read(&self.reveals).filter(|(payload, _)| *payload == plaintext).map(|(_, block)| block).max()
    }

    /// The commitment that the next one would replace unread. One that can never be revealed loses nothing.
    pub(crate) fn pending(&self) -> Option<PendingReveal> {
        self.commitment.as_ref().and_then(StoredCommitment::pending)
    }

    /// A pause between two looks at the chain: a few looks a block.
    pub(crate) fn pause(&self) -> Duration {
        pause(self.time.block_time)
    }
}

/// A pause between two looks at a chain with that block time in seconds.
pub(crate) fn pause(block_time: f64) -> Duration {
    Duration::from_secs_f64((block_time / 6.0).clamp(0.1, 2.0))
}

/// The key parts `netuid, hotkey` of the pallet's maps.
pub(crate) fn subnet_and_hotkey(netuid: Netuid, hotkey: &Hotkey) -> [Value<()>; 2] {
    [Value::u128(u128::from(netuid)), Value::from_bytes(hotkey.as_bytes())]
}

impl Question {
    pub(crate) fn new(runtime: &Runtime, netuid: Netuid, hotkey: &Hotkey) -> Result<Self, IncompatibleChain> {
        let both = subnet_and_hotkey(netuid, hotkey);
        let [subnet, account] = &both;
        let if_there = |entry, keys: &[Value<()>]| {
            runtime.has_item(SUBTENSOR, entry).then(|| runtime.item(SUBTENSOR, entry, keys)).transpose()
        };
        Ok(Self {
            // The pallet that tells networks apart comes first: its absence is the clearest message.
            commitment: runtime.item(PALLET, "CommitmentOf", &both)?,
            reveals: runtime.item(PALLET, "RevealedCommitments", &both)?,
            used_space: runtime.item(PALLET, "UsedSpaceOf", &both)?,
            max_space: runtime.item(PALLET, "MaxSpace", &[])?,
            beacon: runtime.item(DRAND, "BeaconConfig", &[])?,
            last_round: runtime.item(DRAND, "LastStoredRound", &[])?,
            uid: runtime.item(SUBTENSOR, "Uids", &both)?,
            epoch_index: if_there("SubnetEpochIndex", std::slice::from_ref(subnet))?,
            tempo: if_there("Tempo", std::slice::from_ref(subnet))?,
            number: runtime.item(SYSTEM, "Number", &[])?,
            account: runtime.item(SYSTEM, "Account", std::slice::from_ref(account))?,
            timestamp: runtime.item("Timestamp", "Now", &[])?,
        })
    }

    /// Asks and reads everything at the node's newest block. A commitment whose time has come takes a second question:
    /// it is opened in the next block if the pulse of its round is there, and otherwise never.
    pub(crate) async fn ask(&self, runtime: &Runtime, node: &Node) -> Result<Situation, ReadError> {
        let mut situation = self.read(runtime, &node.storage(&self.keys(), None).await?)?;
        let last_round = situation.time.last_round;
        let Some(commitment) = &mut situation.commitment else { return Ok(situation) };
        let due = commitment.rounds.iter().copied().filter(|round| *round <= last_round);
        let pulses = due
            .map(|round| Ok((round, runtime.item(DRAND, "Pulses", &[Value::u128(round.into())])?)))
            .collect::<Result<Vec<_>, IncompatibleChain>>()?;
        if pulses.is_empty() {
            return Ok(situation);
        }
        let keys: Vec<_> = pulses.iter().map(|(_, pulse)| pulse.key.clone()).collect();
        let stored = node.storage(&keys, None).await?;
        for (round, pulse) in pulses {
            if !stored.values.contains_key(&pulse.key) {
                commitment.rounds.retain(|waiting| *waiting != round);
                situation.never_revealed = Some(PendingReveal { reveal_round: round, block: commitment.block });
            }
        }
        Ok(situation)
    }

    /// All keys, for one request.
    pub(crate) fn keys(&self) -> Vec<Vec<u8>> {
        [
            &self.number,
            &self.account,
            &self.timestamp,
            &self.beacon,
            &self.last_round,
            &self.uid,
            &self.commitment,
            &self.reveals,
            &self.used_space,
            &self.max_space,
        ]
        .into_iter()
        .chain(&self.epoch_index)
        .chain(&self.tempo)
        .map(|item| item.key.clone())
        .collect()
    }

    /// Reads the answers.
    pub(crate) fn read(&self, runtime: &Runtime, storage: &StorageAt) -> Result<Situation, ReadError> {
        let value = |item: &Item| runtime.decode(item, storage.values.get(&item.key).map(Vec::as_slice));
        let whole = |item: &Item| {
            let decoded = value(item)?;
            Ok::<u64, IncompatibleChain>(
                decoded.as_ref().and_then(number).and_then(|number| u64::try_from(number).ok()).unwrap_or(0),
            )
        };
        let unknown = |item: &Item| IncompatibleChain::UnknownForm { pallet: item.pallet, item: item.entry };

        let account_nonce = value(&self.account)?
            .as_ref()
            .and_then(|account| field_number(account, "nonce"))
            .ok_or_else(|| unknown(&self.account))?;
        let beacon = value(&self.beacon)?.as_ref().and_then(read_beacon).ok_or_else(|| unknown(&self.beacon))?;
        let (last_epoch, used) = match value(&self.used_space)? {
            None => (0, 0),
            Some(usage) => (
                field_number(&usage, "last_epoch").ok_or_else(|| unknown(&self.used_space))?,
                field_number(&usage, "used_space").ok_or_else(|| unknown(&self.used_space))?,
            ),
        };
        Ok(Situation {
            block: whole(&self.number)?,
            account_nonce,
            time: ChainTime {
                block: whole(&self.timestamp)? / 1_000,
                last_round: whole(&self.last_round)?,
                block_time: runtime.block_time()?,
            },
            beacon,
            // The item has no default: it is there for registered hotkeys only.
            registered: storage.values.contains_key(&self.uid.key),
            commitment: read_commitment(runtime, &self.commitment, storage)?,
            never_revealed: None,
            reveals: storage.values.get(&self.reveals.key).cloned().unwrap_or_default(),
            space: CommitmentSpace {
                used,
                last_epoch,
                current_epoch: self.epoch_index.as_ref().map(&whole).transpose()?,
                limit: whole(&self.max_space)?,
                tempo: self.tempo.as_ref().map(&whole).transpose()?,
            },
        })
    }
}

fn read_beacon(config: &Decoded) -> Option<Beacon> {
    Some(Beacon {
        public_key: bytes(config.at("public_key")?)?.try_into().ok()?,
        genesis_time: field_number(config, "genesis_time")?,
        period: field_number(config, "period").filter(|period| *period > 0)?,
    })
}

/// Reads `CommitmentOf`. Only timelocked fields wait for anything: plain ones never do, and newer runtimes leave one of
/// another kind where a reveal has failed.
pub(crate) fn read_commitment(
    runtime: &Runtime,
    item: &Item,
    storage: &StorageAt,
) -> Result<Option<StoredCommitment>, IncompatibleChain> {
    let Some(value) = storage.values.get(&item.key) else { return Ok(None) };
    let unknown = || IncompatibleChain::UnknownForm { pallet: item.pallet, item: item.entry };
    let registration = runtime.decode(item, Some(value))?.ok_or_else(unknown)?;
    let block = field_number(&registration, "block").ok_or_else(unknown)?;
    let fields = registration.at("info").and_then(|info| info.at("fields")).ok_or_else(unknown)?;
    let mut rounds = Vec::new();
    collect_rounds(fields, &mut rounds);
    Ok(Some(StoredCommitment { block, rounds }))
}

/// The fields lie inside a bounded vector, whose wrappers differ between metadata versions.
fn collect_rounds(value: &Decoded, rounds: &mut Vec<u64>) {
    match &value.value {
        ValueDef::Variant(variant) if variant.name == "TimelockEncrypted" => {
            if let Composite::Named(fields) = &variant.values
                && let Some((_, round)) = fields.iter().find(|(name, _)| name == "reveal_round")
                && let Some(round) = number(round).and_then(|round| u64::try_from(round).ok())
            {
                rounds.push(round);
            }
        }
        ValueDef::Composite(composite) => {
            for value in composite.values() {
                collect_rounds(value, rounds);
            }
        }
        _ => {}
    }
}

/// A finalized head whose header the node does not know is no node's answer.
pub(crate) const UNKNOWN_HEAD: RpcError =
    RpcError::Unexpected { method: "chain_getHeader", expected: "the header of its own finalized block" };

#[cfg(test)]
mod tests {
    use scale_value::Variant;

    use super::*;

    fn field(name: &str, rounds: &[u64]) -> Decoded {
        let fields =
            rounds.iter().map(|round| ("reveal_round".to_owned(), Value::u128((*round).into()).map_context(|()| 0)));
        Value::with_context(
            ValueDef::Variant(Variant { name: name.to_owned(), values: Composite::Named(fields.collect()) }),
            0,
        )
    }

    #[test]
    fn plain_fields_and_failed_reveals_wait_for_nothing() {
        let of = |fields: Vec<Decoded>| {
            let mut rounds = Vec::new();
            // Bounded vectors are wrapped once more in some versions of metadata.
            let list = Value::with_context(ValueDef::Composite(Composite::Unnamed(fields)), 0);
            collect_rounds(&Value::with_context(ValueDef::Composite(Composite::Unnamed(vec![list])), 0), &mut rounds);
            rounds
        };
        assert_eq!(of(vec![field("Raw40", &[]), field("TimelockRevealFailed", &[7]), field("None", &[])]), [0; 0]);
        assert_eq!(of(vec![field("BigRaw", &[]), field("TimelockEncrypted", &[9])]), [9]);
    }
}
