//! Commitments in good weather, and everything that stops one before it is sent.

use std::time::Duration;

use gen404_chain::{
    Chain, ClockError, CommitError, CommitRequest, Event, FINNEY_GENESIS, HotkeySigner, LockAnswer, Wait,
};
use gen404_devchain::{BeaconSource, CommitmentField};
use gen404_outside::explain::{Blame, Explain};
use gen404_outside::time::SystemClock;
use gen404_round::{Latest, NETUID, Reveal};

use crate::support::{
    COLDKEY, Diary, HASH, Key, WrongClock, commit, commit_hash, commit_repo, connect, fast, options, reveal_count,
    start,
};

#[tokio::test]
async fn hash_then_repository_are_both_revealed_and_listed() {
    let key = Key::new(1);
    let sandbox = start(fast(&[&key])).await;
    let chain = connect(&sandbox).await;

    // The first one is left as soon as it is in a block, so the second one meets it pending or just revealed.
    let early = CommitRequest { wait: Wait::Inclusion, ..commit_hash() };
    sandbox.freeze_beacon(true);
    let first = chain.commit(&early, &key, &SystemClock::start(), &()).await.expect("it is included");
    assert_eq!((first.finalized, first.revealed_block), (false, None));

    let sandbox = std::sync::Arc::new(sandbox);
    let thaw = std::sync::Arc::clone(&sandbox);
    let diary = Diary::reacting(move |event| {
        if matches!(event, Event::RevealPending { .. }) {
            thaw.freeze_beacon(false);
        }
    });
    let second = chain.commit(&commit_repo(), &key, &SystemClock::start(), &diary).await.expect("it is revealed");
    assert!(second.finalized && second.revealed_block.is_some_and(|block| block > second.block));
    assert_eq!(diary.count(|event| matches!(event, Event::RevealPending { block, .. } if *block == first.block)), 1);
    assert_eq!(diary.count(|event| matches!(event, Event::Included { block, .. } if *block == second.block)), 1);
    assert_eq!(diary.count(|event| matches!(event, Event::Finalized { .. })), 1);
    assert_eq!(diary.count(|event| matches!(event, Event::Revealed { .. })), 1);
    assert_eq!(reveal_count(&sandbox, &key), 2);

    let list = chain.reveals(NETUID, &()).await.expect("a list");
    assert_eq!(list.hotkeys.len(), 1);
    let fields = &list.hotkeys[0].fields;
    assert_eq!(list.hotkeys[0].hotkey, key.hotkey());
    assert_eq!(fields.commit.as_ref().map(|latest| latest.value.as_str()), Some(HASH));
    let repo = Latest { value: "owner/name".to_owned(), block: second.revealed_block.expect("revealed") };
    assert_eq!(fields.repo, Some(repo));
    assert_eq!(fields.cdn_url.as_ref().map(|latest| latest.value.as_str()), Some("https://cdn.example/round"));
}

#[tokio::test]
async fn waiting_ends_where_it_was_asked_to() {
    let key = Key::new(1);
    let sandbox = start(fast(&[&key])).await;
    let chain = connect(&sandbox).await;
    sandbox.freeze_beacon(true);
    let request = CommitRequest { wait: Wait::Finalized, ..commit_hash() };
    let commitment = chain.commit(&request, &key, &SystemClock::start(), &()).await.expect("it is final");
    assert_eq!((commitment.finalized, commitment.revealed_block), (true, None));
}

#[tokio::test]
async fn a_rehearsal_shows_everything_and_sends_nothing() {
    let (key, stranger) = (Key::new(1), Key::new(2));
    let sandbox = start(fast(&[&key])).await;
    let chain = connect(&sandbox).await;

    let rehearsal =
        chain.rehearse(&commit_hash(), key.hotkey(), &SystemClock::start(), &()).await.expect("a rehearsal");
    assert!(rehearsal.is_clear(), "{rehearsal:?}");
    assert_eq!(rehearsal.payload, format!(r#"{{"commit":"{HASH}"}}"#));
    assert!(rehearsal.call_data.starts_with("0x") && rehearsal.reveal_time > 0 && rehearsal.nonce == 0);

    let refused = chain.rehearse(&commit_hash(), stranger.hotkey(), &WrongClock(90), &()).await.expect("a rehearsal");
    let failed: Vec<_> = refused.checks.iter().filter(|check| !check.passed).map(|check| check.name).collect();
    assert_eq!(failed, ["registration"]);
    assert!(matches!(refused.clock_error, Some(ClockError::FastBy(80..=95))), "{:?}", refused.clock_error);
    let status = chain.hotkey_status(NETUID, &key.hotkey(), &()).await.expect("a status");
    assert_eq!((status.registered, status.pending, status.space.used), (true, None, 0));
}

#[tokio::test]
async fn an_unregistered_hotkey_is_told_before_anything_is_sent() {
    let sandbox = start(fast(&[])).await;
    let chain = connect(&sandbox).await;
    let diary = Diary::default();
    let error = commit(&chain, &Key::new(1), &diary).await.expect_err("not registered");
    assert!(matches!(error, CommitError::NotRegistered { netuid: NETUID, .. }), "{error}");
    assert_eq!(error.blame(), Blame::Chain);
    assert!(error.hint().is_some_and(|hint| hint.contains("register")));
    assert_eq!(diary.count(|event| matches!(event, Event::Submitting { .. })), 0);
}

#[tokio::test]
async fn a_refusal_in_the_block_is_named_and_explained() {
    let key = Key::new(1);
    let sandbox = std::sync::Arc::new(start(fast(&[&key])).await);
    let chain = connect(&sandbox).await;
    let (deregistering, hotkey) = (std::sync::Arc::clone(&sandbox), key.hotkey());
    let diary = Diary::reacting(move |event| {
        if matches!(event, Event::Submitting { .. }) {
            deregistering.deregister(hotkey);
        }
    });
    let error = commit(&chain, &key, &diary).await.expect_err("deregistered meanwhile");
    let CommitError::Dispatch { error: dispatch, .. } = &error else { panic!("{error}") };
    assert_eq!(dispatch.pallet.as_deref(), Some("Commitments"));
    assert_eq!(dispatch.name, "AccountNotAllowedCommit");
    assert!(!dispatch.documentation.is_empty());
    assert_eq!(error.blame(), Blame::Chain);
}

#[tokio::test]
async fn space_that_is_used_up_is_told_before_anything_is_sent() {
    let key = Key::new(1);
    // A commit hash costs 298 bytes.
    let sandbox = start(gen404_devchain::Options { max_space: 400, ..fast(&[&key]) }).await;
    let chain = connect(&sandbox).await;
    commit(&chain, &key, &Diary::default()).await.expect("there is space for one");
    let diary = Diary::default();
    let error = commit(&chain, &key, &diary).await.expect_err("there is none for another");
    assert!(matches!(error, CommitError::SpaceUsedUp { used: 298, limit: 400, cost: 298, tempo: Some(_) }), "{error}");
    assert_eq!(diary.count(|event| matches!(event, Event::Submitting { .. })), 0);
}

#[tokio::test]
async fn a_commitment_that_stays_pending_is_not_destroyed() {
    let key = Key::new(1);
    let sandbox = start(fast(&[&key])).await;
    let chain = connect(&sandbox).await;
    sandbox.freeze_beacon(true);
    let early = CommitRequest { wait: Wait::Inclusion, ..commit_hash() };
    let first = chain.commit(&early, &key, &SystemClock::start(), &()).await.expect("it is included");
    let impatient = CommitRequest { wait_limit: Duration::from_millis(500), ..commit_repo() };
    let error = chain.commit(&impatient, &key, &SystemClock::start(), &()).await.expect_err("one is pending");
    assert!(matches!(error, CommitError::StillPending { block, .. } if block == first.block), "{error}");
    assert_eq!(error.blame(), Blame::Service);
    let status = chain.hotkey_status(NETUID, &key.hotkey(), &()).await.expect("a status");
    assert_eq!(status.pending.map(|pending| pending.block), Some(first.block));
}

#[tokio::test]
async fn commitments_that_nothing_ever_reveals_are_not_waited_for() {
    let never = CommitmentField::Timelocked { encrypted: vec![7; 298], reveal_round: 1 };
    let plain = CommitmentField::Raw(b"in the clear".to_vec());
    let cases = [(vec![plain.clone()], 0), (vec![never.clone()], 1), (vec![plain, never], 1)];
    for (fields, told) in cases {
        let key = Key::new(1);
        let sandbox = start(fast(&[&key])).await;
        let chain = connect(&sandbox).await;
        sandbox.set_commitment(key.hotkey(), &fields);
        sandbox.produce_block();
        let status = chain.hotkey_status(NETUID, &key.hotkey(), &()).await.expect("a status");
        assert_eq!(status.pending, None);
        let diary = Diary::default();
        commit(&chain, &key, &diary).await.expect("nothing is in its way");
        assert_eq!(diary.count(|event| matches!(event, Event::RevealPending { .. })), 0);
        assert_eq!(diary.count(|event| matches!(event, Event::NeverRevealed { reveal_round: 1, .. })), told);
    }
}

#[tokio::test]
async fn an_extrinsic_in_the_pool_is_waited_for() {
    let key = Key::new(1);
    let options = gen404_devchain::Options { manual_blocks: true, ..fast(&[&key]) };
    let sandbox = std::sync::Arc::new(start(options).await);
    let chain = connect(&sandbox).await;
    // The first one gets into the pool and is given up.
    let hasty = CommitRequest { wait: Wait::Inclusion, wait_limit: Duration::from_millis(300), ..commit_hash() };
    let error = chain.commit(&hasty, &key, &SystemClock::start(), &()).await.expect_err("no block is made");
    assert!(matches!(error, CommitError::NotIncluded { .. }), "{error}");

    let error = chain.commit(&hasty, &key, &SystemClock::start(), &()).await.expect_err("the first one is in the way");
    assert!(matches!(error, CommitError::StillInPool { .. }), "{error}");
    sandbox.produce_block();
    let status = chain.hotkey_status(NETUID, &key.hotkey(), &()).await.expect("a status");
    assert_eq!(status.space.used, 298, "only the first one was sent");
}

#[tokio::test]
async fn a_wrong_clock_is_noticed_and_corrected() {
    for (seed, off) in [(1, -60), (2, 60)] {
        let key = Key::new(seed);
        let sandbox = start(fast(&[&key])).await;
        let chain = connect(&sandbox).await;
        let diary = Diary::default();
        // Uncorrected, the fast clock's reveal would come a minute late, after the limit.
        let request = CommitRequest { wait_limit: Duration::from_secs(30), ..commit_hash() };
        let commitment = chain.commit(&request, &key, &WrongClock(off), &diary).await.expect("it is revealed");
        assert!(commitment.revealed_block.is_some());
        let corrected = diary.count(|event| {
            matches!(
                (event, off < 0),
                (Event::ClockCorrected { error: ClockError::SlowBy(50..=70) }, true)
                    | (Event::ClockCorrected { error: ClockError::FastBy(50..=70) }, false)
            )
        });
        assert_eq!(corrected, 1, "{:?}", diary.events());
    }
}

#[tokio::test]
async fn a_foreign_beacon_key_on_finney_is_refused() {
    let key = Key::new(1);
    let finney = |beacon| gen404_devchain::Options { genesis_hash: Some(FINNEY_GENESIS.0), beacon, ..fast(&[&key]) };
    let sandbox = start(finney(BeaconSource::default())).await;
    let chain = connect(&sandbox).await;
    assert_eq!(chain.identity().genesis, FINNEY_GENESIS);
    let diary = Diary::default();
    let error = commit(&chain, &key, &diary).await.expect_err("the key is the sandbox's own");
    assert!(matches!(error, CommitError::ForeignBeacon), "{error}");
    assert_eq!(diary.count(|event| matches!(event, Event::Submitting { .. })), 0);

    let sandbox = start(finney(BeaconSource::Quicknet { pulses: Vec::new() })).await;
    let chain = connect(&sandbox).await;
    let rehearsal =
        chain.rehearse(&commit_hash(), key.hotkey(), &SystemClock::start(), &()).await.expect("a rehearsal");
    assert!(rehearsal.is_clear(), "{rehearsal:?}");
}

#[tokio::test]
async fn a_payload_that_does_not_fit_is_refused_without_a_question() {
    let key = Key::new(1);
    let sandbox = start(fast(&[&key])).await;
    let chain = connect(&sandbox).await;
    let request = |length: usize| {
        let repo = "o/n".parse().expect("a repository");
        let overhead = r#"{"repo":"o/n","cdn_url":"https://c/"}"#.len();
        let cdn_url = format!("https://c/{}", "x".repeat(length - overhead)).parse().expect("an address");
        CommitRequest { reveal: Reveal::RepositoryAndCdn { repo, cdn_url }, ..commit_hash() }
    };
    let error = chain.commit(&request(779), &key, &SystemClock::start(), &()).await.expect_err("too long");
    assert!(matches!(error, CommitError::PayloadTooLong { bytes: 779, limit: 778 }), "{error}");
    assert_eq!(error.blame(), Blame::User);
    let longest = chain.commit(&request(778), &key, &SystemClock::start(), &()).await.expect("it just fits");
    assert!(longest.revealed_block.is_some());
}

#[tokio::test]
async fn everything_works_in_a_task_of_its_own() {
    let key = Key::new(1);
    let sandbox = start(fast(&[&key])).await;
    let url = sandbox.url();
    let spawned = tokio::spawn(async move {
        let chain = Chain::connect(options(&url), &()).await.expect("it answers");
        let commitment = chain.commit(&commit_hash(), &key, &SystemClock::start(), &()).await.expect("it is revealed");
        let list = chain.reveals(NETUID, &()).await.expect("a list");
        let owners = chain.owners(&[key.hotkey()], &()).await.expect("owners");
        let locks = chain.coldkey_locks(&[COLDKEY], NETUID, &()).await.expect("locks");
        (commitment.revealed_block.is_some(), list.hotkeys.len(), owners, locks)
    });
    let expected = (true, 1, vec![Some(COLDKEY)], vec![LockAnswer::Nothing]);
    assert_eq!(spawned.await.expect("no panic"), expected);
}
