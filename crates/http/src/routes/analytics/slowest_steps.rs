//! `GET /analytics/slowest_steps`: the steps that took longest.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_wire::analytics::SlowestSteps;

use super::slowest;
use crate::call::Call;
use crate::figures;
use crate::operation::Operation;
use crate::reply::{Problem, json};
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    slowest::described(Operation::new("list_slowest_steps", "The steps that took longest"))
        .reply::<SlowestSteps>(200, "The steps, the slowest first")
}

/// Lists them.
pub(crate) async fn list_slowest_steps(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    let asked = slowest::question(&api, &call).await?;
    let found = match asked.query {
        Some(query) => api.engine.slowest_steps(query).await?,
        None => Vec::new(),
    };
    Ok(json(StatusCode::OK, &figures::slowest_steps(asked.since, found)))
}
