//! The first words with an endpoint: is it a chain, the right one, and what does it run.
//! Ends when a connection stands or none can be made.

use parity_scale_codec::{Compact, Decode};

use crate::error::EndpointError;
use crate::hashes::BlockHash;
use crate::network::Endpoint;
use crate::node::{Node, RuntimeVersion};
use crate::rpc::{Dial, RpcError};
use crate::runtime::Runtime;
use crate::runtime::cache::MetadataCache;

/// Newest metadata version this tool reads.
const NEWEST_METADATA: u32 = 16;

/// The answers to the first questions on a new connection.
pub(super) struct Introduction {
    pub(super) genesis: BlockHash,
    pub(super) version: RuntimeVersion,
    pub(super) metadata_versions: Vec<u32>,
    pub(super) finalized: BlockHash,
}

/// Connects to one endpoint and asks, all at once, what must be known before anything else.
pub(super) async fn meet(
    dialler: &dyn Dial,
    endpoint: &Endpoint,
    expected: Option<BlockHash>,
) -> Result<(Node, Introduction), EndpointError> {
    let node = Node::new(dialler.dial(endpoint).await?);
    let (genesis, version, metadata_versions, finalized) =
        futures::join!(node.block_hash(0), node.runtime_version(), node.metadata_versions(), node.finalized_hash());
    let not_a_chain = |error: RpcError| match error {
        source @ (RpcError::Refused { .. } | RpcError::Unexpected { .. }) => EndpointError::NotSubstrate { source },
        other => unanswered(other),
    };
    let genesis = genesis.map_err(not_a_chain)?.ok_or_else(|| {
        not_a_chain(RpcError::Unexpected { method: "chain_getBlockHash", expected: "the genesis hash" })
    })?;
    let version = version.map_err(not_a_chain)?;
    let finalized = finalized.map_err(not_a_chain)?;
    let metadata_versions = metadata_versions.map_err(not_a_chain)?;
    if expected.is_some_and(|expected| expected != genesis) {
        return Err(EndpointError::WrongGenesis { found: genesis });
    }
    Ok((node, Introduction { genesis, version, metadata_versions, finalized }))
}

/// A limit is no failure of the endpoint, whatever it was asked.
fn unanswered(error: RpcError) -> EndpointError {
    match error {
        RpcError::Limited { limit, .. } => EndpointError::Busy(limit),
        other => EndpointError::Rpc(other),
    }
}

/// The runtime's metadata, from the cache or from the node.
pub(super) async fn read_runtime(
    node: &Node,
    cache: &MetadataCache,
    genesis: BlockHash,
    version: &RuntimeVersion,
    metadata_versions: &[u32],
) -> Result<Runtime, EndpointError> {
    let spec_version = version.spec_version;
    if let Some(metadata) = cache.load(genesis, spec_version)
        && let Ok(runtime) = Runtime::read(&metadata, version.clone())
    {
        return Ok(runtime);
    }
    let newest = metadata_versions.iter().copied().filter(|version| (15..=NEWEST_METADATA).contains(version)).max();
    let metadata = match newest {
        Some(newest) => {
            let wrapped = node
                .runtime_call("Metadata_metadata_at_version", &newest.to_le_bytes(), None)
                .await
                .map_err(unanswered)?;
            let wrong = RpcError::Unexpected { method: "state_call", expected: "the metadata it offers" };
            unwrap_opaque(&wrapped).ok_or(EndpointError::Rpc(wrong))?.to_vec()
        }
        None => node.oldest_metadata().await.map_err(unanswered)?,
    };
    let runtime = Runtime::read(&metadata, version.clone())?;
    cache.store(genesis, spec_version, &metadata);
    Ok(runtime)
}

/// Takes the metadata out of `Option<OpaqueMetadata>`.
fn unwrap_opaque(wrapped: &[u8]) -> Option<&[u8]> {
    let mut rest = wrapped.strip_prefix(&[1])?;
    let length = Compact::<u32>::decode(&mut rest).ok()?.0;
    rest.get(..usize::try_from(length).ok()?)
}
