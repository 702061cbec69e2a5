//! Blocks, headers and heads, and the news of them.
//! Read only.

use std::sync::Arc;

use jsonrpsee::core::server::PendingSubscriptionSink;
use jsonrpsee::types::{ErrorObjectOwned, Params};
use jsonrpsee::{Extensions, RpcModule};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::{Bytes, Hash, method, notification};
use crate::node::{Announcement, Header, Node};
use crate::service::Service;

pub(super) fn register(module: &mut RpcModule<Service>) {
    for name in ["chain_getBlockHash", "chain_getHead"] {
        method(module, name, block_hash);
    }
    for name in ["chain_getFinalizedHead", "chain_getFinalisedHead"] {
        method(module, name, |_, service| Ok(Hash(service.node().finalized().hash)));
    }
    method(module, "chain_getHeader", header);
    method(module, "chain_getBlock", block);
    subscribe(module, "chain_subscribeNewHeads", "chain_newHead", "chain_unsubscribeNewHeads", false);
    subscribe(module, "chain_subscribeAllHeads", "chain_allHead", "chain_unsubscribeAllHeads", false);
    subscribe(module, "chain_subscribeFinalizedHeads", "chain_finalizedHead", "chain_unsubscribeFinalizedHeads", true);
}

/// A block number as clients write it: a number, or hexadecimal text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Number {
    Plain(u64),
    Hex(String),
}

impl Number {
    fn value(&self) -> Option<u64> {
        match self {
            Self::Plain(number) => Some(*number),
            Self::Hex(text) => u64::from_str_radix(text.strip_prefix("0x")?, 16).ok(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Numbers {
    One(Number),
    Many(Vec<Number>),
}

#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum Hashes {
    One(Option<Hash>),
    Many(Vec<Option<Hash>>),
}

fn block_hash(params: &Params<'_>, service: &Service) -> Result<Hashes, ErrorObjectOwned> {
    let node = service.node();
    let of = |number: &Number| {
        let number = number.value()?.try_into().ok()?;
        node.block_at(number).map(|block| Hash(block.hash))
    };
    Ok(match params.sequence().optional_next::<Numbers>()? {
        None => Hashes::One(Some(Hash(node.head().hash))),
        Some(Numbers::One(number)) => Hashes::One(of(&number)),
        Some(Numbers::Many(numbers)) => Hashes::Many(numbers.iter().map(of).collect()),
    })
}

fn header(params: &Params<'_>, service: &Service) -> Result<Value, ErrorObjectOwned> {
    let hash = params.sequence().optional_next::<Hash>()?;
    let node = service.node();
    let block = hash.map_or_else(|| Some(node.head()), |Hash(hash)| node.block(hash));
    Ok(block.map_or(Value::Null, |block| header_json(&block.header)))
}

fn block(params: &Params<'_>, service: &Service) -> Result<Value, ErrorObjectOwned> {
    let hash = params.sequence().optional_next::<Hash>()?;
    let node = service.node();
    let block = hash.map_or_else(|| Some(node.head()), |Hash(hash)| node.block(hash));
    Ok(block.map_or(Value::Null, |block| {
        let extrinsics: Vec<_> = block.extrinsics.iter().cloned().map(Bytes).collect();
        json!({
            "block": { "header": header_json(&block.header), "extrinsics": extrinsics },
            "justifications": null,
        })
    }))
}

fn header_json(header: &Header) -> Value {
    json!({
        "parentHash": Hash(header.parent),
        "number": format!("{:#x}", header.number),
        "stateRoot": Hash(header.state_root),
        "extrinsicsRoot": Hash(header.extrinsics_root),
        "digest": { "logs": [] },
    })
}

fn subscribe(
    module: &mut RpcModule<Service>,
    subscribe: &'static str,
    notification: &'static str,
    unsubscribe: &'static str,
    finalized: bool,
) {
    let heads = move |_: Params<'static>, pending: PendingSubscriptionSink, service: Arc<Service>, _: Extensions| {
        follow_heads(pending, service, finalized)
    };
    module
        .register_subscription(subscribe, notification, unsubscribe, heads)
        .expect("every subscription is registered once");
}

/// Sends the present head, then every new one. Ends with the connection, or when it fell hopelessly behind.
async fn follow_heads(pending: PendingSubscriptionSink, service: Arc<Service>, finalized: bool) {
    let (first, mut news) = {
        let node = service.node();
        (present(&node, finalized), node.announcements())
    };
    let Ok(sink) = pending.accept().await else { return };
    let mut headers = vec![first];
    loop {
        for header in headers.drain(..) {
            if sink.send(notification(&header_json(&header))).await.is_err() {
                return;
            }
        }
        tokio::select! {
            () = sink.closed() => return,
            announcement = news.recv() => match announcement {
                Ok(announcement) => headers = new_headers(announcement, finalized),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
        }
    }
}

fn present(node: &Node, finalized: bool) -> Header {
    if finalized { node.finalized().header.clone() } else { node.head().header.clone() }
}

fn new_headers(announcement: Announcement, finalized: bool) -> Vec<Header> {
    if finalized { announcement.finalized } else { vec![announcement.header] }
}
