//! Beside the API and the switches of faults: `/sandbox/state` shows the world, `/sandbox/release` lets held requests go on.
//! The real service has nothing like it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::Shared;
use super::fault::Fault;

type World = State<Arc<Shared>>;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/sandbox/state", get(state)).route("/sandbox/release", post(release))
}

async fn state(State(shared): World) -> Json<Value> {
    let held = shared.gate.count();
    let world = shared.world();
    Json(json!({
        "workloads": world.seen(),
        "faults": shared.faults.list(),
        "requests": world.calls().len(),
        "held": held,
    }))
}

async fn release(State(shared): World) -> StatusCode {
    shared.faults.retain(|fault| !matches!(fault, Fault::Hold { .. }));
    StatusCode::NO_CONTENT
}
