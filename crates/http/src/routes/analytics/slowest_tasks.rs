//! `GET /analytics/slowest_tasks`: the tasks that took longest.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_wire::analytics::SlowestTasks;

use super::slowest;
use crate::call::Call;
use crate::figures;
use crate::operation::Operation;
use crate::reply::{Problem, json};
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    slowest::described(Operation::new("list_slowest_tasks", "The tasks that took longest"))
        .reply::<SlowestTasks>(200, "The tasks, the slowest first")
}

/// Lists them.
pub(crate) async fn list_slowest_tasks(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    let asked = slowest::question(&api, &call).await?;
    let found = match asked.query {
        Some(query) => api.engine.slowest_tasks(query).await?,
        None => Vec::new(),
    };
    Ok(json(StatusCode::OK, &figures::slowest_tasks(asked.since, found)))
}
