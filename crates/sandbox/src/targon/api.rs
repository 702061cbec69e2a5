//! The routes of `/tha/v2`, and what happens to every request on its way: record, slow, refuse, hold, cut.
//! What the answers say comes from the world.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::fault::{Call, Fault};
use super::query::{EventsQuery, InventoryQuery, ListQuery, LogsQuery, page, read};
use super::registration::{self, WorkloadType};
use super::reply::Problem;
use super::workload::Life;
use super::world::RecordedCall;
use super::{Shared, control, pod};
use crate::cut::Cutter;
use crate::faults;

/// The most a body may have.
const LARGEST_BODY: usize = 1 << 20;

/// Entries of a page when none are asked for.
const PAGE: usize = 50;

/// The one key that is refused.
const BAD_KEY: &str = "bad-key";

type World = State<Arc<Shared>>;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    let switches = faults::switches(shared.faults.clone());
    Router::new()
        .route("/tha/v2/version", get(version))
        .route("/tha/v2/inventory", get(inventory))
        .route("/tha/v2/me/credits", get(credits))
        .route("/tha/v2/workloads", get(list).post(create))
        .route("/tha/v2/workloads/{uid}", get(read_one).delete(delete))
        .route("/tha/v2/workloads/{uid}/deploy", post(deploy))
        .route("/tha/v2/workloads/{uid}/state", get(state))
        .route("/tha/v2/workloads/{uid}/events", get(events))
        .route("/tha/v2/workloads/{uid}/logs", get(logs))
        .layer(from_fn_with_state(Arc::clone(&shared), on_the_way))
        .merge(control::router())
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "no such path", "NOT_FOUND"))
        .with_state(shared)
        .merge(switches)
}

/// Which call a request is; none for a path and method that do not go together.
fn call_of(method: &Method, path: &str) -> Option<Call> {
    let parts: Vec<&str> = path.strip_prefix("/tha/v2/")?.split('/').collect();
    Some(match (method.as_str(), parts.as_slice()) {
        ("GET", ["version"]) => Call::Version,
        ("GET", ["inventory"]) => Call::Inventory,
        ("GET", ["me", "credits"]) => Call::Credits,
        ("GET", ["workloads"]) => Call::List,
        ("POST", ["workloads"]) => Call::Create,
        ("GET", ["workloads", _]) => Call::Read,
        ("DELETE", ["workloads", _]) => Call::Delete,
        ("POST", ["workloads", _, "deploy"]) => Call::Deploy,
        ("GET", ["workloads", _, "state"]) => Call::State,
        ("GET", ["workloads", _, "events"]) => Call::Events,
        ("GET", ["workloads", _, "logs"]) => Call::Logs,
        _ => return None,
    })
}

async fn on_the_way(
    State(shared): World,
    ConnectInfo(cutter): ConnectInfo<Cutter>,
    request: Request,
    next: Next,
) -> Response {
    let Some(call) = call_of(request.method(), request.uri().path()) else { return next.run(request).await };
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_BODY).await else {
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body too large", "TOO_LARGE").into_response();
    };
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    shared.world().record(RecordedCall {
        call,
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        headers: headers.collect(),
        body: body.to_vec(),
    });
    let slow = shared.faults.find(|fault| match fault {
        Fault::Slow { milliseconds } => Some(Duration::from_millis(*milliseconds)),
        _ => None,
    });
    if let Some(delay) = slow {
        tokio::time::sleep(delay).await;
    }
    let answer = match refuse(&shared, call, &parts.headers) {
        Some(refusal) => refusal,
        None => next.run(Request::from_parts(parts, Body::from(body))).await,
    };
    if shared.faults.has(&Fault::Hold { call }) {
        shared.gate.wait().await;
    }
    let cuts = |fault: &Fault| matches!(fault, Fault::Cut { call: which } if which.is_none_or(|which| which == call));
    if shared.faults.strike(call.into(), cuts).is_some() {
        cutter.cut();
    }
    answer
}

/// What every call has to get past: the key and the rate limit.
fn refuse(shared: &Shared, call: Call, headers: &HeaderMap) -> Option<Response> {
    let limited = shared.faults.strike(call.into(), |fault| matches!(fault, Fault::RateLimited { .. }));
    if let Some(Fault::RateLimited { retry_after_seconds, as_date }) = limited {
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many requests", "RATE_LIMITED");
        let wish = if as_date { date_in(retry_after_seconds) } else { retry_after_seconds.to_string() };
        return Some(([(header::RETRY_AFTER, wish)], problem).into_response());
    }
    let key = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let accepted = match key {
        Some(key) => !key.trim().is_empty() && key != BAD_KEY,
        None => call == Call::Inventory,
    };
    (!accepted).then(|| Problem::new(StatusCode::UNAUTHORIZED, "invalid api key", "UNAUTHORIZED").into_response())
}

/// Whether a type of workload is on offer.
fn knows(shared: &Shared, workload_type: WorkloadType) -> bool {
    !shared.faults.has(&Fault::TypeGone { workload_type })
}

/// The time in so many seconds, as HTTP writes it.
fn date_in(seconds: u32) -> String {
    let then = Timestamp::now() + Duration::from_secs(seconds.into());
    then.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

async fn version() -> Json<Value> {
    Json(json!({"name": "404-cli sandbox", "version": "v2", "gitHash": "0", "buildDate": "2026-07-01"}))
}

async fn credits(State(shared): World) -> Json<Value> {
    let left = if shared.faults.has(&Fault::NoCredits) { 0.0 } else { 100.0 };
    Json(json!({"credits": left, "currency": "USD"}))
}

async fn inventory(State(shared): World, uri: Uri) -> Result<Json<Value>, Problem> {
    let query: InventoryQuery = read(&uri)?;
    let types = [WorkloadType::Rental, WorkloadType::Serverless];
    let world = shared.world();
    let known = |name: &str| {
        let found = types.into_iter().find(|one| one.inventory_word() == name.to_lowercase());
        found.filter(|one| knows(&shared, *one))
    };
    let offers = match query.inventory_type.as_deref() {
        None => world.offers(WorkloadType::Rental, query.gpu),
        Some("vm" | "storage") => Vec::new(),
        Some(name) => match known(name) {
            Some(one) => world.offers(one, query.gpu),
            None => return Err(Problem::bad_request("unknown inventory type")),
        },
    };
    Ok(Json(Value::Array(offers)))
}

async fn list(State(shared): World, uri: Uri) -> Result<Json<Value>, Problem> {
    let query: ListQuery = read(&uri)?;
    let world = shared.world();
    let small = shared.faults.find(|fault| match fault {
        Fault::SmallPages { size } => Some(*size),
        _ => None,
    });
    let limit = query.limit.unwrap_or(PAGE).min(100).min(small.unwrap_or(usize::MAX));
    let all = world.shown(|workload, status| {
        query.name.as_deref().is_none_or(|name| workload.name() == name)
            && query.workload_type.is_none_or(|one| workload.workload_type() == one)
            && query.status.as_deref().is_none_or(|word| word.eq_ignore_ascii_case(status))
    });
    let (items, next_cursor) = page(all, limit, query.cursor.as_deref())?;
    Ok(Json(json!({"items": items, "next_cursor": next_cursor})))
}

async fn create(State(shared): World, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let is_json =
        headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if !is_json {
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "body must be JSON", "INVALID_REQUEST"));
    }
    let registration = registration::read(&body)?;
    let mut world = shared.world();
    if !knows(&shared, registration.workload_type) {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "unknown workload type", "INVALID_TYPE"));
    }
    if shared.faults.has(&Fault::NameTaken) {
        return Err(Problem::new(StatusCode::CONFLICT, "name is taken", "NAME_TAKEN"));
    }
    Ok((StatusCode::CREATED, Json(world.register(registration))).into_response())
}

async fn deploy(State(shared): World, Path(uid): Path<String>, body: Bytes) -> Result<Response, Problem> {
    if !body.is_empty() {
        return Err(Problem::bad_request("deploy takes no body"));
    }
    if shared.faults.has(&Fault::DeployRefused) {
        let error = "insufficient credits";
        return Err(Problem::new(StatusCode::PAYMENT_REQUIRED, error, "INSUFFICIENT_CREDITS"));
    }
    let (name, port) = shared.world().may_deploy(&uid)?;
    let end = shared.stop.child_token();
    let url = match port {
        Some(_) => Some(pod::listen(&shared, &uid, &name, end.clone()).await?),
        None => None,
    };
    let life = Life::since(Timestamp::now(), url, shared.faults.pending(), end);
    let deployed = shared.world().deploy(&uid, life)?;
    if shared.faults.strike(Call::Deploy.into(), |fault| *fault == Fault::DeployBadGateway).is_some() {
        return Ok((StatusCode::BAD_GATEWAY, "<html><h1>502 Bad Gateway</h1></html>").into_response());
    }
    Ok((StatusCode::ACCEPTED, Json(deployed)).into_response())
}

async fn read_one(State(shared): World, Path(uid): Path<String>) -> Result<Json<Value>, Problem> {
    let world = shared.world();
    Ok(Json(world.find(&uid)?.shown(&world.delays())))
}

async fn state(State(shared): World, Path(uid): Path<String>) -> Result<Json<Value>, Problem> {
    let mut world = shared.world();
    let state = world.find(&uid)?.state(&world.delays());
    world.looked_at(&uid);
    Ok(Json(state))
}

async fn delete(State(shared): World, Path(uid): Path<String>) -> Result<StatusCode, Problem> {
    let mut world = shared.world();
    world.find(&uid)?;
    if shared.faults.strike(Call::Delete.into(), |fault| *fault == Fault::DeleteFails).is_some() {
        return Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "cannot delete", "INTERNAL"));
    }
    world.delete(&uid)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn events(State(shared): World, Path(uid): Path<String>, uri: Uri) -> Result<Json<Value>, Problem> {
    let query: EventsQuery = read(&uri)?;
    let world = shared.world();
    let all = world.find(&uid)?.events(&world.delays());
    let (items, next_cursor) = page(all, query.limit.unwrap_or(PAGE), query.cursor.as_deref())?;
    Ok(Json(json!({"items": items, "next_cursor": next_cursor})))
}

async fn logs(State(shared): World, Path(uid): Path<String>, uri: Uri) -> Result<Response, Problem> {
    let query: LogsQuery = read(&uri)?;
    let (mut lines, end, pace) = {
        let world = shared.world();
        let workload = world.find(&uid)?;
        let not_yet = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "pod is not running yet", "INTERNAL");
        let lines = workload.log(&world.delays()).ok_or_else(not_yet)?;
        (lines, workload.end().cloned(), world.delays().log_line)
    };
    if let Some(tail) = query.tail {
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let mut text = lines.join("\n");
    text.push('\n');
    let plain = [(header::CONTENT_TYPE, "text/plain")];
    let Some(end) = end.filter(|_| query.follow) else { return Ok((plain, text).into_response()) };
    let first = futures::stream::once(async move { Ok::<_, std::convert::Infallible>(text) });
    let later = futures::stream::unfold(1_u64, move |number| {
        let end = end.clone();
        async move {
            tokio::select! {
                () = end.cancelled() => None,
                () = tokio::time::sleep(pace) => Some((Ok(format!("heartbeat {number}\n")), number + 1)),
            }
        }
    });
    Ok((plain, Body::from_stream(futures::StreamExt::chain(first, later))).into_response())
}
