//! All revealed commitments of a subnet, read at one block: keys by ranges of their hash, values by the hundred, both at once.
//! Hands on what was revealed, decoded as the collector does it; has no opinion on who wins.

mod histories;
mod keys;
pub(crate) mod payloads;

pub use self::histories::{RevealHistories, RevealHistory};

use futures::TryStreamExt;
use gen404_outside::observer::Observer;
use gen404_round::{AccountId, BlockNumber, Hotkey, Netuid, RevealedFields, merge_latest};

use self::payloads::Payloads;
use crate::connection::Chain;
use crate::error::ReadError;
use crate::event::Event;
use crate::extrinsic::PALLET;
use crate::hashes::BlockHash;
use crate::node::Node;
use crate::rpc::RpcError;
use crate::runtime::IncompatibleChain;
use crate::runtime::{Item, Runtime};

const ENTRY: &str = "RevealedCommitments";

/// Values asked for at once. Ten full payloads are 10 KiB a hotkey, doubled by hex: 2.5 MiB, of the 15 MiB nodes send.
const VALUES_AT_ONCE: usize = 125;
/// Requests for values on their way at the same time; bounds what is held in memory even if every payload is full.
const VALUE_REQUESTS: usize = 20;

/// What one hotkey has revealed, newest value of each field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HotkeyReveals {
    /// Who.
    pub hotkey: Hotkey,
    /// What.
    pub fields: RevealedFields,
}

/// All hotkeys of a subnet with at least one reveal, and the block at which they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevealList {
    /// Number of the block.
    pub block: BlockNumber,
    /// Hash of the block.
    pub block_hash: BlockHash,
    /// In no particular order; nothing readable gives empty fields.
    pub hotkeys: Vec<HotkeyReveals>,
}

impl Chain {
    /// Reads everything that was revealed on a subnet, at the newest block.
    pub async fn reveals(&self, netuid: Netuid, observer: &dyn Observer<Event>) -> Result<RevealList, ReadError> {
        let merged = |value: &[u8]| merge_latest(Payloads::read(value));
        let all = self.all_reveals(netuid, &merged, observer).await?;
        let hotkeys =
            all.hotkeys.into_iter().map(|Entry { hotkey, value, .. }| HotkeyReveals { hotkey, fields: value });
        Ok(RevealList { block: all.block, block_hash: all.block_hash, hotkeys: hotkeys.collect() })
    }

    /// Reads all values of the map at the newest block. `read` turns each into what is kept of it at once, so that raw
    /// payloads never pile up.
    async fn all_reveals<T>(
        &self,
        netuid: Netuid,
        read: &impl Fn(&[u8]) -> T,
        observer: &dyn Observer<Event>,
    ) -> Result<All<T>, ReadError> {
        let runtime = self.runtime();
        let prefix = runtime.item(PALLET, ENTRY, &[scale_value::Value::u128(u128::from(netuid))])?;
        check_form(&runtime, &prefix)?;
        let prefix = &prefix.key;
        self.reading(observer, |node| async move { read_all(&node, prefix, read).await }).await
    }
}

/// What was kept of all hotkeys, in no particular order, and the block it was read at.
struct All<T> {
    block: BlockNumber,
    block_hash: BlockHash,
    hotkeys: Vec<Entry<T>>,
}

/// What was kept of one hotkey.
struct Entry<T> {
    /// The hotkey's part of the storage key. The chain's own order is that of these bytes.
    key: Vec<u8>,
    hotkey: Hotkey,
    value: T,
}

async fn read_all<T>(node: &Node, prefix: &[u8], read: &impl Fn(&[u8]) -> T) -> Result<All<T>, ReadError> {
    let block_hash = node.best_hash().await?;
    let number = async {
        let number = node.block_number(block_hash).await?;
        number.ok_or(RpcError::Unexpected { method: "chain_getHeader", expected: "the header of its head" })
    };
    let hotkeys = keys::pages(node, prefix, block_hash)
        .map_ok(|page| {
            let chunks: Vec<Vec<Vec<u8>>> = page.chunks(VALUES_AT_ONCE).map(<[_]>::to_vec).collect();
            futures::stream::iter(chunks.into_iter().map(Ok::<_, RpcError>))
        })
        .try_flatten()
        .map_ok(|chunk| read_values(node, prefix, chunk, block_hash, read))
        .try_buffer_unordered(VALUE_REQUESTS)
        .try_fold(Vec::new(), |mut all, mut chunk| async move {
            all.append(&mut chunk);
            Ok(all)
        });
    let (block, hotkeys) = futures::try_join!(number, hotkeys)?;
    Ok(All { block, block_hash, hotkeys })
}

/// One request for values.
async fn read_values<T>(
    node: &Node,
    prefix: &[u8],
    keys: Vec<Vec<u8>>,
    at: BlockHash,
    read: &impl Fn(&[u8]) -> T,
) -> Result<Vec<Entry<T>>, RpcError> {
    let storage = node.storage(&keys, Some(at)).await?;
    let entries = keys.iter().filter_map(|key| {
        let hotkey = hotkey_of(key, prefix)?;
        let value = storage.values.get(key)?;
        Some(Entry { key: key[prefix.len()..].to_vec(), hotkey, value: read(value) })
    });
    Ok(entries.collect())
}

/// The account at the end of a key: behind the prefix stand eight bytes of hash, then the account itself.
fn hotkey_of(key: &[u8], prefix: &[u8]) -> Option<Hotkey> {
    let account = key.strip_prefix(prefix)?.get(keys::HASH_BYTES..)?;
    account.try_into().ok().map(AccountId)
}

/// Values are decoded by hand, for speed and because they are hostile; so the form must be the one we know:
/// a sequence of (bytes, u64).
pub(crate) fn check_form(runtime: &Runtime, item: &Item) -> Result<(), IncompatibleChain> {
    use scale_info::{TypeDef, TypeDefPrimitive};
    let unknown = IncompatibleChain::UnknownForm { pallet: item.pallet, item: item.entry };
    let is = |id: u32, primitive: TypeDefPrimitive| matches!(runtime.inner_type(id), Some(TypeDef::Primitive(found)) if *found == primitive);
    let fits = match runtime.value_type(item)? {
        TypeDef::Sequence(reveals) => match runtime.inner_type(reveals.type_param.id) {
            Some(TypeDef::Tuple(reveal)) if reveal.fields.len() == 2 => {
                let is_bytes = matches!(
                    runtime.inner_type(reveal.fields[0].id),
                    Some(TypeDef::Sequence(bytes)) if is(bytes.type_param.id, TypeDefPrimitive::U8)
                );
                is_bytes && is(reveal.fields[1].id, TypeDefPrimitive::U64)
            }
            _ => false,
        },
        _ => false,
    };
    if fits { Ok(()) } else { Err(unknown) }
}
