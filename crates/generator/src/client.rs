//! The four calls of the batch API over HTTP, each within time and size limits.
//! It sends and reads; what a state means for a batch is decided elsewhere, and it never repeats a call by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use gen404_outside::http::{self, BodyError, RequestError};
use gen404_outside::secrets::Secrets;
use gen404_outside::text::excerpt_of_bytes;
use gen404_round::Stem;
use jiff::Timestamp;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::api::{Accepted, Order, Status, StatusReport, conflict};
use crate::endpoint::Endpoint;
use crate::limits::Limits;
use crate::refusal;

/// Most bytes of a small answer; the subnet takes 4 KiB of a status payload.
const LARGEST_ANSWER: usize = 64 << 10;
/// Characters of an unexpected answer that are worth showing.
const EXCERPT: usize = 200;
/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection, a broken one, or silence beyond the limit.
    #[error("{call}: the connection failed")]
    Transport {
        /// The call.
        call: &'static str,
        /// What happened.
        source: RequestError,
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
        /// How long it asks to be left alone (`Retry-After`).
        pause: Option<Duration>,
    },
    /// The service cannot do that in its present state (409).
    #[error("{call}: refused, the service is {}{}{excerpt}", current.map_or_else(|| "in another state".to_owned(), |status| status.to_string()), if excerpt.is_empty() { "" } else { ": " })]
    Conflict {
        /// The call.
        call: &'static str,
        /// The state, when it says so.
        current: Option<Status>,
        /// Start of what it said, when it says no state.
        excerpt: String,
    },
    /// The service does not take the batch as it is, whatever its state.
    #[error("submitting: answered {status}{}{excerpt}", if excerpt.is_empty() { "" } else { ": " })]
    Refused {
        /// The status code.
        status: StatusCode,
        /// Start of what it said.
        excerpt: String,
        /// The prompts that it is about, with the reason; none when nothing tells them apart.
        prompts: BTreeMap<Stem, String>,
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
            Self::Transport { source, .. } => !source.is_permanent(),
            Self::Silence { .. } | Self::Shape { .. } | Self::NoArchive { .. } => true,
            Self::Answer { status, .. } => matches!(status.as_u16(), 400 | 408 | 425 | 429 | 430 | 500..=599),
            Self::Conflict { .. } | Self::Refused { .. } | Self::TooLarge { .. } | Self::Disk(_) => false,
        }
    }

    /// Whether no waiting helps, not even for a machine that is still starting up.
    pub(crate) fn is_permanent(&self) -> bool {
        matches!(self, Self::Transport { source, .. } if source.is_permanent())
    }

    /// Whether the service may have done what it was asked for all the same: the answer was lost, late or no answer.
    pub(crate) fn may_have_arrived(&self) -> bool {
        match self {
            Self::Transport { source, .. } => !source.is_connect(),
            Self::Answer { status, .. } => {
                status.is_success() || status.is_server_error() || *status == StatusCode::REQUEST_TIMEOUT
            }
            Self::Silence { .. } | Self::Shape { .. } | Self::TooLarge { .. } => true,
            Self::Conflict { .. } | Self::Refused { .. } | Self::NoArchive { .. } | Self::Disk(_) => false,
        }
    }

    /// How long the service asks to be left alone.
    pub(crate) fn wished_pause(&self) -> Option<Duration> {
        match self {
            Self::Answer { pause, .. } => *pause,
            Self::Transport { .. }
            | Self::Silence { .. }
            | Self::Conflict { .. }
            | Self::Refused { .. }
            | Self::Shape { .. }
            | Self::NoArchive { .. }
            | Self::TooLarge { .. }
            | Self::Disk(_) => None,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Transport { source, .. } if source.hint().is_some() => source.hint(),
            Self::Transport { source, .. } if source.is_connect() => {
                Some("is the generator running, and is --endpoint its address with the port (10006 by default)?")
            }
            Self::Answer { status, .. } if status.is_redirection() => {
                Some("use the address that the answer points to as --endpoint")
            }
            Self::Answer { status, .. } if matches!(status.as_u16(), 404 | 405) => {
                Some("nothing speaks the batch API there; check the path and the port of --endpoint")
            }
            Self::Conflict { .. } => Some(
                "is somebody else using the generator? run the same command again when it has done what it is doing, or restart \
                 the generator first; finished files are kept",
            ),
            Self::Refused { .. } => Some(refused_hint()),
            Self::Disk(_) => Some("free some space in the output folder's file system"),
            _ => None,
        }
    }
}

/// What to do about prompts that a generator refuses. Never another name: the files on the CDN are looked for under this one.
pub fn refused_hint() -> &'static str {
    "the subnet sends these prompts as they are and looks for files of these names: change what the generator accepts, not the prompts"
}

/// Talks to one generator.
#[derive(Debug, Clone)]
pub(crate) struct GeneratorClient {
    http: Client,
    endpoint: Endpoint,
    /// What no text of the service may repeat.
    secrets: Secrets,
    request: Duration,
    submit: Duration,
    silence: Duration,
    download: Duration,
    archive_bytes: u64,
}

impl GeneratorClient {
    /// A client; fails only when the TLS provider cannot be set up.
    pub(crate) fn new(endpoint: Endpoint, limits: &Limits) -> Result<Self, ClientError> {
        let http = http::client().build().map_err(|error| transport("set-up", error))?;
        Ok(Self {
            http,
            secrets: endpoint.secrets(),
            endpoint,
            request: limits.request,
            submit: limits.submit,
            silence: limits.silence,
            download: limits.download,
            archive_bytes: limits.archive.bytes,
        })
    }

    /// `/health`: whether the service accepts connections. Any answer but 200 means not yet.
    pub(crate) async fn health(&self) -> Result<(), ClientError> {
        let response = send("health", self.call(Method::GET, "health"), self.request).await?;
        if response.status() == StatusCode::OK {
            Ok(())
        } else {
            Err(unexpected("health", response, self.hearing()).await)
        }
    }

    /// `/status`.
    pub(crate) async fn status(&self, replacements_remaining: u32) -> Result<StatusReport, ClientError> {
        let call = self.call(Method::GET, "status").query(&[("replacements_remaining", replacements_remaining)]);
        let response = send("status", call, self.request).await?;
        if response.status() != StatusCode::OK {
            return Err(unexpected("status", response, self.hearing()).await);
        }
        answer("status", response, &self.secrets).await
    }

    /// POST `/generate`; how many prompts the service says it took.
    pub(crate) async fn submit(&self, order: &Order<'_>) -> Result<usize, ClientError> {
        let call = "submitting";
        let response = send(call, self.call(Method::POST, "generate").json(order), self.submit).await?;
        match response.status() {
            StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => {
                Err(refused(order, response, self.hearing()).await)
            }
            status if status.is_success() => {
                if status != StatusCode::OK {
                    tracing::warn!(%status, "the batch was taken, but the batch API promises 200 for that");
                }
                answer(call, response, &self.secrets).await.map(|Accepted { accepted }| accepted)
            }
            _ => Err(unexpected(call, response, self.hearing()).await),
        }
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
            return Err(unexpected(call, response, self.hearing()).await);
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
                return Err(ClientError::NoArchive {
                    content_type,
                    excerpt: excerpt(&self.secrets.blotted_bytes(&piece)),
                });
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

    fn hearing(&self) -> Hearing<'_> {
        Hearing { patience: self.request, secrets: &self.secrets }
    }

    fn call(&self, method: Method, name: &str) -> RequestBuilder {
        self.http.request(method, self.endpoint.call(name))
    }
}

/// How the words of an error are listened to.
#[derive(Clone, Copy)]
struct Hearing<'a> {
    /// How long they are waited for.
    patience: Duration,
    /// What must not be among them.
    secrets: &'a Secrets,
}

async fn send(call: &'static str, request: RequestBuilder, limit: Duration) -> Result<Response, ClientError> {
    request.timeout(limit).send().await.map_err(|error| transport(call, error))
}

/// The body as JSON.
async fn answer<T: DeserializeOwned>(
    call: &'static str,
    response: Response,
    secrets: &Secrets,
) -> Result<T, ClientError> {
    let body = small_body(call, response).await?;
    serde_json::from_slice(&body).map_err(|source| ClientError::Shape {
        call,
        excerpt: excerpt(&secrets.blotted_bytes(&body)),
        source: Some(source),
    })
}

fn transport(call: &'static str, error: impl Into<RequestError>) -> ClientError {
    ClientError::Transport { call, source: error.into() }
}

/// What an answer other than a success means.
async fn unexpected(call: &'static str, response: Response, hearing: Hearing<'_>) -> ClientError {
    let status = response.status();
    let pause = http::wished_pause(response.headers(), Timestamp::now());
    let body = body_if_any(call, response, hearing).await;
    if status == StatusCode::CONFLICT {
        let current = conflict(&body);
        let excerpt = if current.is_some() { String::new() } else { excerpt(&body) };
        return ClientError::Conflict { call, current, excerpt };
    }
    ClientError::Answer { call, status, excerpt: excerpt(&body), pause }
}

/// What a 422 means, or a 400: some services refuse with the one what others refuse with the other, but proxies say 400
/// to all kinds of things, so there the body has to name a prompt's place.
async fn refused(order: &Order<'_>, response: Response, hearing: Hearing<'_>) -> ClientError {
    let status = response.status();
    let pause = http::wished_pause(response.headers(), Timestamp::now());
    let body = body_if_any("submitting", response, hearing).await;
    let excerpt = excerpt(&body);
    let mut places = refusal::named_by_place(&body, order.prompts.len());
    if status == StatusCode::BAD_REQUEST && places.is_empty() {
        return ClientError::Answer { call: "submitting", status, excerpt, pause };
    }
    if places.is_empty() {
        let stems: Vec<_> = order.prompts.iter().map(|prompt| prompt.stem.as_str()).collect();
        places = refusal::named_by_stem(&body, &stems);
    }
    if places.is_empty() {
        let undocumented = order.prompts.iter().enumerate().filter(|(_, prompt)| !prompt.stem.matches_the_batch_api());
        let reason = "it does not say which, and this stem does not match ^[a-z0-9]+$ as the batch API documents";
        let reason = match excerpt.as_str() {
            "" => format!("{status}; {reason}"),
            said => format!("{said}; {reason}"),
        };
        places = undocumented.map(|(place, _)| (place, reason.clone())).collect();
    }
    let prompt = |(place, reason): (usize, String)| Some((order.prompts.get(place)?.stem.clone(), reason));
    ClientError::Refused { status, excerpt, prompts: places.into_iter().filter_map(prompt).collect() }
}

/// The body, or nothing: without a readable one the status alone has to say it.
async fn body_if_any(call: &'static str, response: Response, hearing: Hearing<'_>) -> Vec<u8> {
    let body = tokio::time::timeout(hearing.patience, small_body(call, response)).await;
    let body = body.unwrap_or(Ok(Vec::new())).unwrap_or_default();
    hearing.secrets.blotted_bytes(&body).into_owned()
}

async fn small_body(call: &'static str, response: Response) -> Result<Vec<u8>, ClientError> {
    http::read_at_most(response, LARGEST_ANSWER).await.map_err(|error| match error {
        BodyError::TooLarge { limit } => ClientError::TooLarge { call, limit: limit as u64 },
        BodyError::BrokeOff(source) => transport(call, source),
    })
}

/// The start of a body on one line.
fn excerpt(body: &[u8]) -> String {
    excerpt_of_bytes(body, EXCERPT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::OrderedPrompt;

    const PATIENCE: Duration = Duration::from_secs(10);
    const UUID: &str = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed";

    fn hearing(secrets: &Secrets) -> Hearing<'_> {
        Hearing { patience: PATIENCE, secrets }
    }

    fn response(status: u16, pause: Option<&str>, body: &str) -> Response {
        let builder = axum::http::Response::builder().status(status);
        let builder = pause.into_iter().fold(builder, |builder, pause| builder.header("retry-after", pause));
        builder.body(body.to_owned()).expect("a response").into()
    }

    async fn conflict_of(body: &str) -> (Option<Status>, String) {
        match unexpected("submitting", response(409, None, body), hearing(&Secrets::default())).await {
            ClientError::Conflict { current, excerpt, .. } => (current, excerpt),
            other => panic!("{other}"),
        }
    }

    #[tokio::test]
    async fn a_409_is_understood_in_every_form() {
        let generating = (Some(Status::Generating), String::new());
        for body in [
            r#"{"detail":"busy","current_status":"generating"}"#,
            r#"{"detail":{"detail":"busy","current_status":"generating"}}"#,
        ] {
            assert_eq!(conflict_of(body).await, generating, "{body}");
        }
        assert_eq!(conflict_of("a batch is being made\n").await, (None, "a batch is being made".to_owned()));
        assert_eq!(conflict_of(r#"{"detail":"busy"}"#).await.0, None);
        let resting = r#"{"detail":"x","current_status":"resting"}"#;
        assert_eq!(conflict_of(resting).await, (None, resting.to_owned()));
        assert_eq!(conflict_of("").await, (None, String::new()));
        let conflict = unexpected("submitting", response(409, None, ""), hearing(&Secrets::default())).await;
        assert!(conflict.hint().is_some_and(|hint| hint.contains("somebody else")), "{conflict}");
    }

    #[tokio::test]
    async fn a_wished_pause_is_heard_in_both_forms() {
        for (text, pause) in [("7", Some(7)), ("Wed, 01 Jul 2026 12:00:30 GMT", Some(0)), ("soon", None)] {
            let error =
                unexpected("status", response(429, Some(text), "slow down"), hearing(&Secrets::default())).await;
            assert!(error.is_retryable());
            // The date is long past, or the clock of this machine is.
            let heard = error.wished_pause().map(|pause| pause.as_secs());
            assert_eq!(heard, pause, "{text}");
        }
    }

    async fn refusal_of(status: u16, body: &str) -> ClientError {
        let stems: Vec<Stem> = ["lamp", UUID].map(|stem| stem.parse().expect("a stem")).into();
        let prompts = stems.iter().map(|stem| OrderedPrompt { stem, image_url: "http://h/x.png" }).collect();
        refused(&Order { prompts, seed: 1 }, response(status, None, body), hearing(&Secrets::default())).await
    }

    #[tokio::test]
    async fn refused_prompts_are_told_apart_from_a_refused_order() {
        let named = |error: ClientError| match error {
            ClientError::Refused { prompts, .. } => {
                prompts.into_iter().map(|(stem, why)| (stem.to_string(), why)).collect::<Vec<_>>()
            }
            other => panic!("{other}"),
        };
        let by_place = r#"{"detail":[{"loc":["body","prompts",0,"image_url"],"msg":"URL scheme not permitted"}]}"#;
        let reason = "URL scheme not permitted".to_owned();
        assert_eq!(named(refusal_of(422, by_place).await), [("lamp".to_owned(), reason.clone())]);
        assert_eq!(named(refusal_of(400, by_place).await), [("lamp".to_owned(), reason)]);
        let by_stem = r#"{"detail":"stem 'lamp' is taken"}"#;
        assert_eq!(named(refusal_of(422, by_stem).await)[0].0, "lamp");
        let unnamed = named(refusal_of(422, "Unprocessable Entity").await);
        assert_eq!(unnamed.len(), 1);
        assert!(unnamed[0].0 == UUID && unnamed[0].1.starts_with("Unprocessable Entity; "), "{unnamed:?}");
        let error = refusal_of(400, "upstream did not understand").await;
        assert!(matches!(&error, ClientError::Answer { .. }) && error.is_retryable(), "{error}");
    }

    #[tokio::test]
    async fn no_login_comes_back_in_an_error() {
        let endpoint: Endpoint = "http://miner:s3cret@h:1/".parse().expect("an endpoint");
        let secrets = endpoint.secrets();
        let body = "miner:s3cret was sent as Basic bWluZXI6czNjcmV0";
        let said = unexpected("status", response(401, None, body), hearing(&secrets)).await.to_string();
        assert!(said.ends_with(": miner:[login] was sent as Basic [login]"), "{said}");
        let said = answer::<StatusReport>("status", response(200, None, body), &secrets).await.expect_err("no JSON");
        assert!(!said.to_string().contains("s3cret") && !said.to_string().contains("bWluZXI6"), "{said}");
    }
}
