//! Upgrades of the runtime while a commitment is on its way: signed once more, never sent twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gen404_chain::{Chain, CommitError, ConnectOptions, Event, HotkeySigner, Wait};
use gen404_devchain::{DevelopmentChain, Options, SubmitFault};
use gen404_outside::explain::{Blame, Explain};
use gen404_outside::time::SystemClock;
use gen404_round::NETUID;

use crate::proxy::{Manners, Proxy};
use crate::support::{Diary, Key, commit, commit_hash, connect, fast, options, reveal_count, start};

const UPGRADED: Event = Event::RuntimeUpgraded { from: 425, to: 426 };

fn signatures(diary: &Diary) -> usize {
    diary.count(|event| matches!(event, Event::Submitting { .. }))
}

async fn space_used(chain: &Chain, key: &Key) -> u64 {
    chain.hotkey_status(NETUID, &key.hotkey(), &()).await.expect("a status").space.used
}

#[tokio::test]
async fn an_upgrade_just_before_the_submission_takes_one_more_signature() {
    let key = Key::new(1);
    let sandbox = start(fast(&[&key])).await;
    let cache = tempfile::tempdir().expect("a folder");
    let with_cache = ConnectOptions { cache_folder: Some(cache.path().to_owned()), ..options(&sandbox.url()) };
    let chain = Chain::connect(with_cache, &()).await.expect("it answers");
    sandbox.fail_next_submission(SubmitFault::Upgrade { spec_version: 426 });
    let diary = Diary::default();
    let commitment = commit(&chain, &key, &diary).await.expect("it is signed anew");
    assert!(commitment.revealed_block.is_some());
    assert_eq!((diary.count(|event| *event == UPGRADED), signatures(&diary)), (1, 2), "{:?}", diary.events());
    let last = diary.events().into_iter().rev().find_map(|event| match event {
        Event::Submitting { extrinsic_hash, .. } => Some(extrinsic_hash),
        _ => None,
    });
    assert_eq!(last, Some(commitment.extrinsic_hash));
    assert_eq!((reveal_count(&sandbox, &key), space_used(&chain, &key).await), (1, 298));
    // The metadata was read again, too.
    let mut files = std::fs::read_dir(cache.path()).expect("a folder").map(|entry| entry.expect("a file").file_name());
    let file = files.next().expect("the newest metadata").into_string().expect("a plain name");
    assert!(file.ends_with("-426.scale") && files.next().is_none(), "{file}");
}

#[tokio::test]
async fn an_upgrade_while_it_waits_in_the_pool_takes_one_more_signature() {
    let key = Key::new(1);
    let sandbox = Arc::new(start(Options { block_time: std::time::Duration::from_secs(1), ..fast(&[&key]) }).await);
    let chain = connect(&sandbox).await;
    let (upgrading, once) = (Arc::clone(&sandbox), AtomicBool::new(false));
    let diary = Diary::reacting(move |event| {
        if matches!(event, Event::Submitting { .. }) && !once.swap(true, Ordering::SeqCst) {
            upgrading.upgrade(426);
        }
    });
    commit(&chain, &key, &diary).await.expect("it is signed anew");
    assert_eq!((diary.count(|event| *event == UPGRADED), signatures(&diary)), (1, 2), "{:?}", diary.events());
    assert_eq!((reveal_count(&sandbox, &key), space_used(&chain, &key).await), (1, 298));
}

#[tokio::test]
async fn an_upgrade_before_the_signature_is_noticed_in_time() {
    let key = Key::new(1);
    let sandbox = start(fast(&[&key])).await;
    let chain = connect(&sandbox).await;
    sandbox.upgrade(426);
    sandbox.produce_block();
    let diary = Diary::default();
    commit(&chain, &key, &diary).await.expect("it is signed for the new runtime");
    assert_eq!((diary.count(|event| *event == UPGRADED), signatures(&diary)), (1, 1));
    assert_eq!(chain.identity().spec_version, 426);
}

#[tokio::test]
async fn a_lost_connection_notices_an_upgrade() {
    let sandbox = start(fast(&[])).await;
    let chain = connect(&sandbox).await;
    sandbox.upgrade(426);
    sandbox.produce_block();
    sandbox.cut_connections();
    let diary = Diary::default();
    chain.reveals(NETUID, &diary).await.expect("a list");
    assert_eq!(diary.count(|event| *event == UPGRADED), 1);
}

#[tokio::test]
async fn a_bad_signature_without_an_upgrade_is_told_and_not_repeated() {
    let key = Key::new(1);
    let sandbox = start(fast(&[&key])).await;
    let chain = connect(&sandbox).await;
    sandbox.fail_next_submission(SubmitFault::Refuse {
        code: 1010,
        message: "Invalid Transaction".to_owned(),
        data: Some("Transaction has a bad signature".to_owned()),
    });
    let diary = Diary::default();
    let error = commit(&chain, &key, &diary).await.expect_err("refused");
    assert!(matches!(&error, CommitError::Pool(rejection) if rejection.code == 1010), "{error}");
    assert_eq!((error.blame(), signatures(&diary)), (Blame::Chain, 1));
    assert_eq!(space_used(&chain, &key).await, 0);
}

#[tokio::test]
async fn a_second_upgrade_is_not_followed() {
    let key = Key::new(1);
    let sandbox = Arc::new(start(fast(&[&key])).await);
    let chain = connect(&sandbox).await;
    let upgrading = Arc::clone(&sandbox);
    let diary = Diary::reacting(move |event| {
        if let Event::Submitting { .. } = event {
            let newer = upgrading.spec_version() + 1;
            upgrading.fail_next_submission(SubmitFault::Upgrade { spec_version: newer });
        }
    });
    let error = commit(&chain, &key, &diary).await.expect_err("signed twice, refused twice");
    assert!(matches!(&error, CommitError::Pool(_)), "{error}");
    assert_eq!(signatures(&diary), 2);
}

/// The node says that the signature is bad, but the first extrinsic is in a block already: another node had it in time.
#[tokio::test]
async fn what_got_in_before_the_upgrade_is_found_and_not_sent_again() {
    let key = Key::new(1);
    let sandbox = Arc::new(start(Options { manual_blocks: true, ..fast(&[&key]) }).await);
    let upgrading = Arc::clone(&sandbox);
    let refuse_once = AtomicBool::new(false);
    let refusing = Manners::rewriting(move |text| {
        let answer: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        // The only answer of so few characters that is no hexadecimal text is the name of a subscription.
        let subscribed = answer["result"].as_str().is_some_and(|result| !result.starts_with("0x"));
        if !subscribed || refuse_once.swap(true, Ordering::SeqCst) {
            return text;
        }
        include_and_upgrade(&upgrading);
        let error = serde_json::json!({
            "code": 1010, "message": "Invalid Transaction", "data": "Transaction has a bad signature",
        });
        serde_json::json!({ "jsonrpc": "2.0", "id": answer["id"], "error": error }).to_string()
    });
    let proxy = Proxy::start(&sandbox.url(), refusing).await;
    let chain = Chain::connect(options(&proxy.url), &()).await.expect("it answers");
    let diary = Diary::default();
    let request = gen404_chain::CommitRequest { wait: Wait::Inclusion, ..commit_hash() };
    let commitment = chain.commit(&request, &key, &SystemClock::start(), &diary).await.expect("it is in a block");
    // It is found before anybody asks for the new runtime, which is none of its business.
    assert_eq!(signatures(&diary), 1, "{:?}", diary.events());
    assert_eq!(diary.count(|event| matches!(event, Event::Included { block, .. } if *block == commitment.block)), 1);
    assert_eq!(proxy.count("author_submitAndWatchExtrinsic"), 1);
    assert_eq!(space_used(&chain, &key).await, 298);
}

fn include_and_upgrade(sandbox: &DevelopmentChain) {
    sandbox.produce_block();
    sandbox.upgrade(426);
    sandbox.produce_block();
}
