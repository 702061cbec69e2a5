//! After a refusal that an upgrade of the runtime may have caused: was there one, and has the first extrinsic gone nowhere?
//! Only finds out; signing anew is the business of the one who asked.

use super::follow::{Follow, Inclusion};
use crate::connection::Chain;
use crate::error::{CommitError, ReadError};
use crate::rpc::RpcError;

/// What a look at the chain has shown.
pub(super) enum Finding {
    /// The runtime is the one that was signed for, or the chain cannot be asked: the refusal stands.
    SameRuntime,
    /// It is in a block after all, where its call may have failed.
    InBlock(Box<Result<Inclusion, CommitError>>),
    /// There is another runtime, in none of the blocks before it is the extrinsic, its nonce is not used, and no pool
    /// holds anything with it. The new runtime takes no signature of before.
    WentNowhere,
}

impl Chain {
    pub(super) async fn after_upgrade(&self, follow: &Follow<'_>) -> Finding {
        self.look_after_upgrade(follow).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "whether the runtime was upgraded cannot be told");
            Finding::SameRuntime
        })
    }

    async fn look_after_upgrade(&self, follow: &Follow<'_>) -> Result<Finding, ReadError> {
        if !self.catch_up(follow.observer).await? {
            return Ok(Finding::SameRuntime);
        }
        let sighting = self
            .reading(follow.observer, |node| async move {
                const WRONG: RpcError =
                    RpcError::Unexpected { method: "chain_getHeader", expected: "the header of its head" };
                // The nonce first: what is included between the answers is then found in the blocks.
                let next_nonce = node.next_nonce(&follow.hotkey).await?;
                let head = node.block_number(node.best_hash().await?).await?.ok_or(WRONG)?;
                let inclusion = follow.find_between(&node, follow.from, head).await?;
                Ok((node, next_nonce, inclusion))
            })
            .await?;
        Ok(match sighting {
            (node, _, Some(inclusion)) => Finding::InBlock(Box::new(follow.accept(&node, inclusion).await)),
            (_, next_nonce, None) if next_nonce == follow.extrinsic.nonce => Finding::WentNowhere,
            _ => Finding::SameRuntime,
        })
    }
}
