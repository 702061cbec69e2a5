//! Commitments in bad weather: cut connections, refusing pools, watches that end badly. One commitment is always one commitment.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use gen404_chain::{
    Chain, CommitError, CommitRequest, Event, FailureKind, HotkeySigner, SystemClock, Unobserved, Wait,
};
use gen404_round::NETUID;
use gen404_sandbox::chain::{DevelopmentChain, SubmitFault, WatchEnd};

use crate::proxy::{Manners, Proxy};
use crate::support::{Diary, Key, commit, commit_repo, connect, fast, options, reveal_count, start};

/// Bytes of space that one commitment of a hash costs; another one, replaced or not, would cost them again.
const ONE: u64 = 298;

async fn space_used(chain: &Chain, key: &Key) -> u64 {
    chain.hotkey_status(NETUID, &key.hotkey(), &Unobserved).await.expect("a status").space.used
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
    let chain = Chain::connect(options(&proxy.url), &Unobserved).await.expect("it answers");
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
        assert_eq!(error.kind(), FailureKind::Refused);
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
    let chain = Chain::connect(options(&proxy.url), &Unobserved).await.expect("it answers");
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
    let other = Chain::connect(options(&hiding.url), &Unobserved).await.expect("it answers");
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
        other.commit(&careless, &key, &SystemClock, &Unobserved).await.expect("it is included too")
    };
    let (first, second) = futures::join!(first, second);
    let error = first.expect_err("it was replaced");
    assert!(matches!(error, CommitError::Replaced { by, .. } if by == second.block), "{error}");
    assert!(error.included_in().is_some());
    assert_eq!(error.kind(), FailureKind::Refused);
}
