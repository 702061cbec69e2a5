//! The layer in front of the storage: records every request, checks what the library behind leaves out (the clock, the region, the
//! bucket), acts out faults, and lets no stale `ETag` pass.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use super::answer::{Refusal, dated};
use super::fault::{Fault, SeenRequest};
use super::{ACCESS_KEY, REGION};
use crate::cut::Cutter;
use crate::faults::Faults;

/// Requests that are remembered.
const MOST_REQUESTS: usize = 20_000;

/// How far a request's date may be from the service's, as with AWS.
const CLOCK_LIMIT: SignedDuration = SignedDuration::from_mins(15);

/// The faults in force and the requests so far.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    root: PathBuf,
    pub(super) bucket: String,
    pub(super) faults: Faults<Fault>,
    requests: Arc<Mutex<VecDeque<SeenRequest>>>,
    running: Arc<AtomicUsize>,
}

/// Counts a request as running as long as it lives, also one whose client has left.
struct Running(Arc<AtomicUsize>);

impl Running {
    fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Gate {
    pub(super) fn new(root: PathBuf, bucket: String) -> Self {
        Self { root, bucket, faults: Faults::default(), requests: Arc::default(), running: Arc::default() }
    }

    fn seen(&self) -> MutexGuard<'_, VecDeque<SeenRequest>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn requests(&self) -> Vec<SeenRequest> {
        self.seen().iter().cloned().collect()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.running.load(Ordering::SeqCst) == 0
    }

    fn record(&self, seen: SeenRequest) {
        let mut requests = self.seen();
        if requests.len() == MOST_REQUESTS {
            requests.pop_front();
        }
        requests.push_back(seen);
    }

    /// The service's time.
    fn now(&self) -> Timestamp {
        let off = self.faults.find(|fault| match fault {
            Fault::ClockOff { seconds } => Some(SignedDuration::from_secs(i64::from(*seconds))),
            _ => None,
        });
        Timestamp::now() + off.unwrap_or_default()
    }

    /// Why the request goes no further.
    fn refusal(&self, request: &Request, now: Timestamp) -> Option<Refusal> {
        let (method, headers) = (request.method(), request.headers());
        let strike = |concerns: fn(&Fault) -> bool| self.faults.strike(method.as_str(), concerns);
        if let Some(Fault::SlowDown { retry_after: wish }) = strike(|fault| matches!(fault, Fault::SlowDown { .. })) {
            let mut refusal =
                Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "SlowDown", "Please reduce your request rate.");
            if let Some(wish) = wish.and_then(|wish| HeaderValue::from_str(&wish).ok()) {
                refusal.headers.insert(header::RETRY_AFTER, wish);
            }
            return Some(refusal);
        }
        if let Some(refusal) = unknown_key(headers).or_else(|| skewed(headers, now)).or_else(|| self.elsewhere(headers))
        {
            return Some(refusal);
        }
        if bucket_of(request) != self.bucket {
            let message = "The specified bucket does not exist";
            return Some(Refusal::new(StatusCode::NOT_FOUND, "NoSuchBucket", message));
        }
        if strike(|fault| matches!(fault, Fault::Denied)).is_some() {
            return Some(Refusal::new(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied"));
        }
        let full = || strike(|fault| matches!(fault, Fault::NoSpace)).is_some();
        (*method == Method::PUT && full()).then(|| {
            let message = "Storage backend has reached its minimum free drive threshold.";
            Refusal::new(StatusCode::INSUFFICIENT_STORAGE, "XMinioStorageFull", message)
        })
    }

    /// AWS checks the region of a signature before the signature.
    fn elsewhere(&self, headers: &HeaderMap) -> Option<Refusal> {
        let right = self.faults.find(|fault| match fault {
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
        let header =
            HeaderValue::from_str(&right).ok().map(|right| ("x-amz-bucket-region".parse().expect("a name"), right));
        Some(Refusal { more, headers: header.into_iter().collect(), ..refusal })
    }

    /// Forgets what was noted of an object whose file somebody has written since, in the bucket's folder: its `ETag` is old.
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

pub(super) async fn on_the_way(
    State(gate): State<Gate>,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    request: Request,
    next: Next,
) -> Response {
    let _running = Running::begin(&gate.running);
    let method = request.method().clone();
    let seen = SeenRequest { method: method.to_string(), path: request.uri().to_string(), status: None };
    let strike = |fault: Fault| gate.faults.strike(method.as_str(), |one| *one == fault).is_some();
    if strike(Fault::CutBefore) {
        gate.record(seen);
        cutter.cut();
        return StatusCode::NO_CONTENT.into_response();
    }
    let lost = strike(Fault::CutAfter);
    let now = gate.now();
    let mut answer = if let Some(refusal) = gate.refusal(&request, now) {
        refusal.answer(now, method == Method::HEAD)
    } else {
        gate.forget_if_stale(&request);
        next.run(request).await
    };
    if lost {
        gate.record(seen);
        cutter.cut();
        return answer;
    }
    gate.record(SeenRequest { status: Some(answer.status().as_u16()), ..seen });
    dated(answer.headers_mut(), now);
    if gate.faults.has(&Fault::OpaqueEtags) && answer.headers().contains_key(header::ETAG) {
        let opaque = HeaderValue::from_static("\"0123456789abcdef0123456789abcdef\"");
        answer.headers_mut().insert(header::ETAG, opaque);
    }
    answer
}
