//! The life of a pod as plain decisions: from what was seen of it, wait on, call it ready, or give it up.
//! No network, no clock, no sleep; [`crate::start()`] sees and waits, this decides.

use std::fmt;
use std::time::Duration;

use gen404_outside::text::excerpt;
use jiff::{SignedDuration, Timestamp};

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

/// Why a pod was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// Its image cannot be pulled.
    NoImage {
        /// What the service or the registry says.
        words: String,
    },
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
            Self::NoImage { words } => write!(formatter, "its image cannot be pulled: {words}"),
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
            Self::NoImage { .. } => {
                "check the image's name and tag, and whether it is pushed; a private one needs the login of its registry \
                 (--registry-auth-env)"
            }
            Self::Crashed { .. } => "the log lines above say why; try the image on your own machine first",
            Self::Ended { status, .. } if status.is_gone() || status.is_ending() => {
                "was `stop-pods` run elsewhere, or the pod deleted in the dashboard?"
            }
            Self::Ended { .. } => "try again, or take another --resource",
            Self::Vanished => "was `stop-pods` run elsewhere, or the pod deleted in the dashboard?",
            Self::NotVisible { .. } => "try again, take another --resource, or give it longer with --deploy-timeout",
            Self::NotHealthy { .. } => "if it only loads for long, give it longer with --health-timeout",
        }
    }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pod::PodKind;

    const PATIENCE: Patience = Patience { visible: Duration::from_mins(10), healthy: Duration::from_hours(1) };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn watch() -> Watch {
        Watch::from(at(100), &PodKind::Judge.specification(None).expect("has its own image"), PATIENCE)
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

    fn running() -> Seen {
        state("running", Some("https://pod.example"))
    }

    fn given_up(next: &Next) -> String {
        let Next::GiveUp(failure) = next else { panic!("{next:?} instead of the end") };
        failure.to_string()
    }

    #[test]
    fn one_end_is_not_the_end_and_a_second_is() {
        let end = |second: u8| {
            event(&format!(
                r#"{{"event_type": "CONTAINER_TERMINATED", "message": "container ended", "exit_code": 1,
                     "created_at": "2026-07-01T12:00:{second:02}Z"}}"#
            ))
        };
        let memory = event(r#"{"event_type": "POD_OOM_KILLED", "created_at": "2026-07-01T12:00:06Z"}"#);
        let mut watch = watch();
        // Two reports of one end.
        assert_eq!(watch.look(at(110), &running(), &[end(5), memory.clone()]), Next::Probe(url()));
        assert_eq!(watch.look(at(900), &running(), &[end(5), memory.clone()]), Next::Probe(url()), "however long ago");
        let next = watch.look(at(910), &running(), &[end(5), memory, end(40)]);
        assert_eq!(given_up(&next), "its container crashed: container ended (exit code 1)");
        let undated = event(r#"{"exit_code": 3}"#);
        assert!(matches!(watch.look(at(911), &running(), &[undated.clone(), undated]), Next::GiveUp(_)));
    }

    #[test]
    fn one_restart_is_not_the_end_and_a_second_is() {
        let restart = |second: u8| {
            event(&format!(r#"{{"event_type": "POD_RESTARTED", "created_at": "2026-07-01T12:00:{second:02}Z"}}"#))
        };
        let end = event(r#"{"event_type": "ENDED", "exit_code": 1, "created_at": "2026-07-01T12:00:01Z"}"#);
        let mut watch = watch();
        assert_eq!(watch.look(at(110), &running(), &[end.clone(), restart(5)]), Next::Probe(url()));
        assert!(matches!(watch.look(at(120), &running(), &[end, restart(5), restart(15)]), Next::GiveUp(_)));
    }

    #[test]
    fn a_failed_pod_may_be_replaced_for_a_moment() {
        let failed = event(r#"{"event_type": "POD_FAILED", "exit_code": 1, "created_at": "2026-07-01T12:00:05Z"}"#);
        let started = event(r#"{"event_type": "POD_STARTED", "created_at": "2026-07-01T12:00:15Z"}"#);
        let mut left = watch();
        assert_eq!(left.look(at(110), &running(), std::slice::from_ref(&failed)), Next::Probe(url()));
        assert_eq!(left.look(at(139), &running(), std::slice::from_ref(&failed)), Next::Probe(url()));
        assert_eq!(
            given_up(&left.look(at(140), &running(), std::slice::from_ref(&failed))),
            "its container crashed: POD_FAILED (exit code 1)"
        );
        let mut replaced = watch();
        replaced.look(at(110), &running(), std::slice::from_ref(&failed));
        assert_eq!(replaced.look(at(900), &running(), &[failed, started]), Next::Probe(url()));
    }

    #[test]
    fn an_image_that_cannot_be_pulled_ends_it_at_once() {
        let unknown = r#"{"event_type": "POD_FAILED", "reason": "ErrImagePull", "created_at": "2026-07-01T12:00:05Z",
                          "message": "Failed to pull image \"vllm/vllm-openai:nope\": manifest unknown"}"#;
        let again =
            r#"{"event_type": "POD_BACK_OFF", "reason": "ImagePullBackOff", "created_at": "2026-07-01T12:00:15Z"}"#;
        let next = watch().look(at(101), &state("provisioning", None), &[event(unknown), event(again)]);
        assert_eq!(
            given_up(&next),
            r#"its image cannot be pulled: Failed to pull image "vllm/vllm-openai:nope": manifest unknown"#
        );
        let Next::GiveUp(failure) = next else { panic!("checked above") };
        assert!(["name", "tag", "login"].iter().all(|word| failure.hint().contains(word)), "{}", failure.hint());
        for only in [r#"{"event_type": "POD_IMAGE_PULL_BACKOFF"}"#, r#"{"event_type": "X", "reason": "ErrImagePull"}"#]
        {
            let next = watch().look(at(101), &running(), &[event(only)]);
            assert!(matches!(next, Next::GiveUp(Failure::NoImage { .. })), "{only}");
        }
        let state = serde_json::json!({"status": "provisioning", "message": "pull access denied for me/gen"});
        let seen = Seen::State(serde_json::from_value(state).expect("a state"));
        assert_eq!(
            given_up(&watch().look(at(101), &seen, &[])),
            "its image cannot be pulled: pull access denied for me/gen"
        );
    }

    #[test]
    fn a_pull_that_worked_in_the_end_is_forgiven() {
        let failed = event(r#"{"event_type": "X", "reason": "ErrImagePull", "created_at": "2026-07-01T12:00:05Z"}"#);
        let pulled = event(r#"{"event_type": "POD_STARTED", "created_at": "2026-07-01T12:00:25Z"}"#);
        assert_eq!(watch().look(at(130), &running(), &[failed.clone(), pulled.clone()]), Next::Probe(url()));
        let again = event(r#"{"event_type": "X", "reason": "ErrImagePull", "created_at": "2026-07-01T12:00:45Z"}"#);
        assert!(matches!(watch().look(at(150), &running(), &[failed, pulled, again]), Next::GiveUp(_)));
    }

    #[test]
    fn a_status_that_ends_it_ends_it() {
        for word in ["error", "FAILED", "suspended", "Stopped", "deleted", "terminated", "Terminating"] {
            let next = watch().look(at(101), &state(word, None), &[]);
            assert!(matches!(next, Next::GiveUp(Failure::Ended { .. })), "{word}");
        }
        assert_eq!(watch().look(at(101), &state("hibernating", None), &[]), Next::Wait, "unknown is pending");
    }

    #[test]
    fn what_is_deleted_elsewhere_has_vanished() {
        for word in ["deleted", "terminating"] {
            let bare = Seen::State(serde_json::from_value(serde_json::json!({"status": word})).expect("a state"));
            assert_eq!(watch().look(at(101), &bare, &[]), Next::GiveUp(Failure::Vanished), "{word}");
        }
        let mut known = watch();
        known.look(at(102), &state("provisioning", None), &[]);
        assert_eq!(known.look(at(103), &Seen::Missing, &[]), Next::GiveUp(Failure::Vanished));
        // Right after deploying, the one who answers may not have heard of it.
        let mut unknown = watch();
        assert_eq!(unknown.look(at(101), &Seen::Missing, &[]), Next::Wait);
        assert_eq!(unknown.look(at(106), &Seen::Missing, &[]), Next::GiveUp(Failure::Vanished));
        let mut late = watch();
        late.look(at(101), &Seen::Missing, &[]);
        assert_eq!(late.look(at(106), &state("provisioning", None), &[]), Next::Wait);
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
