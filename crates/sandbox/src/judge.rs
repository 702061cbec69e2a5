//! A stand-in for the judge's vision model: a script behind the same chat-completions API, whose answers are measured
//! from the pictures, so that better pictures win. It must not know the judge's rules, and never calls itself a model.
//!
//! | call | reply |
//! | --- | --- |
//! | `POST /v1/chat/completions` | the answer, for the judge's reply schemas only |
//! | `GET /v1/models` | the one name it serves |
//! | `GET /health` | 200 `{"status":"ok", …}` |
//! | `GET`, `POST`, `DELETE /control/faults` | what goes wrong on demand ([`FaultRule`]) |
//! | `GET /control/calls` | the last calls it understood ([`RecordedCall`]) |

#[cfg(test)]
mod drawing;
mod fault;
mod gallery;
mod look;
mod opinion;
mod request;
mod server;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

pub use fault::{Fault, FaultRule, FaultState};
pub use request::RecordedCall;

use server::Script;

/// How the script behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens; port 0 takes a free one.
    pub address: SocketAddr,
    /// Time it waits before every answer.
    pub latency: Duration,
    /// The name requests must ask for; any other is answered 404, as vLLM does.
    pub served_name: String,
    /// The bearer key requests must bring, when it wants one.
    pub api_key: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            latency: Duration::ZERO,
            served_name: "glm-4.6v-flash".to_owned(),
            api_key: None,
        }
    }
}

/// The script could not take its port.
#[derive(Debug, thiserror::Error)]
#[error("the scripted judge cannot listen on {address}")]
pub struct StartError {
    /// The address asked for.
    pub address: SocketAddr,
    #[source]
    source: io::Error,
}

/// A running script; dropping it stops it, and ends stalled answers.
#[derive(Debug)]
pub struct ScriptedJudge {
    address: SocketAddr,
    script: Arc<Script>,
    stop: CancellationToken,
    server: Option<JoinHandle<()>>,
}

impl ScriptedJudge {
    /// Starts the script; it answers when this returns.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let failed = |source| StartError { address: options.address, source };
        let listener = TcpListener::bind(options.address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stop = CancellationToken::new();
        let script = Arc::new(Script::new(options, stop.clone()));
        let server = axum::serve(listener, server::routes(Arc::clone(&script)))
            .with_graceful_shutdown(stop.clone().cancelled_owned());
        let server = tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::warn!(%error, "the scripted judge stopped");
            }
        });
        Ok(Self { address, script, stop, server: Some(server) })
    }

    /// Base address, without `/v1`.
    pub fn url(&self) -> Url {
        Url::parse(&format!("http://{}", self.address)).expect("a socket address makes a valid http address")
    }

    /// Makes something go wrong from now on.
    pub fn add_fault(&self, rule: FaultRule) {
        self.script.faults.add(rule);
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.script.faults.clear();
    }

    /// The faults in force and what they did.
    pub fn faults(&self) -> Vec<FaultState> {
        self.script.faults.list()
    }

    /// The last calls it understood, oldest first; calls that a fault spoiled are among them.
    pub fn calls(&self) -> Vec<RecordedCall> {
        self.script.calls()
    }

    /// Number of chat requests so far, understood or not.
    pub fn call_count(&self) -> u64 {
        self.script.call_count()
    }

    /// Stops and waits for the open connections to end.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(server) = self.server.take() {
            // it ends with its last connection; a panic inside was already reported by the runtime
            drop(server.await);
        }
    }
}

impl Drop for ScriptedJudge {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
