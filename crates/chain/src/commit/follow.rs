//! Sends the extrinsic and follows it into a block. After any lost connection the chain is looked at first; the same bytes
//! are given to a node again only when it shows that it never had them, and they can be included only once.
//! Never signs: one commitment is one signature.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use gen404_outside::text::excerpt;
use gen404_round::{BlockNumber, Hotkey};
use tokio::time::{Instant, sleep, timeout_at};

use crate::connection::Chain;
use crate::error::{CommitError, ReadError, SHOWN};
use crate::extrinsic::SignedExtrinsic;
use crate::hashes::BlockHash;
use crate::node::Node;
use crate::observer::{Event, Observer, Repeating};
use crate::rpc::limit::Pauses;
use crate::rpc::{Notifications, RpcError};
use crate::runtime::dispatch::DispatchResult;
use crate::submission::{PoolRejection, PoolStatus, PoolVerdict};

/// Blocks that are fetched at the same time while looking for an extrinsic.
const BLOCKS_AT_ONCE: usize = 8;
/// How often the same bytes are given to nodes that do not have them, the first time included.
const SENDS: usize = 4;

/// A pool that lets an extrinsic fall has often passed it on before; so many blocks are looked at before it counts as lost.
const BLOCKS_AFTER_VERDICT: u64 = 3;

/// An extrinsic on its way.
pub(super) struct Follow<'a> {
    pub(super) chain: &'a Chain,
    pub(super) hotkey: Hotkey,
    pub(super) extrinsic: &'a SignedExtrinsic,
    pub(super) observer: &'a dyn Observer,
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
}

/// How a watch ended.
enum Watched {
    InBlock(BlockHash),
    /// The node let the extrinsic fall; it may still be in a block.
    Ended(PoolVerdict),
    /// Nothing more can be heard; look at the chain.
    Deaf,
}

impl Follow<'_> {
    pub(super) async fn until_included(&self) -> Result<Inclusion, CommitError> {
        let mut node = self.chain.node().await;
        let mut verdict = None;
        match self.submit(&node).await {
            Ok(notifications) => match self.watch(notifications).await {
                Watched::InBlock(hash) => {
                    if let Ok(Some(inclusion)) = self.find_in(&node, hash).await {
                        return self.accept(&node, inclusion).await;
                    }
                }
                Watched::Ended(end) => verdict = Some(end),
                Watched::Deaf => {}
            },
            Err(source @ RpcError::Limited { .. }) => {
                self.observer.observe(&Event::Rejected);
                return Err(CommitError::NotSent { source });
            }
            Err(error) => match PoolRejection::of(&error) {
                // It had them from somebody else, or from us before it asked for a pause.
                Some(rejection) if rejection.is_already_imported() => {}
                Some(rejection) => {
                    self.observer.observe(&Event::Rejected);
                    return Err(CommitError::Pool(rejection));
                }
                None => node = self.recover(&node, &error).await?,
            },
        }
        self.search(node, self.from, verdict).await
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
            self.observer.observe(&Event::AskedToWait { endpoint: limit.endpoint, pause });
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
                    self.observer.observe(&Event::WaitingForEarlierNonce);
                }
                PoolStatus::Ready | PoolStatus::Broadcast if !in_pool => {
                    in_pool = true;
                    self.observer.observe(&Event::InPool);
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
        let mut from = from;
        let mut sends = 1;
        let mut first_head = None;
        loop {
            match self.look(&node, from).await {
                Ok(Sighting::Found(inclusion)) => return self.accept(&node, inclusion).await,
                Ok(Sighting::Missing { head, .. }) if head > self.extrinsic.last_block => {
                    return Err(self.dropped(verdict.unwrap_or(PoolVerdict::Invalid)));
                }
                Ok(Sighting::Missing { head, known }) if known || verdict.is_some() || sends >= SENDS => {
                    // The newest block may be replaced; look at it again next time.
                    from = from.max(head.saturating_sub(1));
                    let first_head = *first_head.get_or_insert(head);
                    if let Some(verdict) = verdict
                        && head >= first_head + BLOCKS_AFTER_VERDICT
                    {
                        return Err(self.dropped(verdict));
                    }
                }
                Ok(Sighting::Missing { .. }) => {
                    sends += 1;
                    match self.submit(&node).await {
                        Err(RpcError::Limited { .. }) => return Err(self.not_included()),
                        Ok(notifications) => {
                            if let Watched::InBlock(hash) = self.watch(notifications).await
                                && let Ok(Some(inclusion)) = self.find_in(&node, hash).await
                            {
                                return self.accept(&node, inclusion).await;
                            }
                        }
                        Err(error) => match PoolRejection::of(&error) {
                            // It had them after all.
                            Some(rejection) if rejection.is_already_imported() => {}
                            Some(rejection) => return Err(CommitError::Pool(rejection)),
                            None => node = self.recover(&node, &error).await?,
                        },
                    }
                }
                Ok(Sighting::NodeBehind) => {}
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

    fn dropped(&self, verdict: PoolVerdict) -> CommitError {
        CommitError::Dropped { extrinsic_hash: self.extrinsic.hash, verdict }
    }

    /// One look at the blocks after `from` and at the nonce.
    async fn look(&self, node: &Node, from: BlockNumber) -> Result<Sighting, RpcError> {
        // The nonce first: what is included between the two answers is then found in the blocks.
        let next_nonce = node.next_nonce(&self.hotkey).await?;
        let head = node.best_hash().await?;
        let Some(head) = node.block_number(head).await? else { return Ok(Sighting::NodeBehind) };
        if head < from {
            return Ok(Sighting::NodeBehind);
        }
        Ok(match self.find_between(node, from, head).await? {
            Some(inclusion) => Sighting::Found(inclusion),
            None => Sighting::Missing { head, known: next_nonce > self.extrinsic.nonce },
        })
    }

    pub(super) async fn find_between(
        &self,
        node: &Node,
        after: BlockNumber,
        until: BlockNumber,
    ) -> Result<Option<Inclusion>, RpcError> {
        let mut blocks = futures::stream::iter(after + 1..=until)
            .map(|number| async move {
                match node.block_hash(number).await? {
                    Some(hash) => self.find_in(node, hash).await,
                    None => Ok(None),
                }
            })
            .buffered(BLOCKS_AT_ONCE);
        while let Some(found) = blocks.next().await {
            if let Some(inclusion) = found? {
                return Ok(Some(inclusion));
            }
        }
        Ok(None)
    }

    async fn find_in(&self, node: &Node, block_hash: BlockHash) -> Result<Option<Inclusion>, RpcError> {
        let Some(body) = node.block(block_hash).await? else { return Ok(None) };
        let index = body.extrinsics.iter().position(|bytes| *bytes == self.extrinsic.bytes);
        Ok(index.and_then(|index| u32::try_from(index).ok()).map(|index| Inclusion {
            block: body.number,
            block_hash,
            index,
        }))
    }

    /// Being in a block is not enough: the call must have succeeded there.
    pub(super) async fn accept(&self, node: &Node, inclusion: Inclusion) -> Result<Inclusion, CommitError> {
        match self.dispatch_result(node, inclusion).await {
            DispatchResult::Failed(error) => Err(CommitError::Dispatch { block: inclusion.block, error }),
            // Unreadable events are no verdict; the reveal will tell.
            DispatchResult::Success | DispatchResult::Unknown => {
                self.observer.observe(&Event::Included { block: inclusion.block, block_hash: inclusion.block_hash });
                Ok(inclusion)
            }
        }
    }

    async fn dispatch_result(&self, node: &Node, inclusion: Inclusion) -> DispatchResult {
        let runtime = self.chain.runtime();
        let Ok(events) = runtime.item("System", "Events", &[]) else { return DispatchResult::Unknown };
        let Ok(storage) = node.storage(std::slice::from_ref(&events.key), Some(inclusion.block_hash)).await else {
            return DispatchResult::Unknown;
        };
        match runtime.decode(&events, storage.values.get(&events.key).map(Vec::as_slice)) {
            Ok(Some(decoded)) => runtime.dispatch_result(&decoded, inclusion.index),
            _ => DispatchResult::Unknown,
        }
    }

    pub(super) async fn recover(&self, broken: &Arc<Node>, error: &RpcError) -> Result<Arc<Node>, CommitError> {
        self.observer.observe(&Event::ConnectionLost { reason: excerpt(&error.to_string(), SHOWN) });
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
enum Sighting {
    Found(Inclusion),
    /// In no block up to `head`. When the node's pool counts its nonce as taken, it is `known`: it waits there.
    Missing {
        head: BlockNumber,
        known: bool,
    },
    /// This node has not even seen the blocks before.
    NodeBehind,
}
