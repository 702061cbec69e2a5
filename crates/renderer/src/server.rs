//! The official render service's HTTP API, answered by the built-in renderer: same calls, same status codes and bodies.
//! It reads requests and words answers; drawing is the studio's. The queue is bounded, which the official one is not.

mod request;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use gen404_outside::explain::{Blame, Explain, Hint, sentence};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::image::{Image, grid};
use crate::studio::{DrawError, Studio};
use request::{InvalidRequest, Query, Sources};

/// Bytes of a request: the largest module, every character escaped.
const LARGEST_BODY: usize = 8 * 1024 * 1024;
/// Seconds after which a turned away caller may come again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");
/// Time that requests have to finish when the server stops.
const STOP_LIMIT: Duration = Duration::from_secs(10);

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
            Self::Listen { .. } => Some("give --port another number, or 0 for a free one"),
        }
        .map(Hint::Borrowed)
    }
}

/// A running server. Dropping it stops it; [`Self::stop`] also waits until its browsers are gone.
#[derive(Debug)]
pub struct RenderServer {
    address: SocketAddr,
    stopping: CancellationToken,
    serving: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    studio: Studio,
    sources: Sources,
    ready: AtomicBool,
    waiting: AtomicUsize,
    most_waiting: usize,
    stopping: CancellationToken,
}

impl RenderServer {
    /// Listens. A missing three or a browser that does not start shows in the answers; [`Studio::prepare`] tells earlier.
    pub async fn start(options: ServerOptions) -> Result<Self, ServerError> {
        let listen = |source| ServerError::Listen { address: options.address, source };
        let listener = TcpListener::bind(options.address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let stopping = CancellationToken::new();
        let most_waiting = options.queue + options.studio.options().browsers;
        let shared = Arc::new(Shared {
            studio: options.studio,
            sources: Sources::new(),
            ready: AtomicBool::new(!options.warm_up),
            waiting: AtomicUsize::new(0),
            most_waiting,
            stopping: stopping.clone(),
        });
        let serving = tokio::spawn(serve(listener, shared, stopping.clone()));
        Ok(Self { address, stopping, serving: Some(serving) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address as a client wants it, `http://127.0.0.1:port`.
    pub fn url(&self) -> Url {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            // Listening on every interface; this machine is reached through the loopback.
            address.set_ip(if address.is_ipv4() {
                [127, 0, 0, 1].into()
            } else {
                std::net::Ipv6Addr::LOCALHOST.into()
            });
        }
        format!("http://{address}").parse().expect("an address and a port make a URL")
    }

    /// Takes no more requests, lets the running ones finish for a while, and ends the browsers.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        if let Some(serving) = self.serving.take() {
            // It ends only by itself; a panic in it has been reported where it happened.
            let _ = serving.await;
        }
    }
}

impl Drop for RenderServer {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, stopping: CancellationToken) {
    let warming = tokio::spawn({
        let shared = Arc::clone(&shared);
        async move {
            if shared.ready.load(Ordering::Relaxed) {
                return;
            }
            // A failure shows again, with its reason, in the first answer that needs a browser.
            match shared.studio.warm_up().await {
                Ok(_) => shared.ready.store(true, Ordering::Relaxed),
                Err(error) => tracing::warn!(%error, "no browser yet"),
            }
        }
    });
    let router = Router::new()
        .route("/health", get(|| async { Json(json!({"status": "ok"})) }))
        .route("/ping", get(ping))
        .route("/render", post(render))
        .route("/render/grid", post(render_grid))
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(refuse_browsers))
        .with_state(Arc::clone(&shared));
    let serving = axum::serve(listener, router).with_graceful_shutdown(stopping.clone().cancelled_owned());
    let patience = async {
        stopping.cancelled().await;
        tokio::time::sleep(STOP_LIMIT).await;
    };
    tokio::select! {
        _ = serving.into_future() => {}
        () = patience => {}
    }
    warming.abort();
    shared.studio.close().await;
}

async fn ping(State(shared): State<Arc<Shared>>) -> StatusCode {
    if shared.ready.load(Ordering::Relaxed) { StatusCode::OK } else { StatusCode::NO_CONTENT }
}

async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({"error": "not found"}))).into_response()
}

/// Web pages the user happens to visit may not put this machine to work: their requests carry an origin, a client's don't.
async fn refuse_browsers(request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::ORIGIN) {
        return (StatusCode::FORBIDDEN, Json(json!({"error": "requests of web pages are not answered"})))
            .into_response();
    }
    next.run(request).await
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
        let place = Place::take(self)?;
        let limit = self.studio.options().draw_limit;
        let images = self.studio.draw(source, shots, limit).await;
        drop(place);
        if images.is_ok() {
            self.ready.store(true, Ordering::Relaxed);
        }
        Ok(images?)
    }
}

/// One of the places in the bounded queue; dropping it leaves.
struct Place<'a>(&'a Shared);

impl<'a> Place<'a> {
    fn take(shared: &'a Shared) -> Result<Self, Refused> {
        let place = Self(shared);
        if shared.waiting.fetch_add(1, Ordering::Relaxed) >= shared.most_waiting || shared.stopping.is_cancelled() {
            return Err(Refused::Busy);
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Every answer that is not a picture.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Request(#[from] InvalidRequest),
    #[error(transparent)]
    Draw(#[from] DrawError),
    #[error("the queue is full")]
    Busy,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Draw(DrawError::Refused(refusal)) => {
                (StatusCode::UNPROCESSABLE_ENTITY, Json(*refusal)).into_response()
            }
            Self::Busy | Self::Draw(DrawError::Closed) => {
                let headers = HeaderMap::from_iter([(header::RETRY_AFTER, RETRY_AFTER)]);
                (StatusCode::SERVICE_UNAVAILABLE, headers, Json(json!({"error": self.to_string()}))).into_response()
            }
            error => (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"error": sentence(&error)}))).into_response(),
        }
    }
}
