//! The part of the `SubtensorModule` pallet that miners' tools read: who is registered, who owns whom, epochs, locks.
//! Pure storage; nothing is staked, emitted or paid here.

use std::collections::BTreeMap;

use parity_scale_codec::{Compact, Decode, Encode};
use scale_info::TypeInfo;

use super::items::{Hasher, Map, Single, State};
use super::primitives::{Account, BlockNumber};
use super::storage::Storage;

/// Index of the pallet in the runtime.
pub(crate) const INDEX: u8 = 7;
pub(crate) const PALLET: &str = "SubtensorModule";

/// Blocks of an epoch on the live chain.
pub(crate) const DEFAULT_TEMPO: u16 = 360;

/// 𝜏 in UTF-8, the symbol of a subnet that has chosen none.
pub(crate) const DEFAULT_TOKEN_SYMBOL: &[u8] = "𝜏".as_bytes();

const BY_NETUID: &[Hasher] = &[Hasher::Identity];
const BY_ACCOUNT: &[Hasher] = &[Hasher::Blake2_128Concat];

pub(crate) const OWNER: Map<Account, Account> = Map::new(PALLET, "Owner", BY_ACCOUNT);
pub(crate) const OWNED_HOTKEYS: Map<Account, Vec<Account>> = Map::new(PALLET, "OwnedHotkeys", BY_ACCOUNT);
pub(crate) const TOTAL_NETWORKS: Single<u16> = Single::new(PALLET, "TotalNetworks");
pub(crate) const NETWORKS_ADDED: Map<u16, bool> = Map::new(PALLET, "NetworksAdded", BY_NETUID);
pub(crate) const TEMPO: Map<u16, u16> = Map::new(PALLET, "Tempo", BY_NETUID);
pub(crate) const SUBNETWORK_N: Map<u16, u16> = Map::new(PALLET, "SubnetworkN", BY_NETUID);
pub(crate) const SUBNET_EPOCH_INDEX: Map<u16, u64> = Map::new(PALLET, "SubnetEpochIndex", BY_NETUID);
pub(crate) const UIDS: Map<(u16, Account), u16> =
    Map::new(PALLET, "Uids", &[Hasher::Identity, Hasher::Blake2_128Concat]);
pub(crate) const KEYS: Map<(u16, u16), Account> = Map::new(PALLET, "Keys", &[Hasher::Identity, Hasher::Identity]);
pub(crate) const IS_NETWORK_MEMBER: Map<(Account, u16), bool> =
    Map::new(PALLET, "IsNetworkMember", &[Hasher::Blake2_128Concat, Hasher::Identity]);
/// Symbols of the subnets' tokens: nobody sets one here, but the official SDK lists them whenever it connects.
pub(crate) const TOKEN_SYMBOL: Map<u16, Vec<u8>> = Map::new(PALLET, "TokenSymbol", BY_NETUID);
/// Conviction locks; on the live chain they lie in another form, and clients read them through the runtime API only.
const LOCKS: Map<(Account, u16), LockState> = Map::new(PALLET, "Lock", &[Hasher::Blake2_128Concat, Hasher::Identity]);

/// A conviction lock of a coldkey on a subnet, as `StakeInfoRuntimeApi.get_coldkey_lock` answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) struct LockState {
    /// Locked stake in rao (9 decimals).
    pub(crate) locked_mass: u64,
    /// Conviction in units of 2⁻⁶⁴.
    pub(crate) conviction: FixedU128,
    /// Block of the last change.
    pub(crate) last_update: u64,
}

/// A number with 64 bits before and 64 bits after the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) struct FixedU128 {
    /// The number times 2⁶⁴.
    pub(crate) bits: u128,
}

/// A neuron as `NeuronInfoRuntimeApi.get_neurons_lite` answers it; this chain fills in identity only.
#[derive(Debug, Clone, PartialEq, Eq, Encode, TypeInfo)]
pub(crate) struct NeuronInfoLite {
    hotkey: Account,
    coldkey: Account,
    uid: Compact<u16>,
    netuid: Compact<u16>,
    active: bool,
    axon_info: AxonInfo,
    prometheus_info: PrometheusInfo,
    stake: Vec<(Account, Compact<u64>)>,
    rank: Compact<u16>,
    emission: Compact<u64>,
    incentive: Compact<u16>,
    consensus: Compact<u16>,
    trust: Compact<u16>,
    validator_trust: Compact<u16>,
    dividends: Compact<u16>,
    last_update: Compact<u64>,
    validator_permit: bool,
    pruning_score: Compact<u16>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, TypeInfo)]
pub(crate) struct AxonInfo {
    block: u64,
    version: u32,
    ip: u128,
    port: u16,
    ip_type: u8,
    protocol: u8,
    placeholder1: u8,
    placeholder2: u8,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Encode, TypeInfo)]
pub(crate) struct PrometheusInfo {
    block: u64,
    version: u32,
    ip: u128,
    port: u16,
    ip_type: u8,
}

/// Creates a subnet without anybody on it.
pub(crate) fn add_network(storage: &mut Storage, netuid: u16, tempo: u16) {
    if NETWORKS_ADDED.get(storage, &netuid).is_none() {
        let total = TOTAL_NETWORKS.get(storage).unwrap_or(0);
        TOTAL_NETWORKS.put(storage, &total.saturating_add(1));
    }
    NETWORKS_ADDED.put(storage, &netuid, &true);
    TEMPO.put(storage, &netuid, &tempo);
    SUBNETWORK_N.put(storage, &netuid, &0);
    SUBNET_EPOCH_INDEX.put(storage, &netuid, &0);
}

/// Registers hotkeys (each with its coldkey) on a subnet, in order; one that is registered already keeps its place.
///
/// Those that a full subnet (65,535 hotkeys) has no place for are left out.
pub(crate) fn register(storage: &mut Storage, netuid: u16, neurons: &[(Account, Account)]) {
    let mut owned = BTreeMap::<Account, Vec<Account>>::new();
    let mut next = SUBNETWORK_N.get(storage, &netuid).unwrap_or(0);
    for &(hotkey, coldkey) in neurons {
        if next == u16::MAX || is_registered(storage, netuid, hotkey) {
            continue;
        }
        UIDS.put(storage, &(netuid, hotkey), &next);
        KEYS.put(storage, &(netuid, next), &hotkey);
        IS_NETWORK_MEMBER.put(storage, &(hotkey, netuid), &true);
        if OWNER.get(storage, &hotkey).is_none() {
            OWNER.put(storage, &hotkey, &coldkey);
            owned.entry(coldkey).or_default().push(hotkey);
        }
        next += 1;
    }
    SUBNETWORK_N.put(storage, &netuid, &next);
    for (coldkey, hotkeys) in owned {
        let mut all = OWNED_HOTKEYS.get(storage, &coldkey).unwrap_or_default();
        all.extend(hotkeys);
        OWNED_HOTKEYS.put(storage, &coldkey, &all);
    }
}

/// Takes a hotkey off a subnet, as a newcomer who gets its place would; the owner stays.
pub(crate) fn deregister(storage: &mut Storage, netuid: u16, hotkey: Account) {
    if let Some(uid) = UIDS.get(storage, &(netuid, hotkey)) {
        UIDS.remove(storage, &(netuid, hotkey));
        KEYS.remove(storage, &(netuid, uid));
        IS_NETWORK_MEMBER.remove(storage, &(hotkey, netuid));
    }
}

pub(crate) fn is_registered(storage: &Storage, netuid: u16, hotkey: Account) -> bool {
    UIDS.get(storage, &(netuid, hotkey)).is_some()
}

pub(crate) fn epoch(storage: &Storage, netuid: u16) -> u64 {
    SUBNET_EPOCH_INDEX.get(storage, &netuid).unwrap_or(0)
}

/// Begins a new epoch of every subnet whose tempo is over at block `now`.
pub(crate) fn on_initialize(storage: &mut Storage, now: BlockNumber, netuids: &[u16]) {
    for netuid in netuids {
        let tempo = u64::from(TEMPO.get(storage, netuid).unwrap_or(DEFAULT_TEMPO));
        // The formula of Subtensor: subnets take turns, so that no block has all the work.
        let index = (u64::from(now) + u64::from(*netuid) + 1) / (tempo + 1);
        SUBNET_EPOCH_INDEX.put(storage, netuid, &index);
    }
}

/// Sets or removes the lock of a coldkey on a subnet.
pub(crate) fn set_lock(storage: &mut Storage, coldkey: Account, netuid: u16, lock: Option<LockState>) {
    match lock {
        Some(lock) => LOCKS.put(storage, &(coldkey, netuid), &lock),
        None => LOCKS.remove(storage, &(coldkey, netuid)),
    }
}

/// The lock of a coldkey on a subnet.
pub(crate) fn lock(state: &impl State, coldkey: Account, netuid: u16) -> Option<LockState> {
    LOCKS.get(state, &(coldkey, netuid))
}

/// The hotkeys of a subnet with their coldkeys, by uid.
pub(crate) fn registered(state: &impl State, netuid: u16) -> Vec<(Account, Account)> {
    let count = SUBNETWORK_N.get(state, &netuid).unwrap_or(0);
    (0..count)
        .filter_map(|uid| {
            let hotkey = KEYS.get(state, &(netuid, uid))?;
            Some((hotkey, OWNER.get(state, &hotkey).unwrap_or(Account([0; 32]))))
        })
        .collect()
}

/// The neurons of a subnet, by uid.
pub(crate) fn neurons(state: &impl State, netuid: u16) -> Vec<NeuronInfoLite> {
    let count = SUBNETWORK_N.get(state, &netuid).unwrap_or(0);
    (0..count)
        .filter_map(|uid| {
            let hotkey = KEYS.get(state, &(netuid, uid))?;
            let coldkey = OWNER.get(state, &hotkey).unwrap_or(Account([0; 32]));
            Some(NeuronInfoLite {
                hotkey,
                coldkey,
                uid: Compact(uid),
                netuid: Compact(netuid),
                active: true,
                axon_info: AxonInfo::default(),
                prometheus_info: PrometheusInfo::default(),
                stake: vec![(coldkey, Compact(0))],
                rank: Compact(0),
                emission: Compact(0),
                incentive: Compact(0),
                consensus: Compact(0),
                trust: Compact(0),
                validator_trust: Compact(0),
                dividends: Compact(0),
                last_update: Compact(0),
                validator_permit: false,
                pruning_score: Compact(0),
            })
        })
        .collect()
}
