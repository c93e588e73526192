//! `GET /tasks/{task_id}/workflow_steps/{step_name}/explain`: why a step is not running.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_wire::StepExplanationReply;

use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, codes, json};
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("explain_step", "Explain why a step is not running")
        .reply::<StepExplanationReply>(200, "Why")
        .problems(&[&codes::TASK_NOT_FOUND, &codes::STEP_NOT_FOUND])
}

/// Explains.
pub(crate) async fn explain_step(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    call.task(&api).await?;
    let explanation = (&api.engine.explain_step(call.task_id(), call.step_name()).await?).into();
    Ok(json(StatusCode::OK, &StepExplanationReply { explanation }))
}
