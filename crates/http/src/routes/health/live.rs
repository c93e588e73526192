//! `GET /health/live`: the process answers. Nothing is looked at.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_wire::Alive;

use crate::operation::Operation;
use crate::reply::json;
use crate::state::{ApiState, host_time};

pub(crate) fn operation() -> Operation {
    Operation::new("show_liveness", "Whether the server lives").reply::<Alive>(200, "It lives")
}

/// Answers.
pub(crate) async fn show_liveness(State(api): State<ApiState>) -> Response {
    let alive = Alive {
        alive: true,
        timestamp: host_time().into(),
        service: "tasker".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        instance_id: api.instance.to_string(),
        uptime_seconds: api.started.elapsed().as_secs(),
    };
    json(StatusCode::OK, &alive)
}
