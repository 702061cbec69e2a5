//! Storage, metadata and runtime calls at any block that is still remembered, and the news of changed items.
//! Read only.

use std::collections::BTreeSet;
use std::sync::Arc;

use jsonrpsee::core::server::PendingSubscriptionSink;
use jsonrpsee::types::{ErrorObjectOwned, Params};
use jsonrpsee::{Extensions, RpcModule};
use parity_scale_codec::{Decode, Encode};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::{Bytes, Hash, hex_text, method, notification, state_error};
use crate::metadata::OpaqueMetadata;
use crate::node::Node;
use crate::primitives::{Account, H256};
use crate::service::Service;
use crate::storage::View;
use crate::validity::{self, TransactionSource};
use crate::{hashing, subtensor, system};

/// Keys that one page of `state_getKeysPaged` has at most.
const LONGEST_PAGE: u32 = 1000;
const INVALID_COUNT: i32 = 4002;

pub(super) fn register(module: &mut RpcModule<Service>) {
    for name in ["state_getStorage", "state_getStorageAt"] {
        method(module, name, |params, service| {
            read_one(params, service, |value| value.map(|value| Bytes(value.to_vec())))
        });
    }
    for name in ["state_getStorageHash", "state_getStorageHashAt"] {
        method(module, name, |params, service| {
            read_one(params, service, |value| value.map(|value| Hash(H256(hashing::blake2_256(value)))))
        });
    }
    for name in ["state_getStorageSize", "state_getStorageSizeAt"] {
        method(module, name, |params, service| read_one(params, service, |value| value.map(<[u8]>::len)));
    }
    for name in ["state_getKeysPaged", "state_getKeysPagedAt"] {
        method(module, name, keys_paged);
    }
    method(module, "state_queryStorageAt", query_storage_at);
    method(module, "state_getMetadata", |params, service| {
        let at = params.sequence().optional_next::<Hash>()?;
        view(&service.node(), at)?;
        Ok(hex_text(&service.metadata[&14]))
    });
    for name in ["state_getRuntimeVersion", "chain_getRuntimeVersion"] {
        method(module, name, |params, service| {
            let at = params.sequence().optional_next::<Hash>()?;
            let node = service.node();
            view(&node, at)?;
            let shown = service.faults.stale_version().unwrap_or_else(|| spec_version(&node, at));
            Ok(service.runtime_version_json(shown))
        });
    }
    for name in ["state_call", "state_callAt"] {
        method(module, name, call);
    }
    module
        .register_subscription(
            "state_subscribeStorage",
            "state_storage",
            "state_unsubscribeStorage",
            |params: Params<'static>, pending: PendingSubscriptionSink, service: Arc<Service>, _: Extensions| {
                follow_storage(params, pending, service)
            },
        )
        .expect("every subscription is registered once");
    module
        .register_subscription(
            "state_subscribeRuntimeVersion",
            "state_runtimeVersion",
            "state_unsubscribeRuntimeVersion",
            |_, pending, service, _| follow_runtime_version(pending, service),
        )
        .expect("every subscription is registered once");
}

/// The state at a block, the newest one unless said otherwise.
fn view(node: &Node, at: Option<Hash>) -> Result<View<'_>, ErrorObjectOwned> {
    let hash = at.map_or_else(|| node.head().hash, |Hash(hash)| hash);
    node.state(hash).ok_or_else(|| {
        let known = node.block(hash).is_some();
        let reason = if known { "State already discarded for" } else { "Header was not found in the database:" };
        state_error(format!("Client error: UnknownBlock: {reason} {hash}"))
    })
}

/// Version of the runtime at a block, the newest one unless said otherwise.
fn spec_version(node: &Node, at: Option<Hash>) -> u32 {
    let block = at.and_then(|Hash(hash)| node.block(hash)).unwrap_or(node.head());
    node.spec_version_at(block.header.number)
}

fn read_one<R>(
    params: &Params<'_>,
    service: &Service,
    answer: impl Fn(Option<&[u8]>) -> Option<R>,
) -> Result<Option<R>, ErrorObjectOwned> {
    let mut params = params.sequence();
    let key: Bytes = params.next()?;
    let node = service.node();
    Ok(answer(view(&node, params.optional_next()?)?.get(&key.0)))
}

fn keys_paged(params: &Params<'_>, service: &Service) -> Result<Vec<Bytes>, ErrorObjectOwned> {
    let mut params = params.sequence();
    let prefix = params.optional_next::<Bytes>()?.map_or_else(Vec::new, |Bytes(prefix)| prefix);
    let count: u32 = params.next()?;
    let after = params.optional_next::<Bytes>()?;
    if count > LONGEST_PAGE {
        let message = format!("count exceeds maximum value. value: {count}, max: {LONGEST_PAGE}");
        return Err(ErrorObjectOwned::owned(INVALID_COUNT, message, None::<()>));
    }
    let node = service.node();
    let view = view(&node, params.optional_next()?)?;
    let keys = view.keys_after(&prefix, after.as_ref().map(|Bytes(after)| after.as_slice()), count as usize);
    Ok(keys.iter().map(|key| Bytes(key.to_vec())).collect())
}

fn query_storage_at(params: &Params<'_>, service: &Service) -> Result<Value, ErrorObjectOwned> {
    let mut params = params.sequence();
    let keys: Vec<Bytes> = params.next()?;
    let at = params.optional_next::<Hash>()?;
    let node = service.node();
    let view = view(&node, at)?;
    let changes: Vec<_> = keys.iter().map(|key| (hex_text(&key.0), view.get(&key.0).map(hex_text))).collect();
    let block = at.unwrap_or(Hash(node.head().hash));
    Ok(json!([{ "block": block, "changes": changes }]))
}

fn call(params: &Params<'_>, service: &Service) -> Result<Bytes, ErrorObjectOwned> {
    let mut params = params.sequence();
    let name: String = params.next()?;
    let Bytes(input) = params.next()?;
    let at = params.optional_next::<Hash>()?;
    let node = service.node();
    let view = view(&node, at)?;
    let answer = match name.as_str() {
        "Core_version" => service.runtime_version(spec_version(&node, at)).encode(),
        "Metadata_metadata" => OpaqueMetadata(service.metadata[&14].clone()).encode(),
        "Metadata_metadata_versions" => service.metadata.keys().copied().collect::<Vec<u32>>().encode(),
        "Metadata_metadata_at_version" => {
            let version: u32 = arguments(&input)?;
            service.metadata.get(&version).cloned().map(OpaqueMetadata).encode()
        }
        "TaggedTransactionQueue_validate_transaction" => {
            let (_, body, _): (TransactionSource, Vec<u8>, H256) = arguments(&input)?;
            validity::of(&node.runtime, &body.encode()).ok_or_else(undecodable)?.encode()
        }
        "AccountNonceApi_account_nonce" => {
            let account: Account = arguments(&input)?;
            system::ACCOUNT.get(&view, &account).unwrap_or_default().nonce.encode()
        }
        "StakeInfoRuntimeApi_get_coldkey_lock" => {
            let (coldkey, netuid): (Account, u16) = arguments(&input)?;
            subtensor::lock(&view, coldkey, netuid).encode()
        }
        "NeuronInfoRuntimeApi_get_neurons_lite" => subtensor::neurons(&view, arguments(&input)?).encode(),
        _ => {
            return Err(state_error(format!(
                "Client error: Execution failed: Other: Exported method {name} is not found"
            )));
        }
    };
    Ok(Bytes(answer))
}

/// The arguments of a runtime call; a runtime that cannot read them stops with a trap.
fn arguments<T: Decode>(mut input: &[u8]) -> Result<T, ErrorObjectOwned> {
    T::decode(&mut input).ok().filter(|_| input.is_empty()).ok_or_else(undecodable)
}

fn undecodable() -> ErrorObjectOwned {
    state_error("Client error: Execution failed: the arguments of the call could not be decoded")
}

/// Sends the named items once, then whenever a block changes one of them.
async fn follow_storage(params: Params<'static>, pending: PendingSubscriptionSink, service: Arc<Service>) {
    let keys = match params.sequence().optional_next::<Vec<Bytes>>() {
        Ok(keys) => keys.unwrap_or_default().into_iter().map(|Bytes(key)| key).collect::<BTreeSet<_>>(),
        Err(error) => return pending.reject(error).await,
    };
    let (first, mut news) = {
        let node = service.node();
        let head = node.head().hash;
        let state = node.state(head).expect("the newest state is always there");
        let changes: Vec<_> = keys.iter().map(|key| (hex_text(key), state.get(key).map(hex_text))).collect();
        (json!({ "block": Hash(head), "changes": changes }), node.announcements())
    };
    let Ok(sink) = pending.accept().await else { return };
    if sink.send(notification(&first)).await.is_err() {
        return;
    }
    loop {
        let announcement = tokio::select! {
            () = sink.closed() => return,
            announcement = news.recv() => match announcement {
                Ok(announcement) => announcement,
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            },
        };
        let changes: Vec<_> = announcement
            .changes
            .iter()
            .filter(|(key, _)| keys.contains(key.as_ref()))
            .map(|(key, value)| (hex_text(key), value.as_deref().map(hex_text)))
            .collect();
        if !changes.is_empty() {
            let message = json!({ "block": Hash(announcement.hash), "changes": changes });
            if sink.send(notification(&message)).await.is_err() {
                return;
            }
        }
    }
}

/// Sends the version once, then whenever a block brings another one.
async fn follow_runtime_version(pending: PendingSubscriptionSink, service: Arc<Service>) {
    let mut news = service.node().announcements();
    let Ok(sink) = pending.accept().await else { return };
    let mut told = None;
    loop {
        let version = spec_version(&service.node(), None);
        if told != Some(version) && sink.send(notification(&service.runtime_version_json(version))).await.is_err() {
            return;
        }
        told = Some(version);
        tokio::select! {
            () = sink.closed() => return,
            announcement = news.recv() => if let Err(RecvError::Closed) = announcement { return },
        }
    }
}
