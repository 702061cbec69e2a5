//! A standing connection to a chain: which endpoint, which runtime, and how it is made again when it breaks.
//! Knows nothing of commitments.

mod introduction;
mod search;

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use gen404_outside::observer::Observer;
use gen404_outside::text::excerpt;
use gen404_round::BlockNumber;
use tokio::sync::{RwLock, broadcast};
use tokio::time::Instant;

use self::introduction::{Introduction, meet, read_runtime};
use self::search::Search;
use crate::error::{ConnectError, EndpointError, ReadError, SHOWN};
use crate::event::Event;
use crate::hashes::BlockHash;
use crate::network::{Endpoint, Network};
use crate::node::Node;
use crate::rpc::websocket::WebSocketDialler;
use crate::rpc::{Dial, RpcError};
use crate::runtime::Runtime;
use crate::runtime::cache::MetadataCache;

/// News of one wait that nobody has read yet; more than are ever on their way.
const NEWS: usize = 64;
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
    /// Most time to wait for a node that answers nothing for now because it has been asked too often.
    pub patience: Duration,
}

impl ConnectOptions {
    /// Ten seconds to connect, thirty for an answer, a fallback beside a silent endpoint after three, a minute of patience;
    /// nothing kept on disk.
    pub fn new(network: Network) -> Self {
        Self {
            network,
            cache_folder: None,
            connect_limit: Duration::from_secs(10),
            call_limit: Duration::from_secs(30),
            head_start: Duration::from_secs(3),
            patience: Duration::from_mins(1),
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
    /// Metadata between two runs.
    cache: MetadataCache,
    /// The newest runtime that was seen; it may be upgraded at any time.
    runtime: std::sync::RwLock<Arc<Runtime>>,
    link: RwLock<Link>,
    /// What happens below a question, for whoever asks it.
    news: broadcast::Sender<Event>,
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
    fn new(node: Node, endpoint: &Endpoint, introduction: &Introduction) -> Self {
        let finalized = Some((introduction.finalized, Instant::now()));
        Self { node: Arc::new(node), endpoint: endpoint.clone(), finalized }
    }
}

impl Chain {
    /// Connects to the first endpoint that works.
    pub async fn connect(options: ConnectOptions, observer: &dyn Observer<Event>) -> Result<Self, ConnectError> {
        let dialler = WebSocketDialler { connect_limit: options.connect_limit, call_limit: options.call_limit };
        Self::connect_with(options, Box::new(dialler), observer).await
    }

    pub(crate) async fn connect_with(
        options: ConnectOptions,
        dialler: Box<dyn Dial>,
        observer: &dyn Observer<Event>,
    ) -> Result<Self, ConnectError> {
        let cache = MetadataCache::new(options.cache_folder.clone());
        let expected = options.network.expected_genesis();
        let endpoints = options.network.endpoints();
        let search = Search {
            network: &options.network,
            endpoints: &endpoints,
            head_start: options.head_start,
            patience: options.patience,
            observer,
        };
        let (far_side, known) = (dialler.as_ref(), &cache);
        let met = search.first_that_works(|endpoint| async move {
            let (node, introduction) = meet(far_side, endpoint, expected).await?;
            let Introduction { genesis, version, metadata_versions, .. } = &introduction;
            let runtime = read_runtime(&node, known, *genesis, version, metadata_versions).await?;
            Ok((node, introduction, runtime))
        });
        let (endpoint, (node, introduction, runtime)) = met.await?;
        observer.on(Event::Connected {
            endpoint: endpoint.clone(),
            fallback: *endpoint != endpoints[0],
            spec_version: runtime.version.spec_version,
        });
        let (news, _) = broadcast::channel(NEWS);
        let link = Link::new(node.patient(options.patience, news.clone()), endpoint, &introduction);
        Ok(Self {
            dialler,
            genesis: introduction.genesis,
            cache,
            runtime: std::sync::RwLock::new(Arc::new(runtime)),
            link: RwLock::new(link),
            news,
            options,
        })
    }

    /// What the chain says about itself.
    pub fn identity(&self) -> ChainIdentity {
        let runtime = self.runtime();
        let version = &runtime.version;
        ChainIdentity {
            genesis: self.genesis,
            spec_name: excerpt(&version.spec_name, SHOWN),
            spec_version: version.spec_version,
        }
    }

    /// How long this runtime's metadata has been kept on this machine; `None` when nothing is kept.
    pub(crate) fn metadata_age(&self) -> Option<Duration> {
        self.cache.age(self.genesis, self.runtime().version.spec_version)
    }

    /// The runtime as far as it is known; it stays the same for whoever holds it.
    pub(crate) fn runtime(&self) -> Arc<Runtime> {
        Arc::clone(&self.runtime.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn adopt(&self, runtime: Runtime, observer: &dyn Observer<Event>) {
        let to = runtime.version.spec_version;
        let before =
            std::mem::replace(&mut *self.runtime.write().unwrap_or_else(PoisonError::into_inner), Arc::new(runtime));
        observer.on(Event::RuntimeUpgraded { from: before.version.spec_version, to });
    }

    /// Reads version and metadata again if the chain has been upgraded, and says whether it was.
    pub(crate) async fn catch_up(&self, observer: &dyn Observer<Event>) -> Result<bool, ReadError> {
        let known = self.runtime().version.clone();
        let version = self.reading(observer, |node| async move { Ok(node.runtime_version().await?) }).await?;
        if version == known {
            return Ok(false);
        }
        let version = &version;
        let read = self.reading(observer, |node| async move {
            let metadata_versions = node.metadata_versions().await?;
            match read_runtime(&node, &self.cache, self.genesis, version, &metadata_versions).await {
                Ok(runtime) => Ok(runtime),
                Err(EndpointError::Rpc(error)) => Err(ReadError::Rpc(error)),
                Err(source) => Err(self.unusable(source).await.into()),
            }
        });
        self.adopt(read.await?, observer);
        Ok(true)
    }

    /// The endpoint in use turned out to be of no use after all.
    async fn unusable(&self, source: EndpointError) -> ConnectError {
        let endpoint = self.endpoint().await;
        ConnectError { network: self.options.network.clone(), endpoint, tried: 1, waited: Duration::ZERO, source }
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

    /// Makes the connection again after `broken` failed; the endpoint in use comes first, then the others. Endpoints that
    /// ask for a pause are waited for as long as the patience lasts.
    pub(crate) async fn reconnect(
        &self,
        broken: &Arc<Node>,
        patience: Duration,
        observer: &dyn Observer<Event>,
    ) -> Result<Arc<Node>, ConnectError> {
        let mut link = self.link.write().await;
        if !Arc::ptr_eq(&link.node, broken) {
            // Somebody else has been here already.
            return Ok(Arc::clone(&link.node));
        }
        let first_choice = self.options.network.endpoints();
        let mut endpoints = vec![link.endpoint.clone()];
        endpoints.extend(first_choice.iter().filter(|endpoint| **endpoint != link.endpoint).cloned());
        let search = Search {
            network: &self.options.network,
            endpoints: &endpoints,
            head_start: self.options.head_start,
            patience,
            observer,
        };
        let runtime = self.runtime();
        let known = &runtime.version;
        let met = search.first_that_works(|endpoint| async move {
            let (node, introduction) = meet(self.dialler.as_ref(), endpoint, Some(self.genesis)).await?;
            let Introduction { version, metadata_versions, .. } = &introduction;
            let newer = if version == known {
                None
            } else {
                Some(read_runtime(&node, &self.cache, self.genesis, version, metadata_versions).await?)
            };
            Ok((node, introduction, newer))
        });
        let (endpoint, (node, introduction, newer)) = met.await?;
        observer.on(Event::Connected {
            endpoint: endpoint.clone(),
            fallback: *endpoint != first_choice[0],
            spec_version: introduction.version.spec_version,
        });
        if let Some(runtime) = newer {
            self.adopt(runtime, observer);
        }
        let node = node.patient(self.options.patience, self.news.clone());
        *link = Link::new(node, endpoint, &introduction);
        Ok(Arc::clone(&link.node))
    }

    /// Does some work and tells the observer what happens below it meanwhile.
    pub(crate) async fn telling<T>(&self, observer: &dyn Observer<Event>, work: impl Future<Output = T>) -> T {
        let mut news = self.news.subscribe();
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                Ok(event) = news.recv() => observer.on(event),
                done = &mut work => return done,
            }
        }
    }

    /// Reads something, and once more on a fresh connection when this one breaks. Only for questions: asking twice is safe.
    pub(crate) async fn reading<T, Reading: Future<Output = Result<T, ReadError>>>(
        &self,
        observer: &dyn Observer<Event>,
        read: impl Fn(Arc<Node>) -> Reading,
    ) -> Result<T, ReadError> {
        let node = self.node().await;
        match self.telling(observer, read(Arc::clone(&node))).await {
            Err(ReadError::Rpc(error)) if error.is_retryable() => {
                observer.on(Event::ConnectionLost { reason: excerpt(&error.to_string(), SHOWN) });
                let node = self.reconnect(&node, self.options.patience, observer).await?;
                self.telling(observer, read(node)).await
            }
            other => other,
        }
    }

    /// Number and hash of the newest block.
    pub async fn head(&self, observer: &dyn Observer<Event>) -> Result<(BlockNumber, BlockHash), ReadError> {
        const WRONG: RpcError = RpcError::Unexpected { method: "chain_getHeader", expected: "the header of its head" };
        self.reading(observer, |node| async move {
            let hash = node.best_hash().await?;
            Ok((node.block_number(hash).await?.ok_or(WRONG)?, hash))
        })
        .await
    }
}

#[cfg(test)]
mod tests;
