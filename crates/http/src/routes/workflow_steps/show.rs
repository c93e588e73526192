//! `GET /tasks/{task_id}/workflow_steps/{step_name}`: one step.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_wire::StepReply;

use super::parts;
use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, codes};
use crate::routes::tasks::parts::VERSION_HEADER;
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("show_step", "Show a step")
        .reply::<StepReply>(200, "The step")
        .reply_headers(VERSION_HEADER)
        .problems(&[&codes::TASK_NOT_FOUND, &codes::STEP_NOT_FOUND])
}

/// Shows a step.
pub(crate) async fn show_step(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    let detail = call.task(&api).await?;
    parts::reply(&api, &call, &detail, StatusCode::OK).await
}
