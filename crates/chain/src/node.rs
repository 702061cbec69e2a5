//! The questions we ask a node, as typed functions over the JSON-RPC seam.
//! Knows Substrate's method names and JSON shapes; knows nothing of pallets.

use std::collections::HashMap;
use std::time::Duration;

use gen404_round::{BlockNumber, Hotkey};
use parity_scale_codec::Decode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use crate::event::Event;
use crate::hashes::BlockHash;
use crate::rpc::limit::Pauses;
use crate::rpc::patient::Patient;
use crate::rpc::{Notifications, Rpc, RpcError};

/// One node, reached over one standing connection.
pub(crate) struct Node {
    rpc: Box<dyn Rpc>,
}

/// What the node runs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RuntimeVersion {
    pub(crate) spec_name: String,
    pub(crate) spec_version: u32,
    pub(crate) transaction_version: u32,
}

/// Values of storage keys, all at the same block; absent keys are absent.
pub(crate) struct StorageAt {
    pub(crate) values: HashMap<Vec<u8>, Vec<u8>>,
}

#[derive(Deserialize)]
struct Header {
    number: String,
}

#[derive(Deserialize)]
struct SignedBlock {
    block: Block,
}

#[derive(Deserialize)]
struct Block {
    header: Header,
    extrinsics: Vec<String>,
}

#[derive(Deserialize)]
struct ChangeSet<'a> {
    #[serde(borrow)]
    changes: Vec<(std::borrow::Cow<'a, str>, Option<std::borrow::Cow<'a, str>>)>,
}

/// A block's number and the bytes of its extrinsics.
pub(crate) struct BlockBody {
    pub(crate) number: BlockNumber,
    pub(crate) extrinsics: Vec<Vec<u8>>,
}

impl Node {
    pub(crate) fn new(rpc: Box<dyn Rpc>) -> Self {
        Self { rpc }
    }

    /// The same node, whose limits on questions are waited out for so long; each wait is told to whoever listens to `news`.
    pub(crate) fn patient(self, patience: Duration, news: broadcast::Sender<Event>) -> Self {
        Self { rpc: Box::new(Patient::new(self.rpc, patience, Pauses::default(), news)) }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        params: Vec<Value>,
        expected: &'static str,
    ) -> Result<T, RpcError> {
        let reply = self.rpc.call(method, params).await?;
        serde_json::from_str(reply.get()).map_err(|_| RpcError::Unexpected { method, expected })
    }

    pub(crate) async fn runtime_version(&self) -> Result<RuntimeVersion, RpcError> {
        self.ask("state_getRuntimeVersion", vec![], "a runtime version").await
    }

    /// Version of the runtime in a block, as that runtime says itself: nothing between it and us knows it by heart.
    pub(crate) async fn spec_version_in(&self, block: BlockHash) -> Result<u32, RpcError> {
        let version = self.runtime_call("Core_version", &[], Some(block)).await?;
        // Two names and the version of the author's part come first.
        let (_, _, _, spec_version) = <(String, String, u32, u32)>::decode(&mut &*version)
            .map_err(|_| RpcError::Unexpected { method: "state_call", expected: "a runtime version" })?;
        Ok(spec_version)
    }

    /// The nonce of an account in a block, whatever waits in pools.
    pub(crate) async fn nonce_in(&self, account: &Hotkey, block: BlockHash) -> Result<u64, RpcError> {
        let nonce = self.runtime_call("AccountNonceApi_account_nonce", account.as_bytes(), Some(block)).await?;
        // An unsigned number of the chain's own width.
        let mut wide = [0; 8];
        let place = wide.get_mut(..nonce.len()).filter(|place| !place.is_empty());
        place.ok_or(RpcError::Unexpected { method: "state_call", expected: "a nonce" })?.copy_from_slice(&nonce);
        Ok(u64::from_le_bytes(wide))
    }

    /// Hash of the canonical block of that number, `None` when the node has none yet.
    pub(crate) async fn block_hash(&self, number: BlockNumber) -> Result<Option<BlockHash>, RpcError> {
        const METHOD: &str = "chain_getBlockHash";
        let hash: Option<String> = self.ask(METHOD, vec![json!(number)], "a block hash").await?;
        hash.map(|hash| read_hash(METHOD, &hash)).transpose()
    }

    /// Hash of the newest block the node follows.
    pub(crate) async fn best_hash(&self) -> Result<BlockHash, RpcError> {
        const METHOD: &str = "chain_getBlockHash";
        let hash: String = self.ask(METHOD, vec![], "a block hash").await?;
        read_hash(METHOD, &hash)
    }

    pub(crate) async fn finalized_hash(&self) -> Result<BlockHash, RpcError> {
        const METHOD: &str = "chain_getFinalizedHead";
        let hash: String = self.ask(METHOD, vec![], "a block hash").await?;
        read_hash(METHOD, &hash)
    }

    /// The number of a block, `None` when the node does not know it.
    pub(crate) async fn block_number(&self, hash: BlockHash) -> Result<Option<BlockNumber>, RpcError> {
        const METHOD: &str = "chain_getHeader";
        let header: Option<Header> = self.ask(METHOD, vec![hash.to_json()], "a block header").await?;
        header.map(|header| read_number(METHOD, &header.number)).transpose()
    }

    pub(crate) async fn block(&self, hash: BlockHash) -> Result<Option<BlockBody>, RpcError> {
        const METHOD: &str = "chain_getBlock";
        let block: Option<SignedBlock> = self.ask(METHOD, vec![hash.to_json()], "a block").await?;
        let Some(SignedBlock { block }) = block else { return Ok(None) };
        let number = read_number(METHOD, &block.header.number)?;
        let extrinsics =
            block.extrinsics.iter().map(|extrinsic| read_bytes(METHOD, extrinsic)).collect::<Result<_, _>>()?;
        Ok(Some(BlockBody { number, extrinsics }))
    }

    /// The next nonce of an account, counting what waits in the node's pool.
    pub(crate) async fn next_nonce(&self, account: &Hotkey) -> Result<u64, RpcError> {
        self.ask("account_nextIndex", vec![json!(account)], "a nonce").await
    }

    /// The values of all `keys` at one block; without a block at the node's newest one.
    pub(crate) async fn storage(&self, keys: &[Vec<u8>], at: Option<BlockHash>) -> Result<StorageAt, RpcError> {
        const METHOD: &str = "state_queryStorageAt";
        const EXPECTED: &str = "a set of storage values";
        let wrong = || RpcError::Unexpected { method: METHOD, expected: EXPECTED };
        let mut params = vec![Value::Array(keys.iter().map(to_hex).collect())];
        params.extend(at.map(BlockHash::to_json));
        let reply = self.rpc.call(METHOD, params).await?;
        let sets: Vec<ChangeSet<'_>> = serde_json::from_str(reply.get()).map_err(|_| wrong())?;
        let mut values = HashMap::with_capacity(keys.len());
        for (key, value) in sets.into_iter().flat_map(|set| set.changes) {
            if let Some(value) = value {
                values.insert(read_bytes(METHOD, &key)?, read_bytes(METHOD, &value)?);
            }
        }
        Ok(StorageAt { values })
    }

    /// Up to `count` keys that begin with `prefix` and come strictly after `start`, in order.
    pub(crate) async fn keys(
        &self,
        prefix: &[u8],
        count: usize,
        start: Option<&[u8]>,
        at: BlockHash,
    ) -> Result<Vec<Vec<u8>>, RpcError> {
        const METHOD: &str = "state_getKeysPaged";
        let params = vec![to_hex(prefix), json!(count), start.map_or(Value::Null, to_hex), at.to_json()];
        let keys: Vec<String> = self.ask(METHOD, params, "a list of storage keys").await?;
        let keys: Vec<_> = keys.iter().map(|key| read_bytes(METHOD, key)).collect::<Result<_, _>>()?;
        // A node that repeats itself or strays would keep us busy for ever.
        let ordered = keys.windows(2).all(|pair| pair[0] < pair[1])
            && keys.iter().all(|key| key.starts_with(prefix) && start.is_none_or(|start| start < key.as_slice()))
            && keys.len() <= count;
        if ordered { Ok(keys) } else { Err(RpcError::Unexpected { method: METHOD, expected: "the keys asked for" }) }
    }

    /// Calls a function of the runtime, at the newest block without `at`.
    pub(crate) async fn runtime_call(
        &self,
        function: &str,
        input: &[u8],
        at: Option<BlockHash>,
    ) -> Result<Vec<u8>, RpcError> {
        const METHOD: &str = "state_call";
        let mut params = vec![json!(function), to_hex(input)];
        params.extend(at.map(BlockHash::to_json));
        let output: String = self.ask(METHOD, params, "encoded bytes").await?;
        read_bytes(METHOD, &output)
    }

    /// The versions of metadata on offer. Runtimes before version 15 cannot say; they offer version 14 only.
    pub(crate) async fn metadata_versions(&self) -> Result<Vec<u32>, RpcError> {
        match self.runtime_call("Metadata_metadata_versions", &[], None).await {
            Ok(versions) => Ok(Vec::decode(&mut &*versions).unwrap_or_default()),
            Err(RpcError::Refused { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The runtime's metadata in the version every node offers (14).
    pub(crate) async fn oldest_metadata(&self) -> Result<Vec<u8>, RpcError> {
        const METHOD: &str = "state_getMetadata";
        let metadata: String = self.ask(METHOD, vec![], "metadata").await?;
        read_bytes(METHOD, &metadata)
    }

    /// Gives an extrinsic to the pool and listens to what becomes of it.
    pub(crate) async fn submit_and_watch(&self, extrinsic: &[u8]) -> Result<Notifications, RpcError> {
        self.rpc.subscribe("author_submitAndWatchExtrinsic", vec![to_hex(extrinsic)], "author_unwatchExtrinsic").await
    }
}

fn to_hex(bytes: impl AsRef<[u8]>) -> Value {
    Value::String(format!("0x{}", hex::encode(bytes)))
}

fn read_bytes(method: &'static str, text: &str) -> Result<Vec<u8>, RpcError> {
    text.strip_prefix("0x")
        .and_then(|digits| hex::decode(digits).ok())
        .ok_or(RpcError::Unexpected { method, expected: "hex that starts with 0x" })
}

fn read_hash(method: &'static str, text: &str) -> Result<BlockHash, RpcError> {
    BlockHash::from_hex(text).ok_or(RpcError::Unexpected { method, expected: "a block hash" })
}

fn read_number(method: &'static str, text: &str) -> Result<BlockNumber, RpcError> {
    text.strip_prefix("0x")
        .and_then(|digits| BlockNumber::from_str_radix(digits, 16).ok())
        .ok_or(RpcError::Unexpected { method, expected: "a block number" })
}
