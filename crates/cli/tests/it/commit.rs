//! `commit-hash` against a development chain: from the option to the proven reveal, and everything that can go wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use gen404_devchain::{FINNEY_GENESIS, Options};
use gen404_testing::Nobody;
use serde_json::json;
use tokio::net::TcpListener;

use crate::miner::{Ended, HASH, Miner, account, line, options};
use crate::running::Running;

const COMMIT: [&str; 3] = ["commit-hash", "--hash", HASH];

fn commit_and(more: &[&'static str]) -> Vec<&'static str> {
    [&COMMIT, more].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_is_committed_revealed_and_proven() {
    let miner = Miner::new().await;
    let ended = miner.run(&COMMIT, "default");
    let json = ended.success();
    assert_eq!(json["commit"], HASH);
    assert_eq!(json["hotkey"], account("default").to_string());
    let block = json["block"].as_u64().expect("a block");
    assert!(json["revealed_block"].as_u64().expect("a block") > block, "{json}");
    assert!(json["extrinsic_hash"].as_str().expect("a hash").starts_with("0x"));
    assert!(json["reveal_round"].is_u64());
    assert_eq!(miner.revealed("default"), [format!(r#"{{"commit":"{HASH}"}}"#)]);
    for stage in ["sending 0x", "included in block", "is final", "revealed in block"] {
        assert!(ended.stderr().contains(stage), "{stage}:\n{}", ended.transcript());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_can_end_at_inclusion_or_finality() {
    let miner = Miner::new().await;
    let json = miner.run(&commit_and(&["--wait", "inclusion"]), "default").success();
    assert!(json["block"].is_u64() && json["revealed_block"].is_null(), "{json}");
    assert_eq!(json["finalized"], false);
    let json = miner.run(&commit_and(&["--wait", "finalized"]), "second").success();
    assert_eq!(json["finalized"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_checks_everything_and_sends_nothing() {
    let miner = Miner::new().await;
    let json = miner.run(&commit_and(&["--dry-run"]), "default").success();
    assert_eq!(json["dry_run"], true);
    assert_eq!(json["call"], "Commitments.set_commitment");
    assert_eq!(json["payload"], format!(r#"{{"commit":"{HASH}"}}"#));
    assert!(json["checks"].as_array().expect("checks").iter().all(|check| check["passed"] == true), "{json}");
    assert!(json.get("extrinsic_hash").is_none());

    let ended = miner.run(&commit_and(&["--dry-run"]), "unregistered");
    assert!(ended.failure(1).contains("is not registered"), "{}", ended.transcript());
    for _ in 0..12 {
        miner.chain.produce_block();
    }
    assert_eq!(miner.revealed("default"), Vec::<String>::new());
}

#[test]
fn bad_hashes_are_refused_at_the_door() {
    let home = crate::binary::Home::new();
    let upper = HASH.to_uppercase();
    let not_hex = HASH.replace('5', "g");
    let cases =
        [("5b1e56b", "has 40 characters"), (&*upper, "must be lower case"), (&*not_hex, "0-9 and a-f"), ("", "40")];
    for (hash, said) in cases {
        let line = ["commit-hash", "--hash", hash, "--wallet.name", "w", "--wallet.hotkey", "h"];
        let ended = Ended(home.run(&line));
        assert!(ended.failure(2).contains(said), "{}", ended.transcript());
    }
    let ended = Ended(home.run(&["commit-hash", "--hash", HASH]));
    assert!(ended.failure(2).contains("--wallet.name"), "{}", ended.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unregistered_hotkey_is_refused_before_anything_is_sent() {
    let miner = Miner::new().await;
    let ended = miner.run(&COMMIT, "unregistered");
    let sentence = ended.failure(4);
    assert!(
        sentence.contains(&account("unregistered").to_string()) && sentence.contains("not registered"),
        "{sentence}"
    );
    assert!(!ended.stderr().contains("sending"), "{}", ended.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn used_up_space_is_refused_before_anything_is_sent() {
    let miner = Miner::on(Options { max_space: 297, ..options() }).await;
    let ended = miner.run(&COMMIT, "default");
    let sentence = ended.failure(4);
    assert!(sentence.contains("space") && sentence.contains("297"), "{sentence}");
    assert!(!ended.stderr().contains("sending"), "{}", ended.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_commit_waits_for_the_first_ones_reveal() {
    let miner = Miner::without_reveals().await;
    let first = miner.run(&commit_and(&["--wait", "inclusion"]), "default").success();

    let ended = miner.run(&commit_and(&["--wait-timeout", "1"]), "default");
    assert!(ended.failure(3).contains("still not revealed"), "{}", ended.transcript());

    let line = ["commit-repo-cdn", "--repo", "owner/name", "--cdn-url", "https://cdn.example/17", "--skip-cdn-check"];
    let mut second = miner.start(&line, "default");
    second.wait_for(&format!("the commitment of block {} would be lost", first["block"]));
    miner.chain.freeze_beacon(false);
    let json = Ended(second.finish()).success();
    assert_eq!((&json["repo"], &json["cdn_url"]), (&json!("owner/name"), &json!("https://cdn.example/17")));

    let listed = miner.home.run(&["list-all", "--subtensor.endpoint", &miner.chain.url()]);
    let line = Ended(listed).json();
    assert_eq!(line["hotkey"], account("default").to_string());
    assert_eq!(line["commit_hash"], HASH);
    assert_eq!((&line["repo"], &line["cdn_url"]), (&json!("owner/name"), &json!("https://cdn.example/17")));
    assert!(line["repo_block"].as_u64() > line["commit_block"].as_u64(), "{line}");
    assert_eq!(line["repo_block"], line["cdn_block"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reveal_that_does_not_come_in_time_is_told_with_the_block() {
    let miner = Miner::without_reveals().await;
    let ended = miner.run(&commit_and(&["--wait-timeout", "3"]), "default");
    assert!(ended.failure(3).contains("not revealed"), "{}", ended.transcript());
    let json = ended.json();
    assert!(json["block"].is_u64() && json["extrinsic_hash"].is_string(), "{json}");
    assert!(json["hint"].as_str().expect("a hint").contains("list-all"), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_clock_is_noticed_and_does_no_harm() {
    for seconds in [60, -60] {
        let miner = Miner::on(Options { clock_offset: seconds, ..options() }).await;
        let ended = miner.run(&COMMIT, "default");
        ended.success();
        assert!(ended.stderr().contains("the clock of this machine is about"), "{}", ended.transcript());
        assert_eq!(miner.revealed("default").len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_while_waiting_changes_nothing() {
    let miner = Miner::without_reveals().await;
    let mut running = miner.start(&COMMIT, "default");
    running.wait_for("included in block");
    miner.chain.cut_connections();
    running.wait_for("connection lost");
    miner.chain.freeze_beacon(false);
    Ended(running.finish()).success();
    assert_eq!(miner.revealed("default").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_are_no_chain_are_told_apart() {
    let miner = Miner::new().await;
    let nobody = Nobody::here();
    let closed = format!("ws://user:hidden-word@{}/hidden-path", nobody.address());
    let ended = Ended(miner.home.run(&line(&COMMIT, "default", &closed)));
    let sentence = ended.failure(3);
    assert!(sentence.starts_with(&format!("cannot use ws://{}/…: ", nobody.address())), "{sentence}");
    assert!(sentence.contains("refused") && sentence.matches("ws://").count() == 1, "{sentence}");
    assert!(!ended.transcript().contains("hidden"), "{}", ended.transcript());

    let web = crate::cdn::Cdn::answering(crate::cdn::Answer::Status(200)).await;
    let address = format!("ws://127.0.0.1:{}", web.port);
    let ended = Ended(miner.home.run(&line(&COMMIT, "default", &address)));
    assert!(ended.failure(3).contains(&address), "{}", ended.transcript());

    for (endpoint, said) in [("finny", "unknown network"), ("https://node.example", "ws:// or wss://")] {
        let ended = Ended(miner.home.run(&line(&COMMIT, "default", endpoint)));
        assert!(ended.failure(2).contains(said), "{}", ended.transcript());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_claims_to_be_finney_with_a_beacon_of_its_own_is_refused() {
    let miner = Miner::on(Options { genesis_hash: Some(FINNEY_GENESIS), ..options() }).await;
    let ended = miner.run(&[&COMMIT[..], &["--no-round-check"]].concat(), "default");
    assert!(ended.failure(3).contains("beacon key"), "{}", ended.transcript());
    assert!(!ended.stderr().contains("sending"), "{}", ended.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_come_from_the_environment_and_files_too() {
    let miner = Miner::new().await;
    fs::write(miner.home.path().join("404-cli.toml"), "wallet.name = 'miner'\n[commit-hash]\nwait = 'inclusion'\n")
        .expect("written");
    let mut command = miner.home.command(&COMMIT);
    command.env("BT_WALLET_HOTKEY", "second").env("BT_CHAIN_ENDPOINT", miner.chain.url());
    let json = Ended(command.output().expect("it runs")).success();
    assert_eq!(json["hotkey"], account("second").to_string());
    assert!(json["revealed_block"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyfile_open_to_others_is_warned_about() {
    let miner = Miner::new().await;
    let path = miner.write_hotkey("default", format!(r#"{{"secretSeed":"{}"}}"#, crate::miner::seed_text("default")));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("permissions");
    let ended = miner.run(&commit_and(&["--dry-run"]), "default");
    ended.success();
    assert!(ended.stderr().contains("mode 0644") && ended.stderr().contains("chmod 600"), "{}", ended.transcript());
}

fn interrupted(running: Running) -> serde_json::Value {
    running.interrupt();
    let ended = Ended(running.finish());
    assert_eq!(ended.failure(130), "Interrupted by user");
    ended.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_while_connecting_ends_at_once() {
    let miner = Miner::new().await;
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = format!("ws://{}", silent.local_addr().expect("bound"));
    let running = Running::start(&miner.home, &line(&COMMIT, "default", &address));
    let (_stream, _) = silent.accept().await.expect("it connects");
    assert!(interrupted(running).get("extrinsic_hash").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_while_unlocking_ends_at_once() {
    let miner = Miner::new().await;
    let path = miner.copy_hotkey("locked", "encrypted/hotkeys/hk1");
    let variable = crate::wallets::variable(&path);
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("404-cli"));
    command.env_clear().env("HOME", miner.home.path()).env(&variable, crate::wallets::encoded(&variable));
    let url = miner.chain.url();
    let mut running = Running::spawn(command.args(line(&COMMIT, "locked", &url)));
    running.wait_for("unlocking the NaCl keyfile: takes about 7 s and 512 MiB of memory");
    interrupted(running);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_while_an_earlier_reveal_is_waited_for_sends_nothing() {
    let miner = Miner::without_reveals().await;
    miner.run(&commit_and(&["--wait", "inclusion"]), "default").success();
    let mut running = miner.start(&COMMIT, "default");
    running.wait_for("would be lost");
    assert!(interrupted(running).get("extrinsic_hash").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_after_sending_says_what_is_on_its_way() {
    let miner = Miner::on(Options { manual_blocks: true, ..options() }).await;
    let mut running = miner.start(&COMMIT, "default");
    running.wait_for("sending 0x");
    let json = interrupted(running);
    assert!(json["extrinsic_hash"].is_string() && json.get("block").is_none(), "{json}");
    assert!(json["hint"].as_str().expect("a hint").contains("list-all"), "{json}");

    let miner = Miner::without_reveals().await;
    let mut running = miner.start(&COMMIT, "default");
    running.wait_for("included in block");
    let json = interrupted(running);
    assert!(json["extrinsic_hash"].is_string() && json["block"].is_u64(), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_stdout_does_not_undo_the_commit() {
    let miner = Miner::new().await;
    let url = miner.chain.url();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = Command::new(assert_cmd::cargo::cargo_bin!("404-cli"))
        .env_clear()
        .env("HOME", miner.home.path())
        .args(line(&commit_and(&["--quiet"]), "default", &url))
        .stdout(writer)
        .stderr(Stdio::piped())
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the commitment itself is done and on chain"), "{said}");
    assert_eq!(miner.revealed("default").len(), 1);
}
