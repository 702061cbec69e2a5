//! Commitments and rounds: for which one a reveal counts, and a reveal in the first block of a window.

use std::time::Duration;

use gen404_devchain::Options;
use serde_json::json;

use crate::miner::{HASH, Miner, options};
use crate::round::write_state;

#[tokio::test(flavor = "multi_thread")]
async fn a_commitment_says_for_which_round_it_counts() {
    let miner = Miner::new().await;
    write_state(&miner.home, "open", 1, 1_000_000);
    let commit = |more: &[&str]| {
        miner.run(&[&["commit-hash", "--hash", HASH, "--state-url", "file:state"], more].concat(), "default")
    };
    let ended = commit(&[]);
    assert_eq!(ended.success()["counts_for_round"], 3, "{}", ended.transcript());
    let said = ended.stderr();
    assert!(said.contains("will count for round 3") && said.contains("the reveal counts for round 3"), "{said}");
    assert!(said.contains("commit-repo-cdn") && said.contains("0 of 100"), "{said}");
    // The same hash again costs the place, and everything in one payload is one reveal.
    let ended =
        commit(&["--repo", "a/b", "--cdn-url", "https://c.example/x", "--skip-cdn-check", "--required-lock", "0"]);
    let json = ended.success();
    assert_eq!(
        (&json["repo"], &json["cdn_url"], &json["commit"]),
        (&json!("a/b"), &json!("https://c.example/x"), &json!(HASH))
    );
    let said = ended.stderr();
    assert!(said.contains("costs the place") && !said.contains("still missing") && !said.contains("coldkey"), "{said}");
    let texts = miner.revealed("default");
    assert_eq!(texts[1], format!(r#"{{"repo":"a/b","commit":"{HASH}","cdn_url":"https://c.example/x"}}"#));

    // Certainly too early: nothing is sent, unless somebody insists.
    write_state(&miner.home, "open", 1_000_000, 2_000_000);
    assert!(commit(&["--dry-run"]).failure(1).contains("count for nothing"));
    let said = commit(&["--dry-run", "--no-round-check"]);
    said.success();
    assert!(!said.stderr().contains("window"), "{}", said.transcript());
    // A state that cannot be had keeps nothing back.
    std::fs::remove_dir_all(miner.home.path().join("state")).expect("there");
    let ended = commit(&["--dry-run"]);
    ended.success();
    assert!(ended.stderr().contains("is not known: there is no state.json"), "{}", ended.transcript());
    assert_eq!(miner.revealed("default").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_state_says_nothing_of_another_chain() {
    let miner = Miner::new().await;
    let ended = miner.run(&["commit-hash", "--hash", HASH], "default");
    assert_eq!(ended.success()["counts_for_round"], json!(null), "{}", ended.transcript());
    assert!(!ended.stderr().contains("round 3") && !ended.stderr().contains("not known"), "{}", ended.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reveal_is_aimed_at_the_first_block_of_the_next_window() {
    let miner = Miner::on(Options { block_time: Duration::from_millis(500), ..options() }).await;
    let last = u64::from(miner.chain.block_number()) + 25;
    write_state(&miner.home, "open", 1, last);
    let commit = |more: &[&str]| {
        miner.run(&[&["commit-hash", "--hash", HASH, "--state-url", "file:state"], more].concat(), "default")
    };
    let planned = commit(&["--reveal-at", "window", "--dry-run"]);
    assert_eq!(planned.success()["aimed_at"], last + 1);
    assert!(planned.stderr().contains(&format!("replaced right after block {}", last - 1)), "{}", planned.transcript());
    // It says what is missing, as without an aim, and nothing of a beacon round that it would not use.
    assert!(planned.stderr().contains("still missing for this round"), "{}", planned.transcript());
    assert_eq!(planned.success().get("reveal_time"), None);
    let ended = commit(&["--reveal-at", "window"]);
    let json = ended.success();
    assert_eq!((&json["aimed_at"], &json["counts_for_round"]), (&json!(last + 1), &json!(4)), "{}", ended.transcript());
    assert!(json["revealed_block"].as_u64() > Some(last), "{}", ended.transcript());
    assert_eq!(miner.revealed("default").len(), 1, "the fallback is never revealed: {}", ended.transcript());
    // Whoever goes on from the block itself on is told that it has been hit.
    let again = commit(&["--reveal-at", &(last + 1).to_string()]);
    assert_eq!(again.success()["revealed_block"], json["revealed_block"], "{}", again.transcript());
    // A block that is long over, and a window that nobody knows.
    while miner.chain.block_number() < 67 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(commit(&["--reveal-at", "1"]).failure(2).contains("no reveal can be in block 1"));
    let unknown = miner.run(&["commit-hash", "--hash", HASH, "--reveal-at", "window"], "default");
    assert!(unknown.failure(2).contains("without the competition's state"));
}
