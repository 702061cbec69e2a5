//! Habits of content delivery networks as miners really use them: a layer in front of the folder that spoils answers.
//! The folder behind it knows nothing of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::faults::{self, Faults};

/// Requests that are remembered.
const MOST_REQUESTS: usize = 1_000;

/// A habit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Cloudflare's riddle for browsers: 403 with `cf-mitigated: challenge`.
    Challenge,
    /// HEAD is refused, GET is served.
    HeadRefused {
        /// With this status.
        status: u16,
    },
    /// What is not a file is refused, as object stores do with a bare prefix.
    PrefixRefused {
        /// With this status.
        status: u16,
    },
    /// 403 for clients without a `User-Agent`, or with that of a bare script.
    StrangersRefused,
    /// 429 with `Retry-After`.
    RateLimited {
        /// The header, word for word: a number of seconds, or a date.
        retry_after: String,
    },
}

/// One request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRequest {
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// What the client says of itself; empty when nothing.
    pub user_agent: String,
}

/// The faults in force and the requests so far, shared with the layer.
#[derive(Debug, Clone, Default)]
pub(super) struct Habits {
    pub(super) faults: Faults<Fault>,
    requests: Arc<Mutex<VecDeque<SeenRequest>>>,
}

impl Habits {
    pub(super) fn requests(&self) -> Vec<SeenRequest> {
        self.seen().iter().cloned().collect()
    }

    fn seen(&self) -> MutexGuard<'_, VecDeque<SeenRequest>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, request: &Request) {
        let agent = request.headers().get(header::USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
        let seen = SeenRequest {
            method: request.method().to_string(),
            path: request.uri().to_string(),
            user_agent: String::from_utf8_lossy(agent).into_owned(),
        };
        let mut requests = self.seen();
        if requests.len() == MOST_REQUESTS {
            requests.pop_front();
        }
        requests.push_back(seen);
    }

    /// The answer of the first habit that this request meets.
    fn spoil(&self, request: &Request) -> Option<Response> {
        let fault = self.faults.strike(request.method().as_str(), |fault| fault.spoil(request).is_some())?;
        fault.spoil(request)
    }
}

impl Fault {
    fn spoil(&self, request: &Request) -> Option<Response> {
        let refused = |status: u16| Some(StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN).into_response());
        match self {
            Self::Challenge => {
                let headers = [("cf-mitigated", "challenge"), ("server", "cloudflare"), ("content-type", "text/html")];
                Some((StatusCode::FORBIDDEN, headers, "<title>Just a moment...</title>").into_response())
            }
            Self::HeadRefused { status } if request.method() == Method::HEAD => refused(*status),
            Self::PrefixRefused { status } if !names_a_file(request.uri().path()) => refused(*status),
            Self::StrangersRefused if is_stranger(request) => refused(403),
            Self::RateLimited { retry_after } => {
                let wish = HeaderValue::from_str(retry_after).unwrap_or(HeaderValue::from_static("0"));
                Some((StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, wish)]).into_response())
            }
            Self::HeadRefused { .. } | Self::PrefixRefused { .. } | Self::StrangersRefused => None,
        }
    }
}

/// The path's last segment has an extension.
fn names_a_file(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|name| name.contains('.'))
}

fn is_stranger(request: &Request) -> bool {
    let agent = request.headers().get(header::USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
    agent.is_empty() || agent.starts_with(b"Python-urllib")
}

/// Puts the habits in front of the folder, and their switches beside it.
pub(super) fn in_front_of(folder: Router, habits: Habits) -> Router {
    let switches = faults::switches(habits.faults.clone());
    folder.layer(from_fn_with_state(habits, on_the_way)).merge(switches)
}

async fn on_the_way(State(habits): State<Habits>, request: Request, next: Next) -> Response {
    habits.record(&request);
    match habits.spoil(&request) {
        Some(answer) => answer,
        None => next.run(request).await,
    }
}
