//! Commitments in bad weather: cut connections, refusing pools, watches that end badly. One commitment is always one commitment.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use gen404_chain::{Chain, CommitError, CommitRequest, Event, HotkeySigner, Wait};
use gen404_devchain::{DevelopmentChain, SubmitFault, WatchEnd};
use gen404_outside::explain::{Blame, Explain};
use gen404_outside::time::SystemClock;
use gen404_round::NETUID;

use crate::proxy::{Manners, Proxy};
use crate::support::{Diary, Key, commit, commit_hash, commit_repo, connect, fast, options, reveal_count, start};

/// Bytes of space that one commitment of a hash costs; another one, replaced or not, would cost them again.
const ONE: u64 = 298;

async fn space_used(chain: &Chain, key: &Key) -> u64 {
    chain.hotkey_status(NETUID, &key.hotkey(), &()).await.expect("a status").space.used
}

async fn bench(key: &Key) -> (std::sync::Arc<DevelopmentChain>, Chain) {
    let sandbox = std::sync::Arc::new(start(fast(&[key])).await);
    let chain = connect(&sandbox).await;
    (sandbox, chain)
}

#[tokio::test]
async fn a_connection_cut_before_the_node_took_it_is_recovered() {
    let key = Key::new(1);
    let (sandbox, chain) = bench(&key).await;
    sandbox.fail_next_submission(SubmitFault::CutBefore);
    let diary = Diary::default();
    commit(&chain, &key, &diary).await.expect("it is sent again, because it never arrived");
    assert!(diary.count(|event| matches!(event, Event::ConnectionLost { .. })) >= 1);
    assert_eq!((reveal_count(&sandbox, &key), space_used(&chain, &key).await), (1, ONE));
}

#[tokio::test]
async fn a_connection_cut_after_the_node_took_it_sends_nothing_twice() {
    let key = Key::new(1);
    let sandbox = start(fast(&[&key])).await;
    let proxy = Proxy::start(&sandbox.url(), Manners::default()).await;
    let chain = Chain::connect(options(&proxy.url), &()).await.expect("it answers");
    sandbox.fail_next_submission(SubmitFault::CutAfter);
    let diary = Diary::default();
    commit(&chain, &key, &diary).await.expect("it is found on chain");
    assert!(diary.count(|event| matches!(event, Event::ConnectionLost { .. })) >= 1);
    assert_eq!(proxy.count("author_submitAndWatchExtrinsic"), 1);
    assert_eq!((reveal_count(&sandbox, &key), space_used(&chain, &key).await), (1, ONE));
}

#[tokio::test]
async fn a_connection_cut_at_any_later_point_costs_nothing() {
    let stages: [fn(&Event) -> bool; 4] = [
        |event| matches!(event, Event::Submitting { .. }),
        |event| matches!(event, Event::InPool),
        |event| matches!(event, Event::Included { .. }),
        |event| matches!(event, Event::Finalized { .. } | Event::Revealed { .. }),
    ];
    for stage in stages {
        let key = Key::new(1);
        let (sandbox, chain) = bench(&key).await;
        let cutting = std::sync::Arc::clone(&sandbox);
        let diary = Diary::reacting(move |event| {
            if stage(event) {
                cutting.cut_connections();
            }
        });
        let commitment = commit(&chain, &key, &diary).await.expect("it is revealed all the same");
        assert!(commitment.finalized && commitment.revealed_block.is_some());
        assert_eq!(diary.count(|event| matches!(event, Event::Included { .. })), 1);
        assert_eq!((reveal_count(&sandbox, &key), space_used(&chain, &key).await), (1, ONE));
    }
}

/// A commitment whose node is gone for good once `stage` has happened.
async fn left_alone_after(stage: fn(&Event) -> bool) -> (CommitError, Diary) {
    let key = Key::new(1);
    let sandbox = std::sync::Arc::new(start(fast(&[&key])).await);
    sandbox.freeze_beacon(true);
    let proxy = Proxy::start(&sandbox.url(), Manners::default()).await;
    let chain = Chain::connect(options(&proxy.url), &()).await.expect("it answers");
    let proxy = Mutex::new(Some(proxy));
    let diary = Diary::reacting(move |event| {
        if stage(event) && proxy.lock().expect("no test panics while waiting").take().is_some() {
            sandbox.cut_connections();
        }
    });
    let request = CommitRequest { wait_limit: std::time::Duration::from_secs(2), ..commit_hash() };
    let error =
        chain.commit(&request, &key, &SystemClock::start(), &diary).await.expect_err("nobody can tell how it went on");
    (error, diary)
}

#[tokio::test]
async fn a_node_that_is_gone_after_sending_leaves_the_word_that_it_was_sent() {
    let (error, diary) = left_alone_after(|event| matches!(event, Event::InPool)).await;
    assert!(matches!(error, CommitError::OutOfSight { block: None, .. }), "{error}");
    assert!(error.to_string().contains("was sent"), "{error}");
    assert_eq!(diary.count(|event| matches!(event, Event::EndpointFailed { .. })), 1, "one line is enough");

    let (error, _) = left_alone_after(|event| matches!(event, Event::Included { .. })).await;
    let block = error.included_in().expect("it was seen in a block");
    assert!(error.to_string().starts_with(&format!("the commitment is in block {block}")), "{error}");
    assert_eq!(error.blame(), Blame::Service);
    assert!(error.hint().is_some_and(|hint| hint.contains("list-all")));
}

#[tokio::test]
async fn an_earlier_reveal_is_waited_for_while_the_node_is_away() {
    let key = Key::new(1);
    let (sandbox, chain) = bench(&key).await;
    sandbox.freeze_beacon(true);
    let early = CommitRequest { wait: Wait::Inclusion, ..commit_hash() };
    chain.commit(&early, &key, &SystemClock::start(), &()).await.expect("it is included");

    // The way to the node is closed as soon as the waiting begins, and opened again after the first attempt to use it.
    let proxy = Proxy::start(&sandbox.url(), Manners::default()).await;
    let waiting = Chain::connect(options(&proxy.url), &()).await.expect("it answers");
    let (port, target) = (proxy.port(), sandbox.url());
    let (proxy, thawing) = (Mutex::new(Some(proxy)), std::sync::Arc::clone(&sandbox));
    let (failed, mut has_failed) = tokio::sync::mpsc::unbounded_channel();
    let diary = Diary::reacting(move |event| match event {
        Event::RevealPending { .. } if proxy.lock().expect("no test panics here").take().is_some() => {
            thawing.cut_connections();
        }
        Event::EndpointFailed { .. } => failed.send(()).expect("the test listens"),
        _ => {}
    });
    let reopening = async {
        has_failed.recv().await.expect("the first attempt fails");
        sandbox.freeze_beacon(false);
        Proxy::start_on(port, &target, Manners::default()).await
    };
    let request = commit_repo();
    let clock = SystemClock::start();
    let (commitment, _proxy) = tokio::join!(waiting.commit(&request, &key, &clock, &diary), reopening);
    commitment.expect("the node came back in time");
    assert_eq!(reveal_count(&sandbox, &key), 2);
}

#[tokio::test]
async fn the_same_again_is_sent_with_a_warning() {
    let key = Key::new(1);
    let (_sandbox, chain) = bench(&key).await;
    let first = commit(&chain, &key, &Diary::default()).await.expect("it is revealed");
    let diary = Diary::default();
    commit(&chain, &key, &diary).await.expect("it is revealed again");
    let warned = Event::AlreadyRevealed { block: first.revealed_block.expect("it was waited for") };
    assert_eq!(diary.count(|event| *event == warned), 1);
}

#[tokio::test]
async fn reads_survive_a_cut_connection() {
    let key = Key::new(1);
    let (sandbox, chain) = bench(&key).await;
    sandbox.cut_connections();
    let diary = Diary::default();
    let list = chain.reveals(NETUID, &diary).await.expect("a list");
    assert!(list.hotkeys.is_empty());
}

#[tokio::test]
async fn a_refusing_pool_is_explained() {
    let refusals = [
        (1010, "Invalid Transaction", Some("Custom error: 6"), "too many commitments"),
        (1010, "Invalid Transaction", Some("Custom error: 10"), "not registered"),
        (1012, "Transaction is temporarily banned", None, "refuses it for a while"),
        (1014, "Priority is too low", None, "same nonce"),
    ];
    let key = Key::new(1);
    let (sandbox, chain) = bench(&key).await;
    for (code, message, data, words) in refusals {
        sandbox.fail_next_submission(SubmitFault::Refuse {
            code,
            message: message.to_owned(),
            data: data.map(ToOwned::to_owned),
        });
        let error = commit(&chain, &key, &Diary::default()).await.expect_err("refused");
        assert!(matches!(&error, CommitError::Pool(rejection) if rejection.code == code), "{error}");
        assert!(error.to_string().contains(words) && error.hint().is_some(), "{error}");
        assert_eq!(error.blame(), Blame::Chain);
    }
}

#[tokio::test]
async fn a_watch_that_ends_badly_is_checked_on_chain() {
    // The extrinsic goes its way whatever the watch says, as it does when another node had it already.
    for end in [WatchEnd::Usurped, WatchEnd::Dropped, WatchEnd::Invalid, WatchEnd::Retracted] {
        let key = Key::new(1);
        let (sandbox, chain) = bench(&key).await;
        sandbox.end_next_watch(end);
        let commitment = commit(&chain, &key, &Diary::default()).await.expect("it got in after all");
        assert!(commitment.revealed_block.is_some());
        assert_eq!((reveal_count(&sandbox, &key), space_used(&chain, &key).await), (1, ONE));
    }
}

#[tokio::test]
async fn a_block_that_is_replaced_is_noticed_and_the_commitment_found_again() {
    let key = Key::new(1);
    let sandbox = start(fast(&[&key])).await;
    // Once, the node names another block at the height of the inclusion, as it does after a reorganisation.
    let included = Mutex::new(None::<String>);
    let replaced = AtomicBool::new(false);
    let proxy = Proxy::start(
        &sandbox.url(),
        Manners::rewriting(move |text| {
            let mut included = included.lock().expect("no test panics while writing");
            if let Some((_, rest)) = text.split_once(r#""inBlock":"0x"#) {
                *included = Some(rest[..64].to_owned());
                return text;
            }
            let Some(hash) = included.as_ref() else { return text };
            let says_so = text.contains(&format!(r#""result":"0x{hash}""#));
            if says_so && !replaced.swap(true, Ordering::SeqCst) { text.replace(hash, &"77".repeat(32)) } else { text }
        }),
    )
    .await;
    let chain = Chain::connect(options(&proxy.url), &()).await.expect("it answers");
    let diary = Diary::default();
    let commitment = commit(&chain, &key, &diary).await.expect("it is revealed");
    let is_its_block = |event: &Event| matches!(event, Event::Included { block, .. } | Event::Retracted { block } if *block == commitment.block);
    assert_eq!(diary.count(is_its_block), 3, "included, retracted, included: {:?}", diary.events());
    assert_eq!(proxy.count("author_submitAndWatchExtrinsic"), 1);
    assert_eq!(reveal_count(&sandbox, &key), 1);
}

#[tokio::test]
async fn a_commitment_that_another_program_replaces_is_reported_lost() {
    let key = Key::new(1);
    let (sandbox, chain) = bench(&key).await;
    sandbox.freeze_beacon(true);
    // Another program with the same hotkey, which does not look before it sends: here because its node hides what is pending.
    let pending = hex::encode(sp_crypto_hashing::twox_128(b"CommitmentOf"));
    let hiding =
        Proxy::start(&sandbox.url(), Manners::rewriting(move |text| text.replace(&pending, &"00".repeat(16)))).await;
    let other = Chain::connect(options(&hiding.url), &()).await.expect("it answers");
    let (included, mut inclusion) = tokio::sync::mpsc::unbounded_channel();
    let diary = Diary::reacting(move |event| {
        if matches!(event, Event::Included { .. }) {
            included.send(()).expect("somebody listens");
        }
    });
    let first = commit(&chain, &key, &diary);
    let second = async {
        inclusion.recv().await.expect("it is included");
        let careless = CommitRequest { wait: Wait::Inclusion, ..commit_repo() };
        other.commit(&careless, &key, &SystemClock::start(), &()).await.expect("it is included too")
    };
    let (first, second) = futures::join!(first, second);
    let error = first.expect_err("it was replaced");
    assert!(matches!(error, CommitError::Replaced { by, .. } if by == second.block), "{error}");
    assert!(error.included_in().is_some());
    assert_eq!(error.blame(), Blame::Chain);
}
