//! The HTTP side of the script: routes, error bodies, latency, faults on the wire, pictures sent by address.
//! It must not know how an answer is found.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use futures::stream;
use gen404_outside::http;
use reqwest::redirect;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::Options;
use super::fault::{Fault, bend};
use super::gallery::{Gallery, Seen};
use super::look::Picture;
use super::opinion;
use super::request::{InvalidRequest, Question, RecordedCall, Request, Source};
use crate::faults::{self, Faults};

/// Largest request: three pictures of several megabytes as base64.
const LARGEST_REQUEST: usize = 64 << 20;
/// Largest picture sent by address.
const LARGEST_DOWNLOAD: usize = 32 << 20;
/// Redirects followed for one.
const MOST_REDIRECTS: usize = 5;
/// Time limit of a picture sent by address.
const DOWNLOAD_TIME: Duration = Duration::from_secs(30);
/// Largest request of [`Fault::Big`].
const PROXY_LIMIT: usize = 1 << 20;
/// Calls remembered.
const MOST_CALLS: usize = 8192;
/// What it says it is, wherever the API has room for that.
const NATURE: &str = "a script of the 404-cli sandbox, not a model";

#[derive(Debug)]
pub(super) struct Script {
    options: Options,
    stop: CancellationToken,
    gallery: Gallery,
    pub(super) faults: Faults<Fault>,
    calls: Mutex<VecDeque<RecordedCall>>,
    count: AtomicU64,
    downloads: OnceLock<reqwest::Client>,
}

/// A request the script refuses or cannot serve, in the API's form.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl Refused {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self { status, kind, message: message.into() }
    }

    fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequestError", message)
    }
}

impl From<InvalidRequest> for Refused {
    fn from(error: InvalidRequest) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let code = self.status.as_u16();
        let error = json!({ "message": self.message, "type": self.kind, "param": null, "code": code });
        (self.status, Json(json!({ "error": error }))).into_response()
    }
}

/// A request read and checked, its pictures decoded or still to be downloaded.
struct Call {
    label: String,
    question: Question,
    model: String,
    record: RecordedCall,
    pictures: Vec<Pending>,
}

enum Pending {
    Here(Arc<Seen>),
    At(String),
}

pub(super) fn routes(script: Arc<Script>) -> Router {
    let switches = faults::switches(script.faults.clone());
    Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/models", get(models))
        // Not every service counts its versions alike.
        .route("/api/paas/v4/chat/completions", post(chat))
        .route("/api/paas/v4/models", get(models))
        .route("/health", get(health))
        .route("/sandbox/calls", get(list_calls))
        .fallback(|| async { Refused::new(StatusCode::NOT_FOUND, "NotFoundError", "no such path") })
        .layer(DefaultBodyLimit::max(LARGEST_REQUEST))
        .with_state(script)
        .merge(switches)
}

async fn health() -> Json<Value> {
    Json(json!({ "status": "ok", "nature": NATURE }))
}

async fn models(State(script): State<Arc<Script>>, headers: HeaderMap) -> Result<Json<Value>, Refused> {
    script.authorise(&headers)?;
    let served = json!({ "id": script.options.served_name, "object": "model", "created": 0, "owned_by": NATURE });
    Ok(Json(json!({ "object": "list", "data": [served] })))
}

async fn list_calls(State(script): State<Arc<Script>>) -> Json<Value> {
    Json(json!({ "count": script.call_count(), "calls": script.calls() }))
}

async fn chat(State(script): State<Arc<Script>>, headers: HeaderMap, body: Bytes) -> Result<Response, Refused> {
    let number = script.count.fetch_add(1, Ordering::Relaxed) + 1;
    script.authorise(&headers)?;
    let reader = Arc::clone(&script);
    let length = body.len();
    // reading megabytes of JSON and decoding pictures must not hold up the other connections
    let call = tokio::task::spawn_blocking(move || reader.read(&body))
        .await
        .map_err(|error| Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", error.to_string()))??;
    script.remember(call.record.clone());
    tokio::time::sleep(script.options.latency).await;
    let fault = script.faults.strike(&call.label, |_| true);
    if let Some(fault) = &fault
        && let Some(answer) = script.spoiled(fault, &call, length).await
    {
        return Ok(answer);
    }
    let seen = script.collect(&call.pictures).await?;
    let pictures: Vec<&Picture> = seen.iter().map(|seen| &seen.picture).collect();
    let (content, finish_reason) = bend(fault.as_ref(), opinion::answer(call.question, &pictures));
    let thinks = fault == Some(Fault::Thinking);
    let refusal = (content.is_none() && !thinks).then_some("The script was told to refuse.");
    let content = match (content, &fault) {
        (Some(text), Some(Fault::Parts)) => json!([{ "type": "text", "text": text }]),
        (content, _) => json!(content),
    };
    let mut message = json!({ "role": "assistant", "content": content, "refusal": refusal });
    if thinks {
        message["reasoning_content"] = json!("Let me look at the pictures first.");
    }
    let completion = json!({
        "id": format!("script-{number}"),
        "object": "chat.completion",
        "created": 0,
        "model": call.model,
        "system_fingerprint": NATURE,
        "choices": [{
            "index": 0,
            "message": message,
            "finish_reason": finish_reason,
        }],
        "usage": { "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0 },
    });
    Ok(match fault {
        Some(Fault::CutConnection) => cut(completion.to_string()),
        _ => Json(completion).into_response(),
    })
}

/// A reply whose connection breaks after half of what its length promises.
fn cut(text: String) -> Response {
    let length = text.len();
    let mut half = Bytes::from(text);
    half.truncate(length / 2);
    let broken = Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
    let headers = [(header::CONTENT_TYPE, "application/json".to_owned()), (header::CONTENT_LENGTH, length.to_string())];
    (headers, Body::from_stream(stream::iter([Ok(half), broken]))).into_response()
}

impl Script {
    pub(super) fn new(options: Options, stop: CancellationToken) -> Self {
        Self {
            options,
            stop,
            gallery: Gallery::default(),
            faults: Faults::default(),
            calls: Mutex::default(),
            count: AtomicU64::new(0),
            downloads: OnceLock::new(),
        }
    }

    pub(super) fn calls(&self) -> Vec<RecordedCall> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub(super) fn call_count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    fn remember(&self, call: RecordedCall) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() == MOST_CALLS {
            calls.pop_front();
        }
        calls.push_back(call);
    }

    fn authorise(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let Some(key) = &self.options.api_key else { return Ok(()) };
        let brought = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        if brought.and_then(|value| value.strip_prefix("Bearer ")) == Some(key) {
            return Ok(());
        }
        Err(Refused::new(StatusCode::UNAUTHORIZED, "AuthenticationError", "a valid bearer key is required"))
    }

    fn read(&self, body: &[u8]) -> Result<Call, Refused> {
        let request = Request::read(body)?;
        let served = &self.options.served_name;
        if request.model() != served {
            let message = format!("the model `{}` does not exist; this server has `{served}`", request.model());
            return Err(Refused::new(StatusCode::NOT_FOUND, "NotFoundError", message));
        }
        let pictures: Vec<Pending> = request
            .pictures()?
            .into_iter()
            .map(|source| match source {
                Source::Data(text) => self.gallery.of_base64(text).map(Pending::Here),
                Source::Address(address) => Ok(Pending::At(address.to_owned())),
            })
            .collect::<Result<_, _>>()
            .map_err(|error| Refused::bad_request(error.to_string()))?;
        let identities = pictures
            .iter()
            .map(|picture| match picture {
                Pending::Here(seen) => seen.sha256.clone(),
                Pending::At(address) => address.clone(),
            })
            .collect();
        Ok(Call {
            label: request.label().to_owned(),
            question: request.question(),
            model: request.model().to_owned(),
            record: request.record(identities),
            pictures,
        })
    }

    /// The answer instead of a reply, when the fault has one for this call.
    async fn spoiled(&self, fault: &Fault, call: &Call, length: usize) -> Option<Response> {
        let refused = match fault {
            Fault::Stall => {
                self.stop.cancelled().await;
                Refused::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailableError", "stopping")
            }
            Fault::ServerError => {
                Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", "a fault on demand")
            }
            Fault::RateLimited { retry_after_seconds } => {
                let refused = Refused::new(StatusCode::TOO_MANY_REQUESTS, "RateLimitError", "a fault on demand");
                let headers = [(header::RETRY_AFTER, retry_after_seconds.to_string())];
                return Some((headers, refused).into_response());
            }
            Fault::NoUrl if call.pictures.iter().any(|picture| matches!(picture, Pending::At(_))) => {
                Refused::bad_request("invalid image input")
            }
            Fault::Max { pictures } if call.pictures.len() > *pictures => {
                let given = call.pictures.len();
                Refused::bad_request(format!("at most {pictures} image(s) per prompt, {given} given"))
            }
            Fault::Big if length > PROXY_LIMIT => {
                let page = Html("<html><h1>413 Request Entity Too Large</h1></html>");
                return Some((StatusCode::PAYLOAD_TOO_LARGE, page).into_response());
            }
            Fault::Error200 => {
                let error = json!({ "code": 429, "message": "rate limited upstream, try later" });
                return Some(Json(json!({ "error": error })).into_response());
            }
            Fault::NoSeed if call.record.seed.is_some() => Refused::bad_request("unknown field: seed"),
            Fault::NoUrl
            | Fault::Max { .. }
            | Fault::Big
            | Fault::NoSeed
            | Fault::Malformed
            | Fault::Fenced
            | Fault::TrailingComma
            | Fault::Truncated
            | Fault::WrongTypes
            | Fault::MissingField
            | Fault::Refusal
            | Fault::Empty
            | Fault::Prose
            | Fault::FirstWins
            | Fault::CutConnection
            | Fault::Parts
            | Fault::Thinking => return None,
        };
        Some(refused.into_response())
    }

    async fn collect(&self, pictures: &[Pending]) -> Result<Vec<Arc<Seen>>, Refused> {
        let mut seen = Vec::with_capacity(pictures.len());
        for picture in pictures {
            seen.push(match picture {
                Pending::Here(picture) => Arc::clone(picture),
                Pending::At(address) => {
                    let file = self.download(address).await.map_err(|reason| {
                        Refused::bad_request(format!("cannot fetch the picture of `image_url`: {reason}"))
                    })?;
                    self.gallery.of_file(&file).map_err(|error| Refused::bad_request(error.to_string()))?
                }
            });
        }
        Ok(seen)
    }

    /// A picture sent by address, as a real server would fetch it.
    async fn download(&self, address: &str) -> Result<Vec<u8>, String> {
        let client = self.downloads.get_or_init(|| {
            let client = http::client().redirect(redirect::Policy::limited(MOST_REDIRECTS)).build();
            client.expect("nothing of it depends on the machine")
        });
        let fetch = async {
            let response = client.get(address).send().await.and_then(reqwest::Response::error_for_status);
            let response = response.map_err(|error| error.without_url().to_string())?;
            http::read_at_most(response, LARGEST_DOWNLOAD).await.map_err(|error| error.to_string())
        };
        match tokio::time::timeout(DOWNLOAD_TIME, fetch).await {
            Ok(file) => file,
            Err(_) => Err(format!("no answer within {} s", DOWNLOAD_TIME.as_secs())),
        }
    }
}
