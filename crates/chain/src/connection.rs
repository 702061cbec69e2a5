//! A standing connection to a chain: which endpoint, which runtime, and how it is made again when it breaks.
//! Knows nothing of commitments.

mod introduction;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gen404_round::BlockNumber;
use tokio::sync::RwLock;
use tokio::time::Instant;

use self::introduction::{Failures, Introduction, first_that_works, meet, read_runtime};
use crate::error::{ConnectError, ReadError};
use crate::hashes::BlockHash;
use crate::network::{Endpoint, Network};
use crate::node::Node;
use crate::observer::{Event, Observer};
use crate::rpc::websocket::WebSocketDialler;
use crate::rpc::{Dial, RpcError};
use crate::runtime::Runtime;
use crate::runtime::cache::MetadataCache;
use crate::text::printable;

/// A finalized head this old is still a good anchor for an era of 128 blocks.
const HEAD_STAYS_FRESH: Duration = Duration::from_secs(30);

/// Where to connect, and how patiently.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// The chain.
    pub network: Network,
    /// Folder for metadata between two runs; `None` keeps nothing.
    pub cache_folder: Option<PathBuf>,
    /// Most time for one endpoint to answer the connection.
    pub connect_limit: Duration,
    /// Most time for one answer of the node.
    pub call_limit: Duration,
    /// Another endpoint is tried beside one that has kept silent this long.
    pub head_start: Duration,
}

impl ConnectOptions {
    /// Ten seconds to connect, thirty for an answer, a fallback beside a silent endpoint after three; nothing kept on disk.
    pub fn new(network: Network) -> Self {
        Self {
            network,
            cache_folder: None,
            connect_limit: Duration::from_secs(10),
            call_limit: Duration::from_secs(30),
            head_start: Duration::from_secs(3),
        }
    }
}

/// What a chain says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainIdentity {
    /// Hash of its first block.
    pub genesis: BlockHash,
    /// Name of its runtime, printable.
    pub spec_name: String,
    /// Version of its runtime.
    pub spec_version: u32,
}

/// A connection to a chain. Cheap to share; makes itself again when it breaks.
pub struct Chain {
    pub(crate) options: ConnectOptions,
    dialler: Box<dyn Dial>,
    pub(crate) genesis: BlockHash,
    pub(crate) runtime: Runtime,
    link: RwLock<Link>,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Chain").field("network", &self.options.network).finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Link {
    node: Arc<Node>,
    endpoint: Endpoint,
    /// The finalized head seen while connecting, so that it need not be asked for again.
    finalized: Option<(BlockHash, Instant)>,
}

impl Link {
    fn new(node: Node, endpoint: Endpoint, introduction: &Introduction) -> Self {
        Self { node: Arc::new(node), endpoint, finalized: Some((introduction.finalized, Instant::now())) }
    }
}

impl Chain {
    /// Connects to the first endpoint that works.
    pub async fn connect(options: ConnectOptions, observer: &dyn Observer) -> Result<Self, ConnectError> {
        let dialler = WebSocketDialler { connect_limit: options.connect_limit, call_limit: options.call_limit };
        Self::connect_with(options, Box::new(dialler), observer).await
    }

    pub(crate) async fn connect_with(
        options: ConnectOptions,
        dialler: Box<dyn Dial>,
        observer: &dyn Observer,
    ) -> Result<Self, ConnectError> {
        let cache = MetadataCache::new(options.cache_folder.clone());
        let expected = options.network.expected_genesis();
        let endpoints = options.network.endpoints();
        let mut failures = Failures::new(&options.network);
        let (far_side, cache) = (dialler.as_ref(), &cache);
        let met = first_that_works(&endpoints, options.head_start, &mut failures, observer, |endpoint| async move {
            let (node, introduction) = meet(far_side, endpoint, expected).await?;
            let runtime = read_runtime(&node, cache, &introduction).await?;
            Ok((node, introduction, runtime))
        });
        let Some((endpoint, (node, introduction, runtime))) = met.await else { return Err(failures.into_error()) };
        observer.observe(&Event::Connected {
            endpoint: endpoint.clone(),
            fallback: *endpoint != endpoints[0],
            spec_version: runtime.version.spec_version,
        });
        let link = Link::new(node, endpoint.clone(), &introduction);
        Ok(Self { dialler, genesis: introduction.genesis, runtime, link: RwLock::new(link), options })
    }

    /// What the chain says about itself.
    pub fn identity(&self) -> ChainIdentity {
        ChainIdentity {
            genesis: self.genesis,
            spec_name: printable(&self.runtime.version.spec_name),
            spec_version: self.runtime.version.spec_version,
        }
    }

    /// The endpoint that is used now.
    pub async fn endpoint(&self) -> Endpoint {
        self.link.read().await.endpoint.clone()
    }

    pub(crate) async fn node(&self) -> Arc<Node> {
        Arc::clone(&self.link.read().await.node)
    }

    /// The finalized head seen while connecting, once, while it is fresh.
    pub(crate) async fn take_fresh_finalized(&self) -> Option<BlockHash> {
        let (hash, seen) = self.link.write().await.finalized.take()?;
        (seen.elapsed() < HEAD_STAYS_FRESH).then_some(hash)
    }

    /// Makes the connection again after `broken` failed; the endpoint in use comes first, then the others.
    pub(crate) async fn reconnect(
        &self,
        broken: &Arc<Node>,
        observer: &dyn Observer,
    ) -> Result<Arc<Node>, ConnectError> {
        let mut link = self.link.write().await;
        if !Arc::ptr_eq(&link.node, broken) {
            // Somebody else has been here already.
            return Ok(Arc::clone(&link.node));
        }
        let first_choice = self.options.network.endpoints();
        let mut endpoints = vec![link.endpoint.clone()];
        endpoints.extend(first_choice.iter().filter(|endpoint| **endpoint != link.endpoint).cloned());
        let mut failures = Failures::new(&self.options.network);
        let met = first_that_works(&endpoints, self.options.head_start, &mut failures, observer, |endpoint| {
            meet(self.dialler.as_ref(), endpoint, Some(self.genesis))
        });
        let Some((endpoint, (node, introduction))) = met.await else { return Err(failures.into_error()) };
        observer.observe(&Event::Connected {
            endpoint: endpoint.clone(),
            fallback: *endpoint != first_choice[0],
            spec_version: introduction.version.spec_version,
        });
        *link = Link::new(node, endpoint.clone(), &introduction);
        Ok(Arc::clone(&link.node))
    }

    /// Reads something, and once more on a fresh connection when this one breaks. Only for questions: asking twice is safe.
    pub(crate) async fn reading<T, Reading: Future<Output = Result<T, ReadError>>>(
        &self,
        observer: &dyn Observer,
        read: impl Fn(Arc<Node>) -> Reading,
    ) -> Result<T, ReadError> {
        let node = self.node().await;
        match read(Arc::clone(&node)).await {
            Err(ReadError::Rpc(error)) if error.is_retryable() => {
                observer.observe(&Event::ConnectionLost { reason: printable(&error.to_string()) });
                let node = self.reconnect(&node, observer).await?;
                read(node).await
            }
            other => other,
        }
    }

    /// Number and hash of the newest block.
    pub async fn head(&self, observer: &dyn Observer) -> Result<(BlockNumber, BlockHash), ReadError> {
        const WRONG: RpcError = RpcError::Unexpected { method: "chain_getHeader", expected: "the header of its head" };
        self.reading(observer, |node| async move {
            let hash = node.best_hash().await?;
            Ok((node.block_number(hash).await?.ok_or(WRONG)?, hash))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures::FutureExt;
    use futures::future::BoxFuture;
    use gen404_sandbox::chain::{DevelopmentChain, Options};

    use super::*;
    use crate::network::FINNEY_GENESIS;
    use crate::rpc::{Rpc, TransportError};

    /// Connects to the chain behind each public name; a name without one cannot be reached.
    struct Directory {
        dialler: WebSocketDialler,
        chains: Vec<(&'static str, Endpoint)>,
        silent: Option<&'static str>,
    }

    impl Dial for Directory {
        fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Rpc>, TransportError>> {
            if self.silent.is_some_and(|name| endpoint.to_string().contains(name)) {
                return std::future::pending().boxed();
            }
            let known = self.chains.iter().find(|(name, _)| endpoint.to_string().contains(name));
            match known {
                Some((_, real)) => self.dialler.dial(real),
                None => async { Err(TransportError::from("no route to host")) }.boxed(),
            }
        }
    }

    #[derive(Default)]
    struct Events(Mutex<Vec<Event>>);

    impl Observer for Events {
        fn observe(&self, event: &Event) {
            self.0.lock().expect("no test panics while writing").push(event.clone());
        }
    }

    async fn chain(genesis: BlockHash) -> (DevelopmentChain, Endpoint) {
        let options = Options { genesis_hash: Some(genesis.0), ..Options::default() };
        let chain = DevelopmentChain::start(options).await.expect("a free port");
        let endpoint = chain.url().parse().expect("an address");
        (chain, endpoint)
    }

    fn directory(chains: Vec<(&'static str, Endpoint)>) -> Directory {
        let limit = Duration::from_secs(10);
        Directory { dialler: WebSocketDialler { connect_limit: limit, call_limit: limit }, chains, silent: None }
    }

    #[tokio::test]
    async fn a_fallback_is_used_and_reported_and_the_wrong_chain_passed_over() {
        let (_stranger, strange) = chain(BlockHash([9; 32])).await;
        let (finney, right) = chain(FINNEY_GENESIS).await;
        // The first endpoint is unreachable, the second serves another chain.
        let directory = directory(vec![("lite.chain", strange), ("lite.sub", right)]);
        let events = Events::default();
        let connected = Chain::connect_with(ConnectOptions::new(Network::Finney), Box::new(directory), &events)
            .await
            .expect("the third works");
        assert_eq!(connected.identity().genesis, FINNEY_GENESIS);
        {
            let events = events.0.lock().expect("no test panics while writing");
            assert!(matches!(&events[0], Event::EndpointFailed { reason, .. } if reason == "no route to host"));
            assert!(matches!(&events[1], Event::EndpointFailed { reason, .. } if reason.contains("another chain")));
            assert!(matches!(&events[2], Event::Connected { fallback: true, .. }));
        }
        // After a cut the endpoint in use is the first choice.
        finney.cut_connections();
        let node = connected.node().await;
        connected.reconnect(&node, &events).await.expect("it is still there");
        assert!(connected.head(&events).await.is_ok());
        assert_eq!(events.0.lock().expect("no test panics while writing").len(), 4);
    }

    #[tokio::test]
    async fn no_endpoint_at_all_names_the_last_and_counts_them() {
        let events = Events::default();
        let error = Chain::connect_with(ConnectOptions::new(Network::Finney), Box::new(directory(vec![])), &events)
            .await
            .expect_err("nothing is reachable");
        assert_eq!(error.tried, 3);
        assert!(error.to_string().contains("3 endpoints tried"), "{error}");
        assert!(error.hint().is_some());
    }

    #[tokio::test]
    async fn a_silent_endpoint_is_not_waited_for() {
        let (_finney, endpoint) = chain(FINNEY_GENESIS).await;
        let directory = Directory { silent: Some("entrypoint"), ..directory(vec![("lite.chain", endpoint)]) };
        let events = Events::default();
        let options = ConnectOptions { head_start: Duration::ZERO, ..ConnectOptions::new(Network::Finney) };
        Chain::connect_with(options, Box::new(directory), &events).await.expect("the second works");
        let events = events.0.lock().expect("no test panics while writing");
        assert!(matches!(events.last(), Some(Event::Connected { fallback: true, .. })), "{events:?}");
    }
}
