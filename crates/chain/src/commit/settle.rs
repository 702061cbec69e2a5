//! From the block to the end: final, and revealed byte for byte. Looks at the chain a few times a block, so a lost
//! connection costs nothing but time.
//! Sends only through `follow`, when the block with the commitment was replaced by one without it.

use gen404_round::{BlockNumber, Hotkey, Netuid};
use tokio::time::{Instant, sleep};

use super::Wait;
use super::follow::{Follow, Inclusion};
use crate::error::{CommitError, ReadError};
use crate::event::Event;
use crate::extrinsic::PALLET;
use crate::hashes::BlockHash;
use crate::node::Node;
use crate::reveals::payloads::Payloads;
use crate::rpc::RpcError;
use crate::runtime::{IncompatibleChain, Item, Runtime, number};
use crate::situation::{StoredCommitment, read_commitment, subnet_and_hotkey};

/// Looks in a row that must agree that a commitment is gone: a chain that just reorganised shows odd things.
const LOOKS_UNTIL_LOST: u32 = 3;

/// What is waited for.
pub(super) struct Target<'a> {
    pub(super) netuid: Netuid,
    pub(super) hotkey: Hotkey,
    pub(super) plaintext: &'a [u8],
    pub(super) reveal_round: u64,
    pub(super) wait: Wait,
}

/// What has been reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct End {
    pub(super) finalized: bool,
    pub(super) revealed_block: Option<BlockNumber>,
}

impl End {
    fn is_reached(self, wait: Wait) -> bool {
        match wait {
            Wait::Inclusion => true,
            Wait::Finalized => self.finalized,
            Wait::Reveal => self.finalized && self.revealed_block.is_some(),
        }
    }
}

/// One look at the chain after inclusion.
#[derive(Debug)]
struct Look {
    /// Canonical hash at the inclusion's height; `None` when this node is not that far.
    canonical: Option<BlockHash>,
    finalized_head: BlockHash,
    /// The block at which the following was read.
    block: BlockNumber,
    stored: Option<StoredCommitment>,
    revealed_block: Option<BlockNumber>,
}

/// Where to look.
struct Keys {
    number: Item,
    commitment: Item,
    reveals: Item,
}

impl Keys {
    fn new(runtime: &Runtime, target: &Target<'_>) -> Result<Self, IncompatibleChain> {
        let both = subnet_and_hotkey(target.netuid, &target.hotkey);
        Ok(Self {
            number: runtime.item("System", "Number", &[])?,
            commitment: runtime.item(PALLET, "CommitmentOf", &both)?,
            reveals: runtime.item(PALLET, "RevealedCommitments", &both)?,
        })
    }
}

impl Follow<'_> {
    /// Keeps `inclusion` and `end` true all the time: a caller that waits no longer reads there how far it has come.
    pub(super) async fn until_settled(
        &self,
        inclusion: &mut Inclusion,
        end: &mut End,
        target: &Target<'_>,
    ) -> Result<(), CommitError> {
        let mut keys = Keys::new(&self.chain.runtime(), target)?;
        let mut node = self.chain.node().await;
        let mut missing = 0;
        let mut finalized_head = None;
        loop {
            match self.look_at(&node, &keys, *inclusion, target).await {
                Err(ReadError::Rpc(error)) if error.is_retryable() => node = self.recover(&node, &error).await?,
                // What has another form than it had may be what an upgrade has made of it.
                Err(ReadError::Incompatible(_)) if self.chain.catch_up(self.observer).await? => {
                    keys = Keys::new(&self.chain.runtime(), target)?;
                }
                Err(error) => return Err(error.into()),
                Ok(look) if look.canonical.is_some_and(|hash| hash != inclusion.block_hash) => {
                    self.observer.on(Event::Retracted { block: inclusion.block });
                    *inclusion = self.search(node, inclusion.block.saturating_sub(1), None).await?;
                    node = self.chain.node().await;
                    (*end, missing, finalized_head) = (End::default(), 0, None);
                }
                Ok(look) => {
                    if !end.finalized && look.canonical.is_some() && finalized_head != Some(look.finalized_head) {
                        let height = node.block_number(look.finalized_head).await.ok().flatten();
                        finalized_head = height.map(|_| look.finalized_head);
                        if height.is_some_and(|height| height >= inclusion.block) {
                            end.finalized = true;
                            self.observer.on(Event::Finalized { block: inclusion.block });
                        }
                    }
                    if target.wait == Wait::Reveal && end.revealed_block.is_none() {
                        if let Some(block) = look.revealed_block {
                            end.revealed_block = Some(block);
                            self.observer.on(Event::Revealed { block });
                        } else if let Some(loss) = loss(&look, *inclusion) {
                            missing += 1;
                            if missing >= LOOKS_UNTIL_LOST {
                                return Err(loss);
                            }
                        } else {
                            missing = 0;
                        }
                    }
                }
            }
            if end.is_reached(target.wait) {
                return Ok(());
            }
            if Instant::now() >= self.deadline {
                return Err(self.too_late(*inclusion, *end, target));
            }
            sleep(self.pause).await;
        }
    }

    async fn look_at(
        &self,
        node: &Node,
        keys: &Keys,
        inclusion: Inclusion,
        target: &Target<'_>,
    ) -> Result<Look, ReadError> {
        let asked = [keys.number.key.clone(), keys.commitment.key.clone(), keys.reveals.key.clone()];
        let (canonical, finalized_head, storage) =
            futures::try_join!(node.block_hash(inclusion.block), node.finalized_hash(), node.storage(&asked, None))?;
        let runtime = &self.chain.runtime();
        let block = runtime.decode(&keys.number, storage.values.get(&keys.number.key).map(Vec::as_slice))?;
        let block = block.as_ref().and_then(number).and_then(|number| BlockNumber::try_from(number).ok());
        let reveals = storage.values.get(&keys.reveals.key).map(Vec::as_slice).unwrap_or_default();
        // An equal payload of an earlier commitment proves nothing: the reveal comes after the inclusion.
        let revealed_block = Payloads::read(reveals)
            .find(|(payload, block)| *payload == target.plaintext && *block > inclusion.block)
            .map(|(_, block)| block);
        Ok(Look {
            canonical,
            finalized_head,
            block: block.ok_or(RpcError::Unexpected { method: "state_queryStorageAt", expected: "a block number" })?,
            stored: read_commitment(runtime, &keys.commitment, &storage)?,
            revealed_block,
        })
    }

    pub(super) fn too_late(&self, inclusion: Inclusion, end: End, target: &Target<'_>) -> CommitError {
        let (block, waited) = (inclusion.block, self.limit);
        if target.wait == Wait::Reveal && end.revealed_block.is_none() {
            CommitError::NotRevealed { block, reveal_round: target.reveal_round, waited }
        } else {
            CommitError::NotFinalized { block, waited }
        }
    }
}

/// Whether a commitment that is not revealed can still be.
fn loss(look: &Look, inclusion: Inclusion) -> Option<CommitError> {
    if look.canonical.is_none() || look.block <= inclusion.block {
        return None;
    }
    match &look.stored {
        Some(stored) if stored.block == inclusion.block && stored.pending().is_some() => None,
        Some(stored) if stored.block > inclusion.block => {
            Some(CommitError::Replaced { block: inclusion.block, by: stored.block })
        }
        _ => Some(CommitError::RevealFailed { block: inclusion.block }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INCLUSION: Inclusion = Inclusion { block: 10, block_hash: BlockHash([1; 32]), index: 1, succeeded: true };

    fn look(block: BlockNumber, stored: Option<StoredCommitment>) -> Look {
        Look {
            canonical: Some(INCLUSION.block_hash),
            finalized_head: BlockHash([2; 32]),
            block,
            stored,
            revealed_block: None,
        }
    }

    fn stored(block: BlockNumber, rounds: &[u64]) -> StoredCommitment {
        StoredCommitment { block, rounds: rounds.to_vec() }
    }

    #[test]
    fn a_waiting_commitment_is_not_lost() {
        assert!(loss(&look(12, Some(stored(10, &[99]))), INCLUSION).is_none());
        // A node that lags behind knows nothing of it yet.
        assert!(loss(&look(9, None), INCLUSION).is_none());
        assert!(loss(&Look { canonical: None, ..look(12, None) }, INCLUSION).is_none());
    }

    #[test]
    fn replaced_and_dropped_are_told_apart() {
        let replaced = loss(&look(12, Some(stored(11, &[99]))), INCLUSION);
        assert!(matches!(replaced, Some(CommitError::Replaced { block: 10, by: 11 })));
        assert!(matches!(loss(&look(12, None), INCLUSION), Some(CommitError::RevealFailed { block: 10 })));
        // Newer runtimes keep a field of another kind in its place.
        assert!(matches!(
            loss(&look(12, Some(stored(10, &[]))), INCLUSION),
            Some(CommitError::RevealFailed { block: 10 })
        ));
    }
}
