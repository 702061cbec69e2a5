//! What servers do to files, and what is then believed.

use std::path::Path;
use std::time::Duration;

use gen404_competition::files::{MatrixFile, State, Winner};
use gen404_competition::{FetchError, Manners, Reading, RoundFile, Seen, StateClient, StateFile, StateUrl};
use jiff::Timestamp;

use super::server::{Fault, Server};
use super::time;

const MATRIX: StateFile = StateFile::Round(52, RoundFile::Matches);
const WINNER: StateFile = StateFile::Round(52, RoundFile::Winner);

fn client(url: &StateUrl, cache: Option<&Path>) -> StateClient {
    let manners = Manners { retry_pause: Duration::ZERO, ..Manners::default() };
    StateClient::new(url, cache, manners).unwrap()
}

/// Asks in any case.
async fn ask(client: &StateClient, now: &str) -> Result<Seen<State>, FetchError> {
    client.look(time(now)).read(StateFile::State, Timestamp::MAX).await
}

fn state(round: u64) -> Vec<u8> {
    format!(r#"{{"current_round": {round}, "stage": "open", "next_stage_eta": null}}"#).into_bytes()
}

fn round(seen: &Seen<State>) -> u64 {
    seen.there().unwrap().current_round
}

#[tokio::test]
async fn a_file_is_fetched_once_and_then_only_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&[("state.json", state(52))]);
    let client = client(&server.url(), Some(folder.path()));
    let seen = ask(&client, "2026-10-07T08:00:00Z").await.unwrap();
    assert_eq!(
        (round(&seen), seen.confirmed, seen.since),
        (52, time("2026-10-07T08:00:00Z"), time("2026-10-07T08:00:00Z"))
    );
    assert_eq!(server.log(), ["state.json 200"]);
    let seen = ask(&client, "2026-10-07T08:01:00Z").await.unwrap();
    assert_eq!(
        (round(&seen), seen.confirmed, seen.since),
        (52, time("2026-10-07T08:01:00Z"), time("2026-10-07T08:00:00Z"))
    );
    assert_eq!(server.log(), ["state.json? 304"]);
    server.put("state.json", &state(53));
    let seen = ask(&client, "2026-10-07T08:02:00Z").await.unwrap();
    assert_eq!((round(&seen), seen.since), (53, time("2026-10-07T08:02:00Z")));
    assert_eq!(server.log(), ["state.json? 200"]);
    // Fresh enough: no question at all.
    let look = client.look(time("2026-10-07T08:02:30Z"));
    let seen: Seen<State> = look.read(StateFile::State, time("2026-10-07T08:02:00Z")).await.unwrap();
    assert_eq!((round(&seen), look.requests()), (53, 0));
    // A clock that went back makes nothing fresh.
    let look = client.look(time("2026-10-07T07:00:00Z"));
    let _seen: Seen<State> = look.read(StateFile::State, time("2026-10-07T06:00:00Z")).await.unwrap();
    assert_eq!(look.requests(), 1);
}

#[tokio::test]
async fn what_is_not_there_is_not_there_yet_and_may_vanish_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&[]);
    let client = client(&server.url(), Some(folder.path()));
    let winner = async |now| client.look(time(now)).read::<Winner>(WINNER, Timestamp::MAX).await.unwrap();
    assert_eq!(winner("2026-10-07T08:00:00Z").await.reading, Reading::NotThere);
    server.put("rounds/52/winner.json", br#"{"winner_hotkey": "leader"}"#);
    assert_eq!(winner("2026-10-07T08:01:00Z").await.there().unwrap().winner_hotkey, "leader");
    server.remove("rounds/52/winner.json");
    let seen = winner("2026-10-07T08:02:00Z").await;
    assert_eq!((&seen.reading, seen.since), (&Reading::NotThere, time("2026-10-07T08:02:00Z")));
}

#[tokio::test]
async fn a_busy_server_is_waited_for_briefly_and_otherwise_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&[("state.json", state(52)), ("rounds/52/winner.json", b"{}".to_vec())]);
    let without_cache = client(&server.url(), None);
    server.fail(Fault::Busy("0.01"), 2);
    assert_eq!(round(&ask(&without_cache, "2026-10-07T08:00:00Z").await.unwrap()), 52);
    assert_eq!(server.log(), ["state.json 200", "state.json 429", "state.json 429"]);
    server.fail(Fault::Busy("3600"), 9);
    let error = ask(&without_cache, "2026-10-07T08:00:00Z").await.unwrap_err();
    assert!(matches!(error, FetchError::Busy { pause } if pause == Duration::from_hours(1)), "{error}");
    server.fail(Fault::Busy("0"), 0);
    let client = client(&server.url(), Some(folder.path()));
    ask(&client, "2026-10-07T08:00:00Z").await.unwrap();
    server.log();
    server.fail(Fault::Busy("0.01"), 9);
    let look = client.look(time("2026-10-07T09:00:00Z"));
    let seen: Seen<State> = look.read(StateFile::State, Timestamp::MAX).await.unwrap();
    assert_eq!((round(&seen), seen.confirmed), (52, time("2026-10-07T08:00:00Z")));
    assert!(matches!(seen.stale, Some(FetchError::Busy { .. })));
    // The other files of this look are not even asked for.
    assert!(matches!(look.read::<Winner>(WINNER, Timestamp::MAX).await, Err(FetchError::Busy { .. })));
    assert_eq!(server.log(), ["state.json? 429"]);
}

#[tokio::test]
async fn a_cut_body_is_an_error_and_never_half_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&[("state.json", state(52))]);
    let without_cache = client(&server.url(), None);
    server.fail(Fault::Cut, 9);
    assert!(matches!(ask(&without_cache, "2026-10-07T08:00:00Z").await, Err(FetchError::Body { .. })));
    assert_eq!(server.log().len(), 3);
    server.fail(Fault::Cut, 1);
    assert_eq!(round(&ask(&without_cache, "2026-10-07T08:00:00Z").await.unwrap()), 52);
    let client = client(&server.url(), Some(folder.path()));
    ask(&client, "2026-10-07T08:00:00Z").await.unwrap();
    server.put("state.json", &state(53));
    server.fail(Fault::Cut, 1);
    let seen = ask(&client, "2026-10-07T08:01:00Z").await.unwrap();
    assert!(matches!(seen.stale, Some(FetchError::Body { .. })));
    assert_eq!((round(&seen), seen.confirmed), (52, time("2026-10-07T08:00:00Z")));
    // And the next time the new file is fetched.
    assert_eq!(round(&ask(&client, "2026-10-07T08:02:00Z").await.unwrap()), 53);
}

#[tokio::test]
async fn a_body_without_an_end_is_not_trusted_to_be_whole() {
    let folder = tempfile::tempdir().unwrap();
    let half = "left,right,margin\nleader,a,0.5\nleader,b,0.0";
    let server = Server::start(&[("rounds/52/matches_matrix.csv", format!("{half}390625").into_bytes())]);
    let client = client(&server.url(), Some(folder.path()));
    server.fail(Fault::CutUnnoticed(half.len()), 1);
    let seen: Seen<MatrixFile> = client.look(time("2026-10-07T08:00:00Z")).read(MATRIX, Timestamp::MAX).await.unwrap();
    let file = seen.there().unwrap();
    assert_eq!((file.rows.len(), file.unfinished.as_deref()), (1, Some("leader,b,0.0")));
    // Nor is it kept: the next request is not conditional.
    server.log();
    let _seen: Seen<MatrixFile> = client.look(time("2026-10-07T08:01:00Z")).read(MATRIX, Timestamp::MAX).await.unwrap();
    assert_eq!(server.log(), ["rounds/52/matches_matrix.csv 200"]);
}

#[tokio::test]
async fn offline_the_cache_answers_and_says_how_old_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut server =
        Server::start(&[("state.json", state(52)), ("rounds/52/winner.json", br#"{"winner_hotkey": "x"}"#.to_vec())]);
    let url = server.url();
    {
        let client = client(&url, Some(folder.path()));
        ask(&client, "2026-10-07T08:00:00Z").await.unwrap();
        let look = client.look(time("2026-10-07T08:00:00Z"));
        look.read::<Winner>(WINNER, Timestamp::MAX).await.unwrap();
    }
    server.stop();
    let client = client(&url, Some(folder.path()));
    let look = client.look(time("2026-10-08T08:00:00Z"));
    let seen: Seen<State> = look.read(StateFile::State, Timestamp::MAX).await.unwrap();
    assert_eq!((round(&seen), seen.confirmed), (52, time("2026-10-07T08:00:00Z")));
    assert!(matches!(seen.stale, Some(FetchError::Unreachable { .. })));
    let winner: Seen<Winner> = look.read(WINNER, Timestamp::MAX).await.unwrap();
    assert_eq!(winner.there().unwrap().winner_hotkey, "x");
    assert!(winner.stale.is_some());
    // Nobody answered once; that is enough for one look.
    assert_eq!(look.requests(), 1);
    assert!(matches!(look.read::<MatrixFile>(MATRIX, Timestamp::MAX).await, Err(FetchError::Unreachable { .. })));
    assert_eq!(look.requests(), 1);
}

#[tokio::test]
async fn a_half_written_file_does_not_replace_the_good_copy() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(&[("state.json", state(52))]);
    let client = client(&server.url(), Some(folder.path()));
    ask(&client, "2026-10-07T08:00:00Z").await.unwrap();
    server.put("state.json", &state(53)[..20]);
    let seen = ask(&client, "2026-10-07T08:01:00Z").await.unwrap();
    assert!(matches!(seen.reading, Reading::Unreadable(_)));
    server.stop();
    let seen = ask(&client, "2026-10-07T08:02:00Z").await.unwrap();
    assert_eq!((round(&seen), seen.confirmed), (52, time("2026-10-07T08:00:00Z")));
}

#[tokio::test]
async fn other_answers_are_errors_and_sizes_are_bounded() {
    let server = Server::start(&[("state.json", vec![b' '; 70_000])]);
    let client = client(&server.url(), None);
    let error = ask(&client, "2026-10-07T08:00:00Z").await.unwrap_err();
    assert!(matches!(error, FetchError::Body { .. }), "{error}");
    assert_eq!(server.log(), ["state.json 200"]);
    for status in [302, 403, 304, 500] {
        server.fail(Fault::Status(status), 9);
        let error = ask(&client, "2026-10-07T08:00:00Z").await.unwrap_err();
        assert!(matches!(error, FetchError::Status { status: found, .. } if found == status), "{error}");
        assert_eq!(server.log().len(), if status == 500 { 3 } else { 1 }, "{status}");
    }
}

#[tokio::test]
async fn a_folder_is_a_state_too() {
    let folder = tempfile::tempdir().unwrap();
    let client = client(&StateUrl::Folder(folder.path().to_owned()), None);
    assert_eq!(ask(&client, "2026-10-07T08:00:00Z").await.unwrap().reading, Reading::NotThere);
    std::fs::write(folder.path().join("state.json"), state(7)).unwrap();
    assert_eq!(round(&ask(&client, "2026-10-07T08:00:00Z").await.unwrap()), 7);
    std::fs::write(folder.path().join("state.json"), vec![b' '; 70_000]).unwrap();
    assert!(matches!(ask(&client, "2026-10-07T08:00:00Z").await, Err(FetchError::Io { .. })));
    // Just written: its last row may be half of one.
    std::fs::create_dir_all(folder.path().join("rounds/52")).unwrap();
    std::fs::write(folder.path().join("rounds/52/matches_matrix.csv"), "left,right,margin\nleader,a,0.0").unwrap();
    let look = client.look(time("2026-10-07T08:00:00Z"));
    let seen: Seen<MatrixFile> = look.read(MATRIX, Timestamp::MAX).await.unwrap();
    assert!(seen.there().unwrap().unfinished.is_some());
}
