//! Endpoints that fail, are busy or serve another chain, and which of them is used in the end.

use std::sync::Mutex;

use futures::FutureExt;
use futures::future::BoxFuture;
use gen404_devchain::{DevelopmentChain, HandshakeRefusal, Options};
use gen404_outside::explain::Explain as _;
use gen404_outside::observer::Observer;

use super::*;
use crate::network::FINNEY_GENESIS;
use crate::rpc::{DialError, Rpc};

/// Connects to the chain behind each public name; a name without one cannot be reached.
struct Directory {
    dialler: WebSocketDialler,
    chains: Vec<(&'static str, Endpoint)>,
    silent: Option<&'static str>,
}

impl Dial for Directory {
    fn dial<'a>(&'a self, endpoint: &'a Endpoint) -> BoxFuture<'a, Result<Box<dyn Rpc>, DialError>> {
        if self.silent.is_some_and(|name| endpoint.to_string().contains(name)) {
            return std::future::pending().boxed();
        }
        let known = self.chains.iter().find(|(name, _)| endpoint.to_string().contains(name));
        match known {
            Some((_, real)) => self.dialler.dial(real),
            None => async { Err(DialError::Failed("no route to host".into())) }.boxed(),
        }
    }
}

#[derive(Default)]
struct Events(Mutex<Vec<Event>>);

impl Observer<Event> for Events {
    fn on(&self, event: Event) {
        self.0.lock().expect("no test panics while writing").push(event.clone());
    }
}

async fn chain(genesis: BlockHash) -> (DevelopmentChain, Endpoint) {
    let options = Options { genesis_hash: Some(genesis.0), ..Options::default() };
    let chain = DevelopmentChain::start(options).await.expect("a free port");
    let endpoint = chain.url().parse().expect("an address");
    (chain, endpoint)
}

fn directory(chains: Vec<(&'static str, Endpoint)>) -> Directory {
    let limit = Duration::from_secs(10);
    Directory { dialler: WebSocketDialler { connect_limit: limit, call_limit: limit }, chains, silent: None }
}

#[tokio::test]
async fn a_fallback_is_used_and_reported_and_the_wrong_chain_passed_over() {
    let (_stranger, strange) = chain(BlockHash([9; 32])).await;
    let (finney, right) = chain(FINNEY_GENESIS).await;
    // The first endpoint is unreachable, the second serves another chain.
    let directory = directory(vec![("lite.chain", strange), ("lite.sub", right)]);
    let events = Events::default();
    let connected = Chain::connect_with(ConnectOptions::new(Network::Finney), Box::new(directory), &events)
        .await
        .expect("the third works");
    assert_eq!(connected.identity().genesis, FINNEY_GENESIS);
    {
        let events = events.0.lock().expect("no test panics while writing");
        assert!(matches!(&events[0], Event::EndpointFailed { reason, .. } if reason == "no route to host"));
        assert!(matches!(&events[1], Event::EndpointFailed { reason, .. } if reason.contains("another chain")));
        assert!(matches!(&events[2], Event::Connected { fallback: true, .. }));
    }
    // After a cut the endpoint in use is the first choice.
    finney.cut_connections();
    let node = connected.node().await;
    connected.reconnect(&node, Duration::ZERO, &events).await.expect("it is still there");
    assert!(connected.head(&events).await.is_ok());
    assert_eq!(events.0.lock().expect("no test panics while writing").len(), 4);
}

#[tokio::test]
async fn no_endpoint_at_all_names_the_last_and_counts_them() {
    let events = Events::default();
    let error = Chain::connect_with(ConnectOptions::new(Network::Finney), Box::new(directory(vec![])), &events)
        .await
        .expect_err("nothing is reachable");
    assert_eq!(error.tried, 3);
    assert!(error.to_string().contains("3 endpoints tried"), "{error}");
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn an_endpoint_that_has_had_enough_is_passed_over_at_once() {
    let (busy, first) = chain(FINNEY_GENESIS).await;
    let (_finney, second) = chain(FINNEY_GENESIS).await;
    let refusal = HandshakeRefusal { status: 429, retry_after: Some("30".to_owned()), times: usize::MAX };
    busy.refuse_handshakes(refusal);
    let directory = directory(vec![("entrypoint", first), ("lite.chain", second)]);
    let events = Events::default();
    Chain::connect_with(ConnectOptions::new(Network::Finney), Box::new(directory), &events)
        .await
        .expect("the second works");
    let events = events.0.lock().expect("no test panics while writing");
    assert!(matches!(&events[0], Event::EndpointFailed { reason, .. } if reason.contains("HTTP 429")), "{events:?}");
    assert!(matches!(&events[1], Event::Connected { fallback: true, .. }), "{events:?}");
}

#[tokio::test]
async fn of_many_that_fail_the_one_that_asked_for_a_pause_is_waited_for_and_named() {
    let (busy, second) = chain(FINNEY_GENESIS).await;
    let refusal = HandshakeRefusal { status: 503, retry_after: Some("0.3".to_owned()), times: 2 };
    busy.refuse_handshakes(refusal.clone());
    let known = vec![("lite.chain", second)];
    let events = Events::default();
    Chain::connect_with(ConnectOptions::new(Network::Finney), Box::new(directory(known.clone())), &events)
        .await
        .expect("it works in the end");
    {
        let events = events.0.lock().expect("no test panics while writing");
        let waits = events.iter().filter(|event| matches!(event, Event::AskedToWait { .. })).count();
        let failed = events.iter().filter(|event| matches!(event, Event::EndpointFailed { .. })).count();
        assert_eq!((waits, failed), (2, 3), "each failure is told once: {events:?}");
    }
    busy.refuse_handshakes(HandshakeRefusal { retry_after: Some("61".to_owned()), times: usize::MAX, ..refusal });
    let error = Chain::connect_with(ConnectOptions::new(Network::Finney), Box::new(directory(known)), &events)
        .await
        .expect_err("a pause longer than the patience");
    assert!(matches!(error.source, EndpointError::Busy(_)), "{error}");
    assert!(error.endpoint.to_string().contains("lite.chain") && error.tried == 3, "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("wss://archive.chain")), "{:?}", error.hint());
}

#[tokio::test]
async fn a_silent_endpoint_is_not_waited_for() {
    let (_finney, endpoint) = chain(FINNEY_GENESIS).await;
    let directory = Directory { silent: Some("entrypoint"), ..directory(vec![("lite.chain", endpoint)]) };
    let events = Events::default();
    let options = ConnectOptions { head_start: Duration::ZERO, ..ConnectOptions::new(Network::Finney) };
    Chain::connect_with(options, Box::new(directory), &events).await.expect("the second works");
    let events = events.0.lock().expect("no test panics while writing");
    assert!(matches!(events.last(), Some(Event::Connected { fallback: true, .. })), "{events:?}");
}
