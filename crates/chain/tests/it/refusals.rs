//! Refusals that are not true, or not known to be: behind one address another node may have taken the extrinsic.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gen404_chain::{Chain, CommitError, CommitRequest, Doubt, Event, HotkeySigner, Wait};
use gen404_devchain::{CallLimit, DevelopmentChain, Options, SubmitFault, WatchEnd};
use gen404_outside::explain::{Blame, Explain};
use gen404_outside::time::SystemClock;
use gen404_round::NETUID;

use crate::proxy::{Manners, Proxy};
use crate::support::{Diary, Key, commit, commit_hash, connect, fast, options, reveal_count, start};

/// Bytes of space that one commitment of a hash costs; a second one would cost them again.
const ONE: u64 = 298;

async fn space_used(sandbox: &DevelopmentChain, key: &Key) -> u64 {
    let chain = connect(sandbox).await;
    chain.hotkey_status(NETUID, &key.hotkey(), &()).await.expect("a status").space.used
}

fn signatures(diary: &Diary) -> usize {
    diary.count(|event| matches!(event, Event::Submitting { .. }))
}

fn bad_proof() -> (i32, String, Option<String>) {
    (1010, "Invalid Transaction".to_owned(), Some("Transaction has a bad signature".to_owned()))
}

fn taken_and_refused() -> SubmitFault {
    let (code, message, data) = bad_proof();
    SubmitFault::TakeAndRefuse { code, message, data }
}

fn within_seconds(seconds: u64) -> CommitRequest {
    CommitRequest { wait_limit: Duration::from_secs(seconds), ..commit_hash() }
}

#[tokio::test]
async fn what_one_node_refuses_and_another_takes_is_followed() {
    let refusals = [
        taken_and_refused(),
        SubmitFault::TakeAndRefuse {
            code: 1010,
            message: "x".to_owned(),
            data: Some("Transaction is outdated".to_owned()),
        },
        SubmitFault::TakeAndRefuse { code: 1012, message: "Transaction is temporarily banned".to_owned(), data: None },
        // Given again after a pause, when it is in a block already.
        SubmitFault::TakeAndRefuse { code: -32_005, message: "limit exceeded".to_owned(), data: None },
        SubmitFault::TakeAndRefuse { code: -32_603, message: "upstream timed out".to_owned(), data: None },
    ];
    for refusal in refusals {
        let key = Key::new(1);
        let sandbox = start(fast(&[&key])).await;
        let chain = connect(&sandbox).await;
        sandbox.fail_next_submission(refusal.clone());
        let diary = Diary::default();
        let commitment = commit(&chain, &key, &diary).await.unwrap_or_else(|error| panic!("{refusal:?}: {error}"));
        assert!(commitment.revealed_block.is_some());
        assert_eq!((signatures(&diary), diary.count(|event| *event == Event::Rejected)), (1, 0));
        assert_eq!((reveal_count(&sandbox, &key), space_used(&sandbox, &key).await), (1, ONE));
    }
}

#[tokio::test]
async fn what_is_in_a_block_when_the_refusal_comes_is_found() {
    let key = Key::new(1);
    let sandbox = Arc::new(start(Options { manual_blocks: true, ..fast(&[&key]) }).await);
    let (including, refuse_once) = (Arc::clone(&sandbox), AtomicBool::new(false));
    let refusing = Manners::rewriting(move |text| {
        let answer: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        // The only text that is no hexadecimal one is the name of a subscription.
        let subscribed = answer["result"].as_str().is_some_and(|result| !result.starts_with("0x"));
        if !subscribed || refuse_once.swap(true, Ordering::SeqCst) {
            return text;
        }
        including.produce_block();
        let (code, message, data) = bad_proof();
        let error = serde_json::json!({ "code": code, "message": message, "data": data });
        serde_json::json!({ "jsonrpc": "2.0", "id": answer["id"], "error": error }).to_string()
    });
    let proxy = Proxy::start(&sandbox.url(), refusing).await;
    let chain = Chain::connect(options(&proxy.url), &()).await.expect("it answers");
    let diary = Diary::default();
    let request = CommitRequest { wait: Wait::Inclusion, ..commit_hash() };
    let commitment = chain.commit(&request, &key, &SystemClock::start(), &diary).await.expect("it is in a block");
    assert_eq!(commitment.block, u64::from(sandbox.block_number()));
    assert_eq!((signatures(&diary), proxy.count("author_submitAndWatchExtrinsic")), (1, 1));
}

#[tokio::test]
async fn a_refusal_that_cannot_be_checked_is_no_refusal_of_the_chain() {
    let key = Key::new(1);
    let sandbox = start(fast(&[&key])).await;
    let chain = connect(&sandbox).await;
    sandbox.fail_next_submission(taken_and_refused());
    // Asked for once before the signature.
    let method = Some("account_nextIndex".to_owned());
    sandbox.limit_calls(CallLimit { method, after: 1, ..CallLimit::first(usize::MAX, -32_601, "Method not found") });
    let diary = Diary::default();
    let error =
        chain.commit(&within_seconds(2), &key, &SystemClock::start(), &diary).await.expect_err("nobody can tell");
    let CommitError::Undecided { extrinsic_hash, .. } = &error else { panic!("{error}") };
    assert!(error.to_string().contains("bad signature") && error.to_string().contains("cannot be told"), "{error}");
    assert_eq!(error.blame(), Blame::Service);
    let hint = error.hint().expect("a hint");
    assert!(hint.contains("list-all") && hint.contains(&extrinsic_hash.to_string()), "{hint}");
    assert_eq!((signatures(&diary), diary.count(|event| *event == Event::Rejected)), (1, 0));
}

#[tokio::test]
async fn a_chain_without_new_blocks_proves_no_refusal() {
    let key = Key::new(1);
    let sandbox = start(Options { manual_blocks: true, ..fast(&[&key]) }).await;
    let chain = connect(&sandbox).await;
    let (code, message, data) = bad_proof();
    sandbox.fail_next_submission(SubmitFault::Refuse { code, message, data });
    let error = chain.commit(&within_seconds(1), &key, &SystemClock::start(), &()).await.expect_err("no new block");
    assert!(matches!(&error, CommitError::Undecided { doubt: Doubt::NoNewBlock, .. }), "{error}");
    assert_eq!(error.blame(), Blame::Service);
}

#[tokio::test]
async fn an_answer_that_is_no_verdict_of_a_pool_is_an_outside_failure() {
    let key = Key::new(1);
    let sandbox = start(fast(&[&key])).await;
    let chain = connect(&sandbox).await;
    let message = "upstream timed out".to_owned();
    sandbox.fail_next_submission(SubmitFault::Refuse { code: -32_603, message, data: None });
    let diary = Diary::default();
    let error = commit(&chain, &key, &diary).await.expect_err("not taken");
    assert!(matches!(&error, CommitError::Pool(_)), "{error}");
    assert_eq!((error.blame(), diary.count(|event| *event == Event::Rejected)), (Blame::Service, 1));
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn a_node_that_notices_an_upgrade_late_is_asked_again() {
    let key = Key::new(1);
    let sandbox = start(fast(&[&key])).await;
    let chain = connect(&sandbox).await;
    // Once before the signature, and once after the refusal.
    sandbox.keep_showing_version(2);
    sandbox.fail_next_submission(SubmitFault::Upgrade { spec_version: 426 });
    let diary = Diary::default();
    commit(&chain, &key, &diary).await.expect("it is signed anew");
    assert_eq!(signatures(&diary), 2, "{:?}", diary.events());
    assert_eq!((reveal_count(&sandbox, &key), space_used(&sandbox, &key).await), (1, ONE));
}

#[tokio::test]
async fn a_node_that_never_notices_an_upgrade_is_an_outside_failure() {
    let key = Key::new(1);
    let sandbox = start(fast(&[&key])).await;
    let chain = connect(&sandbox).await;
    sandbox.keep_showing_version(usize::MAX);
    sandbox.fail_next_submission(SubmitFault::Upgrade { spec_version: 426 });
    let diary = Diary::default();
    let error = commit(&chain, &key, &diary).await.expect_err("signed for the past");
    let stale = Doubt::StaleVersion { shown: 425, runs: 426 };
    assert!(
        matches!(&error, CommitError::Undecided { .. }) && error.to_string().ends_with(&stale.to_string()),
        "{error}"
    );
    assert_eq!((error.blame(), signatures(&diary)), (Blame::Service, 1));
    assert!(error.hint().is_some_and(|hint| hint.contains("--subtensor.endpoint")), "{:?}", error.hint());
}

/// The pool passes it on, says that it let it fall, and it is never seen again.
#[tokio::test]
async fn only_what_no_node_can_include_any_more_is_refused() {
    let ends =
        [(WatchEnd::Invalid, Blame::Chain), (WatchEnd::Dropped, Blame::Service), (WatchEnd::Usurped, Blame::Service)];
    for (end, kind) in ends {
        let key = Key::new(1);
        let sandbox = start(fast(&[&key])).await;
        let chain = connect(&sandbox).await;
        sandbox.end_next_watch(end);
        sandbox.fail_next_submission(SubmitFault::Lose);
        let error = commit(&chain, &key, &Diary::default()).await.expect_err("lost");
        assert!(matches!(&error, CommitError::Dropped { .. }), "{error}");
        assert_eq!(error.blame(), kind, "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("list-all")), "{:?}", error.hint());
    }
}

/// An answer without the values of these storage items.
fn hiding(entries: &'static [&'static str]) -> Manners {
    let keys: Vec<_> = entries.iter().map(|entry| hex::encode(sp_crypto_hashing::twox_128(entry.as_bytes()))).collect();
    Manners::rewriting(move |text| keys.iter().fold(text, |text, key| text.replace(key, &"00".repeat(16))))
}

#[tokio::test]
async fn a_call_whose_end_cannot_be_read_is_no_success() {
    let key = Key::new(1);
    let sandbox = start(fast(&[&key])).await;
    let early = CommitRequest { wait: Wait::Inclusion, ..commit_hash() };

    let proxy = Proxy::start(&sandbox.url(), hiding(&["Events", "LastCommitment"])).await;
    let chain = Chain::connect(options(&proxy.url), &()).await.expect("it answers");
    let error = chain.commit(&early, &key, &SystemClock::start(), &()).await.expect_err("it may have failed");
    assert!(matches!(&error, CommitError::OutOfSight { block: Some(_), .. }), "{error}");
    assert_eq!(error.blame(), Blame::Service);

    // The reveal is a better proof than the events are.
    let commitment = commit(&chain, &key, &Diary::default()).await.expect("it is revealed");
    assert!(commitment.revealed_block.is_some());

    // So is the block of the hotkey's last commitment.
    let proxy = Proxy::start(&sandbox.url(), hiding(&["Events"])).await;
    let chain = Chain::connect(options(&proxy.url), &()).await.expect("it answers");
    chain.commit(&early, &key, &SystemClock::start(), &()).await.expect("it is stored");
}

#[tokio::test]
async fn a_call_that_failed_is_refused_only_by_a_final_block() {
    let key = Key::new(1);
    let sandbox = Arc::new(start(Options { finality_lag: 60, ..fast(&[&key]) }).await);
    let chain = connect(&sandbox).await;
    let leaving = Arc::clone(&sandbox);
    let hotkey = key.hotkey();
    let diary = Diary::reacting(move |event| {
        if matches!(event, Event::Submitting { .. }) {
            leaving.deregister(hotkey);
        }
    });
    let error =
        chain.commit(&within_seconds(5), &key, &SystemClock::start(), &diary).await.expect_err("not registered");
    assert!(matches!(&error, CommitError::Undecided { doubt: Doubt::NotFinal, .. }), "{error}");
    assert!(error.to_string().contains("the chain refused the commitment in block"), "{error}");
    assert_eq!(error.blame(), Blame::Service);
}
