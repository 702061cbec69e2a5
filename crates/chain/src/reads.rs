//! Smaller questions about accounts and subnets: owners, hotkeys, locks, pending commitments, the beacon.
//! Many questions of one kind travel in one request; nothing here changes anything.

use futures::{StreamExt, TryStreamExt};
use gen404_outside::observer::Observer;
use gen404_round::{AccountId, BlockNumber, Hotkey, Netuid};
use gen404_timelock::Beacon;
use scale_value::{At, Value, ValueDef};
use serde::Serialize;

use crate::connection::Chain;
use crate::error::ReadError;
use crate::event::Event;
use crate::node::StorageAt;
use crate::runtime::{Decoded, IncompatibleChain, Item, bytes, number};
use crate::situation::{CommitmentSpace, PendingReveal, Question, subnet_and_hotkey};

const SUBTENSOR: &str = "SubtensorModule";
/// Accounts asked about in one request.
const ACCOUNTS_AT_ONCE: usize = 500;

/// Questions for locks on their way at the same time: there is one for each coldkey, and each is small.
const LOCKS_AT_ONCE: usize = 2_048;

/// What a coldkey has locked on a subnet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ColdkeyLock {
    /// Locked amount in rao, billionths of a token.
    pub locked_rao: u64,
    /// Conviction, in the same unit as the lock's tokens.
    pub conviction: f64,
    /// Block of the last change.
    pub last_update: BlockNumber,
}

/// The answer to the question for a lock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LockAnswer {
    /// The runtime knows no locks.
    NotOffered,
    /// Nothing is locked.
    Nothing,
    /// Something is.
    Locked(ColdkeyLock),
}

/// What matters before a hotkey commits, for checks that send nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HotkeyStatus {
    /// The block of all of this.
    pub block: BlockNumber,
    /// Whether the hotkey is registered on the subnet.
    pub registered: bool,
    /// A commitment that waits for its reveal.
    pub pending: Option<PendingReveal>,
    /// Space in this epoch.
    pub space: CommitmentSpace,
    /// The chain's beacon.
    pub beacon: Beacon,
    /// Newest beacon round on chain.
    pub last_stored_round: u64,
    /// Time stamp of the block, in Unix seconds.
    pub block_timestamp: u64,
    /// Seconds between two blocks.
    pub block_time: f64,
}

impl Chain {
    /// Seconds between two blocks, as the metadata has it.
    pub fn block_time(&self) -> Result<f64, IncompatibleChain> {
        self.runtime().block_time()
    }

    /// Everything that matters before this hotkey commits.
    pub async fn hotkey_status(
        &self,
        netuid: Netuid,
        hotkey: &Hotkey,
        observer: &dyn Observer<Event>,
    ) -> Result<HotkeyStatus, ReadError> {
        let runtime = &self.runtime();
        let question = &Question::new(runtime, netuid, hotkey)?;
        self.reading(observer, |node| async move {
            let situation = question.ask(runtime, &node).await?;
            Ok(HotkeyStatus {
                block: situation.block,
                registered: situation.registered,
                pending: situation.pending(),
                space: situation.space,
                beacon: situation.beacon,
                last_stored_round: situation.time.last_round,
                block_timestamp: situation.time.block,
                block_time: situation.time.block_time,
            })
        })
        .await
    }

    /// The coldkeys that own these hotkeys, in the same order; `None` for a hotkey nobody owns.
    pub async fn owners(
        &self,
        hotkeys: &[Hotkey],
        observer: &dyn Observer<Event>,
    ) -> Result<Vec<Option<AccountId>>, ReadError> {
        let runtime = self.runtime();
        let items = hotkeys
            .iter()
            .map(|hotkey| runtime.item(SUBTENSOR, "Owner", &[Value::from_bytes(hotkey.as_bytes())]))
            .collect::<Result<Vec<_>, _>>()?;
        let mut owners = Vec::with_capacity(items.len());
        for chunk in self.read_many(&items, observer).await? {
            owners.extend(
                chunk
                    .into_iter()
                    .map(|owner| owner.as_ref().and_then(account).filter(|owner| *owner != AccountId::NOBODY)),
            );
        }
        Ok(owners)
    }

    /// Whether each of these hotkeys is registered on the subnet, in the same order.
    pub async fn registered(
        &self,
        hotkeys: &[Hotkey],
        netuid: Netuid,
        observer: &dyn Observer<Event>,
    ) -> Result<Vec<bool>, ReadError> {
        let runtime = self.runtime();
        let items = hotkeys
            .iter()
            .map(|hotkey| runtime.item(SUBTENSOR, "Uids", &subnet_and_hotkey(netuid, hotkey)))
            .collect::<Result<Vec<_>, _>>()?;
        // The item has no default: it is there for registered hotkeys only.
        let uids = self.read_many(&items, observer).await?;
        Ok(uids.into_iter().flatten().map(|uid| uid.is_some()).collect())
    }

    /// What these coldkeys have locked on a subnet, in the same order, all asked for at the same time.
    pub async fn coldkey_locks(
        &self,
        coldkeys: &[AccountId],
        netuid: Netuid,
        observer: &dyn Observer<Event>,
    ) -> Result<Vec<LockAnswer>, ReadError> {
        const API: &str = "StakeInfoRuntimeApi";
        const FUNCTION: &str = "get_coldkey_lock";
        let runtime = self.runtime();
        let method = runtime.metadata.runtime_api_trait_by_name(API).and_then(|api| api.method_by_name(FUNCTION));
        let Some(method) = method else { return Ok(vec![LockAnswer::NotOffered; coldkeys.len()]) };
        let unknown = || IncompatibleChain::UnknownForm { pallet: API, item: FUNCTION };
        let types = runtime.metadata.types();
        let inputs = coldkeys
            .iter()
            .map(|coldkey| {
                frame_decode::runtime_apis::encode_runtime_api_inputs(
                    API,
                    FUNCTION,
                    vec![Value::from_bytes(coldkey.as_bytes()), Value::u128(u128::from(netuid))],
                    &runtime.metadata,
                    types,
                )
                .map_err(|_| unknown())
            })
            .collect::<Result<Vec<_>, _>>()?;
        let function = frame_decode::runtime_apis::encode_runtime_api_name(API, FUNCTION);
        let (inputs, function, method) = (&inputs, &function, &method);
        self.reading(observer, |node| async move {
            let node = &node;
            let answers: Vec<Vec<u8>> = futures::stream::iter(inputs.clone())
                .map(|input| async move { node.runtime_call(function, &input, None).await })
                .buffered(LOCKS_AT_ONCE)
                .try_collect()
                .await?;
            answers
                .iter()
                .map(|answer| {
                    let decoded = scale_value::scale::decode_as_type(&mut &answer[..], method.output_ty(), types);
                    decoded.ok().as_ref().and_then(read_lock).ok_or_else(|| unknown().into())
                })
                .collect()
        })
        .await
    }

    /// Decodes many items of one kind, chunk by chunk; absent ones are their default or `None`.
    async fn read_many(
        &self,
        items: &[Item],
        observer: &dyn Observer<Event>,
    ) -> Result<Vec<Vec<Option<Decoded>>>, ReadError> {
        let runtime = &self.runtime();
        self.reading(observer, |node| async move {
            let node = &node;
            let chunks = items.chunks(ACCOUNTS_AT_ONCE).map(|chunk| async move {
                let keys: Vec<_> = chunk.iter().map(|item| item.key.clone()).collect();
                let StorageAt { values } = node.storage(&keys, None).await?;
                let decode = |item: &Item| runtime.decode(item, values.get(&item.key).map(Vec::as_slice));
                Ok::<_, ReadError>(chunk.iter().map(decode).collect::<Result<Vec<_>, _>>()?)
            });
            futures::future::try_join_all(chunks).await
        })
        .await
    }
}

fn account(value: &Decoded) -> Option<AccountId> {
    bytes(value)?.try_into().ok().map(AccountId)
}

/// Reads an `Option` of the lock's fields.
fn read_lock(value: &Decoded) -> Option<LockAnswer> {
    let ValueDef::Variant(option) = &value.value else { return None };
    if option.name == "None" {
        return Some(LockAnswer::Nothing);
    }
    let lock = option.values.values().next()?;
    let whole = |field: &str| lock.at(field).and_then(number).and_then(|number| u64::try_from(number).ok());
    Some(LockAnswer::Locked(ColdkeyLock {
        locked_rao: whole("locked_mass")?,
        conviction: fixed_point(lock.at("conviction").and_then(number)?),
        last_update: whole("last_update")?,
    }))
}

/// U64F64: the upper half is the whole part.
fn fixed_point(bits: u128) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "fifteen digits are more than anybody reads")]
    let value = bits as f64 / 2_f64.powi(64);
    value
}
