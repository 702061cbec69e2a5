//! What all RPC methods share: the node behind its lock, metadata, version, faults and open connections.
//! Holds things together; does nothing on its own.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use blake2::digest::consts::U8;
use blake2::{Blake2b, Digest as _};
use serde_json::{Value, json};

use super::connections::Connections;
use super::faults::Faults;
use super::metadata::{API_VERSIONS, RuntimeVersion};
use super::node::Node;

/// The name of the runtime, as on Finney.
const RUNTIME_NAME: &str = "node-subtensor";

/// Everything a running chain consists of, but its loop and its listener.
#[derive(Debug)]
pub(crate) struct Service {
    node: Mutex<Node>,
    pub(crate) chain_name: String,
    pub(crate) transaction_version: u32,
    /// Rendered metadata by version.
    pub(crate) metadata: BTreeMap<u32, Vec<u8>>,
    pub(crate) faults: Faults,
    pub(crate) connections: Connections,
}

impl Service {
    pub(crate) fn new(node: Node, chain_name: String, metadata: BTreeMap<u32, Vec<u8>>) -> Self {
        Self {
            chain_name,
            transaction_version: node.runtime.context.transaction_version,
            node: Mutex::new(node),
            metadata,
            faults: Faults::default(),
            connections: Connections::default(),
        }
    }

    /// The node, for as short as possible.
    pub(crate) fn node(&self) -> MutexGuard<'_, Node> {
        self.node.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn runtime_version(&self, spec_version: u32) -> RuntimeVersion {
        RuntimeVersion {
            spec_name: RUNTIME_NAME.to_owned(),
            impl_name: RUNTIME_NAME.to_owned(),
            authoring_version: 1,
            spec_version,
            impl_version: 1,
            apis: API_VERSIONS.map(|(name, version)| (Blake2b::<U8>::digest(name).into(), version)).to_vec(),
            transaction_version: self.transaction_version,
            system_version: 1,
        }
    }

    pub(crate) fn runtime_version_json(&self, spec_version: u32) -> Value {
        let version = self.runtime_version(spec_version);
        let apis: Vec<_> =
            version.apis.iter().map(|(id, number)| (format!("0x{}", hex::encode(id)), *number)).collect();
        json!({
            "specName": version.spec_name,
            "implName": version.impl_name,
            "authoringVersion": version.authoring_version,
            "specVersion": version.spec_version,
            "implVersion": version.impl_version,
            "apis": apis,
            "transactionVersion": version.transaction_version,
            "systemVersion": version.system_version,
            "stateVersion": version.system_version,
        })
    }
}
