//! `GET /tasks/{task_id}/workflow_steps/{step_name}/transitions`: what happened to a step.

use axum::extract::State;
use axum::response::Response;
use tasker_engine::UseCaseError;
use tasker_wire::TransitionList;

use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, codes};
use crate::routes::tasks::transitions::{QUERY, page};
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("list_step_transitions", "List what happened to a step")
        .description(
            "Oldest first. A page looks at a bounded number of changes: one with fewer than `limit`, even with none, may \
             have more after it.",
        )
        .query(QUERY)
        .reply::<TransitionList>(200, "A page of the history")
        .problems(&[&codes::TASK_NOT_FOUND, &codes::STEP_NOT_FOUND])
}

/// Lists changes.
pub(crate) async fn list_step_transitions(
    State(api): State<ApiState>,
    call: Call,
) -> Result<Response, Problem> {
    let task = call.task(&api).await?;
    let missing = || UseCaseError::step_not_found(task.record.id, &task.plan, call.step_name());
    let step = task.plan.position(call.step_name()).ok_or_else(missing)?;
    page(&api, &call, Some(task.plan.name(step))).await
}
