//! Serves what the organisers have published, as a host of raw files does: conditional requests, and 404 for what is not there.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::written::{Files, Page};

/// What is published at the moment. It changes as a whole: nobody sees half a step.
#[derive(Debug, Clone, Default)]
pub(super) struct Board(Arc<Mutex<Files>>);

impl Board {
    pub(super) fn publish(&self, files: Files) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = files;
    }

    fn page(&self, path: &str) -> Option<Page> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }
}

pub(super) fn router(board: Board) -> Router {
    Router::new().route("/{*path}", get(answer)).with_state(board)
}

async fn answer(State(board): State<Board>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    let Some(Page { body, etag }) = board.page(&path) else {
        return (StatusCode::NOT_FOUND, "404: Not Found").into_response();
    };
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok()).unwrap_or_default();
    let is_known = known.split(',').map(|tag| tag.trim().trim_start_matches("W/")).any(|tag| tag == etag || tag == "*");
    let etag = [(header::ETAG, HeaderValue::from_str(&etag).expect("a tag of hexadecimal digits"))];
    if is_known {
        return (StatusCode::NOT_MODIFIED, etag).into_response();
    }
    let kind =
        if path.starts_with("outputs/") { "text/javascript; charset=utf-8" } else { "text/plain; charset=utf-8" };
    (etag, [(header::CONTENT_TYPE, kind)], body).into_response()
}
