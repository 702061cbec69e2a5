//! Nodes that have been asked too often: their pauses are waited for, within a limit, and never taken for anything else.

use std::time::Duration;

use gen404_chain::{
    Chain, CommitError, CommitRequest, ConnectOptions, EndpointError, Event, HotkeySigner, LockAnswer, RpcError,
};
use gen404_devchain::{CallLimit, HandshakeRefusal};
use gen404_outside::explain::{Blame, Explain};
use gen404_outside::time::SystemClock;
use gen404_round::{AccountId, NETUID};

use crate::support::{Diary, Key, commit, commit_hash, connect, fast, options, reveal_count, start};

fn refusing(status: u16, retry_after: Option<&str>, times: usize) -> HandshakeRefusal {
    HandshakeRefusal { status, retry_after: retry_after.map(ToOwned::to_owned), times }
}

fn of_method(method: &str, times: usize) -> CallLimit {
    CallLimit { method: Some(method.to_owned()), ..CallLimit::first(times, -32_005, "limit exceeded") }
}

fn waits(diary: &Diary) -> usize {
    diary.count(|event| matches!(event, Event::AskedToWait { .. }))
}

#[tokio::test]
async fn a_refused_handshake_is_tried_again_after_the_pause_it_asks_for() {
    let sandbox = start(fast(&[])).await;
    for status in [429, 503] {
        sandbox.refuse_handshakes(refusing(status, Some("0.3"), 2));
        let diary = Diary::default();
        Chain::connect(options(&sandbox.url()), &diary).await.expect("the third time");
        assert_eq!(waits(&diary), 2);
        let asked = |event: &Event| matches!(event, Event::AskedToWait { pause, .. } if pause.as_millis() > 250 && pause.as_millis() <= 300);
        assert_eq!(diary.count(asked), 2, "{:?}", diary.events());
        let told = |event: &Event| matches!(event, Event::EndpointFailed { reason, .. } if reason.contains(&status.to_string()));
        assert_eq!(diary.count(told), 1);
    }
}

#[tokio::test]
async fn handshakes_that_stay_refused_end_in_time_with_other_endpoints_named() {
    let sandbox = start(fast(&[])).await;
    sandbox.refuse_handshakes(refusing(429, None, usize::MAX));
    let patient = ConnectOptions { patience: Duration::from_secs(2), ..options(&sandbox.url()) };
    let error = Chain::connect(patient, &()).await.expect_err("never welcome");
    assert!(matches!(&error.source, EndpointError::Busy(limit) if limit.words.starts_with("HTTP 429")), "{error}");
    assert!(error.to_string().contains("still after waiting 1 s"), "{error}");
    assert_eq!(error.blame(), Blame::Service);
    assert!(error.hint().is_some_and(|hint| hint.contains("wss://entrypoint-finney")), "{:?}", error.hint());

    // Nobody waits for a pause that is longer than the patience.
    sandbox.refuse_handshakes(refusing(503, Some("3600"), usize::MAX));
    let diary = Diary::default();
    let error = Chain::connect(options(&sandbox.url()), &diary).await.expect_err("not for an hour");
    assert!(error.to_string().contains("pause of 3600 s"), "{error}");
    assert_eq!(waits(&diary), 0);
}

#[tokio::test]
async fn a_limit_in_the_first_words_is_no_reason_to_doubt_the_chain() {
    let sandbox = start(fast(&[])).await;
    let limits = [
        (-32_005, "limit exceeded"),
        (-32_029, "Too Many Requests"),
        (-32_999, "RPC rate limit exceeded"),
        (429, "slow down"),
        (-32_000, "upstream answered 429"),
        (-32_603, "your plan's rate limit is used up"),
    ];
    for (code, message) in limits {
        sandbox.limit_calls(CallLimit::first(usize::MAX, code, message));
        let impatient = ConnectOptions { patience: Duration::ZERO, ..options(&sandbox.url()) };
        let error = Chain::connect(impatient, &()).await.expect_err("limited");
        assert!(matches!(error.source, EndpointError::Busy(_)), "{error}");
        assert!(error.to_string().contains(message) && !error.to_string().contains("not a Substrate"), "{error}");
        assert_eq!(error.blame(), Blame::Service);
    }
    sandbox.limit_calls(CallLimit::first(3, -32_005, "limit exceeded"));
    let diary = Diary::default();
    Chain::connect(options(&sandbox.url()), &diary).await.expect("after a pause");
    assert_eq!(waits(&diary), 1);
}

/// A node that does not say which metadata it has must not pass for an old one, whose chain has no locks.
#[tokio::test]
async fn a_limit_never_changes_an_answer() {
    let sandbox = start(fast(&[])).await;
    sandbox.limit_calls(of_method("state_call", 1));
    let chain = Chain::connect(options(&sandbox.url()), &()).await.expect("after a pause");
    let coldkeys: Vec<_> = (0..40).map(|number| AccountId([number; 32])).collect();
    // All of them at once are refused, and queue up behind the first.
    sandbox.limit_calls(of_method("state_call", 40));
    let diary = Diary::default();
    let locks = chain.coldkey_locks(&coldkeys, NETUID, &diary).await.expect("answers");
    assert_eq!(locks, vec![LockAnswer::Nothing; 40]);
    assert_eq!(waits(&diary), 1);
}

#[tokio::test]
async fn a_limit_on_any_question_of_a_commitment_is_waited_out() {
    let methods = [
        "state_queryStorageAt",
        "account_nextIndex",
        "author_submitAndWatchExtrinsic",
        "chain_getBlock",
        "chain_getBlockHash",
        "chain_getFinalizedHead",
    ];
    let rounds = methods.map(|method| async move {
        let key = Key::new(1);
        let sandbox = start(fast(&[&key])).await;
        let chain = connect(&sandbox).await;
        sandbox.limit_calls(of_method(method, 1));
        let diary = Diary::default();
        commit(&chain, &key, &diary).await.unwrap_or_else(|error| panic!("{method}: {error}"));
        assert_eq!(waits(&diary), 1, "{method}");
        assert_eq!(diary.count(|event| matches!(event, Event::Submitting { .. })), 1);
        assert_eq!(reveal_count(&sandbox, &key), 1);
    });
    futures::future::join_all(rounds).await;
}

#[tokio::test]
async fn a_submission_that_stays_refused_was_not_sent_and_says_so() {
    let key = Key::new(1);
    let sandbox = start(fast(&[&key])).await;
    let chain = connect(&sandbox).await;
    sandbox.limit_calls(of_method("author_submitAndWatchExtrinsic", usize::MAX));
    let request = CommitRequest { wait_limit: Duration::from_secs(2), ..commit_hash() };
    let diary = Diary::default();
    let error = chain.commit(&request, &key, &SystemClock::start(), &diary).await.expect_err("never taken");
    assert!(matches!(&error, CommitError::NotSent { source: RpcError::Limited { .. } }), "{error}");
    assert!(error.to_string().starts_with("nothing was sent"), "{error}");
    assert_eq!(error.blame(), Blame::Service);
    assert!(error.hint().is_some_and(|hint| hint.contains("wss://entrypoint-finney")), "{:?}", error.hint());
    assert_eq!(diary.count(|event| *event == Event::Rejected), 1);
    let status = chain.hotkey_status(NETUID, &key.hotkey(), &()).await.expect("a status");
    assert_eq!((status.space.used, status.pending), (0, None));
}

#[tokio::test]
async fn a_way_back_that_is_limited_is_waited_for() {
    let key = Key::new(1);
    let sandbox = std::sync::Arc::new(start(fast(&[&key])).await);
    let chain = connect(&sandbox).await;
    let cutting = std::sync::Arc::clone(&sandbox);
    let diary = Diary::reacting(move |event| {
        if matches!(event, Event::Included { .. }) {
            cutting.refuse_handshakes(refusing(429, Some("0.3"), 3));
            cutting.cut_connections();
        }
    });
    let commitment = commit(&chain, &key, &diary).await.expect("it is seen to the end");
    assert!(commitment.finalized && commitment.revealed_block.is_some());
    assert_eq!(waits(&diary), 3);
    assert_eq!(reveal_count(&sandbox, &key), 1);
}
