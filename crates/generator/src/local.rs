//! Pictures of this machine, served on loopback for as long as a run lasts: a generator takes addresses only.
//! Nothing but the named files is served; it must not know what they are prompts for.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Larger pictures are refused.
const LARGEST_PICTURE: u64 = 64 << 20;

/// Why a picture of this machine cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum LocalPictureError {
    /// The file cannot be read.
    #[error("the picture {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is far too large for a picture.
    #[error("the picture {} has more than {LARGEST_PICTURE} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// No port could be had on loopback.
    #[error("the pictures of this machine cannot be served on loopback")]
    Serve(#[source] io::Error),
}

/// Reads a picture, for its fingerprint and to know now that it can be served later.
pub(crate) fn read(path: &std::path::Path) -> Result<Vec<u8>, LocalPictureError> {
    let unreadable = |source| LocalPictureError::Unreadable { path: path.to_owned(), source };
    let facts = std::fs::metadata(path).map_err(unreadable)?;
    if facts.len() > LARGEST_PICTURE {
        return Err(LocalPictureError::TooLarge { path: path.to_owned() });
    }
    std::fs::read(path).map_err(unreadable)
}

/// Serves files by their number until it is dropped.
#[derive(Debug)]
pub(crate) struct PictureServer {
    address: SocketAddr,
    _stop: DropGuard,
}

impl PictureServer {
    pub(crate) async fn start(files: Vec<PathBuf>) -> Result<Self, LocalPictureError> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await;
        let listener = listener.map_err(LocalPictureError::Serve)?;
        let address = listener.local_addr().map_err(LocalPictureError::Serve)?;
        let router = Router::new().route("/{number}/{name}", get(picture)).with_state(Arc::from(files));
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
                tracing::warn!(%error, "the server of local pictures ended");
            }
        });
        Ok(Self { address, _stop: stop.drop_guard() })
    }

    /// Address of file `number`; the name is only there for its extension.
    pub(crate) fn url(&self, number: usize, extension: &str) -> String {
        format!("http://{}/{number}/picture.{extension}", self.address)
    }
}

async fn picture(State(files): State<Arc<[PathBuf]>>, Path((number, _name)): Path<(usize, String)>) -> Response {
    let Some(path) = files.get(number) else { return StatusCode::NOT_FOUND.into_response() };
    let kind = match path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("webp") => "image/webp",
        _ => "application/octet-stream",
    };
    match tokio::fs::read(path).await {
        Ok(content) => ([(header::CONTENT_TYPE, kind)], content).into_response(),
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "a local picture cannot be read any more");
            StatusCode::NOT_FOUND.into_response()
        }
    }
}
