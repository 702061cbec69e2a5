//! The JSON-RPC methods that clients of a Substrate node use, over the node's own answers.
//! Translates between JSON and bytes; it decides nothing about the chain.

mod author;
mod blocks;
mod identity;
mod state;

use std::sync::Arc;

use jsonrpsee::RpcModule;
use jsonrpsee::types::{ErrorObjectOwned, Params};
use parity_scale_codec::Encode as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::primitives::H256;
use super::service::Service;

/// Error code of the node's state methods.
const STATE_ERROR: i32 = 4003;

/// All methods. Deliberately none of `chainHead_v1_*` and `archive_v1_*`: without them clients use the older set.
pub(super) fn module(service: Arc<Service>) -> RpcModule<Service> {
    let mut module = RpcModule::from_arc(service);
    identity::register(&mut module);
    blocks::register(&mut module);
    state::register(&mut module);
    author::register(&mut module);
    let mut methods: Vec<_> = module.method_names().collect();
    methods.push("rpc_methods");
    methods.sort_unstable();
    let methods = serde_json::json!({ "methods": methods });
    method(&mut module, "rpc_methods", move |_, _| Ok(methods.clone()));
    module
}

/// Adds one method.
fn method<R, F>(module: &mut RpcModule<Service>, name: &'static str, answer: F)
where
    R: Serialize + Clone + 'static,
    F: Fn(&Params<'_>, &Service) -> Result<R, ErrorObjectOwned> + Send + Sync + 'static,
{
    module
        .register_method(name, move |params, service, _| answer(&params, service))
        .expect("every method is registered once");
}

/// Bytes as `0x…`; also read without the prefix, as some clients send them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bytes(Vec<u8>);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").unwrap_or(&text);
        hex::decode(digits).map(Self).map_err(|_| de::Error::custom("not hexadecimal"))
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex_text(&self.0))
    }
}

/// A block or extrinsic hash as `0x…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hash(H256);

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Bytes(bytes) = Bytes::deserialize(deserializer)?;
        bytes.try_into().map(|bytes| Self(H256(bytes))).map_err(|_| de::Error::custom("not 32 bytes"))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex_text(&self.0.encode()))
    }
}

fn hex_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + bytes.len() * 2);
    text.push_str("0x");
    text.push_str(&hex::encode(bytes));
    text
}

fn state_error(message: impl Into<String>) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(STATE_ERROR, message, None::<()>)
}

/// A message that a subscription sends.
fn notification(value: &impl Serialize) -> Box<serde_json::value::RawValue> {
    serde_json::value::to_raw_value(value).expect("hashes, headers and hexadecimal text always serialise")
}
