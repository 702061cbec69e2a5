//! One question with its attempts: temperatures and seeds climb, pauses grow, failures are counted and never hidden.
//! What a reply decides, and what stands in for a missing one, is up to the stages.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gen404_round::duel::CallTally;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::observer::{Event, Observer};
use crate::profile::{Part, Profile, Question};
use crate::reply::{self, Reply, UnusableReply};
use crate::vlm::{Request, Vlm, VlmError};

/// Why an attempt brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// No reply came.
    #[error(transparent)]
    Transport(VlmError),
    /// The reply could not be used.
    #[error(transparent)]
    Reply(UnusableReply),
}

/// The questions of one duel.
pub(crate) struct Caller<'a, V, C> {
    pub(crate) vlm: &'a V,
    pub(crate) clock: &'a C,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) profile: &'a Profile,
    /// Seed of the run.
    pub(crate) seed: u64,
    /// Requests in flight, over all duels.
    pub(crate) permits: &'a Semaphore,
    pub(crate) tally: &'a Tally,
}

/// What the questions of a duel went through.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<(CallTally, Option<AttemptError>)>);

impl Tally {
    fn note(&self, change: impl FnOnce(&mut CallTally)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).0);
    }

    fn note_failure(&self, error: AttemptError) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            AttemptError::Transport(_) => inner.0.transport_failed += 1,
            AttemptError::Reply(_) => inner.0.json_failed += 1,
        }
        inner.1 = Some(error);
    }

    pub(crate) fn counts(&self) -> CallTally {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn take_last_failure(&self) -> Option<AttemptError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.take()
    }
}

impl<V: Vlm, C: Clock> Caller<'_, V, C> {
    /// Asks until a usable reply comes; `None` after the last attempt. Fails at once when no question can be answered.
    ///
    /// `which` is the side or order the question is about, `step` the angle's place among several.
    pub(crate) async fn ask<R: Reply>(
        &self,
        question: &Question,
        which: usize,
        step: u64,
        parts: &[Part],
    ) -> Result<Option<R>, VlmError> {
        self.tally.note(|tally| tally.calls += 1);
        let rules = &self.profile.attempts;
        let offset = question.seed_offsets[which].saturating_add(question.seed_step.saturating_mul(step));
        let seed = self.seed.saturating_add(offset).saturating_add(rules.seed_offset);
        for attempt in 0..question.attempts {
            let request = Request {
                label: &question.labels[which],
                system: self.profile.role(question),
                parts,
                schema: R::SCHEMA,
                temperature: rules.temperature(attempt),
                seed: seed.saturating_add(u64::from(attempt)),
                max_tokens: question.max_tokens,
            };
            let answer = {
                let _permit = self.permits.acquire().await.expect("the semaphore is never closed");
                self.vlm.ask(&request).await
            };
            self.tally.note(|tally| tally.attempts += 1);
            let error = match answer.map(|text| reply::read(&text)) {
                Ok(Ok(reply)) => {
                    self.observer.observe(Event::Attempt { answered: true });
                    return Ok(Some(reply));
                }
                Err(error) if error.is_hopeless() => return Err(error),
                Err(error) => AttemptError::Transport(error),
                Ok(Err(error)) => AttemptError::Reply(error),
            };
            self.observer.observe(Event::Attempt { answered: false });
            tracing::debug!(label = request.label, attempt, %error, "attempt failed");
            self.tally.note_failure(error);
            if attempt + 1 < question.attempts {
                self.clock.sleep(Duration::from_secs_f64(rules.pause_seconds * f64::from(attempt + 1))).await;
            }
        }
        self.tally.note(|tally| tally.unanswered += 1);
        Ok(None)
    }
}
