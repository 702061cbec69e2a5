//! What the service reports about a workload while it lives.
//! Recognising a crash is here; acting on it is not.

use jiff::Timestamp;
use serde::Deserialize;

use super::lenient::or_default;

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

/// Event words that mean the container does not stay up.
const CRASHES: [&str; 4] = ["POD_CRASHLOOP_BACKOFF", "POD_BACK_OFF", "POD_FAILED", "POD_OOM_KILLED"];

impl WorkloadEvent {
    /// What happened, in the service's words.
    pub fn text(&self) -> &str {
        [&self.display_message, &self.message, &self.reason]
            .into_iter()
            .filter_map(Option::as_deref)
            .find(|text| !text.trim().is_empty())
            .unwrap_or(&self.event_type)
    }

    /// The container crashed: waiting longer only costs money.
    pub fn is_crash(&self) -> bool {
        CRASHES.iter().any(|crash| self.event_type.eq_ignore_ascii_case(crash))
            || self.exit_code.is_some_and(|code| code != 0)
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

    #[test]
    fn crashes_are_recognised() {
        for crash in [
            r#"{"event_type": "POD_CRASHLOOP_BACKOFF"}"#,
            r#"{"event_type": "pod_oom_killed"}"#,
            r#"{"event_type": "POD_BACK_OFF"}"#,
            r#"{"event_type": "POD_FAILED"}"#,
            r#"{"event_type": "CONTAINER_TERMINATED", "exit_code": 137}"#,
        ] {
            assert!(event(crash).is_crash(), "{crash}");
        }
        for fine in [r#"{"event_type": "POD_SCHEDULED"}"#, r#"{"exit_code": 0}"#, "{}", r#"{"exit_code": "x"}"#] {
            assert!(!event(fine).is_crash(), "{fine}");
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
