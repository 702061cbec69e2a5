//! The System and Timestamp pallets: block numbers, accounts' nonces, events, the time.
//! Pure storage; which block comes next is decided elsewhere.

use parity_scale_codec::{Decode, Encode};
use scale_info::TypeInfo;

use super::items::{Hasher, Map, Single};
use super::primitives::{Account, AccountInfo, BlockNumber, DispatchError, DispatchEventInfo, EventRecord, H256};
use super::runtime::RuntimeEvent;
use super::storage::Storage;

pub(crate) const PALLET: &str = "System";
pub(crate) const TIMESTAMP_PALLET: &str = "Timestamp";

/// Blocks whose hash stays known; a signature anchored before them is refused.
pub(crate) const BLOCK_HASH_COUNT: u32 = 2400;

pub(crate) const ACCOUNT: Map<Account, AccountInfo> = Map::new(PALLET, "Account", &[Hasher::Blake2_128Concat]);
pub(crate) const BLOCK_HASH: Map<BlockNumber, H256> = Map::new(PALLET, "BlockHash", &[Hasher::Twox64Concat]);
pub(crate) const NUMBER: Single<BlockNumber> = Single::new(PALLET, "Number");
pub(crate) const PARENT_HASH: Single<H256> = Single::new(PALLET, "ParentHash");
pub(crate) const EVENTS: Single<Vec<EventRecord<RuntimeEvent>>> = Single::new(PALLET, "Events");
pub(crate) const EVENT_COUNT: Single<u32> = Single::new(PALLET, "EventCount");
pub(crate) const NOW: Single<u64> = Single::new(TIMESTAMP_PALLET, "Now");

/// The calls of the System pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[expect(non_camel_case_types, reason = "the names of calls in metadata")]
pub(crate) enum Call {
    /// Make some on-chain remark.
    #[codec(index = 0)]
    remark { remark: Vec<u8> },
}

/// The calls of the Timestamp pallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
#[expect(non_camel_case_types, reason = "the names of calls in metadata")]
pub(crate) enum TimestampCall {
    /// Set the current time.
    #[codec(index = 0)]
    set {
        #[codec(compact)]
        now: u64,
    },
}

/// The events of the System pallet that happen here.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) enum Event {
    /// An extrinsic completed successfully.
    #[codec(index = 0)]
    ExtrinsicSuccess { dispatch_info: DispatchEventInfo },
    /// An extrinsic failed.
    #[codec(index = 1)]
    ExtrinsicFailed { dispatch_error: DispatchError, dispatch_info: DispatchEventInfo },
}

/// The errors of the System pallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, TypeInfo)]
pub(crate) enum Error {
    /// The origin filter prevents the call to be dispatched.
    #[codec(index = 5)]
    CallFiltered,
}

/// Opens block `number` after a parent with this hash.
pub(crate) fn initialize(storage: &mut Storage, number: BlockNumber, parent: H256) {
    NUMBER.put(storage, &number);
    PARENT_HASH.put(storage, &parent);
    let parent_number = number.saturating_sub(1);
    BLOCK_HASH.put(storage, &parent_number, &parent);
    // The hash of the genesis block stays: signatures without an end are anchored there.
    if let Some(old @ 1..) = parent_number.checked_sub(BLOCK_HASH_COUNT) {
        BLOCK_HASH.remove(storage, &old);
    }
}

/// Stores the events of the block.
pub(crate) fn finalize(storage: &mut Storage, events: &Vec<EventRecord<RuntimeEvent>>) {
    EVENTS.put(storage, events);
    EVENT_COUNT.put(storage, &u32::try_from(events.len()).unwrap_or(u32::MAX));
}

/// The nonce the next extrinsic of an account must have.
pub(crate) fn nonce(storage: &Storage, account: Account) -> u32 {
    ACCOUNT.get(storage, &account).unwrap_or_default().nonce
}

/// Counts an extrinsic of an account.
pub(crate) fn increase_nonce(storage: &mut Storage, account: Account) {
    let mut info = ACCOUNT.get(storage, &account).unwrap_or_default();
    info.nonce = info.nonce.saturating_add(1);
    ACCOUNT.put(storage, &account, &info);
}
