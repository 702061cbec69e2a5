//! Aimed reveals: never before the block, once, and by as many runs as it takes.

use std::sync::Arc;
use std::time::Duration;

use gen404_chain::{Aimed, Chain, CommitError, CommitRequest, Event, HotkeySigner, SystemClock, Unobserved, Wait};
use gen404_devchain::{DevelopmentChain, Options};
use gen404_round::{BlockNumber, NETUID};

use crate::support::{Diary, Key, commit_hash, commit_repo, connect, fast, options, start};

async fn sandbox(key: &Key) -> DevelopmentChain {
    start(Options { block_time: Duration::from_millis(500), ..fast(&[key]) }).await
}

async fn aim(chain: &Chain, target: BlockNumber, key: &Key, diary: &Diary) -> Aimed {
    chain.commit_at(&commit_hash(), target, key, &SystemClock, diary).await.expect("it is revealed")
}

/// Blocks in which something of the key was revealed.
fn reveals(sandbox: &DevelopmentChain, key: &Key) -> Vec<BlockNumber> {
    sandbox.reveals(key.hotkey()).into_iter().map(|(_, block)| block).collect()
}

/// The block of the commitment that is on its way, once there is one.
async fn fallback(chain: &Chain, key: &Key) -> BlockNumber {
    loop {
        let status = chain.hotkey_status(NETUID, &key.hotkey(), &Unobserved).await;
        if let Some(pending) = status.expect("a status").pending {
            return pending.block;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reveal_comes_in_its_block_or_later_and_its_fallback_never() {
    let key = Key::new(1);
    let sandbox = sandbox(&key).await;
    let chain = connect(&sandbox).await;
    let target = u64::from(sandbox.block_number()) + 14;
    let diary = Diary::default();
    let Aimed::Committed(commitment) = aim(&chain, target, &key, &diary).await else {
        panic!("nothing was there before")
    };
    let block = commitment.revealed_block.expect("it was waited for");
    assert!(block >= target && commitment.block + 1 == block, "{commitment:?}, aimed at {target}");
    let events = diary.events();
    assert!(events.iter().any(|event| matches!(event, Event::Fallback { .. })), "{events:?}");
    assert_eq!(reveals(&sandbox, &key), [block]);
    // Who asks again gets the same.
    assert_eq!(aim(&chain, target, &key, &Diary::default()).await, Aimed::RevealedBefore { block });
    assert_eq!(reveals(&sandbox, &key), [block]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_behind_its_fallback_is_gone_on_with() {
    let key = Arc::new(Key::new(2));
    let sandbox = sandbox(&key).await;
    let target = u64::from(sandbox.block_number()) + 20;
    let url = sandbox.url();
    let first = tokio::spawn({
        let key = Arc::clone(&key);
        async move {
            let chain = Chain::connect(options(&url), &Unobserved).await.expect("the chain answers");
            let _never_ends = chain.commit_at(&commit_hash(), target, &*key, &SystemClock, &Unobserved).await;
        }
    });
    let chain = connect(&sandbox).await;
    assert!(fallback(&chain, &key).await < target, "there is time for the fallback");
    first.abort();
    let _aborted = first.await;
    let Aimed::Committed(commitment) = aim(&chain, target, &key, &Diary::default()).await else { panic!("not yet") };
    assert!(commitment.revealed_block >= Some(target), "{commitment:?}");
    assert_eq!(reveals(&sandbox, &key), [commitment.revealed_block.expect("a block")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_commitment_on_its_way_is_not_lost() {
    let key = Key::new(3);
    let sandbox = sandbox(&key).await;
    let chain = connect(&sandbox).await;
    let request = CommitRequest { wait: Wait::Inclusion, ..commit_repo() };
    let place = chain.commit(&request, &key, &SystemClock, &Diary::default()).await.expect("included");
    assert_eq!(place.revealed_block, None);
    let target = u64::from(sandbox.block_number()) + 14;
    let Aimed::Committed(commitment) = aim(&chain, target, &key, &Diary::default()).await else { panic!("not yet") };
    let texts: Vec<_> =
        sandbox.reveals(key.hotkey()).iter().map(|(payload, _)| gen404_round::decode_payload(payload)).collect();
    let json = |request: &CommitRequest| request.reveal.to_json();
    assert_eq!(texts, [json(&request), json(&commit_hash())], "{commitment:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commitment_that_is_opened_only_after_the_block_is_not_replaced() {
    let key = Key::new(5);
    let sandbox = sandbox(&key).await;
    let chain = connect(&sandbox).await;
    // The fallback for a nearer block is one; its run ends as soon as it is in a block.
    let target = u64::from(sandbox.block_number()) + 20;
    let nearer = Diary::default();
    let block = tokio::select! {
        _ = aim(&chain, target, &key, &nearer) => panic!("the target is far away"),
        block = fallback(&chain, &key) => block,
    };
    let later = chain.commit_at(&commit_repo(), block + 25, &key, &SystemClock, &Diary::default()).await;
    assert!(matches!(later, Err(CommitError::StillPending { .. })), "{later:?}");
    assert_eq!(fallback(&chain, &key).await, block, "it is there still");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_is_over_is_committed_for_at_once() {
    let key = Key::new(4);
    let sandbox = sandbox(&key).await;
    let chain = connect(&sandbox).await;
    let diary = Diary::default();
    let Aimed::Committed(commitment) = aim(&chain, 1, &key, &diary).await else { panic!("nothing was there before") };
    assert_eq!(commitment.revealed_block, Some(commitment.block + 1));
    assert!(!diary.events().iter().any(|event| matches!(event, Event::Fallback { .. })));
}
