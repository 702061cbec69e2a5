//! A refusal counts once the chain has shown that it is true. Behind one address there may be several nodes, so that an
//! extrinsic which one of them refuses is on chain through another: blocks, nonce and pool are looked at first.
//! Only finds out; signing anew is `upgrade`'s business.

use std::sync::Arc;
use std::time::Duration;

use gen404_round::BlockNumber;
use tokio::time::{Instant, sleep, timeout_at};

use super::follow::{Follow, Inclusion, Sighting};
use crate::error::{CommitError, Doubt, ReadError};
use crate::extrinsic::SignedExtrinsic;
use crate::node::{Node, RuntimeVersion};
use crate::rpc::RpcError;

/// Blocks after the first look, in which another node would have put the extrinsic, and a late node noticed an upgrade.
const BLOCKS_OF_DOUBT: u64 = 2;
/// The time these blocks have; a chain that makes none meanwhile shows nothing.
const LONGEST_DOUBT_IN_BLOCKS: f64 = 5.0;
const SHORTEST_DOUBT: Duration = Duration::from_secs(10);

/// What one look showed of an extrinsic that is in no block up to `head`.
#[derive(Debug, Clone)]
struct Absence {
    head: BlockNumber,
    /// The nonce of the account in that block.
    nonce: u64,
    /// The next one, counting what waits in the node's pool.
    next_nonce: u64,
    runtime: Witnesses,
}

/// What the node says of its runtime, where that matters.
#[derive(Debug, Clone)]
enum Witnesses {
    NotAsked,
    Heard {
        /// As it is told to everybody; may come from a cache.
        shown: RuntimeVersion,
        /// In the block `head`.
        runs: u32,
    },
}

/// What follows from it.
#[derive(Debug)]
enum Finding {
    /// The refusal is true; `for_ever` when no later block can take the extrinsic either.
    Nowhere { for_ever: bool },
    /// A pool holds it, or another one with its nonce.
    InPool,
    /// Too early to tell.
    Doubtful(Doubt),
    /// It has had its time, and still cannot be told.
    Undecided(Doubt),
}

impl Absence {
    /// `since` is the head of the first look.
    fn judge(&self, extrinsic: &SignedExtrinsic, since: BlockNumber) -> Finding {
        if self.head > extrinsic.last_block {
            return Finding::Nowhere { for_ever: true };
        }
        let spent = self.nonce > extrinsic.nonce;
        if !spent && self.next_nonce > extrinsic.nonce {
            return Finding::InPool;
        }
        if let Witnesses::Heard { shown, .. } = &self.runtime
            && !spent
            && *shown != extrinsic.version
        {
            // The new runtime takes no signature of before.
            return Finding::Nowhere { for_ever: true };
        }
        if let Witnesses::Heard { runs, .. } = self.runtime
            && !spent
            && runs != extrinsic.version.spec_version
        {
            let stale = Doubt::StaleVersion { shown: extrinsic.version.spec_version, runs };
            let late = self.head >= since + BLOCKS_OF_DOUBT;
            return if late { Finding::Undecided(stale) } else { Finding::Doubtful(stale) };
        }
        if self.nonce < extrinsic.nonce || self.head < since + BLOCKS_OF_DOUBT {
            return Finding::Doubtful(Doubt::NoNewBlock);
        }
        Finding::Nowhere { for_ever: spent }
    }
}

/// Where an extrinsic is that a node refused.
pub(super) enum Whereabouts {
    InBlock(Inclusion),
    /// A pool holds it, or at least one with its nonce; with the refusal.
    InPool(CommitError),
}

/// How doubts end.
enum End {
    InBlock(Arc<Node>, Inclusion),
    InPool,
    Nowhere { for_ever: bool },
    Undecided,
}

impl Follow<'_> {
    /// Where the extrinsic is in spite of the refusal. The refusal itself, when it is true; and that it cannot be told, when
    /// it cannot.
    pub(super) async fn make_sure(&self, refusal: CommitError) -> Result<Whereabouts, CommitError> {
        let block_time = Duration::from_secs_f64(self.chain.runtime().block_time().unwrap_or(0.0).min(60.0));
        let limit = Instant::now() + block_time.mul_f64(LONGEST_DOUBT_IN_BLOCKS).max(SHORTEST_DOUBT);
        let mut doubt = Doubt::NoNewBlock;
        let ended =
            timeout_at(limit.min(self.deadline), self.look_into(refusal.may_come_of_an_upgrade(), &mut doubt)).await;
        match ended {
            Ok(End::InBlock(node, inclusion)) => {
                let accepted = self.accept(&node, inclusion).await?;
                // A block that was replaced gives its extrinsics back to the pool.
                Ok(accepted.map_or(Whereabouts::InPool(refusal), Whereabouts::InBlock))
            }
            Ok(End::InPool) => Ok(Whereabouts::InPool(refusal)),
            Ok(End::Nowhere { for_ever: true }) => Err(refusal.for_ever()),
            Ok(End::Nowhere { for_ever: false }) => Err(refusal),
            Ok(End::Undecided) | Err(_) => Err(self.undecided(refusal, doubt)),
        }
    }

    /// A call that failed in a block is refused once that block is final; `Ok` when another block took its place.
    pub(super) async fn make_final(
        &self,
        mut node: Arc<Node>,
        inclusion: Inclusion,
        refusal: CommitError,
    ) -> Result<(), CommitError> {
        let mut doubt = Doubt::NotFinal;
        while Instant::now() < self.deadline {
            match is_final(&node, inclusion).await {
                Ok(Some(true)) => return Err(refusal),
                Ok(Some(false)) => return Ok(()),
                Ok(None) => doubt = Doubt::NotFinal,
                Err(error) => {
                    if error.is_retryable()
                        && let Ok(newer) = self.recover(&node, &error).await
                    {
                        node = newer;
                    }
                    doubt = Doubt::Unseen(error.into());
                }
            }
            sleep(self.pause).await;
        }
        Err(self.undecided(refusal, doubt))
    }

    pub(super) fn undecided(&self, refusal: CommitError, doubt: Doubt) -> CommitError {
        let (extrinsic_hash, last_block) = (self.extrinsic.hash, self.extrinsic.last_block);
        CommitError::Undecided { extrinsic_hash, refusal: Box::new(refusal), doubt, last_block }
    }

    /// Looks until it can be told where the extrinsic is; `doubt` is why it cannot be told yet.
    async fn look_into(&self, asks_version: bool, doubt: &mut Doubt) -> End {
        let mut node = self.chain.node().await;
        let mut since = None;
        loop {
            match self.look_for_absence(&node, asks_version).await {
                Ok(Ok(inclusion)) => return End::InBlock(node, inclusion),
                Ok(Err(Some(absence))) => match absence.judge(self.extrinsic, *since.get_or_insert(absence.head)) {
                    Finding::Nowhere { for_ever } => return End::Nowhere { for_ever },
                    Finding::InPool => return End::InPool,
                    Finding::Doubtful(why) => *doubt = why,
                    Finding::Undecided(why) => {
                        *doubt = why;
                        return End::Undecided;
                    }
                },
                // What its blocks hold could not be seen.
                Ok(Err(None)) => {}
                Err(error) => {
                    *doubt = Doubt::Unseen(error.into());
                    if let Doubt::Unseen(ReadError::Rpc(error)) = &*doubt
                        && error.is_retryable()
                        && let Ok(newer) = self.recover(&node, error).await
                    {
                        node = newer;
                    }
                }
            }
            sleep(self.pause).await;
        }
    }

    async fn look_for_absence(
        &self,
        node: &Node,
        asks_version: bool,
    ) -> Result<Result<Inclusion, Option<Absence>>, RpcError> {
        let (head, block_hash, next_nonce) = match self.look(node, self.from).await? {
            Sighting::Found(inclusion) => return Ok(Ok(inclusion)),
            Sighting::Unclear => return Ok(Err(None)),
            Sighting::Missing { head, block_hash, next_nonce } => (head, block_hash, next_nonce),
        };
        let nonce = node.nonce_in(&self.hotkey, block_hash).await?;
        let runtime = if asks_version {
            let (shown, runs) = futures::try_join!(node.runtime_version(), node.spec_version_in(block_hash))?;
            Witnesses::Heard { shown, runs }
        } else {
            Witnesses::NotAsked
        };
        Ok(Err(Some(Absence { head, nonce, next_nonce, runtime })))
    }
}

/// Whether the block is final; `Some(false)` when another one has its place, `None` when that is still open.
async fn is_final(node: &Node, inclusion: Inclusion) -> Result<Option<bool>, RpcError> {
    // The finalized head first: a block in its place after that is the final one.
    let finalized = node.block_number(node.finalized_hash().await?).await?;
    let canonical = node.block_hash(inclusion.block).await?;
    Ok(match canonical {
        Some(hash) if hash != inclusion.block_hash => Some(false),
        Some(_) if finalized.is_some_and(|finalized| finalized >= inclusion.block) => Some(true),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hashes::ExtrinsicHash;

    fn version(spec_version: u32) -> RuntimeVersion {
        RuntimeVersion { spec_name: "node-subtensor".to_owned(), spec_version, transaction_version: 1 }
    }

    /// Nonce 5, signed for runtime 425, valid up to block 227.
    fn extrinsic() -> SignedExtrinsic {
        let hash = ExtrinsicHash([1; 32]);
        SignedExtrinsic { bytes: vec![], hash, nonce: 5, last_block: 227, version: version(425) }
    }

    fn absence(head: BlockNumber) -> Absence {
        Absence { head, nonce: 5, next_nonce: 5, runtime: Witnesses::NotAsked }
    }

    fn heard(shown: u32, runs: u32) -> Witnesses {
        Witnesses::Heard { shown: version(shown), runs }
    }

    /// What a look shows, the first one having been at block 100.
    fn finding(absence: &Absence) -> Finding {
        absence.judge(&extrinsic(), 100)
    }

    #[test]
    fn a_free_nonce_says_nothing_before_new_blocks_have_come() {
        for head in [100, 101] {
            assert!(matches!(finding(&absence(head)), Finding::Doubtful(Doubt::NoNewBlock)));
        }
        assert!(matches!(finding(&absence(102)), Finding::Nowhere { for_ever: false }));
        // A node behind the one that was asked before the signature.
        let behind = Absence { nonce: 4, next_nonce: 4, ..absence(102) };
        assert!(matches!(finding(&behind), Finding::Doubtful(Doubt::NoNewBlock)));
    }

    #[test]
    fn a_nonce_in_a_pool_may_be_that_of_the_extrinsic() {
        assert!(matches!(finding(&Absence { next_nonce: 6, ..absence(102) }), Finding::InPool));
    }

    #[test]
    fn what_can_get_into_no_block_any_more_is_told_apart() {
        let spent = Absence { nonce: 6, next_nonce: 6, ..absence(102) };
        assert!(matches!(finding(&spent), Finding::Nowhere { for_ever: true }));
        assert!(matches!(finding(&Absence { head: 101, ..spent }), Finding::Doubtful(Doubt::NoNewBlock)));
        let too_old = Absence { next_nonce: 6, ..absence(228) };
        assert!(matches!(finding(&too_old), Finding::Nowhere { for_ever: true }));
    }

    #[test]
    fn another_runtime_decides_at_once_and_an_unproven_one_never() {
        let of = |head, runtime| finding(&Absence { runtime, ..absence(head) });
        assert!(matches!(of(100, heard(426, 426)), Finding::Nowhere { for_ever: true }));
        let stale = of(101, heard(425, 426));
        assert!(matches!(stale, Finding::Doubtful(Doubt::StaleVersion { shown: 425, runs: 426 })), "{stale:?}");
        let stale = of(102, heard(425, 426));
        assert!(matches!(stale, Finding::Undecided(Doubt::StaleVersion { shown: 425, runs: 426 })), "{stale:?}");
        assert!(matches!(of(102, heard(425, 425)), Finding::Nowhere { for_ever: false }));
    }
}
