//! A content delivery network of one folder: GET and HEAD of the files below it, and of the bare folders.
//! It must never answer with anything outside the folder, and knows nothing of what the files are for.
//!
//! [`Fault`]s give it the habits of the networks that miners use.

mod fault;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::io::ReaderStream;
use url::Url;

use crate::faults::Faults;
use crate::service::Service;
pub use fault::{Fault, SeenRequest};

/// A running CDN; it stops when dropped.
#[derive(Debug)]
pub struct Cdn {
    service: Service,
    habits: fault::Habits,
}

impl Cdn {
    /// Serves `folder` (which must exist) on a free loopback port, with the switches of its faults beside it.
    pub async fn start(folder: &Path) -> io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let habits = fault::Habits::default();
        let router = fault::in_front_of(router(folder)?, habits.clone());
        Ok(Self { service: Service::start(listener, router)?, habits })
    }

    /// Its habits.
    pub fn faults(&self) -> &Faults<Fault> {
        &self.habits.faults
    }

    /// The newest requests, oldest first.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.habits.requests()
    }

    /// Where the folder is served; ends with `/`.
    pub fn url(&self) -> &Url {
        self.service.url()
    }
}

/// The routes, to be mounted elsewhere: every path is looked up below `folder` (which must exist).
pub fn router(folder: &Path) -> io::Result<Router> {
    let root: Arc<Path> = folder.canonicalize()?.into();
    let bare =
        |method: Method, root: State<Arc<Path>>, asked: HeaderMap| answer(method, root, UrlPath(String::new()), asked);
    Ok(Router::new().route("/", get(bare)).route("/{*path}", get(answer)).with_state(root))
}

/// `axum` sends HEAD to a GET route too and drops the body.
async fn answer(
    method: Method,
    State(root): State<Arc<Path>>,
    UrlPath(path): UrlPath<String>,
    asked: HeaderMap,
) -> Response {
    let Some(place) = locate(&root, &path) else { return StatusCode::NOT_FOUND.into_response() };
    if place.is_dir() {
        return ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], "").into_response();
    }
    let Ok(file) = tokio::fs::File::open(&place).await else { return StatusCode::NOT_FOUND.into_response() };
    let Ok(facts) = file.metadata().await else { return StatusCode::NOT_FOUND.into_response() };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(&place)));
    headers.insert(header::CONTENT_LENGTH, facts.len().into());
    if let Some((etag, modified)) = state_of(&facts) {
        let is_known = asked.get(header::IF_NONE_MATCH).is_some_and(|known| known == etag);
        headers.insert(header::ETAG, etag);
        headers.insert(header::LAST_MODIFIED, modified);
        if is_known {
            headers.remove(header::CONTENT_LENGTH);
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
    }
    let body = if method == Method::HEAD { Body::empty() } else { Body::from_stream(ReaderStream::new(file)) };
    (headers, body).into_response()
}

/// `ETag` and `Last-Modified` of a file, as object stores send them.
fn state_of(facts: &std::fs::Metadata) -> Option<(HeaderValue, HeaderValue)> {
    let modified = jiff::Timestamp::try_from(facts.modified().ok()?).ok()?;
    let etag = format!("\"{:x}-{:x}\"", facts.len(), modified.as_nanosecond());
    let date = modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    Some((HeaderValue::from_str(&etag).ok()?, HeaderValue::from_str(&date).ok()?))
}

/// The existing file or folder that a decoded URL path names, if it truly lies below `root`.
fn locate(root: &Path, path: &str) -> Option<PathBuf> {
    let path = Path::new(path.trim_end_matches('/'));
    if !path.components().all(|component| matches!(component, Component::Normal(_))) {
        return None;
    }
    let place = root.join(path).canonicalize().ok()?; // follows links, so that a link to the outside shows
    place.starts_with(root).then_some(place)
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("png") => "image/png",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}
