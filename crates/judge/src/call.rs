//! One question with its attempts: temperatures and seeds climb, pauses grow, failures are counted and never hidden.
//! What a reply decides, and what stands in for a missing one, is up to the stages.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gen404_outside::time::Clock;
use gen404_round::duel::CallTally;
use tokio::sync::Semaphore;

use crate::event::{Event, Listener};
use crate::profile::{Part, Profile, Question};
use crate::reply::{self, Reply, UnusableReply};
use crate::vlm::{Answer, LONGEST_WISHED_PAUSE, Request, Vlm, VlmError};
use crate::watch::Watch;

/// Why an attempt brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// No reply came.
    #[error(transparent)]
    Transport(VlmError),
    /// The reply could not be used.
    #[error(transparent)]
    Reply(UnusableReply),
    /// The reply could not be used because it is not whole, or because the model thought aloud instead of answering.
    #[error(
        "the reply {}{} (finish_reason {}, limit {limit} tokens)",
        if *empty { "has no content" } else { "is not whole" },
        if *thought { ": the model thinks before it answers" } else { "" },
        finish_reason.as_deref().unwrap_or("not given"),
    )]
    Unfinished {
        /// Why the model stopped, in the server's word.
        finish_reason: Option<String>,
        /// The limit of the question in tokens.
        limit: u32,
        /// It thought aloud.
        thought: bool,
        /// There was no text at all.
        empty: bool,
    },
    /// The model has answered again and again from the start, and not one of its replies could be used.
    #[error("none of the first {replies} replies could be used: {last}")]
    NothingUsable {
        /// How many.
        replies: u32,
        /// What is wrong with the last of them.
        last: UnusableReply,
    },
}

impl AttemptError {
    /// Where it is counted.
    fn column<'a>(&self, tally: &'a mut CallTally) -> &'a mut u32 {
        match self {
            Self::Transport(_) => &mut tally.transport_failed,
            Self::Reply(_) | Self::Unfinished { .. } | Self::NothingUsable { .. } => &mut tally.json_failed,
        }
    }
}

/// The means to put a question: the same for all duels of a run, and for the rehearsal.
pub(crate) struct Voice<'a, V> {
    pub(crate) vlm: &'a V,
    pub(crate) profile: &'a Profile,
    /// Seed of the run.
    pub(crate) seed: u64,
    /// Requests in flight, over all duels.
    pub(crate) permits: &'a Semaphore,
}

/// The questions of one duel.
pub(crate) struct Caller<'a, V, C> {
    pub(crate) voice: Voice<'a, V>,
    pub(crate) clock: &'a C,
    pub(crate) observer: &'a Listener<'a>,
    pub(crate) watch: &'a Watch,
    /// Of the duel.
    pub(crate) tally: &'a Tally,
    /// Of the run, in which duels that come to nothing count too.
    pub(crate) run_tally: &'a Tally,
}

/// A question about a side, in an order, from an angle.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) question: &'a Question,
    /// The side or order it is about.
    pub(crate) which: usize,
    /// The angle's place among several.
    pub(crate) step: u64,
    pub(crate) parts: &'a [Part],
}

impl<'a> Asked<'a> {
    pub(crate) fn label(&self) -> &'a str {
        &self.question.labels[self.which]
    }
}

/// What the questions of a duel went through.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<(CallTally, Option<AttemptError>)>);

impl Tally {
    fn note(&self, change: impl FnOnce(&mut CallTally)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).0);
    }

    fn remember(&self, error: AttemptError) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = Some(error);
    }

    pub(crate) fn counts(&self) -> CallTally {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    pub(crate) fn take_last_failure(&self) -> Option<AttemptError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.take()
    }
}

impl<V: Vlm> Voice<'_, V> {
    /// One attempt.
    pub(crate) async fn once<R: Reply>(&self, asked: Asked<'_>, attempt: u32) -> Result<R, AttemptError> {
        let Asked { question, which, step, parts } = asked;
        let rules = &self.profile.attempts;
        let offset = question.seed_offsets[which].saturating_add(question.seed_step.saturating_mul(step));
        let seed = self.seed.saturating_add(offset).saturating_add(rules.seed_offset);
        let request = Request {
            label: asked.label(),
            system: self.profile.role(question),
            parts,
            schema: R::SCHEMA,
            temperature: rules.temperature(attempt),
            seed: seed.saturating_add(u64::from(attempt)),
            max_tokens: question.max_tokens,
        };
        let answer = {
            let _permit = self.permits.acquire().await.expect("the semaphore is never closed");
            self.vlm.ask(&request).await.map_err(AttemptError::Transport)?
        };
        reply::read(&answer.text).map_err(|error| why(error, answer, question.max_tokens))
    }
}

/// An unusable reply that was cut, only thought about, refused or filtered is told apart from one that is wrong.
fn why(error: UnusableReply, answer: Answer, limit: u32) -> AttemptError {
    if answer.was_cut() || answer.thought {
        let empty = answer.text.trim().is_empty();
        let Answer { finish_reason, thought, .. } = answer;
        return AttemptError::Unfinished { finish_reason, limit, thought, empty };
    }
    let Answer { text, finish_reason, refusal, .. } = answer;
    let stopped_otherwise = finish_reason.as_deref().is_some_and(|reason| reason != "stop");
    if refusal.is_some() || (text.trim().is_empty() && stopped_otherwise) {
        return AttemptError::Reply(UnusableReply::Withheld { refusal, finish_reason });
    }
    AttemptError::Reply(error)
}

impl<V: Vlm, C: Clock> Caller<'_, V, C> {
    /// Asks until a usable reply comes; `None` after the last attempt. Fails at once when no question can be answered.
    pub(crate) async fn ask<R: Reply>(&self, asked: Asked<'_>) -> Result<Option<R>, AttemptError> {
        self.attempts(asked, true).await
    }

    /// The same for a question without influence: that it is never answered ends nothing.
    pub(crate) async fn ask_in_passing<R: Reply>(&self, asked: Asked<'_>) -> Result<Option<R>, AttemptError> {
        self.attempts(asked, false).await
    }

    async fn attempts<R: Reply>(&self, asked: Asked<'_>, counts: bool) -> Result<Option<R>, AttemptError> {
        // Unanswered until it is answered: a question that is dropped with its duel was asked all the same.
        self.note(|tally| {
            tally.calls += 1;
            tally.unanswered += 1;
        });
        for attempt in 0..asked.question.attempts {
            let outcome = self.voice.once(asked, attempt).await;
            self.note(|tally| tally.attempts += 1);
            let error = match outcome {
                Ok(reply) => {
                    self.note(|tally| tally.unanswered -= 1);
                    self.watch.answered(asked.label());
                    self.observer.on(Event::Attempt { answered: true });
                    return Ok(Some(reply));
                }
                Err(error) => error,
            };
            if is_hopeless(&error) || (counts && self.watch.gives_up(asked.label(), &error, self.clock.elapsed())) {
                self.note(|tally| *error.column(tally) += 1);
                return Err(self.watch.in_words(error));
            }
            self.observer.on(Event::Attempt { answered: false });
            tracing::debug!(label = asked.label(), attempt, %error, "attempt failed");
            let wished = wished_pause(&error);
            self.note(|tally| *error.column(tally) += 1);
            self.tally.remember(error);
            if wished.is_some_and(|wished| wished > LONGEST_WISHED_PAUSE) {
                break;
            }
            if attempt + 1 < asked.question.attempts {
                let pause = self.voice.profile.attempts.pause_seconds * f64::from(attempt + 1);
                self.clock.sleep(Duration::from_secs_f64(pause).max(wished.unwrap_or_default())).await;
            }
        }
        Ok(None)
    }

    fn note(&self, change: impl Fn(&mut CallTally)) {
        self.tally.note(&change);
        self.run_tally.note(change);
    }
}

/// No other question will fare better.
fn is_hopeless(error: &AttemptError) -> bool {
    matches!(error, AttemptError::Transport(error) if error.is_hopeless())
}

fn wished_pause(error: &AttemptError) -> Option<Duration> {
    match error {
        AttemptError::Transport(error) => error.wished_pause(),
        AttemptError::Reply(_) | AttemptError::Unfinished { .. } | AttemptError::NothingUsable { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_that_was_refused_or_filtered_is_told_as_that() {
        let said = |refusal: Option<&str>, finish_reason: Option<&str>| {
            let [refusal, finish_reason] = [refusal, finish_reason].map(|text| text.map(str::to_owned));
            why(UnusableReply::Empty, Answer { finish_reason, refusal, ..Answer::default() }, 9).to_string()
        };
        assert_eq!(said(Some("No faces."), Some("stop")), "the model refused to answer: No faces.");
        assert_eq!(said(None, Some("content_filter")), "the reply was empty (finish_reason content_filter)");
        assert_eq!(said(None, Some("stop")), "the reply was empty");
        assert_eq!(said(None, None), "the reply was empty");
    }
}
