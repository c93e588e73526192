//! `GET /tasks/{task_id}/explain`: why a task is not further.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_wire::TaskExplanationReply;

use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, codes, json};
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("explain_task", "Explain why a task is not further")
        .reply::<TaskExplanationReply>(200, "Why")
        .problems(&[&codes::TASK_NOT_FOUND])
}

/// Explains.
pub(crate) async fn explain_task(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    call.task(&api).await?;
    let explanation = (&api.engine.explain_task(call.task_id()).await?).into();
    Ok(json(StatusCode::OK, &TaskExplanationReply { explanation }))
}
