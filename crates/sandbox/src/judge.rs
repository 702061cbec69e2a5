//! A stand-in for the judge's vision model: a script behind the same chat-completions API, whose answers are measured
//! from the pictures, so that better pictures win. It must not know the judge's rules, and never calls itself a model.
//!
//! | call | reply |
//! | --- | --- |
//! | `POST /v1/chat/completions` | the answer, for the judge's reply schemas only |
//! | `GET /v1/models` | the one name it serves |
//! | `GET /health` | 200 `{"status":"ok", …}` |
//! | `/sandbox/faults` | the switches of [`Fault`]s |
//! | `GET /sandbox/calls` | the last calls it understood ([`RecordedCall`]) |

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
use tokio_util::sync::CancellationToken;
use url::Url;

pub use fault::Fault;
pub use request::RecordedCall;

use crate::faults::Faults;
use crate::service::Service;
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
    service: Service,
    script: Arc<Script>,
}

impl ScriptedJudge {
    /// Starts the script; it answers when this returns.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let address = options.address;
        let failed = |source| StartError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let stop = CancellationToken::new();
        let script = Arc::new(Script::new(options, stop.clone()));
        let service = Service::until(stop, listener, server::routes(Arc::clone(&script))).map_err(failed)?;
        Ok(Self { service, script })
    }

    /// Base address, without `/v1`.
    pub fn url(&self) -> &Url {
        self.service.url()
    }

    /// What goes wrong with it; rules may name a label (`s1_prompt_match`, …).
    pub fn faults(&self) -> &Faults<Fault> {
        &self.script.faults
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
    pub async fn stop(self) {
        self.service.stop().await;
    }
}
