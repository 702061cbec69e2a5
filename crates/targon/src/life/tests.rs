//! A pod's life in the shortest words: what is seen, and what it comes to.

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
    let again = r#"{"event_type": "POD_BACK_OFF", "reason": "ImagePullBackOff", "created_at": "2026-07-01T12:00:15Z"}"#;
    let next = watch().look(at(101), &state("provisioning", None), &[event(unknown), event(again)]);
    assert_eq!(
        given_up(&next),
        r#"its image cannot be pulled: Failed to pull image "vllm/vllm-openai:nope": manifest unknown"#
    );
    let Next::GiveUp(failure) = next else { panic!("checked above") };
    assert!(["name", "tag", "login"].iter().all(|word| failure.hint().contains(word)), "{}", failure.hint());
    for only in [r#"{"event_type": "POD_IMAGE_PULL_BACKOFF"}"#, r#"{"event_type": "X", "reason": "ErrImagePull"}"#] {
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
