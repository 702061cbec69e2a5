//! Sends the extrinsic and follows it into a block. After any lost connection the chain is looked at first; the same bytes
//! are given to a node again only when it shows that it never had them, and they can be included only once.
//! Never signs: one commitment is one signature.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use gen404_outside::observer::Observer;
use gen404_outside::text::excerpt;
use gen404_round::{BlockNumber, Hotkey, Netuid};
use tokio::time::{Instant, sleep, timeout_at};

use super::refusal::Whereabouts;
use crate::connection::Chain;
use crate::error::{CommitError, ReadError, SHOWN};
use crate::event::{Event, Repeating};
use crate::extrinsic::{PALLET, SignedExtrinsic};
use crate::hashes::BlockHash;
use crate::node::Node;
use crate::rpc::limit::Pauses;
use crate::rpc::{Notifications, RpcError};
use crate::runtime::dispatch::DispatchResult;
use crate::runtime::number;
use crate::situation::subnet_and_hotkey;
use crate::submission::{PoolRejection, PoolStatus, PoolVerdict};

/// Blocks that are fetched at the same time while looking for an extrinsic.
const BLOCKS_AT_ONCE: usize = 8;
/// How often the same bytes are given to nodes that do not have them, the first time included.
const SENDS: usize = 4;

/// A pool that lets an extrinsic fall has often passed it on before; after so many blocks it is asked whether it is lost.
const BLOCKS_AFTER_VERDICT: u64 = 1;

/// An extrinsic on its way.
pub(super) struct Follow<'a> {
    pub(super) chain: &'a Chain,
    pub(super) netuid: Netuid,
    pub(super) hotkey: Hotkey,
    pub(super) extrinsic: &'a SignedExtrinsic,
    pub(super) observer: &'a dyn Observer<Event>,
    /// The newest block before signing; the extrinsic can only be in a later one.
    pub(super) from: BlockNumber,
    pub(super) deadline: Instant,
    pub(super) limit: Duration,
    pub(super) pause: Duration,
}

/// Where the extrinsic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Inclusion {
    pub(super) block: BlockNumber,
    pub(super) block_hash: BlockHash,
    pub(super) index: u32,
    /// Whether the call is known to have succeeded there.
    pub(super) succeeded: bool,
}

/// How a watch ended.
enum Watched {
    InBlock(BlockHash),
    /// The node let the extrinsic fall; it may still be in a block.
    Ended(PoolVerdict),
    /// Nothing more can be heard; look at the chain.
    Deaf,
}

/// What came of giving the extrinsic to a node.
enum Offered {
    Included(Inclusion),
    /// The node let it fall; it may still be in a block.
    Fell(PoolVerdict),
    /// The chain must be looked at.
    Unknown,
}

impl Follow<'_> {
    pub(super) async fn until_included(&self) -> Result<Inclusion, CommitError> {
        let mut node = self.chain.node().await;
        let offered = self.offer(&mut node, |source| {
            self.observer.on(Event::Rejected);
            CommitError::NotSent { source }
        });
        let verdict = match offered.await? {
            Offered::Included(inclusion) => return Ok(inclusion),
            Offered::Fell(verdict) => Some(verdict),
            Offered::Unknown => None,
        };
        self.search(node, self.from, verdict).await
    }

    /// Gives the extrinsic to the node and listens; `limited` is the failure when the node has had enough of us.
    async fn offer(
        &self,
        node: &mut Arc<Node>,
        limited: impl FnOnce(RpcError) -> CommitError,
    ) -> Result<Offered, CommitError> {
        let error = match self.submit(node).await {
            Ok(notifications) => return self.listen(node, notifications).await,
            Err(source @ RpcError::Limited { .. }) => return Err(limited(source)),
            Err(error) => error,
        };
        match PoolRejection::of(&error) {
            // It had them from somebody else, or from us before it asked for a pause.
            Some(rejection) if rejection.is_already_imported() => Ok(Offered::Unknown),
            Some(rejection) => Ok(match self.make_sure(CommitError::Pool(rejection)).await? {
                Whereabouts::InBlock(inclusion) => Offered::Included(inclusion),
                Whereabouts::InPool(_) => Offered::Unknown,
            }),
            None => {
                *node = self.recover(node, &error).await?;
                Ok(Offered::Unknown)
            }
        }
    }

    async fn listen(&self, node: &Arc<Node>, notifications: Notifications) -> Result<Offered, CommitError> {
        match self.watch(notifications).await {
            Watched::InBlock(hash) => {
                if let Ok(Looked::Found(inclusion)) = self.find_in(node, hash).await {
                    let accepted = self.accept(node, inclusion).await?;
                    return Ok(accepted.map_or(Offered::Unknown, Offered::Included));
                }
                Ok(Offered::Unknown)
            }
            Watched::Ended(verdict) => Ok(Offered::Fell(verdict)),
            Watched::Deaf => Ok(Offered::Unknown),
        }
    }

    /// Gives the extrinsic to the node. One that has had enough of us for now has not looked at it, so it is given again
    /// after the pause that the node asks for.
    async fn submit(&self, node: &Node) -> Result<Notifications, RpcError> {
        let begun = Instant::now();
        let mut pauses = Pauses::default();
        loop {
            let (method, limit) = match node.submit_and_watch(&self.extrinsic.bytes).await {
                Err(RpcError::Limited { method, limit, .. }) => (method, limit),
                other => return other,
            };
            let pause = pauses.after(&limit);
            if Instant::now() + pause > self.deadline {
                return Err(RpcError::Limited { method, limit, waited: begun.elapsed() });
            }
            self.observer.on(Event::AskedToWait { endpoint: limit.endpoint, pause });
            sleep(pause).await;
            pauses.grow();
        }
    }

    /// Listens until the extrinsic is in a block.
    async fn watch(&self, mut notifications: Notifications) -> Watched {
        let mut in_pool = false;
        let mut told_of_gap = false;
        loop {
            let Ok(Some(Ok(notification))) = timeout_at(self.deadline, notifications.next()).await else {
                return Watched::Deaf;
            };
            match PoolStatus::read(&notification) {
                PoolStatus::InBlock(hash) | PoolStatus::Finalized(hash) => return Watched::InBlock(hash),
                PoolStatus::Ended(verdict) => return Watched::Ended(verdict),
                PoolStatus::Future if !told_of_gap => {
                    told_of_gap = true;
                    self.observer.on(Event::WaitingForEarlierNonce);
                }
                PoolStatus::Ready | PoolStatus::Broadcast if !in_pool => {
                    in_pool = true;
                    self.observer.on(Event::InPool);
                }
                _ => {}
            }
        }
    }

    /// Looks for the extrinsic on chain until it is there, cannot get there any more, or time is up.
    pub(super) async fn search(
        &self,
        mut node: Arc<Node>,
        from: BlockNumber,
        verdict: Option<PoolVerdict>,
    ) -> Result<Inclusion, CommitError> {
        let (mut from, mut verdict) = (from, verdict);
        let mut sends = 1;
        let mut first_head = None;
        loop {
            match self.look(&node, from).await {
                Ok(Sighting::Found(inclusion)) => {
                    if let Some(accepted) = self.accept(&node, inclusion).await? {
                        return Ok(accepted);
                    }
                }
                Ok(Sighting::Missing { head, next_nonce, .. }) => {
                    // The newest block may be replaced; look at it again next time.
                    from = from.max(head.saturating_sub(1));
                    let since = *first_head.get_or_insert(head);
                    let lost =
                        head > self.extrinsic.last_block || (verdict.is_some() && head >= since + BLOCKS_AFTER_VERDICT);
                    if lost {
                        let fallen = self.dropped(verdict.unwrap_or(PoolVerdict::Invalid));
                        if let Whereabouts::InBlock(inclusion) = self.make_sure(fallen).await? {
                            return Ok(inclusion);
                        }
                    } else if verdict.is_none() && next_nonce <= self.extrinsic.nonce && sends < SENDS {
                        // No pool counts its nonce as taken: it waits nowhere.
                        sends += 1;
                        match self.offer(&mut node, |_| self.not_included()).await? {
                            Offered::Included(inclusion) => return Ok(inclusion),
                            Offered::Fell(end) => verdict = Some(end),
                            Offered::Unknown => {}
                        }
                    }
                }
                Ok(Sighting::Unclear) => {}
                Err(error) if error.is_retryable() => node = self.recover(&node, &error).await?,
                Err(error) => return Err(ReadError::from(error).into()),
            }
            if Instant::now() >= self.deadline {
                return Err(self.not_included());
            }
            sleep(self.pause).await;
        }
    }

    pub(super) fn not_included(&self) -> CommitError {
        CommitError::NotIncluded {
            extrinsic_hash: self.extrinsic.hash,
            waited: self.limit,
            last_block: self.extrinsic.last_block,
        }
    }

    /// A runtime that calls it invalid does so at every node; any other verdict is that of one pool.
    fn dropped(&self, verdict: PoolVerdict) -> CommitError {
        let last_block = (verdict != PoolVerdict::Invalid).then_some(self.extrinsic.last_block);
        CommitError::Dropped { extrinsic_hash: self.extrinsic.hash, verdict, last_block }
    }

    /// One look at the blocks after `from` and at the nonce.
    pub(super) async fn look(&self, node: &Node, from: BlockNumber) -> Result<Sighting, RpcError> {
        // The nonce first: what is included between the two answers is then found in the blocks.
        let next_nonce = node.next_nonce(&self.hotkey).await?;
        let block_hash = node.best_hash().await?;
        let Some(head) = node.block_number(block_hash).await? else { return Ok(Sighting::Unclear) };
        if head < from {
            return Ok(Sighting::Unclear);
        }
        Ok(match self.find_between(node, from, head).await? {
            Looked::Found(inclusion) => Sighting::Found(inclusion),
            Looked::Missing => Sighting::Missing { head, block_hash, next_nonce },
            Looked::NoBlock => Sighting::Unclear,
        })
    }

    async fn find_between(&self, node: &Node, after: BlockNumber, until: BlockNumber) -> Result<Looked, RpcError> {
        let mut blocks = futures::stream::iter(after + 1..=until)
            .map(|number| async move {
                match node.block_hash(number).await? {
                    Some(hash) => self.find_in(node, hash).await,
                    None => Ok(Looked::NoBlock),
                }
            })
            .buffered(BLOCKS_AT_ONCE);
        let mut whole = Looked::Missing;
        while let Some(looked) = blocks.next().await {
            match looked? {
                found @ Looked::Found(_) => return Ok(found),
                Looked::NoBlock => whole = Looked::NoBlock,
                Looked::Missing => {}
            }
        }
        Ok(whole)
    }

    async fn find_in(&self, node: &Node, block_hash: BlockHash) -> Result<Looked, RpcError> {
        let Some(body) = node.block(block_hash).await? else { return Ok(Looked::NoBlock) };
        let index = body.extrinsics.iter().position(|bytes| *bytes == self.extrinsic.bytes);
        Ok(match index.and_then(|index| u32::try_from(index).ok()) {
            Some(index) => Looked::Found(Inclusion { block: body.number, block_hash, index, succeeded: false }),
            None => Looked::Missing,
        })
    }

    /// Being in a block is not enough: the call must have succeeded there. `None` when it failed in a block that was
    /// replaced meanwhile, and may succeed in another.
    pub(super) async fn accept(
        &self,
        node: &Arc<Node>,
        inclusion: Inclusion,
    ) -> Result<Option<Inclusion>, CommitError> {
        let mut node = Arc::clone(node);
        let result = loop {
            match self.dispatch_result(&node, inclusion).await {
                Ok(result) => break result,
                Err(error) if error.is_retryable() => {
                    let recovered = self.recover(&node, &error).await;
                    node =
                        recovered.map_err(|error| error.after_sending(self.extrinsic.hash, Some(inclusion.block)))?;
                }
                Err(error) => {
                    tracing::debug!(%error, "how the call ended cannot be read");
                    break DispatchResult::Unknown;
                }
            }
        };
        if let DispatchResult::Failed(error) = result {
            let refusal = CommitError::Dispatch { block: inclusion.block, error };
            return self.make_final(node, inclusion, refusal).await.map(|()| None);
        }
        self.observer.on(Event::Included { block: inclusion.block, block_hash: inclusion.block_hash });
        // Where neither events nor storage can be read, the reveal will tell.
        Ok(Some(Inclusion { succeeded: result == DispatchResult::Success, ..inclusion }))
    }

    /// How the call ended: by the events, or else by the block of the hotkey's last commitment.
    async fn dispatch_result(&self, node: &Node, inclusion: Inclusion) -> Result<DispatchResult, RpcError> {
        let runtime = self.chain.runtime();
        let both = subnet_and_hotkey(self.netuid, &self.hotkey);
        let items = [runtime.item("System", "Events", &[]), runtime.item(PALLET, "LastCommitment", &both)];
        let keys: Vec<_> = items.iter().flatten().map(|item| item.key.clone()).collect();
        let storage = node.storage(&keys, Some(inclusion.block_hash)).await?;
        let [events, last] = items.map(|item| {
            let item = item.ok()?;
            runtime.decode(&item, storage.values.get(&item.key).map(Vec::as_slice)).ok().flatten()
        });
        let told = events.map_or(DispatchResult::Unknown, |events| runtime.dispatch_result(&events, inclusion.index));
        let is_stored = last.as_ref().and_then(number) == Some(inclusion.block.into());
        Ok(if told == DispatchResult::Unknown && is_stored { DispatchResult::Success } else { told })
    }

    pub(super) async fn recover(&self, broken: &Arc<Node>, error: &RpcError) -> Result<Arc<Node>, CommitError> {
        self.observer.on(Event::ConnectionLost { reason: excerpt(&error.to_string(), SHOWN) });
        let time_left = || self.deadline.saturating_duration_since(Instant::now());
        let mut attempt = self.chain.reconnect(broken, time_left(), self.observer).await;
        loop {
            match attempt {
                Ok(node) => return Ok(node),
                // The extrinsic may be on chain: giving up early would leave its owner in the dark.
                Err(error) if Instant::now() >= self.deadline => return Err(ReadError::from(error).into()),
                Err(_) => sleep(self.pause).await,
            }
            attempt = self.chain.reconnect(broken, time_left(), &Repeating(self.observer)).await;
        }
    }
}

/// What one look showed.
pub(super) enum Sighting {
    Found(Inclusion),
    /// In no block up to `head`. `next_nonce` counts what waits in the node's pool.
    Missing {
        head: BlockNumber,
        block_hash: BlockHash,
        next_nonce: u64,
    },
    /// This node has not even seen the blocks before, or does not have them all.
    Unclear,
}

/// What a search of blocks came to.
enum Looked {
    Found(Inclusion),
    Missing,
    /// A block is not there, so nothing can be said of it.
    NoBlock,
}
