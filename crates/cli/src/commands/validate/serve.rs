//! `validate --serve`: both verdicts over HTTP for pipelines in other languages, with everything kept warm.
//! It reads requests and words answers; the door is the render server's, the judging that of every other module.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use gen404_renderer::server::{Door, LARGEST_BODY, Queue, ServerError, busy, refused};
use gen404_renderer::{Failure, Refusal};
use gen404_validator::Validator;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::result::Judged;
use super::run::Runner;
use crate::arguments::failure;
use crate::context::Context;
use crate::errors::CommandError;

/// The port when none is given.
pub(super) const ADDRESS: &str = "127.0.0.1:8404";
/// Most requests that wait; more are turned away.
const QUEUE: usize = 64;
/// Time for a request's body to arrive.
const BODY_LIMIT: Duration = Duration::from_secs(30);

/// `HOST:PORT`, where the host is an address or `localhost`.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let address = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    address.parse().map_err(|_| format!("it must look like {ADDRESS}; port 0 takes a free one"))
}

#[derive(Serialize)]
struct Serving {
    success: bool,
    url: String,
    static_only: bool,
}

/// Serves until the user interrupts.
pub(super) async fn run(context: &Context, address: SocketAddr, runner: Option<Runner>) -> Result<(), CommandError> {
    let static_only = runner.is_none();
    let shared = Arc::new(Shared::new(runner));
    let start = async {
        if let Some(runner) = &shared.runner {
            runner.warm_up().await?;
        }
        Ok(open(address, Arc::clone(&shared)).await?)
    };
    let door = match context.until_interrupted(start).await {
        Ok(door) => door,
        Err(error) => {
            shared.close().await;
            return Err(error);
        }
    };
    let url = door.url().to_string().trim_end_matches('/').to_owned();
    let said = context.ui.result(&Serving { success: true, url, static_only });
    if said.is_ok() {
        context.ui.status("the validator answers until Ctrl-C");
        context.interrupt.requested().await;
    }
    door.close().await;
    said
}

async fn open(address: SocketAddr, shared: Arc<Shared>) -> Result<Door, ServerError> {
    let router = Router::new()
        .route("/validate", post(validate))
        .route("/official", post(official))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(Arc::clone(&shared));
    Door::open(address, router, HeaderMap::new(), async move { shared.close().await }).await
}

struct Shared {
    runner: Option<Runner>,
    queue: Queue,
    /// Texts that are judged at the same time; browsers bound themselves.
    texts: Semaphore,
}

/// A module as it was sent.
struct Module {
    file: String,
    text: Vec<u8>,
}

/// Where the module's name is when the body is the module.
#[derive(Deserialize)]
struct Named {
    file: Option<String>,
}

type NamedInQuery = Result<Query<Named>, QueryRejection>;

#[derive(Deserialize)]
struct Body {
    source: String,
    file: Option<String>,
}

/// The same object as a line of `validate --json`.
async fn validate(State(shared): State<Arc<Shared>>, named: NamedInQuery, request: Request) -> Response {
    match shared.judged(named, request).await {
        Ok(judged) => Json(judged.line()).into_response(),
        Err(unjudged) => unjudged.into_response(),
    }
}

/// What the official service answers, up to the pictures.
async fn official(State(shared): State<Arc<Shared>>, named: NamedInQuery, request: Request) -> Response {
    let judged = match shared.judged(named, request).await {
        Ok(judged) => judged,
        // It knows no other status for a request that makes no sense.
        Err(Unjudged::Body(sentence)) => return failed(StatusCode::INTERNAL_SERVER_ERROR, sentence),
        Err(unjudged) => return unjudged.into_response(),
    };
    let failures: Vec<Failure> = judged.verdict(Validator::RenderService).map(failure).collect();
    let metrics = judged.metrics_of_service();
    if failures.is_empty() {
        return Json(json!({ "passed": true, "metrics": metrics })).into_response();
    }
    refused(*Refusal::of_verdict(failures, metrics.cloned()))
}

/// Why a module was not judged.
enum Unjudged {
    /// The body cannot be understood.
    Body(&'static str),
    /// The module is wrapped in something that is not taken off here; judged as it is it would be refused for that.
    Wrapped(&'static str),
    TooLarge,
    TooSlow,
    Busy,
    /// A browser or this program failed.
    Broken(String),
}

impl IntoResponse for Unjudged {
    fn into_response(self) -> Response {
        match self {
            Self::Body(sentence) => failed(StatusCode::BAD_REQUEST, sentence),
            Self::Wrapped(sentence) => failed(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence),
            Self::TooLarge => {
                failed(StatusCode::PAYLOAD_TOO_LARGE, &format!("the body is larger than {LARGEST_BODY} bytes"))
            }
            Self::TooSlow => failed(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"),
            Self::Busy => busy(),
            Self::Broken(sentence) => failed(StatusCode::INTERNAL_SERVER_ERROR, &sentence),
        }
    }
}

fn failed(status: StatusCode, sentence: &str) -> Response {
    (status, Json(json!({ "error": sentence }))).into_response()
}

impl Shared {
    fn new(runner: Option<Runner>) -> Self {
        let texts = Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from));
        Self { runner, queue: Queue::new(QUEUE), texts }
    }

    async fn close(&self) {
        if let Some(runner) = &self.runner {
            runner.close().await;
        }
    }

    async fn judged(&self, named: NamedInQuery, request: Request) -> Result<Judged, Unjudged> {
        let _place = self.queue.enter().ok_or(Unjudged::Busy)?;
        let Query(named) = named.map_err(|_| Unjudged::Body("the query names more than one file"))?;
        let module = timeout(BODY_LIMIT, read(named, request)).await.map_err(|_| Unjudged::TooSlow)??;
        let permit = self.texts.acquire().await.map_err(|_| Unjudged::Busy)?;
        let length = module.text.len() as u64;
        let judging = tokio::task::spawn_blocking(move || Judged::new(module.file, module.text, length));
        let mut judged = judging.await.map_err(|_| Unjudged::Broken(CommandError::panicked().message))?;
        drop(permit);
        if let Some(runner) = &self.runner {
            runner.run(&mut judged).await.map_err(|error| Unjudged::Broken(error.message))?;
        }
        Ok(judged)
    }
}

/// The module of a request: the body itself, or the source within it when it is JSON.
async fn read(named: Named, request: Request) -> Result<Module, Unjudged> {
    let headers = request.headers();
    let is_json = media_type(headers).eq_ignore_ascii_case("application/json");
    if media_type(headers).to_ascii_lowercase().starts_with("multipart/") {
        return Err(Unjudged::Wrapped("the body is a form; send the module itself, or JSON with a source"));
    }
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Unjudged::Wrapped("the body is compressed; send it as it is"));
    }
    let body = Bytes::from_request(request, &()).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Unjudged::TooLarge,
        _ => Unjudged::Body("the body broke off"),
    })?;
    let dash = || "-".to_owned();
    if !is_json {
        return Ok(Module { file: named.file.unwrap_or_else(dash), text: body.into() });
    }
    let Body { source, file } =
        serde_json::from_slice(&body).map_err(|_| Unjudged::Body("the body is not a JSON object with a source"))?;
    Ok(Module { file: file.or(named.file).unwrap_or_else(dash), text: source.into_bytes() })
}

/// What the body says it is, without parameters.
fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(address("localhost:0").map(|address| address.to_string()).as_deref(), Ok("127.0.0.1:0"));
        assert_eq!(address("[::1]:80").map(|address| address.to_string()).as_deref(), Ok("[::1]:80"));
        for wrong in ["out", "8404", ":8404", "127.0.0.1", "localhost:99999", "example.com:80"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }
}
