//! The life of a pod as plain decisions: from what was seen of it, wait on, call it ready, or give it up.
//! No network, no clock, no sleep; [`crate::start()`] sees and waits, this decides.

mod failure;
#[cfg(test)]
mod tests;

use std::time::Duration;

use gen404_outside::text::excerpt;
use jiff::{SignedDuration, Timestamp};

pub use self::failure::Failure;
use crate::image::ImageReference;
use crate::pod::PodSpecification;
use crate::wire::{PublicUrl, Status, Trouble, WorkloadEvent, WorkloadState, tells_of_failed_pull};

/// How long a pod gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// From deploying until it has a public address.
    pub visible: Duration,
    /// From then on until its health check answers 2xx.
    pub healthy: Duration,
}

impl Default for Patience {
    /// 10 minutes to be visible and an hour to be healthy: large models load for long.
    fn default() -> Self {
        Self { visible: Duration::from_mins(10), healthy: Duration::from_hours(1) }
    }
}

/// What could be learned about the state this time.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// The service says this.
    State(WorkloadState),
    /// The service knows no such pod.
    Missing,
    /// The service did not answer well; a moment's weakness until the time is up.
    Nothing,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing to do but wait.
    Wait,
    /// It has an address: ask it how it is.
    Probe(PublicUrl),
    /// It answers: done.
    Ready(PublicUrl),
    /// It will not come to life.
    GiveUp(Failure),
}

/// How long a failed pod may go on without another being started in its place.
const GRACE: Duration = Duration::from_secs(30);

/// A container that ends so often does not stay up; once may be bad luck.
const MOST_ENDS: usize = 2;

/// Reports of one end are not further apart.
const ONE_END: SignedDuration = SignedDuration::from_secs(2);

/// Looks in a row at which the service may not know a pod that it never knew.
const MOST_MISSES: u32 = 2;

/// Watches one pod from its deployment on. All times are on the same clock.
#[derive(Debug, Clone)]
pub struct Watch {
    patience: Patience,
    deployed: Duration,
    visible: Option<(Duration, PublicUrl)>,
    was_known: bool,
    /// Looks in a row at which the service knew no such pod.
    misses: u32,
    /// Since when the newest event is that the pod has failed.
    failed: Option<Duration>,
    status: Status,
    port: u16,
    image: ImageReference,
}

impl Watch {
    /// Begins at the moment of deploying.
    pub fn from(deployed: Duration, pod: &PodSpecification, patience: Patience) -> Self {
        Self {
            patience,
            deployed,
            visible: None,
            was_known: false,
            misses: 0,
            failed: None,
            status: Status::default(),
            port: pod.port,
            image: pod.image.clone(),
        }
    }

    /// The last status that was seen.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// How long the pod still has for what it has to do next.
    pub fn time_left(&self, now: Duration) -> Duration {
        let (since, patience) = match &self.visible {
            Some((since, _)) => (*since, self.patience.healthy),
            None => (self.deployed, self.patience.visible),
        };
        (since + patience).saturating_sub(now)
    }

    /// What the state and the events of this moment mean.
    pub fn look(&mut self, now: Duration, seen: &Seen, events: &[WorkloadEvent]) -> Next {
        self.remember(now, seen);
        let failure = self.no_image(seen, events).or_else(|| self.crash(now, events)).or_else(|| self.end(seen));
        if let Some(failure) = failure {
            return Next::GiveUp(failure);
        }
        match &self.visible {
            Some((_, url)) => Next::Probe(url.clone()),
            None if now.saturating_sub(self.deployed) >= self.patience.visible => {
                Next::GiveUp(Failure::NotVisible { after: self.patience.visible, status: self.status.clone() })
            }
            None => Next::Wait,
        }
    }

    fn remember(&mut self, now: Duration, seen: &Seen) {
        match seen {
            Seen::State(state) => {
                self.was_known = true;
                self.misses = 0;
                self.status = state.status.clone();
                if let Some(url) = state.url(self.port) {
                    let since = self.visible.as_ref().map_or(now, |(since, _)| *since);
                    self.visible = Some((since, url));
                }
            }
            Seen::Missing => self.misses += 1,
            Seen::Nothing => {}
        }
    }

    /// The image cannot be pulled: the state says so now, or events that no good one has followed.
    fn no_image(&self, seen: &Seen, events: &[WorkloadEvent]) -> Option<Failure> {
        let failure = |words: &str| Failure::NoImage { words: excerpt(words, 300) };
        if let Seen::State(state) = seen
            && tells_of_failed_pull(&state.message, &self.image)
        {
            return Some(failure(&state.message));
        }
        let last_good = events.iter().filter(|event| event.is_beyond_pulling()).map(|event| event.created_at).max();
        let words = events
            .iter()
            .filter(|event| last_good.is_none_or(|good| event.created_at > good))
            .filter_map(|event| event.words_of_failed_pull(&self.image));
        words.max_by_key(|words| words.len()).map(failure)
    }

    /// The container does not stay up. It may end once.
    fn crash(&mut self, now: Duration, events: &[WorkloadEvent]) -> Option<Failure> {
        let troubles = events.iter().filter_map(|event| Some((event.trouble(&self.image)?, event)));
        let troubles: Vec<_> = troubles.filter(|(trouble, _)| *trouble != Trouble::NoImage).collect();
        let (_, newest) = troubles.iter().max_by_key(|(_, event)| event.created_at)?;
        let of = |kinds: &[Trouble]| {
            ends(troubles.iter().filter(|(trouble, _)| kinds.contains(trouble)).map(|(_, event)| event.created_at))
        };
        // What only has failed so far may still be replaced; then something newer is told.
        let last = WorkloadEvent::newest(events)?;
        self.failed = (last.trouble(&self.image) == Some(Trouble::Failed)).then(|| self.failed.unwrap_or(now));
        let stays_failed = self.failed.is_some_and(|since| now.saturating_sub(since) >= GRACE);
        let crashed = of(&[Trouble::Loop]) > 0
            || of(&[Trouble::Ended, Trouble::Failed]) >= MOST_ENDS
            || of(&[Trouble::Restarted]) >= MOST_ENDS
            || stays_failed;
        let exit_code = newest.exit_code.or_else(|| troubles.iter().rev().find_map(|(_, event)| event.exit_code));
        crashed.then(|| Failure::Crashed { event: excerpt(newest.text(), 200), exit_code })
    }

    /// The service, or somebody, has ended it.
    fn end(&self, seen: &Seen) -> Option<Failure> {
        match seen {
            Seen::State(state) if (state.status.is_gone() || state.status.is_ending()) && state.message.is_empty() => {
                Some(Failure::Vanished)
            }
            Seen::State(state) if state.status.is_over() || state.status.is_ending() => {
                Some(Failure::Ended { status: state.status.clone(), message: excerpt(&state.message, 200) })
            }
            // Right after deploying, an answer may come from a place that has not heard of it yet.
            Seen::Missing if self.was_known || self.misses >= MOST_MISSES => Some(Failure::Vanished),
            Seen::State(_) | Seen::Missing | Seen::Nothing => None,
        }
    }

    /// What the answer to a health check means.
    pub fn probed(&self, now: Duration, answer: Option<u16>) -> Next {
        let Some((since, url)) = &self.visible else { return Next::Wait };
        if answer.is_some_and(|status| (200..300).contains(&status)) {
            Next::Ready(url.clone())
        } else if now.saturating_sub(*since) >= self.patience.healthy {
            Next::GiveUp(Failure::NotHealthy { after: self.patience.healthy, answer })
        } else {
            Next::Wait
        }
    }
}

/// How many different ends these dates are of. What has no date is one of its own.
fn ends(dates: impl Iterator<Item = Option<Timestamp>>) -> usize {
    let (mut known, mut unknown) = (Vec::new(), 0);
    for date in dates {
        match date {
            Some(date) => known.push(date),
            None => unknown += 1,
        }
    }
    known.sort_unstable();
    let apart = known.windows(2).filter(|pair| pair[1].duration_since(pair[0]) > ONE_END).count();
    unknown + apart + usize::from(!known.is_empty())
}
