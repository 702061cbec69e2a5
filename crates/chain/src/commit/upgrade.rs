//! The only reason to sign a second time: the runtime was upgraded after the first signature, which is provably nowhere.
//! Both extrinsics have the same nonce, so that the chain could never take both.

use super::follow::Follow;
use super::refusal::Whereabouts;
use super::{Commitment, Order, Outgoing};
use crate::connection::Chain;
use crate::error::{CommitError, Doubt};
use crate::event::Event;

impl Chain {
    /// Whether the runtime is another one than the extrinsic was signed for. It is read again first.
    pub(super) async fn has_outlived(&self, order: &Order<'_>, outgoing: &Outgoing) -> Result<bool, CommitError> {
        let read = self.catch_up(order.observer).await;
        read.map_err(|source| CommitError::from(source).after_sending(outgoing.extrinsic.hash, None))?;
        Ok(self.runtime().version != outgoing.extrinsic.version)
    }

    /// Signs and sends once more, in place of `first`, which met the refusal and is nowhere.
    pub(super) async fn commit_anew(
        &self,
        order: &Order<'_>,
        first: &Outgoing,
        refusal: CommitError,
    ) -> Result<Commitment, CommitError> {
        order.observer.on(Event::Rejected);
        let second = Box::pin(self.sign(order)).await?;
        let failure = if second.extrinsic.nonce == first.extrinsic.nonce {
            match Box::pin(self.send(order, &second)).await {
                Err(failure @ (CommitError::Pool(_) | CommitError::Dropped { .. })) => failure,
                ended => return ended,
            }
        } else {
            // Somebody has used the nonce meanwhile.
            refusal
        };
        // Perhaps the first one did, through a node that was behind when it was looked for.
        let follow = Follow { deadline: second.deadline, ..self.follow(order, first) };
        match self.telling(order.observer, Box::pin(follow.make_sure(failure))).await? {
            Whereabouts::InBlock(inclusion) => Box::pin(self.settle(order, first, inclusion)).await,
            Whereabouts::InPool(failure) => Err(follow.undecided(failure, Doubt::InPool)),
        }
    }
}
