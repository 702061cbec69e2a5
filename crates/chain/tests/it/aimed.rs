//! Aimed reveals: never before the block, once, and by as many runs as it takes.

use std::sync::Arc;
use std::time::Duration;

use gen404_chain::{Aimed, Chain, CommitError, CommitRequest, Event, HotkeySigner, Wait};
use gen404_devchain::{DevelopmentChain, Options};
use gen404_outside::time::SystemClock;
use gen404_round::{BlockNumber, NETUID};

use crate::support::{Diary, Key, commit_hash, commit_repo, connect, fast, options, start};

async fn sandbox(key: &Key) -> DevelopmentChain {
    start(Options { block_time: Duration::from_millis(500), ..fast(&[key]) }).await
}

async fn aim(chain: &Chain, target: BlockNumber, key: &Key, diary: &Diary) -> Aimed {
    chain.commit_at(&commit_hash(), target, key, &SystemClock::start(), diary).await.expect("it is revealed")
}

/// Blocks in which something of the key was revealed.
fn reveals(sandbox: &DevelopmentChain, key: &Key) -> Vec<BlockNumber> {
    sandbox.reveals(key.hotkey()).into_iter().map(|(_, block)| block).collect()
}

/// The block of the commitment that is on its way, once there is one.
async fn fallback(chain: &Chain, key: &Key) -> BlockNumber {
    loop {
        let status = chain.hotkey_status(NETUID, &key.hotkey(), &()).await;
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
            let chain = Chain::connect(options(&url), &()).await.expect("the chain answers");
            let _never_ends = chain.commit_at(&commit_hash(), target, &*key, &SystemClock::start(), &()).await;
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
    let place = chain.commit(&request, &key, &SystemClock::start(), &Diary::default()).await.expect("included");
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
    let later = chain.commit_at(&commit_repo(), block + 25, &key, &SystemClock::start(), &Diary::default()).await;
    assert!(matches!(later, Err(CommitError::StillPending { .. })), "{later:?}");
    assert_eq!(fallback(&chain, &key).await, block, "it is there still");
}

/// A chain whose blocks are made by hand, and how far a run on it has come.
struct ByHand {
    sandbox: Arc<DevelopmentChain>,
    diary: Arc<Diary>,
    target: BlockNumber,
}

impl ByHand {
    async fn until(&self, is: impl Fn(&Event) -> bool, times: usize) {
        while self.diary.count(&is) < times {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Brings the last commitment into the pool, with the head two blocks before the target.
    async fn to_the_last_call(&self) {
        let in_pool = |event: &Event| matches!(event, Event::InPool);
        self.until(in_pool, 1).await;
        while u64::from(self.sandbox.produce_block()) < self.target - 2 {}
        self.until(in_pool, 2).await;
    }

    /// Makes blocks for ever.
    async fn go_on(&self) {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.sandbox.produce_block();
        }
    }
}

/// Aims at a block eight ahead while somebody makes the blocks; returns what came of it and what was seen.
async fn aim_by_hand(seed: u8, making: impl AsyncFnOnce(&ByHand)) -> (Aimed, ByHand, Vec<BlockNumber>) {
    let key = Key::new(seed);
    let sandbox = Options { manual_blocks: true, block_time: Duration::from_millis(500), ..fast(&[&key]) };
    let sandbox = Arc::new(start(sandbox).await);
    let chain = connect(&sandbox).await;
    let target = u64::from(sandbox.block_number()) + 8;
    let hand = ByHand { sandbox, diary: Arc::default(), target };
    let aimed = async {
        tokio::select! {
            aimed = aim(&chain, target, &key, &hand.diary) => aimed,
            () = making(&hand) => panic!("blocks are made as long as somebody waits for them"),
        }
    };
    let aimed = tokio::time::timeout(Duration::from_mins(2), aimed).await.expect("it ends");
    let revealed = reveals(&hand.sandbox, &key);
    (aimed, hand, revealed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reveal_that_a_fork_brings_early_is_followed_by_another_commitment() {
    let (aimed, hand, revealed) = aim_by_hand(6, async |hand: &ByHand| {
        hand.to_the_last_call().await;
        // The block two before the target is replaced by one that has the commitment already.
        hand.sandbox.fork(1);
        hand.go_on().await;
    })
    .await;
    let target = hand.target;
    let events = hand.diary.events();
    assert!(events.contains(&Event::CameEarly { block: target - 1, target }), "{events:?}");
    let Aimed::Committed(commitment) = aimed else { panic!("{aimed:?}") };
    let block = commitment.revealed_block.expect("it was waited for");
    assert!(block >= target, "{commitment:?}");
    assert_eq!(revealed, [target - 1, block]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commitment_that_a_fork_removes_is_sent_again() {
    let (aimed, hand, revealed) = aim_by_hand(7, async |hand: &ByHand| {
        hand.to_the_last_call().await;
        hand.sandbox.produce_block();
        hand.until(|event| matches!(event, Event::Included { .. }), 2).await;
        // The block before the target is replaced by one without the commitment.
        hand.sandbox.fork(1);
        hand.go_on().await;
    })
    .await;
    let events = hand.diary.events();
    let before = hand.target - 1;
    assert!(events.iter().any(|event| matches!(event, Event::Retracted { block } if *block == before)), "{events:?}");
    let Aimed::Committed(commitment) = aimed else { panic!("{aimed:?}") };
    let block = commitment.revealed_block.expect("it was waited for");
    assert!(block > hand.target && commitment.block + 1 == block, "{commitment:?}");
    assert_eq!(revealed, [block], "opened once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fallback_takes_no_room_from_the_commitment_that_counts() {
    let key = Key::new(8);
    // A commitment of the hash takes between a half and the whole of it.
    let sandbox = start(Options { block_time: Duration::from_millis(500), max_space: 400, ..fast(&[&key]) }).await;
    let chain = connect(&sandbox).await;
    let target = u64::from(sandbox.block_number()) + 10;
    let diary = Diary::default();
    let Aimed::Committed(commitment) = aim(&chain, target, &key, &diary).await else {
        panic!("nothing was there before")
    };
    assert!(commitment.revealed_block >= Some(target), "{commitment:?}");
    assert_eq!(diary.count(|event| matches!(event, Event::NoRoomForFallback { .. })), 1);
    assert_eq!(diary.count(|event| matches!(event, Event::Fallback { .. })), 0);
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
