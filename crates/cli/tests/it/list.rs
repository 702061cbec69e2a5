//! `list-all`: order, null fields, owners and locks, hostile payloads, closed stdout.

use std::process::{Command, Stdio};

use gen404_devchain::{Lock, Neuron, Options, PastReveals};
use gen404_round::AccountId;
use gen404_testing::Nobody;
use serde_json::{Value, json};

use crate::binary::Home;
use crate::miner::{COLDKEY, Ended, HASH, Miner, options};

/// A SCALE string, as well-behaved clients reveal it.
fn revealed(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).expect("short");
    let prefix = if length < 64 {
        vec![u8::try_from(length << 2).expect("below 64")]
    } else {
        u16::try_from((length << 2) | 1).expect("below 16384").to_le_bytes().to_vec()
    };
    [prefix, text.as_bytes().to_vec()].concat()
}

fn past(hotkey: u8, reveals: &[(&str, u64)]) -> PastReveals {
    let reveals = reveals.iter().map(|(text, block)| (revealed(text), *block)).collect();
    PastReveals { hotkey: AccountId([hotkey; 32]), reveals }
}

fn hotkey(byte: u8) -> String {
    AccountId([byte; 32]).to_string()
}

fn list(miner: &Miner, more: &[&str]) -> Ended {
    let url = miner.chain.url();
    Ended(miner.home.run(&[&["list-all", "--subtensor.endpoint", &url], more].concat()))
}

fn lines(ended: &Ended) -> Vec<Value> {
    assert_eq!(ended.0.status.code(), Some(0), "{}", ended.transcript());
    let stdout = String::from_utf8(ended.0.stdout.clone()).expect("text");
    stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_ordered_by_commit_block_and_hold_the_latest_of_each_field() {
    let reveals = vec![
        past(1, &[(r#"{"commit":"late"}"#, 9), (r#"{"repo":"a/b","cdn_url":"https://c"}"#, 12)]),
        past(2, &[(r#"{"commit":"early"}"#, 3)]),
        past(3, &[(r#"{"repo":"only/repo"}"#, 1)]),
        past(4, &[(r#"{"commit":"old"}"#, 2), (r#"{"commit":"new"}"#, 5)]),
    ];
    let miner = Miner::on(Options { reveals, ..options() }).await;
    let lines = lines(&list(&miner, &[]));
    let expected = json!({
        "hotkey": hotkey(1), "commit_hash": "late", "commit_block": 9, "repo": "a/b", "repo_block": 12,
        "cdn_url": "https://c", "cdn_block": 12, "coldkey": null, "locked_rho": null, "required_rho": null,
        "lock_sufficient": null,
    });
    assert_eq!(lines[2], expected);
    let order: Vec<_> =
        lines.iter().map(|line| (line["commit_hash"].as_str(), line["commit_block"].as_u64())).collect();
    assert_eq!(order, [(Some("early"), Some(3)), (Some("new"), Some(5)), (Some("late"), Some(9))]);
    assert_eq!((&lines[0]["repo"], &lines[0]["cdn_block"]), (&Value::Null, &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_coldkey_needs_its_lock_once_for_each_hotkey() {
    let commit = [(r#"{"commit":"x"}"#, 1)];
    let rich = AccountId([0xee; 32]);
    let owned = |hotkey, coldkey| Neuron { hotkey: AccountId([hotkey; 32]), coldkey };
    let lock = |coldkey, locked_mass| Lock { coldkey, locked_mass, conviction_bits: 0, last_update: 1 };
    let miner = Miner::on(Options {
        neurons: vec![owned(1, COLDKEY), owned(2, COLDKEY), owned(3, rich), owned(4, AccountId([0xdd; 32]))],
        reveals: [1, 2, 3, 4].map(|hotkey| past(hotkey, &commit)).into(),
        locks: vec![lock(COLDKEY, 199_999_999_999), lock(rich, 100_000_000_000)],
        ..options()
    })
    .await;
    let of = |lines: &[Value], byte: u8| {
        let line = lines.iter().find(|line| line["hotkey"] == hotkey(byte)).expect("a line").clone();
        json!([line["coldkey"], line["locked_rho"], line["required_rho"], line["lock_sufficient"]])
    };
    let asked = lines(&list(&miner, &[]));
    assert_eq!(of(&asked, 1), json!([COLDKEY.to_string(), 199.999_999_999, 200.0, false]));
    assert_eq!(of(&asked, 2), of(&asked, 1));
    assert_eq!(of(&asked, 3), json!([rich.to_string(), 100.0, 100.0, true]));
    assert_eq!(of(&asked, 4), json!([AccountId([0xdd; 32]).to_string(), 0.0, 100.0, false]));

    let asked = lines(&list(&miner, &["--required-lock", "99.9"]));
    assert_eq!(of(&asked, 1)[3], true);
    assert!(list(&miner, &["--required-lock=-1"]).failure(2).contains("amount"));
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_of_strangers_never_fail_the_listing_nor_reach_the_terminal() {
    let escape = "{\"commit\":\"\\u001b[2J\\u0007red\",\"repo\":\"a\\nb\"}";
    let raw = |hotkey: u8, payload: &[u8]| PastReveals {
        hotkey: AccountId([hotkey; 32]),
        reveals: vec![(payload.to_vec(), 1), (revealed(r#"{"commit":"fine"}"#), 2)],
    };
    let hostile: [&[u8]; 8] =
        [b"", b"\xff\xfe", b"\x03", b"\x0cnull", b"\x10[1,2", b"\x00", &[0x22; 1024], b"\x48{\"commit\":{\"a\":1}}"];
    let mut reveals: Vec<_> = (1..).zip(hostile).map(|(hotkey, payload)| raw(hotkey, payload)).collect();
    reveals.push(past(100, &[(escape, 3)]));
    let miner = Miner::on(Options { reveals, ..options() }).await;

    let ended = list(&miner, &[]);
    let lines = lines(&ended);
    assert_eq!(lines.len(), 9);
    assert!(lines[..8].iter().all(|line| line["commit_hash"] == "fine"));
    assert_eq!(lines[8]["commit_hash"], "\u{1b}[2J\u{7}red");
    assert!(!ended.0.stdout.contains(&0x1b), "escaped in JSON");

    let table = list(&miner, &["--table"]);
    let text = String::from_utf8(table.0.stdout).expect("text");
    assert!(text.contains("[2J") && text.contains(&hotkey(100)), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}') && text.contains("a\u{fffd}b"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_revealed_is_no_line_and_no_failure() {
    let miner = Miner::new().await;
    let ended = list(&miner, &[]);
    assert_eq!(lines(&ended), Vec::<Value>::new());
    assert!(ended.stderr().contains("0 of 0 hotkeys"), "{}", ended.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wallets_options_are_accepted_and_not_needed() {
    let miner = Miner::on(Options { reveals: vec![past(1, &[(r#"{"commit":"x"}"#, 1)])], ..options() }).await;
    let more = ["--wallet.name", "no", "--wallet.hotkey", "such", "--wallet.path", "/nowhere", "--netuid", "17"];
    assert_eq!(lines(&list(&miner, &more)).len(), 1);
    assert_eq!(lines(&list(&miner, &["--netuid", "18"])).len(), 0);
}

#[test]
fn an_unreachable_network_is_an_outside_failure() {
    let nobody = Nobody::here();
    let closed = nobody.address();
    let ended = Ended(Home::new().run(&["list-all", "--subtensor.endpoint", &format!("ws://{closed}")]));
    assert!(ended.failure(3).contains(&closed.to_string()), "{}", ended.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_shows_what_is_secret_in_the_address() {
    let miner = Miner::new().await;
    let url = miner.chain.url().replace("ws://", "ws://user:hidden@") + "/hidden";
    let ended = Ended(miner.home.run(&["list-all", "-vvv", "--subtensor.endpoint", &url]));
    lines(&ended);
    let text = ended.transcript();
    assert!(text.contains("TRACE jsonrpsee-client"), "{text}");
    // `user:hidden`, as HTTP sends it.
    assert!(!text.contains("hidden") && !text.contains("dXNlcjpoaWRkZW4"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_stdout_ends_the_list_quietly() {
    let text = format!(r#"{{"commit":"{HASH}","repo":"{0}/{0}"}}"#, "x".repeat(200));
    // More than a pipe holds.
    let reveals = (1..=250).map(|hotkey| past(hotkey, &[(&text, 1)])).collect();
    let miner = Miner::on(Options { reveals, ..options() }).await;
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("404-cli"))
        .env_clear()
        .env("HOME", miner.home.path())
        .args(["list-all", "-q", "--subtensor.endpoint", &miner.chain.url()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_the_list() {
    let miner = Miner::new().await;
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = format!("ws://{}", silent.local_addr().expect("bound"));
    let running = crate::running::Running::start(&miner.home, &["list-all", "--subtensor.endpoint", &address]);
    let (_stream, _) = silent.accept().await.expect("it connects");
    running.interrupt();
    assert_eq!(Ended(running.finish()).failure(130), "Interrupted by user");
}
