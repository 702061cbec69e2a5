//! What the service reports about a workload while it lives.
//! Recognising trouble is here; acting on it is not.

use jiff::Timestamp;
use serde::Deserialize;

use super::lenient::or_default;
use super::pull::{squeezed, tells_of_failed_pull};
use crate::image::ImageReference;

/// One event of a workload.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct WorkloadEvent {
    /// A word such as `POD_SCHEDULED`.
    #[serde(default, deserialize_with = "or_default")]
    pub event_type: String,
    /// For people; preferred over `message`.
    #[serde(default, deserialize_with = "or_default")]
    display_message: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    message: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    reason: Option<String>,
    /// What a container that ended said.
    #[serde(default, deserialize_with = "or_default")]
    pub exit_code: Option<i64>,
    /// When.
    #[serde(default, deserialize_with = "or_default")]
    pub created_at: Option<Timestamp>,
}

/// What an event says of a container that does not run as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trouble {
    /// Its image cannot be pulled, and trying again gives the same answer.
    NoImage,
    /// It ends again and again.
    Loop,
    /// Its pod has failed; unless the service starts another, that was all.
    Failed,
    /// It ended badly once; usually it is started again.
    Ended,
    /// It was started again.
    Restarted,
}

/// Words of events in which a container ends again and again.
const LOOPS: [&str; 2] = ["POD_CRASHLOOP_BACKOFF", "POD_BACK_OFF"];

impl WorkloadEvent {
    /// What happened, in the service's words.
    pub fn text(&self) -> &str {
        [&self.display_message, &self.message, &self.reason]
            .into_iter()
            .filter_map(Option::as_deref)
            .find(|text| !text.trim().is_empty())
            .unwrap_or(&self.event_type)
    }

    /// What is wrong with the container that runs this image, if anything is.
    pub fn trouble(&self, image: &ImageReference) -> Option<Trouble> {
        let is = |word: &str| self.event_type.eq_ignore_ascii_case(word);
        let says = |word: &str| self.texts().any(|text| squeezed(text).contains(word));
        if self.words_of_failed_pull(image).is_some() {
            Some(Trouble::NoImage)
        } else if LOOPS.into_iter().any(is) || says("crashloop") || says("backoffrestarting") {
            Some(Trouble::Loop)
        } else if is("POD_FAILED") {
            Some(Trouble::Failed)
        } else if is("POD_OOM_KILLED") || self.exit_code.is_some_and(|code| code != 0) {
            Some(Trouble::Ended)
        } else if squeezed(&self.event_type).contains("restart") {
            Some(Trouble::Restarted)
        } else {
            None
        }
    }

    /// Of all its texts the one that says most of a pull that failed.
    pub fn words_of_failed_pull(&self, image: &ImageReference) -> Option<&str> {
        self.texts().filter(|text| tells_of_failed_pull(text, image)).max_by_key(|text| text.len())
    }

    /// Its image is there, or its container runs: a pull that failed before is over.
    pub fn is_beyond_pulling(&self) -> bool {
        let kind = squeezed(&self.event_type);
        kind.ends_with("started")
            || kind.ends_with("pulled")
            || self.texts().any(|text| text.to_lowercase().starts_with("successfully pulled"))
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let others = [&self.display_message, &self.message, &self.reason];
        std::iter::once(self.event_type.as_str()).chain(others.into_iter().filter_map(Option::as_deref))
    }

    /// The event that happened last; the later one in the list where dates do not tell.
    pub fn newest(events: &[Self]) -> Option<&Self> {
        events.iter().max_by_key(|event| event.created_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: &str) -> WorkloadEvent {
        serde_json::from_str(json).expect("an event")
    }

    fn trouble(json: &str) -> Option<Trouble> {
        event(json).trouble(&"ghcr.io/me/gen:1".parse().expect("an image"))
    }

    #[test]
    fn trouble_is_recognised() {
        for (json, expected) in [
            (r#"{"event_type": "POD_CRASHLOOP_BACKOFF"}"#, Trouble::Loop),
            (r#"{"event_type": "POD_BACK_OFF"}"#, Trouble::Loop),
            (r#"{"event_type": "POD_WARNING", "reason": "CrashLoopBackOff", "exit_code": 1}"#, Trouble::Loop),
            (r#"{"event_type": "BackOff", "message": "Back-off restarting failed container"}"#, Trouble::Loop),
            (r#"{"event_type": "POD_FAILED", "exit_code": 1}"#, Trouble::Failed),
            (r#"{"event_type": "pod_oom_killed"}"#, Trouble::Ended),
            (r#"{"event_type": "CONTAINER_TERMINATED", "exit_code": 137}"#, Trouble::Ended),
            (r#"{"event_type": "CONTAINER_RESTARTED"}"#, Trouble::Restarted),
            (r#"{"event_type": "POD_FAILED", "reason": "ErrImagePull"}"#, Trouble::NoImage),
            (r#"{"event_type": "POD_BACK_OFF", "message": "Back-off pulling image \"a:1\""}"#, Trouble::NoImage),
            (r#"{"event_type": "IMAGE_PULL_BACK_OFF"}"#, Trouble::NoImage),
        ] {
            assert_eq!(trouble(json), Some(expected), "{json}");
        }
        for fine in [r#"{"event_type": "POD_SCHEDULED"}"#, r#"{"exit_code": 0}"#, "{}", r#"{"exit_code": "x"}"#] {
            assert_eq!(trouble(fine), None, "{fine}");
        }
    }

    #[test]
    fn a_container_that_runs_has_its_image() {
        for beyond in [
            r#"{"event_type": "POD_STARTED"}"#,
            r#"{"event_type": "Pulled"}"#,
            r#"{"event_type": "NORMAL", "message": "Successfully pulled image \"a:1\" in 3s"}"#,
        ] {
            assert!(event(beyond).is_beyond_pulling(), "{beyond}");
        }
        for before in [r#"{"event_type": "POD_SCHEDULED"}"#, r#"{"event_type": "Pulling", "message": "Pulling image"}"#]
        {
            assert!(!event(before).is_beyond_pulling(), "{before}");
        }
    }

    #[test]
    fn the_text_for_people_comes_first() {
        assert_eq!(event(r#"{"event_type": "E", "message": "m", "display_message": "d"}"#).text(), "d");
        assert_eq!(event(r#"{"event_type": "E", "message": " ", "reason": "r"}"#).text(), "r");
        assert_eq!(event(r#"{"event_type": "E"}"#).text(), "E");
    }

    #[test]
    fn the_newest_wins_whatever_the_order() {
        let early = event(r#"{"event_type": "A", "created_at": "2026-01-01T00:00:00Z"}"#);
        let late = event(r#"{"event_type": "B", "created_at": "2026-01-01T00:00:09Z"}"#);
        for events in [[early.clone(), late.clone()], [late.clone(), early.clone()]] {
            assert_eq!(WorkloadEvent::newest(&events), Some(&late));
        }
    }
}
