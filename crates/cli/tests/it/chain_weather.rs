//! Busy nodes and upgraded runtimes, as exit codes and words: never "not a chain", never a refusal of the chain.

use gen404_devchain::{CallLimit, CommitmentField, HandshakeRefusal, Neuron, Options, PastReveals, SubmitFault};
use gen404_round::AccountId;
use serde_json::json;

use crate::miner::{COLDKEY, Ended, HASH, Miner, account, options};

const COMMIT: [&str; 3] = ["commit-hash", "--hash", HASH];

fn commit_and(more: &[&'static str]) -> Vec<&'static str> {
    [&COMMIT, more].concat()
}

fn forever(status: u16, retry_after: Option<&str>) -> HandshakeRefusal {
    HandshakeRefusal { status, retry_after: retry_after.map(ToOwned::to_owned), times: usize::MAX }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_node_is_waited_for() {
    let miner = Miner::new().await;
    miner.chain.refuse_handshakes(HandshakeRefusal { times: 1, ..forever(429, Some("1")) });
    let ended = miner.run(&COMMIT, "default");
    ended.success();
    assert!(ended.stderr().contains("too many requests for now: asking again in 1 s"), "{}", ended.transcript());
    miner.chain.limit_calls(CallLimit::first(5, -32_005, "rate limit exceeded"));
    let ended = miner.run(&COMMIT, "second");
    ended.success();
    assert!(ended.stderr().contains("asking again"), "{}", ended.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stays_busy_is_an_outside_failure_with_other_endpoints_named() {
    let miner = Miner::new().await;
    let busy = |ended: Ended, said: &str| {
        let sentence = ended.failure(3);
        assert!(sentence.contains("too many requests for now") && sentence.contains(said), "{sentence}");
        assert!(!ended.transcript().contains("not a chain node"), "{}", ended.transcript());
        let json = ended.json();
        assert!(json["hint"].as_str().expect("a hint").contains("wss://lite.chain.opentensor.ai"), "{json}");
        assert!(json.get("extrinsic_hash").is_none(), "{json}");
    };
    for (refusal, said) in [(forever(429, None), "HTTP 429"), (forever(503, Some("3600")), "pause of 3600 s")] {
        miner.chain.refuse_handshakes(refusal);
        busy(miner.run(&commit_and(&["--wait-timeout", "1"]), "default"), said);
    }
    miner.chain.refuse_handshakes(HandshakeRefusal { times: 0, ..forever(429, None) });
    let limits =
        [(-32_005, "limit exceeded"), (-32_029, "slow down"), (-32_999, "RPC rate limit exceeded"), (429, "x")];
    for (code, message) in limits {
        miner.chain.limit_calls(CallLimit::first(usize::MAX, code, message));
        busy(miner.run(&commit_and(&["--wait-timeout", "1"]), "default"), message);
    }
    let method = Some("author_submitAndWatchExtrinsic".to_owned());
    miner.chain.limit_calls(CallLimit { method, ..CallLimit::first(usize::MAX, -32_000, "Too Many Requests") });
    busy(miner.run(&commit_and(&["--wait-timeout", "1"]), "default"), "nothing was sent");
    assert_eq!(miner.revealed("default"), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_that_a_busy_node_cuts_short_is_no_listing() {
    let commit = b"\x38{\"commit\":\"x\"}".to_vec();
    let hotkey = AccountId([1; 32]);
    let reveals = vec![PastReveals { hotkey, reveals: vec![(commit, 1)] }];
    let neurons = vec![Neuron { hotkey, coldkey: COLDKEY }];
    let miner = Miner::on(Options { reveals, neurons, ..options() }).await;
    let list = || Ended(miner.home.run(&["list-all", "--subtensor.endpoint", &miner.chain.url()]));
    assert_eq!(list().json()["locked_rho"], 0.0);
    // Its versions of metadata are told; what is locked is not.
    miner.chain.limit_calls(CallLimit {
        method: Some("state_call".to_owned()),
        after: 1,
        data: Some(json!({ "retry_after": 3600 })),
        ..CallLimit::first(usize::MAX, -32_005, "limit exceeded")
    });
    let ended = list();
    assert!(ended.failure(3).contains("too many requests for now"), "{}", ended.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_in_mid_air_costs_one_more_signature_and_nothing_else() {
    let miner = Miner::new().await;
    miner.chain.fail_next_submission(SubmitFault::Upgrade { spec_version: 426 });
    let ended = miner.run(&COMMIT, "default");
    let json = ended.success();
    assert_eq!(miner.revealed("default").len(), 1);
    assert!(ended.stderr().contains("upgraded from 425 to 426"), "{}", ended.transcript());
    let sent: Vec<_> = ended.stderr().lines().filter(|line| line.contains("sending 0x")).map(str::to_owned).collect();
    assert_eq!(sent.len(), 2, "{}", ended.transcript());
    assert!(sent[1].contains(json["extrinsic_hash"].as_str().expect("a hash")), "{}", ended.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commitment_that_nothing_reveals_is_not_waited_for() {
    let miner = Miner::new().await;
    let never = CommitmentField::Timelocked { encrypted: vec![7; 300], reveal_round: 1 };
    miner.chain.set_commitment(account("default"), &[CommitmentField::Raw(b"plain".to_vec()), never]);
    miner.chain.produce_block();
    let ended = miner.run(&COMMIT, "default");
    ended.success();
    assert!(ended.stderr().contains("can never be revealed"), "{}", ended.transcript());
    assert!(!ended.stderr().contains("would be lost"), "{}", ended.transcript());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_proven_refusal_is_one_of_the_chain() {
    let miner = Miner::new().await;
    let (message, data) = ("Invalid Transaction".to_owned(), Some("Transaction has a bad signature".to_owned()));
    let taken = SubmitFault::TakeAndRefuse { code: 1010, message: message.clone(), data: data.clone() };

    miner.chain.fail_next_submission(SubmitFault::Refuse { code: 1010, message, data });
    let ended = miner.run(&COMMIT, "default");
    assert!(ended.failure(4).contains("bad signature"), "{}", ended.transcript());
    assert!(ended.json().get("extrinsic_hash").is_none(), "{}", ended.transcript());

    // Another node behind the same address has it.
    miner.chain.fail_next_submission(taken.clone());
    miner.run(&COMMIT, "default").success();
    assert_eq!(miner.revealed("default").len(), 1);

    // The same, and the chain cannot be asked after it.
    miner.chain.fail_next_submission(taken);
    let method = Some("account_nextIndex".to_owned());
    miner.chain.limit_calls(CallLimit {
        method,
        after: 1,
        ..CallLimit::first(usize::MAX, -32_601, "Method not found")
    });
    let ended = miner.run(&commit_and(&["--wait-timeout", "2"]), "second");
    assert!(ended.failure(3).contains("cannot be told"), "{}", ended.transcript());
    let json = ended.json();
    let hash = json["extrinsic_hash"].as_str().expect("a hash");
    let hint = json["hint"].as_str().expect("a hint");
    assert!(hint.contains("list-all") && hint.contains(hash), "{json}");
}
