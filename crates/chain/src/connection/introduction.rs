//! The first words with an endpoint: is it a chain, the right one, and what does it run; and which endpoint to try when.
//! Ends when a connection stands or none can be made.

use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use parity_scale_codec::{Compact, Decode};
use tokio::time::sleep;

use crate::error::{ConnectError, EndpointError};
use crate::hashes::BlockHash;
use crate::network::{Endpoint, Network};
use crate::node::{Node, RuntimeVersion};
use crate::observer::{Event, Observer};
use crate::rpc::{Dial, RpcError};
use crate::runtime::Runtime;
use crate::runtime::cache::MetadataCache;
use crate::text::printable;

/// Newest metadata version this tool reads.
const NEWEST_METADATA: u32 = 16;

/// The answers to the first questions on a new connection.
pub(super) struct Introduction {
    pub(super) genesis: BlockHash,
    pub(super) version: RuntimeVersion,
    metadata_versions: Vec<u32>,
    pub(super) finalized: BlockHash,
}

/// Tries endpoints in their order. The next one starts when one has failed, or when nothing has worked for `head_start`.
pub(super) async fn first_that_works<'a, T, Attempt: Future<Output = Result<T, EndpointError>>>(
    endpoints: &'a [Endpoint],
    head_start: Duration,
    failures: &mut Failures<'_>,
    observer: &dyn Observer,
    attempt: impl Fn(&'a Endpoint) -> Attempt,
) -> Option<(&'a Endpoint, T)> {
    let begin = |endpoint| attempt(endpoint).map(move |ended| (endpoint, ended));
    let mut waiting = endpoints.iter();
    let mut running: FuturesUnordered<_> = waiting.next().map(&begin).into_iter().collect();
    loop {
        tokio::select! {
            ended = running.next() => match ended {
                Some((endpoint, Ok(met))) => return Some((endpoint, met)),
                Some((endpoint, Err(error))) => {
                    failures.add(endpoint, error, observer);
                    running.extend(waiting.next().map(&begin));
                }
                None => return None,
            },
            () = sleep(head_start), if waiting.len() > 0 => running.extend(waiting.next().map(&begin)),
        }
    }
}

/// Connects to one endpoint and asks, all at once, what must be known before anything else.
pub(super) async fn meet(
    dialler: &dyn Dial,
    endpoint: &Endpoint,
    expected: Option<BlockHash>,
) -> Result<(Node, Introduction), EndpointError> {
    let node = Node::new(dialler.dial(endpoint).await.map_err(|source| EndpointError::Dial { source })?);
    let (genesis, version, metadata_versions, finalized) = futures::join!(
        node.block_hash(0),
        node.runtime_version(),
        node.runtime_call("Metadata_metadata_versions", &[], None),
        node.finalized_hash(),
    );
    let not_a_chain = |error: RpcError| match error {
        source @ (RpcError::Refused { .. } | RpcError::Unexpected { .. }) => EndpointError::NotSubstrate { source },
        other => EndpointError::Rpc(other),
    };
    let genesis = genesis.map_err(not_a_chain)?.ok_or_else(|| {
        not_a_chain(RpcError::Unexpected { method: "chain_getBlockHash", expected: "the genesis hash" })
    })?;
    let version = version.map_err(not_a_chain)?;
    let finalized = finalized.map_err(not_a_chain)?;
    if expected.is_some_and(|expected| expected != genesis) {
        return Err(EndpointError::WrongGenesis { found: genesis });
    }
    // Runtimes before metadata version 15 have no such function; they offer version 14 only.
    let metadata_versions =
        metadata_versions.ok().and_then(|versions| Vec::decode(&mut &*versions).ok()).unwrap_or_default();
    Ok((node, Introduction { genesis, version, metadata_versions, finalized }))
}

/// The runtime's metadata, from the cache or from the node.
pub(super) async fn read_runtime(
    node: &Node,
    cache: &MetadataCache,
    introduction: &Introduction,
) -> Result<Runtime, EndpointError> {
    let Introduction { genesis, version, metadata_versions, .. } = introduction;
    let (genesis, spec_version) = (*genesis, version.spec_version);
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
                .map_err(EndpointError::Rpc)?;
            let wrong = RpcError::Unexpected { method: "state_call", expected: "the metadata it offers" };
            unwrap_opaque(&wrapped).ok_or(EndpointError::Rpc(wrong))?.to_vec()
        }
        None => node.oldest_metadata().await.map_err(EndpointError::Rpc)?,
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

/// The endpoints that did not work.
pub(super) struct Failures<'a> {
    network: &'a Network,
    tried: usize,
    last: Option<(Endpoint, EndpointError)>,
}

impl<'a> Failures<'a> {
    pub(super) fn new(network: &'a Network) -> Self {
        Self { network, tried: 0, last: None }
    }

    fn add(&mut self, endpoint: &Endpoint, error: EndpointError, observer: &dyn Observer) {
        observer.observe(&Event::EndpointFailed { endpoint: endpoint.clone(), reason: printable(&error.to_string()) });
        self.tried += 1;
        self.last = Some((endpoint.clone(), error));
    }

    pub(super) fn into_error(self) -> ConnectError {
        let (endpoint, source) = self.last.expect("every network has an endpoint, and each failed");
        ConnectError { network: self.network.clone(), endpoint, tried: self.tried, source }
    }
}
