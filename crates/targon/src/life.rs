//! The life of a pod as plain decisions: from what was seen of it, wait on, call it ready, or give it up.
//! No network, no clock, no sleep; [`crate::start()`] sees and waits, this decides.

use std::fmt;
use std::time::Duration;

use crate::plain::excerpt;
use crate::wire::{PublicUrl, Status, WorkloadEvent, WorkloadState};

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

/// Why a pod was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// Its container does not stay up.
    Crashed {
        /// What the service reported.
        event: String,
        /// What the container ended with.
        exit_code: Option<i64>,
    },
    /// The service ended it.
    Ended {
        /// The status word.
        status: Status,
        /// What the service says about it.
        message: String,
    },
    /// It was there, and the service no longer knows it: somebody deleted it.
    Vanished,
    /// No public address in time.
    NotVisible {
        /// The time it had.
        after: Duration,
        /// The last status.
        status: Status,
    },
    /// A public address, but no good answer in time.
    NotHealthy {
        /// The time it had.
        after: Duration,
        /// HTTP status of the last health check; none when it did not answer.
        answer: Option<u16>,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crashed { event, exit_code } => {
                write!(formatter, "its container crashed: {event}")?;
                exit_code.map_or(Ok(()), |code| write!(formatter, " (exit code {code})"))
            }
            Self::Ended { status, message } if message.is_empty() => write!(formatter, "Targon ended it: {status}"),
            Self::Ended { status, message } => write!(formatter, "Targon ended it: {status}: {message}"),
            Self::Vanished => formatter.write_str("it was deleted while it was starting"),
            Self::NotVisible { after, status } => {
                write!(formatter, "it had no address after {} s (status {status})", after.as_secs())
            }
            Self::NotHealthy { after, answer: Some(answer) } => {
                write!(formatter, "its health check still answered {answer} after {} s", after.as_secs())
            }
            Self::NotHealthy { after, answer: None } => {
                write!(formatter, "its health check gave no answer within {} s", after.as_secs())
            }
        }
    }
}

impl Failure {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Crashed { .. } => "the log lines above say why; try the image on your own machine first",
            Self::Ended { .. } => "try again, or take another --resource",
            Self::Vanished => "was `stop-pods` run elsewhere?",
            Self::NotVisible { .. } => "try again, take another --resource, or give it longer with --deploy-timeout",
            Self::NotHealthy { .. } => "if it only loads for long, give it longer with --health-timeout",
        }
    }
}

/// Watches one pod from its deployment on. All times are on the same clock.
#[derive(Debug, Clone)]
pub struct Watch {
    patience: Patience,
    deployed: Duration,
    visible: Option<(Duration, PublicUrl)>,
    was_known: bool,
    status: Status,
    port: u16,
}

impl Watch {
    /// Begins at the moment of deploying.
    pub fn from(deployed: Duration, port: u16, patience: Patience) -> Self {
        Self { patience, deployed, visible: None, was_known: false, status: Status::default(), port }
    }

    /// The last status that was seen.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// What the state and the events of this moment mean.
    pub fn look(&mut self, now: Duration, seen: &Seen, events: &[WorkloadEvent]) -> Next {
        if let Seen::State(state) = seen {
            self.was_known = true;
            self.status = state.status.clone();
        }
        if let Some(crash) = events.iter().filter(|event| event.is_crash()).max_by_key(|event| event.created_at) {
            return Next::GiveUp(Failure::Crashed { event: excerpt(crash.text(), 200), exit_code: crash.exit_code });
        }
        match seen {
            Seen::State(state) => {
                if state.status.is_over() {
                    let message = excerpt(&state.message, 200);
                    return Next::GiveUp(Failure::Ended { status: state.status.clone(), message });
                }
                if let Some(url) = state.url(self.port) {
                    let since = self.visible.as_ref().map_or(now, |(since, _)| *since);
                    self.visible = Some((since, url));
                }
            }
            // Right after registering, an answer may come from a place that has not heard of it yet.
            Seen::Missing if self.was_known => return Next::GiveUp(Failure::Vanished),
            Seen::Missing | Seen::Nothing => {}
        }
        match &self.visible {
            Some((_, url)) => Next::Probe(url.clone()),
            None if now.saturating_sub(self.deployed) >= self.patience.visible => {
                Next::GiveUp(Failure::NotVisible { after: self.patience.visible, status: self.status.clone() })
            }
            None => Next::Wait,
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PATIENCE: Patience = Patience { visible: Duration::from_mins(10), healthy: Duration::from_hours(1) };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn watch() -> Watch {
        Watch::from(at(100), 8_000, PATIENCE)
    }

    fn state(status: &str, url: Option<&str>) -> Seen {
        let urls = url.map(|url| serde_json::json!([{"port": 8000, "url": url}]));
        let json = serde_json::json!({"status": status, "message": "because", "urls": urls});
        Seen::State(serde_json::from_value(json).expect("a state"))
    }

    fn event(json: &str) -> WorkloadEvent {
        serde_json::from_str(json).expect("an event")
    }

    fn url() -> PublicUrl {
        PublicUrl::read("https://pod.example").expect("an address")
    }

    #[test]
    fn a_good_start() {
        let mut watch = watch();
        assert_eq!(watch.look(at(100), &state("registered", None), &[]), Next::Wait);
        assert_eq!(watch.look(at(105), &state("provisioning", None), &[]), Next::Wait);
        assert_eq!(watch.look(at(110), &state("running", Some("https://pod.example")), &[]), Next::Probe(url()));
        assert_eq!(watch.probed(at(110), Some(503)), Next::Wait);
        assert_eq!(watch.probed(at(115), Some(204)), Next::Ready(url()));
    }

    #[test]
    fn time_runs_out_without_an_address() {
        let mut watch = watch();
        assert_eq!(watch.look(at(699), &state("provisioning", None), &[]), Next::Wait);
        let Next::GiveUp(failure) = watch.look(at(700), &Seen::Nothing, &[]) else { panic!("still waiting") };
        assert_eq!(failure.to_string(), "it had no address after 600 s (status provisioning)");
    }

    #[test]
    fn time_to_be_healthy_counts_from_being_visible() {
        let mut watch = watch();
        watch.look(at(600), &state("running", Some("https://pod.example")), &[]);
        watch.look(at(4_000), &state("running", Some("https://pod.example")), &[]);
        assert_eq!(watch.probed(at(4_199), None), Next::Wait);
        assert_eq!(watch.probed(at(4_200), None), Next::GiveUp(Failure::NotHealthy { after: at(3_600), answer: None }));
        assert_eq!(watch.probed(at(9_999), Some(200)), Next::Ready(url()), "a late good answer is good");
    }

    #[test]
    fn a_crash_ends_it_at_once() {
        let crash =
            event(r#"{"event_type": "POD_CRASHLOOP_BACKOFF", "display_message": "back-off\u001b[2J", "exit_code": 1}"#);
        let next = watch().look(at(101), &state("running", Some("https://pod.example")), &[event("{}"), crash]);
        let Next::GiveUp(failure) = next else { panic!("not given up") };
        assert_eq!(failure.to_string(), "its container crashed: back-off (exit code 1)");
    }

    #[test]
    fn a_status_that_ends_it_ends_it() {
        for word in ["error", "FAILED", "suspended", "Stopped", "deleted", "terminated"] {
            let next = watch().look(at(101), &state(word, None), &[]);
            assert!(matches!(next, Next::GiveUp(Failure::Ended { .. })), "{word}");
        }
        assert_eq!(watch().look(at(101), &state("hibernating", None), &[]), Next::Wait, "unknown is pending");
    }

    #[test]
    fn missing_counts_only_after_it_was_known() {
        let mut watch = watch();
        assert_eq!(watch.look(at(101), &Seen::Missing, &[]), Next::Wait);
        watch.look(at(102), &state("provisioning", None), &[]);
        assert_eq!(watch.look(at(103), &Seen::Missing, &[]), Next::GiveUp(Failure::Vanished));
    }

    #[test]
    fn a_weak_moment_of_the_service_is_survived() {
        let mut watch = watch();
        watch.look(at(110), &state("running", Some("https://pod.example")), &[]);
        assert_eq!(watch.look(at(115), &Seen::Nothing, &[]), Next::Probe(url()));
    }

    proptest! {
        /// Whatever is seen, the watch comes to an end within its patience.
        #[test]
        fn it_always_ends(kinds in proptest::collection::vec(0_u8..5, 1_000)) {
            let mut watch = watch();
            let mut ended = false;
            for (step, kind) in kinds.into_iter().enumerate() {
                let now = at(100 + 5 * step as u64);
                let seen = match kind {
                    0 => state("provisioning", None),
                    1 => state("running", Some("https://pod.example")),
                    2 => state("strange", None),
                    3 => Seen::Missing,
                    _ => Seen::Nothing,
                };
                let next = match watch.look(now, &seen, &[]) {
                    Next::Probe(_) => watch.probed(now, Some(503)),
                    next => next,
                };
                if matches!(next, Next::GiveUp(_)) {
                    ended = true;
                    break;
                }
            }
            prop_assert!(ended, "1000 looks, 5 s apart, are longer than 600 s and 3600 s together");
        }
    }
}
