//! Connecting: what answers and is no chain, metadata between two starts, and round trips counted.

use std::time::Duration;

use gen404_chain::{Chain, CommitError, ConnectOptions, EndpointError, Event, HotkeySigner as _, ReadError, checks};
use gen404_outside::explain::{Blame, Explain};
use gen404_outside::time::SystemClock;
use gen404_round::NETUID;
use gen404_round::check::Outcome;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::proxy::{Manners, Proxy};
use crate::support::{Diary, Key, commit_hash, fast, options, start};

const LATENCY: Duration = Duration::from_millis(25);

/// Round trips of one start, connection to submission, over a proxy.
async fn round_trips(target: &str, cache: &std::path::Path, key: &Key) -> usize {
    let proxy = Proxy::start(target, Manners { latency: LATENCY, ..Manners::default() }).await;
    let options = ConnectOptions { cache_folder: Some(cache.to_owned()), ..options(&proxy.url) };
    let chain = Chain::connect(options, &()).await.expect("it answers");
    chain.commit(&commit_hash(), key, &SystemClock::start(), &()).await.expect("it is revealed");
    proxy.depth("author_submitAndWatchExtrinsic")
}

#[tokio::test]
async fn few_round_trips_cold_and_fewer_warm() {
    let key = Key::new(1);
    let sandbox = start(fast(&[&key])).await;
    let cache = tempfile::tempdir().expect("a folder");
    let cold = round_trips(&sandbox.url(), cache.path(), &key).await;
    let warm = round_trips(&sandbox.url(), cache.path(), &key).await;
    assert!(cold <= 4 && warm <= 3, "{cold} cold, {warm} warm");
}

#[tokio::test]
async fn a_spoilt_cache_is_replaced() {
    let sandbox = start(fast(&[])).await;
    let cache = tempfile::tempdir().expect("a folder");
    let connect = || ConnectOptions { cache_folder: Some(cache.path().to_owned()), ..options(&sandbox.url()) };
    Chain::connect(connect(), &()).await.expect("it answers");
    let files = || std::fs::read_dir(cache.path()).expect("a folder").map(|entry| entry.expect("a file").path());
    let sound: Vec<_> = files().map(|path| (std::fs::read(&path).expect("a file"), path)).collect();
    assert_eq!(sound.len(), 1);
    for spoilt in [&b""[..], b"garbage", &sound[0].0[..1_000]] {
        std::fs::write(&sound[0].1, spoilt).expect("it can be written");
        Chain::connect(connect(), &()).await.expect("the cache is ignored");
        assert!(std::fs::read(&sound[0].1).expect("a file") == sound[0].0, "a sound copy is kept again");
    }
}

#[tokio::test]
async fn nothing_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let diary = Diary::default();
    let error = Chain::connect(options(&format!("ws://{address}")), &diary).await.expect_err("nothing is there");
    assert!(matches!(error.source, EndpointError::Dial { .. }), "{error}");
    assert_eq!(error.blame(), Blame::Service);
    assert!(error.to_string().contains("refused") && error.hint().is_some(), "{error}");
    assert_eq!(diary.count(|event| matches!(event, Event::EndpointFailed { .. })), 1);
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_told() {
    // A label of more than 63 letters: refused on this machine, without asking any server for it.
    let nowhere = format!("ws://{}.example", "x".repeat(70));
    let error = Chain::connect(options(&nowhere), &()).await.expect_err("no such host");
    assert!(error.to_string().contains("its host name cannot be resolved"), "{error}");
    assert_eq!(error.blame(), Blame::Service);
    assert!(error.hint().is_some_and(|hint| hint.contains("spelled right")), "{:?}", error.hint());
}

/// Says the same to everybody, then nothing.
async fn answering(text: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("ws://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(text.as_bytes()).await;
            tokio::spawn(async move {
                std::future::pending::<()>().await;
                drop(stream);
            });
        }
    });
    url
}

#[tokio::test]
async fn a_web_server_is_no_chain() {
    let url = answering("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
    let error = Chain::connect(options(&url), &()).await.expect_err("no chain");
    assert!(error.to_string().contains("404"), "{error}");
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let url = answering("").await;
    let options = ConnectOptions { connect_limit: Duration::from_millis(200), ..options(&url) };
    let error = Chain::connect(options, &()).await.expect_err("no answer");
    assert_eq!(error.blame(), Blame::Service);
}

#[tokio::test]
async fn another_json_rpc_service_is_no_chain() {
    let sandbox = start(fast(&[])).await;
    let unknown = |text: String| {
        let answer: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        serde_json::json!({ "jsonrpc": "2.0", "id": answer["id"], "error": { "code": -32601, "message": "Method not\u{1b}[2J found" } })
            .to_string()
    };
    let proxy = Proxy::start(&sandbox.url(), Manners::rewriting(unknown)).await;
    let error = Chain::connect(options(&proxy.url), &()).await.expect_err("no chain");
    assert!(matches!(error.source, EndpointError::NotSubstrate { .. }), "{error}");
    assert_eq!(error.blame(), Blame::User);
    assert!(!error.to_string().contains('\u{1b}'), "{error:?}");
}

#[tokio::test]
async fn a_network_without_commitments_is_named() {
    let key = Key::new(1);
    let sandbox = start(fast(&[&key])).await;
    // The same metadata, its pallet called otherwise: "Commitments" behind its length of eleven, in hex.
    let rename = |text: String| text.replace("2c436f6d6d69746d656e7473", "2c436f6d6d69746d656e747a");
    let proxy = Proxy::start(&sandbox.url(), Manners::rewriting(rename)).await;
    let chain = Chain::connect(options(&proxy.url), &()).await.expect("a chain");
    let error = chain.commit(&commit_hash(), &key, &SystemClock::start(), &()).await.expect_err("another network");
    assert!(matches!(&error, CommitError::Read(ReadError::Incompatible(_))), "{error}");
    assert_eq!(error.to_string(), "this chain has no Commitments pallet");
    assert_eq!(error.blame(), Blame::User);
    assert!(error.hint().is_some_and(|hint| hint.contains("--subtensor.endpoint")));
    chain.reveals(NETUID, &()).await.expect_err("nothing to list either");
    // The check of it says so in its own line alone.
    let checks = async |chain: &Chain| {
        let made = checks::checks(chain, NETUID, Some(key.hotkey()), "", &SystemClock::start(), &()).await;
        made.into_iter().map(|check| (check.name, check.outcome, check.fix.unwrap_or_default())).collect::<Vec<_>>()
    };
    let made = checks(&chain).await;
    let failed: Vec<_> = made.iter().filter(|(_, outcome, _)| *outcome == Outcome::Fail).collect();
    assert!(matches!(&failed[..], [("metadata", _, fix)] if fix.contains("--subtensor.endpoint")), "{made:?}");
    assert!(made[2..].iter().all(|(_, outcome, fix)| *outcome == Outcome::Skipped && fix == "mend `metadata` first"));
    let whole = Chain::connect(options(&sandbox.url()), &()).await.expect("a chain");
    let made = checks(&whole).await;
    assert!(made.len() == 6 && made.iter().all(|(_, outcome, _)| *outcome == Outcome::Pass), "{made:?}");
}

#[tokio::test]
async fn garbage_instead_of_answers_never_panics() {
    let sandbox = start(fast(&[])).await;
    let manglers: [fn(String) -> String; 3] =
        [|text| text.replace("0x", "0y"), |text| text.replace("0x", "0x0"), |text| text.replace('"', "'")];
    for mangle in manglers {
        let proxy = Proxy::start(&sandbox.url(), Manners::rewriting(mangle)).await;
        let options = ConnectOptions { call_limit: Duration::from_secs(2), ..options(&proxy.url) };
        Chain::connect(options, &()).await.expect_err("no chain speaks like this");
    }
}
