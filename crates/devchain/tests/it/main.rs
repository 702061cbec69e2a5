//! The development chain over its own protocol.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read, Write};
use std::time::Duration;

use gen404_devchain::{
    CallLimit, DevelopmentChain, FINNEY_GENESIS, HandshakeRefusal, Lock, Neuron, Options, PastReveals, SubmitFault,
    WatchEnd,
};
use gen404_round::AccountId;
use jsonrpsee::core::client::{BatchResponse, ClientT, Subscription, SubscriptionClientT};
use jsonrpsee::core::params::BatchRequestBuilder;
use jsonrpsee::rpc_params;
use jsonrpsee::ws_client::{WsClient, WsClientBuilder};
use serde_json::{Value, json};

const REVEALED: &str = "0xca407206ec1ab726b2636c4b145ac2879055a2cffd4b296f38f2de8d9b333cab";

fn account(number: u32) -> AccountId {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    AccountId(bytes)
}

/// A chain whose blocks are made by the test.
async fn still_chain(options: Options) -> (DevelopmentChain, WsClient) {
    let chain = DevelopmentChain::start(Options { manual_blocks: true, ..options }).await.unwrap();
    let client = WsClientBuilder::default()
        .max_response_size(64 << 20)
        .request_timeout(Duration::from_secs(30))
        .build(chain.url())
        .await
        .unwrap();
    (chain, client)
}

async fn ask(client: &WsClient, method: &str, params: Value) -> Value {
    let Value::Array(params) = params else { panic!("parameters are a list") };
    let mut list = jsonrpsee::core::params::ArrayParams::new();
    for param in params {
        list.insert(param).unwrap();
    }
    client.request(method, list).await.unwrap()
}

async fn next(subscription: &mut Subscription<Value>) -> Value {
    tokio::time::timeout(Duration::from_secs(30), subscription.next()).await.unwrap().unwrap().unwrap()
}

#[tokio::test]
async fn heads_are_announced_and_finality_stays_behind() {
    let (chain, client) = still_chain(Options { finality_lag: 2, ..Options::default() }).await;
    let mut heads: Subscription<Value> =
        client.subscribe("chain_subscribeNewHeads", rpc_params![], "chain_unsubscribeNewHeads").await.unwrap();
    let mut finalized: Subscription<Value> = client
        .subscribe("chain_subscribeFinalizedHeads", rpc_params![], "chain_unsubscribeFinalizedHeads")
        .await
        .unwrap();
    assert_eq!(next(&mut heads).await["number"], "0x4");
    assert_eq!(next(&mut finalized).await["number"], "0x2");
    assert_eq!(chain.produce_block(), 5);
    let head = next(&mut heads).await;
    assert_eq!(head["number"], "0x5");
    assert_eq!(next(&mut finalized).await["number"], "0x3");

    let parent = ask(&client, "chain_getBlockHash", json!([4])).await;
    assert_eq!(head["parentHash"], parent);
    let hashes = ask(&client, "chain_getBlockHash", json!([[4, "0x5", 6]])).await;
    assert_eq!(hashes, json!([parent, ask(&client, "chain_getHead", json!([])).await, null]));
    let block = ask(&client, "chain_getBlock", json!([hashes[1]])).await;
    assert_eq!(block["block"]["header"], head);
    let time = block["block"]["extrinsics"][0].as_str().unwrap();
    assert!(time.starts_with("0x280402000b"), "Timestamp.set of a compact number: {time}");
}

#[tokio::test]
async fn storage_can_be_read_in_pages_at_a_block_and_followed() {
    let hotkeys: Vec<_> = (0..2500).map(account).collect();
    let reveals = |text: &[u8], block| vec![(text.to_vec(), block)];
    let past = hotkeys.iter().map(|hotkey| PastReveals { hotkey: *hotkey, reveals: reveals(b"x", 1) }).collect();
    let (chain, client) = still_chain(Options { reveals: past, ..Options::default() }).await;
    let head = ask(&client, "chain_getBlockHash", json!([])).await;

    let prefix = format!("{REVEALED}1100");
    let mut keys: Vec<String> = vec![];
    loop {
        let page = ask(&client, "state_getKeysPaged", json!([prefix, 1000, keys.last(), head])).await;
        let page: Vec<String> = serde_json::from_value(page).unwrap();
        if page.is_empty() {
            break;
        }
        keys.extend(page);
    }
    assert_eq!(keys.len(), 2500);
    assert!(keys.is_sorted());
    let too_many = client.request::<Value, _>("state_getKeysPaged", rpc_params![&prefix, 1001]).await.unwrap_err();
    assert!(too_many.to_string().contains("4002") || too_many.to_string().contains("exceeds"), "{too_many}");

    let key = keys.iter().find(|key| key.ends_with(&hex::encode(hotkeys[77].0))).unwrap().clone();
    let mut changes: Subscription<Value> =
        client.subscribe("state_subscribeStorage", rpc_params![[&key]], "state_unsubscribeStorage").await.unwrap();
    assert_eq!(next(&mut changes).await["changes"], json!([[key, "0x0404780100000000000000"]]));
    chain.set_reveals(&PastReveals { hotkey: hotkeys[77], reveals: reveals(b"y", 2) });
    chain.produce_block();
    let now = json!([[key, "0x0404790200000000000000"]]);
    assert_eq!(next(&mut changes).await["changes"], now);
    assert_eq!(ask(&client, "state_queryStorageAt", json!([[key]])).await[0]["changes"], now);
    let then = ask(&client, "state_queryStorageAt", json!([[key], head])).await;
    assert_eq!(then, json!([{ "block": head, "changes": [[key, "0x0404780100000000000000"]] }]));
    assert_eq!(ask(&client, "state_getStorage", json!([format!("{prefix}00"), head])).await, Value::Null);
}

#[tokio::test]
async fn forgotten_and_unknown_blocks_are_errors() {
    let (chain, client) = still_chain(Options { remembered_blocks: 3, ..Options::default() }).await;
    let old = ask(&client, "chain_getBlockHash", json!([1])).await;
    for _ in 0..3 {
        chain.produce_block();
    }
    for (hash, reason) in [(old, "discarded"), (json!(format!("0x{}", "ab".repeat(32))), "not found")] {
        let error = client.request::<Value, _>("state_getStorage", rpc_params!["0x00", hash]).await.unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[tokio::test]
async fn one_port_speaks_websocket_and_http_also_in_batches() {
    let (chain, client) = still_chain(Options::default()).await;
    let mut batch = BatchRequestBuilder::new();
    batch.insert("system_chain", rpc_params![]).unwrap();
    batch.insert("chain_getBlockHash", rpc_params![0]).unwrap();
    batch.insert("no_such_method", rpc_params![]).unwrap();
    let answers: BatchResponse<Value> = client.batch_request(batch).await.unwrap();
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.map_err(|error| error.code())).collect();
    let genesis = json!(format!("0x{}", hex::encode(chain.genesis_hash())));
    assert_eq!(answers, [Ok(json!("404 Sandbox")), Ok(genesis.clone()), Err(-32601)]);

    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "chain_getBlockHash", "params": [0] }).to_string();
    let request = reqwest::Client::new().post(chain.http_url()).header("content-type", "application/json").body(body);
    let answer: Value = serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(answer["result"], genesis);
}

#[tokio::test]
async fn runtime_calls_answer_with_and_without_a_prefix() {
    let (hotkey, coldkey) = (account(1), account(2));
    let lock = Lock { coldkey, locked_mass: 5, conviction_bits: 1 << 64, last_update: 9 };
    let neurons = vec![Neuron { hotkey, coldkey }];
    let (_chain, client) = still_chain(Options { neurons, locks: vec![lock], ..Options::default() }).await;
    let locked = format!("{}1100", hex::encode(coldkey.0));
    let expected = "0x010500000000000000000000000000000001000000000000000900000000000000";
    for input in [locked.clone(), format!("0x{locked}")] {
        let answer = ask(&client, "state_call", json!(["StakeInfoRuntimeApi_get_coldkey_lock", input])).await;
        assert_eq!(answer, expected);
    }
    let none = format!("{}1100", hex::encode(hotkey.0));
    assert_eq!(ask(&client, "state_call", json!(["StakeInfoRuntimeApi_get_coldkey_lock", none])).await, "0x00");
    let versions = ask(&client, "state_call", json!(["Metadata_metadata_versions", "0x"])).await;
    assert_eq!(versions, "0x0c0e0000000f00000010000000");
    for (version, offered) in [("0e000000", true), ("10000000", true), ("11000000", false)] {
        let answer = ask(&client, "state_call", json!(["Metadata_metadata_at_version", version])).await;
        assert_eq!(answer.as_str().unwrap().starts_with("0x01"), offered, "{version}");
    }
    let error = client.request::<Value, _>("state_call", rpc_params!["Swap_price", "0x"]).await.unwrap_err();
    assert!(error.to_string().contains("Exported method Swap_price is not found"), "{error}");
    let methods = ask(&client, "rpc_methods", json!([])).await;
    let methods: Vec<String> = serde_json::from_value(methods["methods"].clone()).unwrap();
    assert!(methods.contains(&"account_nextIndex".to_owned()));
    assert!(!methods.iter().any(|name| name.starts_with("chainHead_v1") || name.starts_with("archive_v1")));
}

#[tokio::test]
async fn weather_can_be_made() {
    let claimed = Options { genesis_hash: Some(FINNEY_GENESIS), ..Options::default() };
    let (chain, client) = still_chain(claimed).await;
    let genesis = ask(&client, "chain_getBlockHash", json!([0])).await;
    assert_eq!(genesis, "0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03");

    let refused = SubmitFault::Refuse { code: 1012, message: "banned".to_owned(), data: None };
    chain.fail_next_submission(refused);
    let error = client.request::<Value, _>("author_submitExtrinsic", rpc_params!["0x00"]).await.unwrap_err();
    assert!(error.to_string().contains("banned"), "{error}");
    let error = client.request::<Value, _>("author_submitExtrinsic", rpc_params!["0x00"]).await.unwrap_err();
    assert!(error.to_string().contains("1002") || error.to_string().contains("Verification"), "{error}");
    chain.end_next_watch(WatchEnd::Dropped);

    chain.fail_next_submission(SubmitFault::CutBefore);
    let cut = client.request::<Value, _>("author_submitExtrinsic", rpc_params!["0x00"]).await.unwrap_err();
    assert!(cut.to_string().to_lowercase().contains("background task") || !client.is_connected(), "{cut}");
    let again = WsClientBuilder::default().build(chain.url()).await.unwrap();
    assert_eq!(ask(&again, "system_chain", json!([])).await, "404 Sandbox");
    chain.cut_connections();
    tokio::time::timeout(Duration::from_secs(30), again.on_disconnect()).await.unwrap();
    drop(chain);
}

#[tokio::test]
async fn an_old_version_can_be_shown_after_an_upgrade() {
    let (chain, client) = still_chain(Options::default()).await;
    chain.keep_showing_version(1);
    chain.upgrade(426);
    chain.produce_block();
    for shown in [425, 426] {
        assert_eq!(ask(&client, "state_getRuntimeVersion", json!([])).await["specVersion"], shown);
    }
}

#[tokio::test]
async fn connections_and_calls_can_be_refused() {
    let (chain, client) = still_chain(Options::default()).await;
    chain.refuse_handshakes(HandshakeRefusal { status: 429, retry_after: Some("7".to_owned()), times: 1 });
    let mut raw = std::net::TcpStream::connect(chain.url().trim_start_matches("ws://")).unwrap();
    raw.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let answer = tokio::task::spawn_blocking(move || {
        let mut answer = String::new();
        raw.read_to_string(&mut answer).map(|_| answer)
    });
    let answer = answer.await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("retry-after: 7\r\n"), "{answer}");
    assert!(WsClientBuilder::default().build(chain.url()).await.is_ok(), "once is once");

    let limit =
        CallLimit { method: Some("system_chain".to_owned()), after: 1, ..CallLimit::first(2, -32_005, "limit") };
    chain.limit_calls(limit);
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(client.request::<Value, _>("system_chain", rpc_params![]).await.is_ok());
        ask(&client, "system_name", json!([])).await;
    }
    assert_eq!(answers, [true, false, false, true]);
    chain.limit_calls(CallLimit {
        data: Some(json!({ "retry_after": 3 })),
        ..CallLimit::first(1, -32_029, "slow down")
    });
    let error = client.request::<Value, _>("system_name", rpc_params![]).await.unwrap_err().to_string();
    assert!(error.contains("-32029") && error.contains("slow down") && error.contains("retry_after"), "{error}");
}

#[tokio::test]
async fn an_upgrade_changes_the_version_from_its_block_on() {
    let (chain, client) = still_chain(Options::default()).await;
    let mut versions: Subscription<Value> = client
        .subscribe("state_subscribeRuntimeVersion", rpc_params![], "state_unsubscribeRuntimeVersion")
        .await
        .unwrap();
    assert_eq!(next(&mut versions).await["specVersion"], 425);
    let before = ask(&client, "chain_getBlockHash", json!([])).await;
    let core = ask(&client, "state_call", json!(["Core_version", "0x"])).await;
    chain.upgrade(426);
    assert_eq!(ask(&client, "state_getRuntimeVersion", json!([])).await["specVersion"], 425, "not before its block");
    chain.produce_block();
    chain.produce_block();
    assert_eq!(next(&mut versions).await["specVersion"], 426);
    assert_eq!(ask(&client, "state_getRuntimeVersion", json!([])).await["specVersion"], 426);
    assert_eq!(ask(&client, "state_getRuntimeVersion", json!([before])).await["specVersion"], 425);
    assert_ne!(ask(&client, "state_call", json!(["Core_version", "0x"])).await, core);
    assert_eq!(ask(&client, "state_call", json!(["Core_version", "0x", before])).await, core);
    assert_eq!(chain.spec_version(), 426);
}

#[tokio::test]
async fn a_dropped_chain_lets_go_of_its_port() {
    let (chain, client) = still_chain(Options::default()).await;
    let url = chain.url();
    drop(chain);
    tokio::time::timeout(Duration::from_secs(30), client.on_disconnect()).await.unwrap();
    assert!(WsClientBuilder::default().build(url).await.is_err());
}
