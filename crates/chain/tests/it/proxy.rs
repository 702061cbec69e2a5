//! A man in the middle for tests: passes WebSocket messages on, late if wanted, and knows how many round trips deep each
//! question was: one more than the deepest answer that had come before it was asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{Sink, SinkExt, Stream, StreamExt};
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::{Error, Message};

/// What the proxy does besides passing on.
#[derive(Clone, Default)]
pub(crate) struct Manners {
    /// How late each message arrives, one way.
    pub(crate) latency: Duration,
    /// Changes each text that the node sends.
    pub(crate) rewrite: Option<Arc<Rewrite>>,
}

pub(crate) type Rewrite = dyn Fn(String) -> String + Send + Sync;

impl Manners {
    pub(crate) fn rewriting(rewrite: impl Fn(String) -> String + Send + Sync + 'static) -> Self {
        Self { rewrite: Some(Arc::new(rewrite)), ..Self::default() }
    }
}

/// One question of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Round trips up to and with this one.
    pub(crate) depth: usize,
}

pub(crate) struct Proxy {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    pub(crate) async fn start(target: &str, manners: Manners) -> Self {
        Self::start_on(0, target, manners).await
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("its own URL has one")
    }

    pub(crate) async fn start_on(port: u16, target: &str, manners: Manners) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port is free");
        let url = format!("ws://{}", listener.local_addr().expect("it is bound"));
        let asked = Arc::default();
        let accepting = tokio::spawn(accept(listener, target.to_owned(), manners, Arc::clone(&asked)));
        Self { url, asked, accepting }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no task panics while writing").clone()
    }

    pub(crate) fn count(&self, method: &str) -> usize {
        self.asked().iter().filter(|asked| asked.method == method).count()
    }

    /// Round trips until the first question of that name was asked, with it.
    pub(crate) fn depth(&self, method: &str) -> usize {
        self.asked().iter().find(|asked| asked.method == method).expect("it was asked").depth
    }
}

async fn accept(listener: TcpListener, target: String, manners: Manners, asked: Arc<Mutex<Vec<Asked>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, target.clone(), manners.clone(), Arc::clone(&asked)));
    }
}

#[derive(Deserialize)]
struct Question {
    id: u64,
    method: String,
}

/// An answer; without an id it is a notification.
#[derive(Deserialize)]
struct Answer {
    id: Option<u64>,
}

#[derive(Default)]
struct Depths {
    of_question: HashMap<u64, usize>,
    answered: usize,
}

async fn serve(stream: TcpStream, target: String, manners: Manners, asked: Arc<Mutex<Vec<Asked>>>) {
    let Ok(client) = tokio_tungstenite::accept_async(stream).await else { return };
    let config = tokio_tungstenite::tungstenite::protocol::WebSocketConfig::default();
    let Ok((node, _)) = tokio_tungstenite::connect_async_with_config(target, Some(config), true).await else { return };
    let (to_client, from_client) = client.split();
    let (to_node, from_node) = node.split();
    let depths = Arc::new(Mutex::new(Depths::default()));
    let rewrite = manners.rewrite;
    let questions = {
        let depths = Arc::clone(&depths);
        pass(from_client, to_node, manners.latency, move |text| {
            note_question(&text, &depths, &asked);
            text
        })
    };
    let answers = pass(from_node, to_client, manners.latency, move |text| {
        note_answer(&text, &depths);
        match &rewrite {
            Some(rewrite) => rewrite(text),
            None => text,
        }
    });
    // Either side's end is the end.
    tokio::select! { () = questions => {}, () = answers => {} }
}

/// Passes messages on in their order, each as late as the others.
async fn pass(
    from: impl Stream<Item = Result<Message, Error>>,
    to: impl Sink<Message>,
    latency: Duration,
    change: impl Fn(String) -> String,
) {
    let (queue, mut queued) = mpsc::unbounded_channel();
    let receive = async move {
        let mut from = std::pin::pin!(from);
        while let Some(Ok(message)) = from.next().await {
            let message = match message {
                Message::Text(text) => Message::text(change(text.to_string())),
                other => other,
            };
            if queue.send((Instant::now() + latency, message)).is_err() {
                return;
            }
        }
    };
    let send = async move {
        let mut to = std::pin::pin!(to);
        while let Some((due, message)) = queued.recv().await {
            sleep_until(due).await;
            if to.send(message).await.is_err() {
                return;
            }
        }
    };
    futures::join!(receive, send);
}

fn note_question(text: &str, depths: &Mutex<Depths>, asked: &Mutex<Vec<Asked>>) {
    let question: Question = serde_json::from_str(text).expect("a client asks questions");
    let mut depths = depths.lock().expect("no task panics while writing");
    let depth = depths.answered + 1;
    depths.of_question.insert(question.id, depth);
    asked.lock().expect("no task panics while writing").push(Asked { method: question.method, depth });
}

fn note_answer(text: &str, depths: &Mutex<Depths>) {
    let answer: Answer = serde_json::from_str(text).expect("a node sends JSON");
    let mut depths = depths.lock().expect("no task panics while writing");
    if let Some(depth) = answer.id.and_then(|id| depths.of_question.get(&id).copied()) {
        depths.answered = depths.answered.max(depth);
    }
}
