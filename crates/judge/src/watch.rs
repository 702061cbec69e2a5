//! Watches a run until each kind of question was answered once: what meets the same refusal again and again before that will
//! always meet it, and asking on would only fill records with stand-ins. Single failures are no business of this file.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::call::AttemptError;
use crate::vlm::VlmError;

/// So many attempts at a kind of question that were refused alike, and none that was answered.
const REFUSED_ALIKE: u32 = 3;
/// So many replies from the start, none of them usable, end a run: all attempts at the first stage of a duel (8 questions, 5
/// times), so that a duel still fails by itself first, and one more at each question of the next.
const UNUSABLE: u32 = 48;
/// How long a run is kept up by a server that answers nothing but "later", counted from the first question that it still said
/// so to when all its retries were spent.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a run has met so far.
#[derive(Debug, Default)]
pub(crate) struct Watch(Mutex<Met>);

#[derive(Debug, Default)]
struct Met {
    /// By label.
    kinds: BTreeMap<String, Kind>,
    anything_answered: bool,
    unusable: u32,
    in_trouble_since: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Answered,
    Refused(Refusal, u32),
}

/// What is the same in refusals that are alike; the sentences may name sizes or requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    Status(u16),
    ErrorBody,
    NoCompletion,
    Unfinished,
}

impl Watch {
    /// A question was answered.
    pub(crate) fn answered(&self, label: &str) {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        met.anything_answered = true;
        match met.kinds.get_mut(label) {
            Some(kind) => *kind = Kind::Answered,
            None => drop(met.kinds.insert(label.to_owned(), Kind::Answered)),
        }
    }

    /// An attempt failed: whether no other of the same kind can be expected to fare better.
    pub(crate) fn gives_up(&self, label: &str, error: &AttemptError, now: Duration) -> bool {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(refusal) = Refusal::of(error) {
            let kind = met.kinds.entry(label.to_owned()).or_insert(Kind::Refused(refusal, 0));
            return match kind {
                Kind::Answered => false,
                Kind::Refused(before, times) => {
                    *times = if *before == refusal { *times + 1 } else { 1 };
                    *before = refusal;
                    *times >= REFUSED_ALIKE
                }
            };
        }
        if matches!(error, AttemptError::Reply(_)) && !met.anything_answered {
            met.unusable += 1;
            return met.unusable >= UNUSABLE;
        }
        let later = matches!(error, AttemptError::Transport(error) if error.is_retryable());
        if !later || met.anything_answered {
            return false;
        }
        now.saturating_sub(*met.in_trouble_since.get_or_insert(now)) >= PATIENCE
    }

    /// The error that ends a run: a single unusable reply would not.
    pub(crate) fn in_words(&self, error: AttemptError) -> AttemptError {
        let replies = self.0.lock().unwrap_or_else(PoisonError::into_inner).unusable;
        match error {
            AttemptError::Reply(last) => AttemptError::NothingUsable { replies, last },
            other => other,
        }
    }
}

impl Refusal {
    fn of(error: &AttemptError) -> Option<Self> {
        match error {
            AttemptError::Transport(VlmError::NoCompletion { .. }) => Some(Self::NoCompletion),
            AttemptError::Transport(error) if !error.is_refusal() => None,
            AttemptError::Transport(VlmError::Status { status, .. }) => Some(Self::Status(*status)),
            AttemptError::Transport(_) => Some(Self::ErrorBody),
            AttemptError::Unfinished { .. } => Some(Self::Unfinished),
            AttemptError::Reply(_) | AttemptError::NothingUsable { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::UnusableReply;

    fn status(status: u16) -> AttemptError {
        AttemptError::Transport(VlmError::Status {
            address: "http://h/v1/chat/completions".to_owned(),
            status,
            message: String::new(),
            wished: None,
        })
    }

    fn cut() -> AttemptError {
        AttemptError::Unfinished { finish_reason: None, limit: 9, thought: true, empty: true }
    }

    #[test]
    fn three_refusals_alike_end_a_kind_that_was_never_answered() {
        let watch = Watch::default();
        let gives_up = |label: &str, error: AttemptError| watch.gives_up(label, &error, Duration::ZERO);
        watch.answered("explain");
        assert_eq!([400, 400, 400].map(|number| gives_up("s1", status(number))), [false, false, true]);
        assert_eq!([400, 422, 422, 422].map(|number| gives_up("s2", status(number))), [false, false, false, true]);
        assert_eq!([400, 400, 400].map(|number| gives_up("explain", status(number))), [false; 3]);
        assert_eq!([(); 3].map(|()| gives_up("s4", cut())), [false, false, true]);
        assert_eq!([(); 99].map(|()| gives_up("s3", AttemptError::Reply(UnusableReply::NoJson))), [false; 99]);
    }

    #[test]
    fn a_model_of_which_no_reply_can_be_used_is_given_up() {
        let watch = Watch::default();
        let empty = || AttemptError::Reply(UnusableReply::Empty);
        let at = |label: &str| watch.gives_up(label, &empty(), Duration::ZERO);
        let said: Vec<bool> = (0..UNUSABLE).map(|number| at(if number % 2 == 0 { "s1" } else { "s4" })).collect();
        assert_eq!(said.iter().position(|given_up| *given_up), Some(47));
        assert_eq!(
            watch.in_words(empty()).to_string(),
            "none of the first 48 replies could be used: the reply was empty"
        );
        watch.answered("explain");
        assert!(!at("s1"), "one that could be used is enough");
    }

    #[test]
    fn what_is_no_completion_three_times_is_a_refusal() {
        let watch = Watch::default();
        let page = || {
            let (address, begins) = ("http://h/v1/chat/completions".to_owned(), "<html>".to_owned());
            AttemptError::Transport(VlmError::NoCompletion { address, begins })
        };
        let gives_up = |label: &str| watch.gives_up(label, &page(), Duration::ZERO);
        assert_eq!([(); 3].map(|()| gives_up("s1")), [false, false, true]);
        watch.answered("s2");
        assert_eq!([(); 4].map(|()| gives_up("s2")), [false; 4]);
    }

    #[test]
    fn a_server_that_never_answers_is_given_some_seconds() {
        let watch = Watch::default();
        let at = |seconds: u64| watch.gives_up("s1", &status(429), Duration::from_secs(seconds));
        assert_eq!([100, 101, 102].map(at), [false, false, true]);
        watch.answered("explain");
        assert!(!at(999), "it has answered something");
    }
}
