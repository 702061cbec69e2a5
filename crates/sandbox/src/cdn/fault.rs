//! Habits of content delivery networks as miners really use them: a layer in front of the folder that spoils answers.
//! The folder behind it knows nothing of it. Control: `PUT /sandbox/faults` replaces all faults.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

/// The most a list of faults may have.
const LARGEST_LIST: usize = 64 << 10;

/// Requests that are remembered.
const MOST_REQUESTS: usize = 1_000;

/// A habit. Those with `times` wear off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// Cloudflare's riddle for browsers: 403 with `cf-mitigated: challenge`.
    Challenge,
    /// HEAD is refused, GET is served.
    HeadRefused {
        /// With this status.
        #[serde(default = "forbidden")]
        status: u16,
    },
    /// What is not a file is refused, as object stores do with a bare prefix.
    PrefixRefused {
        /// With this status.
        #[serde(default = "not_found")]
        status: u16,
    },
    /// 403 for clients without a `User-Agent`, or with that of a bare script.
    StrangersRefused,
    /// 429 with `Retry-After`.
    RateLimited {
        /// How often.
        #[serde(default = "once")]
        times: u32,
        /// The header, word for word: a number of seconds, or a date.
        retry_after: String,
    },
}

fn forbidden() -> u16 {
    403
}

fn not_found() -> u16 {
    404
}

fn once() -> u32 {
    1
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

#[derive(Debug, Default)]
struct Board {
    faults: Vec<Fault>,
    requests: VecDeque<SeenRequest>,
}

/// The faults in force and the requests so far, shared with the layer.
#[derive(Debug, Clone, Default)]
pub(super) struct Habits(Arc<Mutex<Board>>);

impl Habits {
    fn board(&self) -> MutexGuard<'_, Board> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, faults: Vec<Fault>) {
        self.board().faults = faults;
    }

    pub(super) fn requests(&self) -> Vec<SeenRequest> {
        self.board().requests.iter().cloned().collect()
    }

    fn record(&self, request: &Request) {
        let agent = request.headers().get(header::USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
        let seen = SeenRequest {
            method: request.method().to_string(),
            path: request.uri().to_string(),
            user_agent: String::from_utf8_lossy(agent).into_owned(),
        };
        let mut board = self.board();
        if board.requests.len() == MOST_REQUESTS {
            board.requests.pop_front();
        }
        board.requests.push_back(seen);
    }

    /// The answer of the first habit that this request meets.
    fn spoil(&self, request: &Request) -> Option<Response> {
        let mut board = self.board();
        let (index, answer) =
            board.faults.iter().enumerate().find_map(|(index, fault)| Some((index, fault.spoil(request)?)))?;
        if let Fault::RateLimited { times, .. } = &mut board.faults[index] {
            *times = times.saturating_sub(1);
            if *times == 0 {
                board.faults.remove(index);
            }
        }
        Some(answer)
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
            Self::RateLimited { retry_after, .. } => {
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

/// Puts the habits in front of the folder.
pub(super) fn in_front_of(folder: Router, habits: Habits) -> Router {
    folder.layer(from_fn_with_state(habits, on_the_way))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    faults: Vec<Fault>,
}

async fn on_the_way(State(habits): State<Habits>, request: Request, next: Next) -> Response {
    if request.method() == Method::PUT && request.uri().path() == "/sandbox/faults" {
        return control(&habits, request).await;
    }
    habits.record(&request);
    match habits.spoil(&request) {
        Some(answer) => answer,
        None => next.run(request).await,
    }
}

async fn control(habits: &Habits, request: Request) -> Response {
    let Ok(body) = to_bytes(request.into_body(), LARGEST_LIST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    match serde_json::from_slice::<Faults>(&body) {
        Ok(Faults { faults }) => {
            habits.set(faults);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}
