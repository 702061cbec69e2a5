//! Sends a batch until the service surely has it, and never twice without having asked the service in between:
//! the batch API promises that an equal set of stems is begun only once, but not every generator keeps that.

use std::collections::BTreeSet;

use gen404_round::Stem;
use tokio::time::sleep;

use super::{BatchError, Conversation, Holding, Polled};
use crate::api::{Order, OrderedPrompt, Status};
use crate::client::ClientError;
use crate::event::Event;
use crate::journal::Sent;
use crate::request::Wish;

impl Conversation<'_> {
    /// Writes the batch down and sends it.
    pub(crate) async fn send(&mut self, batch: &[Wish]) -> Result<(), BatchError> {
        let prompts = batch.iter().map(|wish| (wish.stem.clone(), wish.origin.clone())).collect();
        let sent = Sent { endpoint: self.endpoint.clone(), prompts };
        self.folder().journal.sent(sent).map_err(BatchError::Disk)?;
        self.submit(batch).await
    }

    /// Sends a batch that the service does not hold yet, or that it is making.
    pub(crate) async fn submit(&mut self, batch: &[Wish]) -> Result<(), BatchError> {
        let prompts = batch.iter().map(|wish| OrderedPrompt { stem: &wish.stem, image_url: &wish.image_url });
        let order = Order { prompts: prompts.collect(), seed: self.seed };
        let stems: BTreeSet<Stem> = batch.iter().map(|wish| wish.stem.clone()).collect();
        let before = self.holding.clone();
        let (mut tries, mut unsure) = (0, false);
        loop {
            let error = match self.client.submit(&order).await {
                Ok(accepted) => {
                    if accepted != batch.len() {
                        tracing::warn!(
                            accepted,
                            sent = batch.len(),
                            "the generator says it took another number of prompts"
                        );
                    }
                    self.holding = Holding::Unknown;
                    return Ok(());
                }
                Err(error) => error,
            };
            tries += 1;
            unsure |= error.may_have_arrived();
            if unsure && self.has_begun(&stems, &before).await? {
                self.observer.on(Event::TakenWithoutAnswer { error: &error });
                self.holding = Holding::Unknown;
                return Ok(());
            }
            if matches!(error, ClientError::Conflict { .. }) {
                // Somebody else was faster; whatever was held is not any more.
                self.holding = Holding::Unknown;
            }
            let again = error.is_retryable() && tries <= self.limits.retries;
            let error = BatchError::Client(error);
            if !again {
                return Err(error);
            }
            self.wait_and_retry("submitting", &error, tries).await;
        }
    }

    /// Whether the service has begun a batch whose sending went wrong. `before` is what it held then.
    async fn has_begun(&mut self, stems: &BTreeSet<Stem>, before: &Holding) -> Result<bool, BatchError> {
        let mut failed = 0;
        let status = loop {
            match self.poll(&mut failed).await? {
                Polled::Report(report) => break report.status,
                Polled::Failed { wait } => sleep(wait).await,
            }
        };
        match status {
            Status::Generating => Ok(true),
            Status::WarmingUp | Status::Ready | Status::Replace => Ok(false),
            Status::Complete => {
                self.holding = Holding::Unknown;
                self.look().await?;
                Ok(match &self.holding {
                    // Part of the batch is enough, unless that was there before.
                    Holding::Stems(now) => {
                        now == stems || (self.holding != *before && !now.is_empty() && now.is_subset(stems))
                    }
                    Holding::Unknown | Holding::Unreadable => false,
                })
            }
        }
    }
}
