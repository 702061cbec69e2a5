//! What is not done with a state that is old or half unreadable.

use gen404_sandbox::cdn::{Cdn, Fault};
use gen404_sandbox::faults::Rule;
use serde_json::json;

use crate::binary::Home;
use crate::miner::Ended;
use crate::round::write_state;

#[tokio::test(flavor = "multi_thread")]
async fn an_old_state_says_nothing_of_the_current_round() {
    let home = Home::new();
    write_state(&home, "miner_generation", 1, 2);
    let round = home.path().join("state/rounds/3");
    std::fs::write(round.join("prompts.txt"), "https://h/a1.png\n").expect("written");
    std::fs::write(round.join("seed.json"), r#"{"seed": 404}"#).expect("written");
    let server = Cdn::start(&home.path().join("state")).await.expect("a port");
    let prompts = |more: &[&str]| {
        let line = ["round", "prompts", "--state-url", server.url().as_str(), "-o", "p.json"];
        Ended(home.run(&[&line, more].concat()))
    };
    assert_eq!(prompts(&[]).success()["round"], 3);
    std::fs::remove_file(home.path().join("p.json")).expect("it was written");
    server.faults().set([Rule::times(Fault::RateLimited { retry_after: "3600".to_owned() }, u64::MAX)]);
    let ended = prompts(&[]);
    assert!(ended.failure(3).contains("which round is the current one is not known"), "{}", ended.transcript());
    assert!(!home.path().join("p.json").exists());
}

#[test]
fn standings_are_not_final_while_entries_cannot_be_read() {
    let home = Home::new();
    write_state(&home, "finalizing", 1, 2);
    let standings = || Ended(home.run(&["round", "standings", "--state-url", "file:state", "--round", "3"]));
    let submissions = home.path().join("state/rounds/3/submissions.json");
    std::fs::write(&submissions, json!({"not a hotkey": 7}).to_string()).expect("written");
    let ended = standings();
    assert_eq!(ended.success()["is_final"], false, "{}", ended.transcript());
}
