//! Switches beside the API, for whoever tries a fault out: `/sandbox/faults`, `/sandbox/state`, `/sandbox/release`.
//! The real service has nothing like it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::fault::Fault;
use super::reply::Problem;

type World = State<Arc<Shared>>;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/sandbox/faults", put(set_faults))
        .route("/sandbox/state", get(state))
        .route("/sandbox/release", post(release))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Faults {
    faults: Vec<Fault>,
}

async fn set_faults(State(shared): World, body: Bytes) -> Result<StatusCode, Problem> {
    let Faults { faults } = serde_json::from_slice(&body).map_err(|error| Problem::bad_request(error.to_string()))?;
    shared.world().set_faults(faults);
    shared.gate.release();
    Ok(StatusCode::NO_CONTENT)
}

async fn state(State(shared): World) -> Json<Value> {
    let held = shared.gate.count();
    let world = shared.world();
    Json(json!({
        "workloads": world.seen(),
        "faults": world.faults(),
        "requests": world.calls().len(),
        "held": held,
    }))
}

async fn release(State(shared): World) -> StatusCode {
    shared.world().faults_mut().retain(|fault| !matches!(fault, Fault::Hold { .. }));
    shared.gate.release();
    StatusCode::NO_CONTENT
}
