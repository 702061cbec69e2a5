//! The pallets in metadata: storage, calls, events, errors and constants, taken from the pallets' own declarations.
//! Describes only; a key or a codec that is not declared in a pallet's file cannot appear here.

use frame_metadata::v16::{
    EnumDeprecationInfo, ItemDeprecationInfo, PalletCallMetadata, PalletConstantMetadata, PalletErrorMetadata,
    PalletEventMetadata, PalletMetadata, PalletStorageMetadata, StorageEntryMetadata, StorageEntryModifier,
    StorageEntryType, StorageHasher,
};
use parity_scale_codec::Encode;
use scale_info::{TypeInfo, meta_type};

use crate::items::{Hasher, Map, Single};
use crate::primitives::{Account, AccountInfo, H256};
use crate::{commitments, drand, subtensor, system};

/// All pallets by index.
pub(super) fn all(block_time_ms: u64) -> Vec<PalletMetadata> {
    vec![system_pallet(), timestamp(block_time_ms), aura(block_time_ms), subtensor_module(), commitments(), drand()]
}

fn system_pallet() -> PalletMetadata {
    PalletMetadata {
        storage: Some(storage(
            system::PALLET,
            vec![
                map(&system::ACCOUNT, Some(AccountInfo::default())),
                map(&system::BLOCK_HASH, Some(H256::default())),
                single(&system::NUMBER, Some(0)),
                single(&system::PARENT_HASH, Some(H256::default())),
                single(&system::EVENTS, Some(vec![])),
                single(&system::EVENT_COUNT, Some(0)),
            ],
        )),
        calls: Some(calls::<system::Call>()),
        event: Some(event::<system::Event>()),
        error: Some(error::<system::Error>()),
        constants: vec![constant("BlockHashCount", &system::BLOCK_HASH_COUNT), constant("SS58Prefix", &42_u16)],
        ..pallet(system::PALLET, 0)
    }
}

fn timestamp(block_time_ms: u64) -> PalletMetadata {
    PalletMetadata {
        storage: Some(storage(system::TIMESTAMP_PALLET, vec![single(&system::NOW, Some(0))])),
        calls: Some(calls::<system::TimestampCall>()),
        constants: vec![constant("MinimumPeriod", &(block_time_ms / 2))],
        ..pallet(system::TIMESTAMP_PALLET, 2)
    }
}

fn aura(block_time_ms: u64) -> PalletMetadata {
    PalletMetadata { constants: vec![constant("SlotDuration", &block_time_ms)], ..pallet("Aura", 3) }
}

fn subtensor_module() -> PalletMetadata {
    let nobody = || Some(Account([0; 32]));
    PalletMetadata {
        storage: Some(storage(
            subtensor::PALLET,
            vec![
                map(&subtensor::OWNER, nobody()),
                map(&subtensor::OWNED_HOTKEYS, Some(vec![])),
                single(&subtensor::TOTAL_NETWORKS, Some(0)),
                map(&subtensor::NETWORKS_ADDED, Some(false)),
                map(&subtensor::TEMPO, Some(subtensor::DEFAULT_TEMPO)),
                map(&subtensor::SUBNETWORK_N, Some(0)),
                map(&subtensor::SUBNET_EPOCH_INDEX, Some(0)),
                map(&subtensor::UIDS, None),
                map(&subtensor::KEYS, nobody()),
                map(&subtensor::IS_NETWORK_MEMBER, Some(false)),
                map(&subtensor::TOKEN_SYMBOL, Some(subtensor::DEFAULT_TOKEN_SYMBOL.to_vec())),
            ],
        )),
        ..pallet(subtensor::PALLET, subtensor::INDEX)
    }
}

fn commitments() -> PalletMetadata {
    PalletMetadata {
        storage: Some(storage(
            commitments::PALLET,
            vec![
                single(&commitments::TIMELOCKED_INDEX, Some(std::collections::BTreeSet::new())),
                map(&commitments::COMMITMENT_OF, None),
                map(&commitments::LAST_COMMITMENT, None),
                map(&commitments::LAST_BONDS_RESET, None),
                map(&commitments::REVEALED_COMMITMENTS, None),
                map(&commitments::USED_SPACE_OF, None),
                single(&commitments::MAX_SPACE, Some(commitments::DEFAULT_MAX_SPACE)),
            ],
        )),
        calls: Some(calls::<commitments::Call>()),
        event: Some(event::<commitments::Event>()),
        error: Some(error::<commitments::Error>()),
        constants: vec![
            constant("MaxFields", &u32::try_from(commitments::MAX_FIELDS).expect("three")),
            constant("InitialDeposit", &0_u64),
            constant("FieldDeposit", &0_u64),
        ],
        ..pallet(commitments::PALLET, commitments::INDEX)
    }
}

fn drand() -> PalletMetadata {
    PalletMetadata {
        storage: Some(storage(
            drand::PALLET,
            vec![
                single(&drand::BEACON_CONFIG, Some(drand::BeaconConfiguration::of(&gen404_timelock::QUICKNET))),
                map(&drand::PULSES, None),
                single(&drand::LAST_STORED_ROUND, Some(0)),
                single(&drand::OLDEST_STORED_ROUND, Some(0)),
                single(&drand::NEXT_UNSIGNED_AT, Some(0)),
            ],
        )),
        calls: Some(calls::<drand::Call>()),
        event: Some(event::<drand::Event>()),
        error: Some(error::<drand::Error>()),
        ..pallet(drand::PALLET, drand::INDEX)
    }
}

fn pallet(name: &'static str, index: u8) -> PalletMetadata {
    PalletMetadata {
        name,
        storage: None,
        calls: None,
        event: None,
        constants: vec![],
        error: None,
        associated_types: vec![],
        view_functions: vec![],
        index,
        docs: vec![],
        deprecation_info: ItemDeprecationInfo::NotDeprecated,
    }
}

fn calls<T: TypeInfo + 'static>() -> PalletCallMetadata {
    PalletCallMetadata { ty: meta_type::<T>(), deprecation_info: EnumDeprecationInfo::nothing_deprecated() }
}

fn event<T: TypeInfo + 'static>() -> PalletEventMetadata {
    PalletEventMetadata { ty: meta_type::<T>(), deprecation_info: EnumDeprecationInfo::nothing_deprecated() }
}

fn error<T: TypeInfo + 'static>() -> PalletErrorMetadata {
    PalletErrorMetadata { ty: meta_type::<T>(), deprecation_info: EnumDeprecationInfo::nothing_deprecated() }
}

fn constant<T: Encode + TypeInfo + 'static>(name: &'static str, value: &T) -> PalletConstantMetadata {
    PalletConstantMetadata {
        name,
        ty: meta_type::<T>(),
        value: value.encode(),
        docs: vec![],
        deprecation_info: ItemDeprecationInfo::NotDeprecated,
    }
}

fn storage(prefix: &'static str, entries: Vec<StorageEntryMetadata>) -> PalletStorageMetadata {
    PalletStorageMetadata { prefix, entries }
}

fn single<V: Encode + TypeInfo + 'static>(item: &Single<V>, default: Option<V>) -> StorageEntryMetadata {
    entry(item.name, StorageEntryType::Plain(meta_type::<V>()), default)
}

fn map<K: TypeInfo + 'static, V: Encode + TypeInfo + 'static>(
    item: &Map<K, V>,
    default: Option<V>,
) -> StorageEntryMetadata {
    let hashers = item.hashers.iter().map(|hasher| match hasher {
        Hasher::Identity => StorageHasher::Identity,
        Hasher::Twox64Concat => StorageHasher::Twox64Concat,
        Hasher::Blake2_128Concat => StorageHasher::Blake2_128Concat,
    });
    let ty: StorageEntryType =
        StorageEntryType::Map { hashers: hashers.collect(), key: meta_type::<K>(), value: meta_type::<V>() };
    entry(item.name, ty, default)
}

fn entry<V: Encode>(name: &'static str, ty: StorageEntryType, default: Option<V>) -> StorageEntryMetadata {
    let (modifier, default) = match default {
        Some(value) => (StorageEntryModifier::Default, value.encode()),
        None => (StorageEntryModifier::Optional, vec![0]),
    };
    StorageEntryMetadata {
        name,
        modifier,
        ty,
        default,
        docs: vec![],
        deprecation_info: ItemDeprecationInfo::NotDeprecated,
    }
}
