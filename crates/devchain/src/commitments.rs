//! The Commitments pallet: accepting a commitment, and opening what is timelocked once its drand pulse is stored.
//! A pure state machine over raw storage; it knows no extrinsic, no block production and no network.

#[cfg(test)]
mod aiming;
mod data;
#[cfg(test)]
mod scenarios;

use std::collections::BTreeSet;

use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

pub(crate) use data::{CommitmentInfo, Data, MAX_FIELDS, Registration, UsageTracker};

use super::drand;
use super::items::{Hasher, Map, Single};
use super::primitives::{Account, BlockNumber, BoundedVec};
use super::storage::Storage;

/// Index of the pallet in the runtime.
pub(crate) const INDEX: u8 = 18;
pub(crate) const PALLET: &str = "Commitments";

/// Space each commitment costs at least, in bytes.
const MINIMUM_SPACE: u64 = 100;
/// Space of a hotkey in an epoch unless `MaxSpace` is set, in bytes.
pub(crate) const DEFAULT_MAX_SPACE: u32 = 3100;
/// Reveals that are kept of a hotkey; the oldest go first.
const KEPT_REVEALS: usize = 10;

type ByAccount<V> = Map<(u16, Account), V>;
const BY_ACCOUNT: &[Hasher] = &[Hasher::Identity, Hasher::Twox64Concat];

pub(crate) const TIMELOCKED_INDEX: Single<BTreeSet<(u16, Account)>> = Single::new(PALLET, "TimelockedIndex");
pub(crate) const COMMITMENT_OF: ByAccount<Registration> = Map::new(PALLET, "CommitmentOf", BY_ACCOUNT);
pub(crate) const LAST_COMMITMENT: ByAccount<BlockNumber> = Map::new(PALLET, "LastCommitment", BY_ACCOUNT);
pub(crate) const LAST_BONDS_RESET: ByAccount<BlockNumber> = Map::new(PALLET, "LastBondsReset", BY_ACCOUNT);
pub(crate) const REVEALED_COMMITMENTS: ByAccount<Vec<(Vec<u8>, u64)>> =
    Map::new(PALLET, "RevealedCommitments", BY_ACCOUNT);
pub(crate) const USED_SPACE_OF: ByAccount<UsageTracker> = Map::new(PALLET, "UsedSpaceOf", BY_ACCOUNT);
pub(crate) const MAX_SPACE: Single<u32> = Single::new(PALLET, "MaxSpace");

/// The calls of the pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[expect(non_camel_case_types, reason = "the names of calls in metadata")]
pub(crate) enum Call {
    /// Set the commitment of the caller on a subnet; it replaces the one before.
    #[codec(index = 0)]
    set_commitment {
        /// The subnet.
        netuid: u16,
        /// The fields.
        info: CommitmentInfo,
    },
    /// Set the space of a hotkey in an epoch; for root only.
    #[codec(index = 2)]
    set_max_space {
        /// Bytes of a hotkey in an epoch.
        new_limit: u32,
    },
}

/// The events of the pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) enum Event {
    /// A commitment without any timelocked field was set.
    Commitment {
        /// The subnet.
        netuid: u16,
        /// The hotkey.
        who: Account,
    },
    /// A commitment with a timelocked field was set.
    TimelockCommitment {
        /// The subnet.
        netuid: u16,
        /// The hotkey.
        who: Account,
        /// The round that opens its first timelocked field.
        reveal_round: u64,
    },
    /// A timelocked field was opened.
    CommitmentRevealed {
        /// The subnet.
        netuid: u16,
        /// The hotkey.
        who: Account,
    },
}

/// The errors of the pallet; the comments are what clients show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo, thiserror::Error)]
pub(crate) enum Error {
    /// The commitment has more fields than the three that are allowed.
    #[error("too many fields")]
    TooManyFieldsInCommitmentInfo,
    /// The account may not commit: it is not registered on this subnet.
    #[error("the account may not commit")]
    AccountNotAllowedCommit,
    /// The space of this hotkey in this epoch is used up.
    #[error("space used up")]
    SpaceLimitExceeded,
    /// A deposit could not be given back in full.
    #[error("deposit not given back")]
    UnexpectedUnreserveLeftover,
}

/// What the pallet asks its surroundings about the subnet of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subnet {
    /// Whether the caller is registered on it.
    pub(crate) registered: bool,
    /// Number of its current epoch.
    pub(crate) epoch: u64,
}

/// The call `set_commitment` of `who` in block `now`. An error has changed nothing.
pub(crate) fn set_commitment(
    storage: &mut Storage,
    now: BlockNumber,
    who: Account,
    netuid: u16,
    subnet: Subnet,
    info: CommitmentInfo,
) -> Result<Event, Error> {
    if !subnet.registered {
        return Err(Error::AccountNotAllowedCommit);
    }
    if info.fields.0.len() > MAX_FIELDS {
        return Err(Error::TooManyFieldsInCommitmentInfo);
    }
    let account = (netuid, who);
    let mut usage = USED_SPACE_OF.get(storage, &account).unwrap_or_default();
    if usage.last_epoch != subnet.epoch {
        usage = UsageTracker { last_epoch: subnet.epoch, used_space: 0 };
    }
    let fields: u64 = info.fields.0.iter().map(|field| field.space() as u64).sum();
    usage.used_space = usage.used_space.saturating_add(fields.max(MINIMUM_SPACE));
    if usage.used_space > u64::from(MAX_SPACE.get(storage).unwrap_or(DEFAULT_MAX_SPACE)) {
        return Err(Error::SpaceLimitExceeded);
    }

    let reveal_round = info.fields.0.iter().find_map(Data::reveal_round);
    if info.fields.0.contains(&Data::ResetBondsFlag) {
        LAST_BONDS_RESET.put(storage, &account, &now);
    }
    USED_SPACE_OF.put(storage, &account, &usage);
    COMMITMENT_OF.put(storage, &account, &Registration { deposit: 0, block: now, info });
    LAST_COMMITMENT.put(storage, &account, &now);
    let mut timelocked = TIMELOCKED_INDEX.get(storage).unwrap_or_default();
    let event = if let Some(reveal_round) = reveal_round {
        timelocked.insert(account);
        Event::TimelockCommitment { netuid, who, reveal_round }
    } else {
        timelocked.remove(&account);
        Event::Commitment { netuid, who }
    };
    TIMELOCKED_INDEX.put(storage, &timelocked);
    Ok(event)
}

/// Opens every timelocked field whose pulse is stored; runs at the start of block `now`, before all calls.
///
/// A field that its pulse does not open, or that opens to nothing, is dropped without a word.
pub(crate) fn on_initialize(storage: &mut Storage, now: BlockNumber) -> Vec<Event> {
    let mut events = Vec::new();
    let Some(index) = TIMELOCKED_INDEX.get(storage) else { return events };
    let mut still_timelocked = index.clone();
    for account in &index {
        let Some(registration) = COMMITMENT_OF.get(storage, account) else {
            still_timelocked.remove(account);
            continue;
        };
        let (due, kept): (Vec<_>, Vec<_>) =
            registration.info.fields.0.into_iter().partition(|field| {
                field.reveal_round().is_some_and(|round| drand::PULSES.get(storage, &round).is_some())
            });
        if !kept.iter().any(|field| field.reveal_round().is_some()) {
            still_timelocked.remove(account);
        }
        if due.is_empty() {
            continue;
        }
        let opened: Vec<_> = due.iter().filter_map(|field| opened(storage, field)).collect();
        if !opened.is_empty() {
            let mut reveals = REVEALED_COMMITMENTS.get(storage, account).unwrap_or_default();
            for plaintext in opened {
                reveals.push((plaintext, u64::from(now)));
                events.push(Event::CommitmentRevealed { netuid: account.0, who: account.1 });
            }
            reveals.drain(..reveals.len().saturating_sub(KEPT_REVEALS));
            REVEALED_COMMITMENTS.put(storage, account, &reveals);
        }
        if kept.is_empty() {
            COMMITMENT_OF.remove(storage, account);
        } else {
            let info = CommitmentInfo { fields: BoundedVec(kept) };
            COMMITMENT_OF.put(storage, account, &Registration { info, ..registration });
        }
    }
    if still_timelocked != index {
        TIMELOCKED_INDEX.put(storage, &still_timelocked);
    }
    events
}

/// What a due field opens to with the stored pulse of its round.
fn opened(storage: &Storage, field: &Data) -> Option<Vec<u8>> {
    let Data::TimelockEncrypted { encrypted, reveal_round } = field else { return None };
    let pulse = drand::PULSES.get(storage, reveal_round)?;
    let signature = pulse.signature.0.strip_prefix(b"0x").unwrap_or(&pulse.signature.0);
    gen404_timelock::open(&encrypted.0, signature).filter(|plaintext| !plaintext.is_empty())
}

/// Stores a commitment as an accepted call in block `now` would have; for tests that begin with one.
pub(crate) fn seed(storage: &mut Storage, now: BlockNumber, account: (u16, Account), fields: Vec<Data>) {
    let mut timelocked = TIMELOCKED_INDEX.get(storage).unwrap_or_default();
    if fields.iter().any(|field| field.reveal_round().is_some()) {
        timelocked.insert(account);
    } else {
        timelocked.remove(&account);
    }
    TIMELOCKED_INDEX.put(storage, &timelocked);
    let info = CommitmentInfo { fields: BoundedVec(fields) };
    COMMITMENT_OF.put(storage, &account, &Registration { deposit: 0, block: now, info });
    LAST_COMMITMENT.put(storage, &account, &now);
}

/// The call `set_max_space` of the root origin.
pub(crate) fn set_max_space(storage: &mut Storage, new_limit: u32) {
    MAX_SPACE.put(storage, &new_limit);
}
