//! The official render service's HTTP API, answered by the built-in renderer: same calls, same status codes and bodies.
//! It reads requests and words answers; drawing is the studio's. The queue is bounded, which the official one is not.

mod door;
mod request;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use gen404_outside::explain::{Blame, Explain, Hint, sentence};
use serde_json::json;
use url::Url;

use crate::image::{Image, grid};
use crate::studio::{DrawError, Studio};
use door::BUSY;
pub use door::{Door, Queue, Waiting, busy, refused};
use request::{InvalidRequest, Query, Sources};

/// Bytes of a request: the largest module, every character escaped.
pub const LARGEST_BODY: usize = 8 * 1024 * 1024;
/// Where a server says what its pixels depend on.
pub(crate) const IDENTITY_HEADER: HeaderName = HeaderName::from_static("x-renderer");

/// How the server works.
#[derive(Debug)]
pub struct ServerOptions {
    /// Address to listen on; port 0 takes a free one.
    pub address: SocketAddr,
    /// The renderer that answers.
    pub studio: Studio,
    /// Most requests that wait for a browser; more are turned away with 503.
    pub queue: usize,
    /// Start the first browser at once, not with the first request.
    pub warm_up: bool,
}

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
}

impl Explain for ServerError {
    fn blame(&self) -> Blame {
        match self {
            Self::Listen { .. } => Blame::Here,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Listen { .. } => Some("give another port, or 0 for a free one"),
        }
        .map(Hint::Borrowed)
    }
}

/// A running server. Dropping it stops it; [`Self::stop`] also waits until its browsers are gone.
#[derive(Debug)]
pub struct RenderServer(Door);

#[derive(Debug)]
struct Shared {
    studio: Studio,
    sources: Sources,
    ready: AtomicBool,
    queue: Queue,
}

impl RenderServer {
    /// Listens. A missing three or a browser that does not start shows in the answers; [`Studio::prepare`] tells earlier.
    pub async fn start(options: ServerOptions) -> Result<Self, ServerError> {
        let queue = Queue::new(options.queue + options.studio.options().browsers);
        let shared = Arc::new(Shared {
            studio: options.studio,
            sources: Sources::new(),
            ready: AtomicBool::new(!options.warm_up),
            queue,
        });
        let router = Router::new()
            .route("/ping", get(ping))
            .route("/render", post(render))
            .route("/render/grid", post(render_grid))
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
            .with_state(Arc::clone(&shared));
        let identity = HeaderValue::from_str(&shared.studio.identity());
        let about = identity.into_iter().map(|identity| (IDENTITY_HEADER, identity)).collect();
        let warming = tokio::spawn(warm_up(Arc::clone(&shared)));
        let farewell = async move {
            warming.abort();
            shared.studio.close().await;
        };
        Ok(Self(Door::open(options.address, router, about, farewell).await?))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Its address as a client wants it, `http://127.0.0.1:port`.
    pub fn url(&self) -> Url {
        self.0.url()
    }

    /// Takes no more requests, lets the running ones finish for a while, and ends the browsers.
    pub async fn stop(self) {
        self.0.close().await;
    }
}

async fn warm_up(shared: Arc<Shared>) {
    if shared.ready.load(Ordering::Relaxed) {
        return;
    }
    // A failure shows again, with its reason, in the first answer that needs a browser.
    match shared.studio.warm_up().await {
        Ok(_) => shared.ready.store(true, Ordering::Relaxed),
        Err(error) => tracing::warn!(%error, "no browser yet"),
    }
}

async fn ping(State(shared): State<Arc<Shared>>) -> StatusCode {
    if shared.ready.load(Ordering::Relaxed) { StatusCode::OK } else { StatusCode::NO_CONTENT }
}

async fn render(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refused> {
    let (query, source) = read(&shared, request).await?;
    let shots = query.shots()?;
    let size = query.size()?;
    let images = shared.draw(&source, &shots).await?;
    let mut files = encode(images).await;
    if let [file] = &mut files[..] {
        return Ok(png(std::mem::take(file)));
    }
    let count = files.len();
    let images: Vec<String> = files.iter().map(|file| BASE64_STANDARD.encode(file)).collect();
    Ok(Json(json!({"images": images, "count": count, "img_size": size})).into_response())
}

async fn render_grid(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, Refused> {
    let (query, source) = read(&shared, request).await?;
    let shots = query.shots()?;
    let gap = query.gap()?;
    let tiles = shared.draw(&source, &shots).await?;
    let file = tokio::task::spawn_blocking(move || grid(&tiles, gap).to_png()).await.expect("encoding does not panic");
    Ok(png(file))
}

async fn read(shared: &Shared, request: Request) -> Result<(Query, String), Refused> {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let body = Bytes::from_request(request, &()).await;
    let body = body.map_err(|_| InvalidRequest::TooLarge { limit: LARGEST_BODY })?;
    Ok((query, shared.sources.of(&body).await?))
}

async fn encode(images: Vec<Image>) -> Vec<Vec<u8>> {
    let encoding = images.into_iter().map(|image| tokio::task::spawn_blocking(move || image.to_png()));
    let mut files = Vec::new();
    for file in encoding.collect::<Vec<_>>() {
        files.push(file.await.expect("encoding does not panic"));
    }
    files
}

fn png(file: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "image/png")], file).into_response()
}

impl Shared {
    async fn draw(&self, source: &str, shots: &[crate::shot::Shot]) -> Result<Vec<Image>, Refused> {
        let place = self.queue.enter().ok_or(Refused::Busy)?;
        let limit = self.studio.options().draw_limit;
        let images = self.studio.draw(source, shots, limit).await;
        drop(place);
        if images.is_ok() {
            self.ready.store(true, Ordering::Relaxed);
        }
        Ok(images?)
    }
}

/// Every answer that is not a picture.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Request(#[from] InvalidRequest),
    #[error(transparent)]
    Draw(#[from] DrawError),
    #[error("{BUSY}")]
    Busy,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Draw(DrawError::Refused(refusal)) => refused(*refusal),
            // The service has no rule for what throws while it is drawn, only the message.
            Self::Draw(DrawError::Threw { detail }) => {
                (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"error": detail}))).into_response()
            }
            Self::Busy | Self::Draw(DrawError::Closed) => busy(),
            error => (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"error": sentence(&error)}))).into_response(),
        }
    }
}
