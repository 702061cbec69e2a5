//! When blocks were: the time stamps of the newest block and of one some way back, from which the chain's pace follows.
//! Reckons nothing.

use gen404_outside::observer::Observer;
use gen404_round::BlockNumber;

use crate::connection::Chain;
use crate::error::ReadError;
use crate::event::Event;
use crate::hashes::BlockHash;
use crate::node::Node;
use crate::rpc::RpcError;
use crate::runtime::{IncompatibleChain, Item, Runtime, number};

/// A block and its time stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockMoment {
    /// Its number.
    pub block: BlockNumber,
    /// Its time stamp, in Unix milliseconds.
    pub unix_millis: u64,
}

/// Two moments of the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moments {
    /// The newest block.
    pub head: BlockMoment,
    /// A block before it; `None` where the node has forgotten it, and when there is only one.
    pub earlier: Option<BlockMoment>,
}

impl Chain {
    /// The newest block, and the one `back` blocks before it, or the oldest with a time stamp.
    pub async fn moments(&self, back: BlockNumber, observer: &dyn Observer<Event>) -> Result<Moments, ReadError> {
        let runtime = &self.runtime();
        let stamp =
            &Stamp { number: runtime.item("System", "Number", &[])?, now: runtime.item("Timestamp", "Now", &[])? };
        self.reading(observer, |node| async move {
            let node = &node;
            let head = stamp.at(runtime, node, node.best_hash().await?).await?;
            // The first block of a chain has no time stamp.
            let earlier = match head.block.saturating_sub(back).max(1) {
                block if block < head.block => node.block_hash(block).await?,
                _ => None,
            };
            let earlier = match earlier {
                None => None,
                Some(hash) => match stamp.at(runtime, node, hash).await {
                    Ok(moment) => Some(moment),
                    // Nodes keep the state of their newest blocks only.
                    Err(ReadError::Rpc(RpcError::Refused { .. })) => None,
                    Err(error) => return Err(error),
                },
            };
            Ok(Moments { head, earlier })
        })
        .await
    }
}

/// What a block says of itself.
struct Stamp {
    number: Item,
    now: Item,
}

impl Stamp {
    async fn at(&self, runtime: &Runtime, node: &Node, at: BlockHash) -> Result<BlockMoment, ReadError> {
        let storage = node.storage(&[self.number.key.clone(), self.now.key.clone()], Some(at)).await?;
        let whole = |item: &Item| {
            let unknown = || IncompatibleChain::UnknownForm { pallet: item.pallet, item: item.entry };
            let value = runtime.decode(item, storage.values.get(&item.key).map(Vec::as_slice))?;
            let value = value.as_ref().and_then(number).and_then(|value| u64::try_from(value).ok());
            value.ok_or_else(unknown)
        };
        Ok(BlockMoment { block: whole(&self.number)?, unix_millis: whole(&self.now)? })
    }
}
