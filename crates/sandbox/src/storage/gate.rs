//! The layer in front of the storage: records every request, checks what the library behind leaves out (the clock, the region, the
//! bucket), acts out faults, and lets no stale ETag pass.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::answer::{Refusal, dated};
use super::fault::{Fault, SeenRequest};
use super::{ACCESS_KEY, REGION};
use crate::cut::Cutter;

/// The most a list of faults may have.
const LARGEST_LIST: usize = 64 << 10;

/// Requests that are remembered.
const MOST_REQUESTS: usize = 20_000;

/// How far a request's date may be from the service's, as with AWS.
const CLOCK_LIMIT: SignedDuration = SignedDuration::from_mins(15);

#[derive(Debug, Default)]
struct Board {
    faults: Vec<Fault>,
    requests: VecDeque<SeenRequest>,
}

/// The faults in force and the requests so far.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    root: PathBuf,
    bucket: String,
    board: Arc<Mutex<Board>>,
}

impl Gate {
    pub(super) fn new(root: PathBuf, bucket: String) -> Self {
        Self { root, bucket, board: Arc::default() }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, faults: Vec<Fault>) {
        self.board().faults = faults;
    }

    pub(super) fn requests(&self) -> Vec<SeenRequest> {
        self.board().requests.iter().cloned().collect()
    }

    fn record(&self, seen: SeenRequest) {
        let mut board = self.board();
        if board.requests.len() == MOST_REQUESTS {
            board.requests.pop_front();
        }
        board.requests.push_back(seen);
    }

    /// The first fault that `wanted` finds something in; one with `times` wears off by it.
    fn strike<T>(&self, wanted: impl Fn(&mut Fault) -> Option<T>) -> Option<T> {
        let mut board = self.board();
        let (index, found) =
            board.faults.iter_mut().enumerate().find_map(|(index, fault)| Some((index, wanted(fault)?)))?;
        let spent = match &mut board.faults[index] {
            Fault::SlowDown { times, .. } | Fault::CutBefore { times } | Fault::CutAfter { times } => {
                *times = times.saturating_sub(1);
                *times == 0
            }
            Fault::ClockOff { .. }
            | Fault::NoSpace
            | Fault::OtherRegion { .. }
            | Fault::OpaqueEtags
            | Fault::WriteOnly
            | Fault::NoDelete => false,
        };
        if spent {
            board.faults.remove(index);
        }
        Some(found)
    }

    fn has(&self, wanted: &Fault) -> bool {
        self.board().faults.contains(wanted)
    }

    /// The service's time.
    fn now(&self) -> Timestamp {
        let off = self.strike(|fault| match fault {
            Fault::ClockOff { seconds } => Some(SignedDuration::from_secs(i64::from(*seconds))),
            _ => None,
        });
        Timestamp::now() + off.unwrap_or_default()
    }

    /// Why the request goes no further.
    fn refusal(&self, request: &Request, now: Timestamp) -> Option<Refusal> {
        let denied = || Some(Refusal::new(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied"));
        let (method, headers) = (request.method(), request.headers());
        let slow = self.strike(|fault| match fault {
            Fault::SlowDown { retry_after, .. } => Some(retry_after.clone()),
            _ => None,
        });
        if let Some(wish) = slow {
            let mut refusal = Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate.");
            if let Some(wish) = wish.and_then(|wish| HeaderValue::from_str(&wish).ok()) {
                refusal.headers.insert(header::RETRY_AFTER, wish);
            }
            return Some(refusal);
        }
        if let Some(refusal) = unknown_key(headers).or_else(|| skewed(headers, now)).or_else(|| self.elsewhere(headers)) {
            return Some(refusal);
        }
        if bucket_of(request) != self.bucket {
            let message = "The specified bucket does not exist";
            return Some(Refusal::new(StatusCode::NOT_FOUND, "NoSuchBucket", message));
        }
        match *method {
            Method::PUT if self.has(&Fault::NoSpace) => Some(Refusal::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "XMinioStorageFull",
                "Storage backend has reached its minimum free drive threshold.",
            )),
            Method::GET | Method::HEAD if self.has(&Fault::WriteOnly) => denied(),
            Method::DELETE if self.has(&Fault::NoDelete) => denied(),
            _ => None,
        }
    }

    /// AWS checks the region of a signature before the signature.
    fn elsewhere(&self, headers: &HeaderMap) -> Option<Refusal> {
        let right = self.strike(|fault| match fault {
            Fault::OtherRegion { region } => Some(region.clone()),
            _ => None,
        });
        let right = right.unwrap_or_else(|| REGION.to_owned());
        let signed_for = scope(headers)?.nth(2)?.to_owned();
        if signed_for == right {
            return None;
        }
        let message =
            format!("The authorization header is malformed; the region '{signed_for}' is wrong; expecting '{right}'");
        let more = format!("<Region>{right}</Region>");
        let refusal = Refusal::new(StatusCode::BAD_REQUEST, "AuthorizationHeaderMalformed", message);
        let header = HeaderValue::from_str(&right).ok().map(|right| ("x-amz-bucket-region".parse().expect("a name"), right));
        Some(Refusal { more, headers: header.into_iter().collect(), ..refusal })
    }

    /// Forgets what was noted of an object whose file somebody has written since, in the bucket's folder: its ETag is old.
    fn forget_if_stale(&self, request: &Request) {
        let path = request.uri().path().trim_start_matches('/');
        let Some((bucket, key)) = path.split_once('/') else { return };
        let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let notes = self.root.join(format!(".bucket-{}.object-{}.internal.json", encoded(bucket), encoded(key)));
        let written = |path: &PathBuf| std::fs::metadata(path).and_then(|facts| facts.modified()).ok();
        // Keys whose name is encoded in the address are not found here, and no stem has one.
        let object = self.root.join(bucket).join(key);
        if let (Some(object), Some(noted)) = (written(&object), written(&notes))
            && object > noted
        {
            let _gone_already = std::fs::remove_file(notes);
        }
    }
}

/// The parts of the credential's scope: key, date, region, service.
fn scope(headers: &HeaderMap) -> Option<impl Iterator<Item = &str>> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let credential = text.split_once("Credential=")?.1;
    Some(credential.split(',').next().unwrap_or_default().split('/'))
}

/// The library has another code for it than AWS.
fn unknown_key(headers: &HeaderMap) -> Option<Refusal> {
    let key = scope(headers)?.next()?;
    let message = "The AWS Access Key Id you provided does not exist in our records.";
    (key != ACCESS_KEY).then(|| Refusal::new(StatusCode::FORBIDDEN, "InvalidAccessKeyId", message))
}

fn skewed(headers: &HeaderMap, now: Timestamp) -> Option<Refusal> {
    let date = headers.get("x-amz-date")?.to_str().ok()?;
    let then = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?;
    let then = then.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    if then.duration_since(now).abs() <= CLOCK_LIMIT {
        return None;
    }
    let message = "The difference between the request time and the current time is too large.";
    let refusal = Refusal::new(StatusCode::FORBIDDEN, "RequestTimeTooSkewed", message);
    Some(Refusal { more: format!("<RequestTime>{date}</RequestTime><ServerTime>{now:.0}</ServerTime>"), ..refusal })
}

/// The bucket in the path; nothing but the path is looked at, as nothing but loopback is served.
fn bucket_of(request: &Request) -> &str {
    request.uri().path().trim_start_matches('/').split('/').next().unwrap_or_default()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    faults: Vec<Fault>,
}

pub(super) async fn on_the_way(
    State(gate): State<Gate>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() == Method::PUT && request.uri().path() == "/sandbox/faults" {
        return control(&gate, request).await;
    }
    let seen = SeenRequest { method: request.method().to_string(), path: request.uri().to_string(), status: None };
    if gate.strike(|fault| matches!(fault, Fault::CutBefore { .. }).then_some(())).is_some() {
        gate.record(seen);
        cutter.cut();
        return StatusCode::NO_CONTENT.into_response();
    }
    let lost = request.method() == Method::PUT
        && gate.strike(|fault| matches!(fault, Fault::CutAfter { .. }).then_some(())).is_some();
    let now = gate.now();
    let answer = match gate.refusal(&request, now) {
        Some(refusal) => refusal.answer(now, request.method() == Method::HEAD),
        None => {
            gate.forget_if_stale(&request);
            next.run(request).await
        }
    };
    if lost {
        gate.record(seen);
        cutter.cut();
        return answer;
    }
    gate.record(SeenRequest { status: Some(answer.status().as_u16()), ..seen });
    finished(&gate, answer, now)
}

fn finished(gate: &Gate, mut answer: Response, now: Timestamp) -> Response {
    dated(answer.headers_mut(), now);
    if gate.has(&Fault::OpaqueEtags) && answer.headers().contains_key(header::ETAG) {
        let opaque = HeaderValue::from_static("\"0123456789abcdef0123456789abcdef\"");
        answer.headers_mut().insert(header::ETAG, opaque);
    }
    answer
}

async fn control(gate: &Gate, request: Request) -> Response {
    let Ok(body) = to_bytes(request.into_body(), LARGEST_LIST).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    match serde_json::from_slice::<Faults>(&body) {
        Ok(Faults { faults }) => {
            gate.set(faults);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}
