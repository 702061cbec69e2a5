//! Which files a look at the current round costs.

use gen404_competition::{Manners, Reading, StateClient, View, ViewError, Wants};
use gen404_round::AccountId;

use super::server::{Fault, Server};
use super::{file, time};

const MINER: Wants = Wants { miner: true };

fn state(stage: &str) -> Vec<u8> {
    format!(r#"{{"current_round": 51, "stage": "{stage}", "next_stage_eta": null}}"#).into_bytes()
}

/// Round 51 with 42 submissions.
fn server(stage: &str) -> Server {
    let server = Server::start(&[("state.json", state(stage))]);
    for name in ["config.json", "leader.json"] {
        server.put(name, &file(name));
    }
    for name in [
        "schedule.json",
        "seed.json",
        "builds.json",
        "require_audit.json",
        "generation_reports.json",
        "generation_audits.json",
        "matches_matrix.csv",
        "audit_matrix.csv",
        "winner.json",
    ] {
        server.put(&format!("rounds/51/{name}"), &file(&format!("rounds/51/{name}")));
    }
    let many = (0..42_u8).map(|number| format!(r#""{}": {{"revealed_at_block": 9179387}}"#, AccountId([number; 32])));
    let many = format!("{{{}}}", many.collect::<Vec<_>>().join(", "));
    server.put("rounds/51/submissions.json", many.as_bytes());
    server
}

#[tokio::test]
async fn a_look_costs_few_requests_and_two_when_nothing_has_changed() {
    for (stage, cold) in [
        ("open", 4),
        ("miner_generation", 6),
        ("downloading", 6),
        ("duels", 10),
        ("finalizing", 11),
        ("paused", 11),
        ("something new", 11),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = server(stage);
        let client = StateClient::new(&server.url(), Some(folder.path()), Manners::default()).unwrap();
        let look = client.look(time("2026-10-07T08:00:00Z"));
        let view = View::load(&look, MINER).await.unwrap();
        assert_eq!(look.requests(), cold, "{stage}: {:?}", server.log());
        if let Some(submissions) = &view.submissions {
            assert_eq!(submissions.as_ref().unwrap().there().unwrap().0.entries.len(), 42);
        }
        server.log();
        // A minute later, by another process.
        let client = StateClient::new(&server.url(), Some(folder.path()), Manners::default()).unwrap();
        let look = client.look(time("2026-10-07T08:01:00Z"));
        let again = View::load(&look, MINER).await.unwrap();
        assert_eq!(look.requests(), 2, "{stage}: {:?}", server.log());
        assert_eq!(again.state, view.state);
    }
}

#[tokio::test]
async fn a_change_of_the_stage_makes_everything_be_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = server("duels");
    let client = StateClient::new(&server.url(), Some(folder.path()), Manners::default()).unwrap();
    View::load(&client.look(time("2026-10-07T08:00:00Z")), MINER).await.unwrap();
    server.put("state.json", &state("finalizing"));
    let look = client.look(time("2026-10-07T08:00:30Z"));
    View::load(&look, MINER).await.unwrap();
    assert_eq!(look.requests(), 11);
    // The matrix alone has changed: it was written anew, so its neighbours may have been as well.
    server.put("state.json", &state("duels"));
    View::load(&client.look(time("2026-10-07T08:01:00Z")), MINER).await.unwrap();
    server.put("rounds/51/matches_matrix.csv", b"left,right,margin\n");
    let look = client.look(time("2026-10-07T08:01:30Z"));
    View::load(&look, MINER).await.unwrap();
    assert_eq!(look.requests(), 10);
    // Nothing has changed for long: what is written again and again is asked about.
    let look = client.look(time("2026-10-07T08:10:00Z"));
    View::load(&look, MINER).await.unwrap();
    server.log();
    let look = client.look(time("2026-10-07T08:20:00Z"));
    View::load(&look, MINER).await.unwrap();
    assert_eq!(
        server.log(),
        [
            "rounds/51/audit_matrix.csv? 304",
            "rounds/51/builds.json? 304",
            "rounds/51/generation_audits.json? 304",
            "rounds/51/generation_reports.json? 304",
            "rounds/51/matches_matrix.csv? 304",
            "state.json? 304",
        ]
    );
}

#[tokio::test]
async fn without_a_state_there_is_no_view_and_without_another_file_there_is() {
    let server = Server::start(&[]);
    let client = StateClient::new(&server.url(), None, Manners::default()).unwrap();
    let now = time("2026-10-07T08:00:00Z");
    assert!(matches!(View::load(&client.look(now), MINER).await, Err(ViewError::NoState)));
    server.put("state.json", b"<html>");
    assert!(matches!(View::load(&client.look(now), MINER).await, Err(ViewError::Unreadable(_))));
    server.fail(Fault::Status(403), 1);
    assert!(matches!(View::load(&client.look(now), MINER).await, Err(ViewError::Fetch(_))));
    server.put("state.json", &state("open"));
    let view = View::load(&client.look(now), MINER).await.unwrap();
    assert_eq!(view.schedule.unwrap().reading, Reading::NotThere);
    assert!(view.winner.is_none());
}
