//! The four calls of the batch API over HTTP, each within time and size limits.
//! It sends and reads; what a state means for a batch is decided elsewhere, and it never repeats a call by itself.

use std::time::Duration;

use futures::StreamExt;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header, redirect};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::api::{Accepted, Conflict, Order, Status, StatusReport};
use crate::endpoint::Endpoint;
use crate::limits::Limits;

/// Most bytes of a small answer; the subnet takes 4 KiB of a status payload.
const LARGEST_ANSWER: usize = 64 << 10;
/// Characters of an unexpected answer that are worth showing.
const EXCERPT: usize = 200;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No connection, a broken one, or silence beyond the limit.
    #[error("{call}: the connection failed")]
    Transport {
        /// The call.
        call: &'static str,
        /// What happened; never shows the address, which may hold credentials.
        source: reqwest::Error,
    },
    /// The service was silent for too long, or took too long over all.
    #[error("{call}: nothing came for {} s", limit.as_secs())]
    Silence {
        /// The call.
        call: &'static str,
        /// The limit that was reached.
        limit: Duration,
    },
    /// The service answered with an error.
    #[error("{call}: answered {status}{}{excerpt}", if excerpt.is_empty() { "" } else { ": " })]
    Answer {
        /// The call.
        call: &'static str,
        /// The status code.
        status: StatusCode,
        /// Start of what it said.
        excerpt: String,
    },
    /// The service cannot do that in its present state (409).
    #[error("{call}: refused, the service is {}", current.map_or_else(|| "in another state".to_owned(), |status| status.to_string()))]
    Conflict {
        /// The call.
        call: &'static str,
        /// The state, when it says so.
        current: Option<Status>,
    },
    /// An answer that is not what the API promises.
    #[error("{call}: the answer is not what the batch API promises: {excerpt}")]
    Shape {
        /// The call.
        call: &'static str,
        /// Start of what it said.
        excerpt: String,
        /// What is wrong with it.
        source: Option<serde_json::Error>,
    },
    /// `/results` answered with something else than an archive.
    #[error("results: a ZIP archive was expected, {content_type} came: {excerpt}")]
    NoArchive {
        /// Its content type.
        content_type: String,
        /// Start of what it said.
        excerpt: String,
    },
    /// More bytes than the subnet takes.
    #[error("{call}: more than {limit} bytes came, the subnet takes no more")]
    TooLarge {
        /// The call.
        call: &'static str,
        /// The limit.
        limit: u64,
    },
    /// What came could not be written to disk.
    #[error("cannot write what came to disk")]
    Disk(#[source] std::io::Error),
}

impl ClientError {
    /// Whether the same call may go well a little later. The subnet repeats 400, 429, 430 and 5xx too.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Transport { .. } | Self::Silence { .. } | Self::Shape { .. } | Self::NoArchive { .. } => true,
            Self::Answer { status, .. } => matches!(status.as_u16(), 400 | 408 | 425 | 429 | 430 | 500..=599),
            Self::Conflict { .. } | Self::TooLarge { .. } | Self::Disk(_) => false,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Transport { source, .. } if source.is_connect() => {
                Some("is the generator running, and is --endpoint its address with the port (10006 by default)?")
            }
            Self::Answer { status, .. } if status.is_redirection() => {
                Some("use the address that the answer points to as --endpoint")
            }
            Self::Answer { status, .. } if matches!(status.as_u16(), 404 | 405) => {
                Some("nothing speaks the batch API there; check the path and the port of --endpoint")
            }
            Self::Answer { status, .. } if *status == StatusCode::UNPROCESSABLE_ENTITY => {
                Some("the service refuses the prompts themselves: stems must match ^[a-z0-9]+$")
            }
            Self::Disk(_) => Some("free some space in the output folder's file system"),
            _ => None,
        }
    }
}

/// Talks to one generator.
#[derive(Debug, Clone)]
pub(crate) struct GeneratorClient {
    http: Client,
    endpoint: Endpoint,
    request: Duration,
    silence: Duration,
    download: Duration,
    archive_bytes: u64,
}

impl GeneratorClient {
    /// A client; fails only when the TLS provider cannot be set up.
    pub(crate) fn new(endpoint: Endpoint, limits: &Limits) -> Result<Self, ClientError> {
        // A followed redirect would turn the POST into a GET, and a proxy of the environment has no way to this machine.
        let builder = Client::builder().redirect(redirect::Policy::none()).connect_timeout(limits.request);
        let builder = if endpoint.is_local() { builder.no_proxy() } else { builder };
        let http = builder.build().map_err(|source| ClientError::Transport { call: "set-up", source })?;
        Ok(Self {
            http,
            endpoint,
            request: limits.request,
            silence: limits.silence,
            download: limits.download,
            archive_bytes: limits.archive.bytes,
        })
    }

    /// `/health`: whether the service accepts connections. Any answer but 200 means not yet.
    pub(crate) async fn health(&self) -> Result<(), ClientError> {
        let response = self.send("health", self.call(Method::GET, "health")).await?;
        if response.status() == StatusCode::OK {
            Ok(())
        } else {
            Err(unexpected("health", response, self.request).await)
        }
    }

    /// `/status`.
    pub(crate) async fn status(&self, replacements_remaining: u32) -> Result<StatusReport, ClientError> {
        let call = self.call(Method::GET, "status").query(&[("replacements_remaining", replacements_remaining)]);
        let response = self.send("status", call).await?;
        self.answer("status", response).await
    }

    /// POST `/generate`; how many prompts the service says it took.
    pub(crate) async fn submit(&self, order: &Order<'_>) -> Result<usize, ClientError> {
        let response = self.send("submitting", self.call(Method::POST, "generate").json(order)).await?;
        let Accepted { accepted } = self.answer("submitting", response).await?;
        Ok(accepted)
    }

    /// `/results` into `file`, piece by piece; `progress` hears how many bytes have come.
    pub(crate) async fn results(
        &self,
        file: &mut (impl AsyncWrite + Unpin),
        progress: impl FnMut(u64),
    ) -> Result<u64, ClientError> {
        let download = self.download_into(file, progress);
        tokio::time::timeout(self.download, download)
            .await
            .unwrap_or(Err(ClientError::Silence { call: "results", limit: self.download }))
    }

    async fn download_into(
        &self,
        file: &mut (impl AsyncWrite + Unpin),
        mut progress: impl FnMut(u64),
    ) -> Result<u64, ClientError> {
        let call = "results";
        let sent = tokio::time::timeout(self.silence, self.call(Method::GET, "results").send()).await;
        let response = sent
            .map_err(|_| ClientError::Silence { call, limit: self.silence })?
            .map_err(|error| transport(call, error))?;
        if response.status() != StatusCode::OK {
            return Err(unexpected(call, response, self.request).await);
        }
        if let Some(encoding) =
            response.headers().get(header::CONTENT_ENCODING).filter(|encoding| *encoding != "identity")
        {
            let excerpt = format!("an unasked-for content encoding {encoding:?}");
            return Err(ClientError::Shape { call, excerpt, source: None });
        }
        let content_type = response
            .headers()
            .get(header::CONTENT_TYPE)
            .map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned());
        let mut pieces = response.bytes_stream();
        let mut bytes = 0_u64;
        loop {
            let piece = tokio::time::timeout(self.silence, pieces.next()).await;
            let Some(piece) = piece.map_err(|_| ClientError::Silence { call, limit: self.silence })? else { break };
            let piece = piece.map_err(|error| transport(call, error))?;
            if bytes == 0 && !piece.is_empty() && !piece.starts_with(b"PK") {
                // The content type alone proves nothing: services send archives as all kinds of things.
                let content_type = content_type.unwrap_or_else(|| "something without a type".to_owned());
                return Err(ClientError::NoArchive { content_type, excerpt: excerpt(&piece) });
            }
            bytes += piece.len() as u64;
            if bytes > self.archive_bytes {
                return Err(ClientError::TooLarge { call, limit: self.archive_bytes });
            }
            file.write_all(&piece).await.map_err(ClientError::Disk)?;
            progress(bytes);
        }
        file.flush().await.map_err(ClientError::Disk)?;
        Ok(bytes)
    }

    fn call(&self, method: Method, name: &str) -> RequestBuilder {
        self.http.request(method, self.endpoint.call(name))
    }

    async fn send(&self, call: &'static str, request: RequestBuilder) -> Result<Response, ClientError> {
        request.timeout(self.request).send().await.map_err(|error| transport(call, error))
    }

    /// The body of a 200 as JSON, everything else as an error.
    async fn answer<T: DeserializeOwned>(&self, call: &'static str, response: Response) -> Result<T, ClientError> {
        if response.status() != StatusCode::OK {
            return Err(unexpected(call, response, self.request).await);
        }
        let body = small_body(call, response).await?;
        serde_json::from_slice(&body).map_err(|source| ClientError::Shape {
            call,
            excerpt: excerpt(&body),
            source: Some(source),
        })
    }
}

fn transport(call: &'static str, error: reqwest::Error) -> ClientError {
    ClientError::Transport { call, source: error.without_url() }
}

/// What an answer other than 200 means.
async fn unexpected(call: &'static str, response: Response, patience: Duration) -> ClientError {
    let status = response.status();
    let body = tokio::time::timeout(patience, small_body(call, response)).await;
    // Without a readable body the status alone has to say it.
    let body = body.unwrap_or(Ok(Vec::new())).unwrap_or_default();
    if status == StatusCode::CONFLICT {
        let current = serde_json::from_slice(&body).ok().and_then(|conflict: Conflict| conflict.current_status);
        return ClientError::Conflict { call, current };
    }
    ClientError::Answer { call, status, excerpt: excerpt(&body) }
}

async fn small_body(call: &'static str, mut response: Response) -> Result<Vec<u8>, ClientError> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| transport(call, error))? {
        if body.len() + piece.len() > LARGEST_ANSWER {
            return Err(ClientError::TooLarge { call, limit: LARGEST_ANSWER as u64 });
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// The start of a body on one line.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * EXCERPT)]);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(EXCERPT).collect()
}
