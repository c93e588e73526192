//! `POST /tasks/{task_id}/retry`: try failed steps of a failed task again.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_engine::use_cases::Operation as Wanted;
use tasker_wire::TaskReply;
use tasker_wire::request::RetryTaskRequest;

use super::parts;
use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, codes};
use crate::request::body::OptionalBody;
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("retry_task", "Try failed steps of a failed task again")
        .description("Steps whose executions are used up are left out, unless more are allowed.")
        .headers(&[parts::IF_MATCH])
        .optional_body::<RetryTaskRequest>()
        .reply::<TaskReply>(202, "The task as it is now")
        .reply_headers(parts::VERSION_HEADER)
        .problems(&[
            &codes::TASK_NOT_FOUND,
            &codes::STEP_NOT_FOUND,
            &codes::INVALID_STATE_TRANSITION,
            &codes::RETRY_LIMIT_REACHED,
            &codes::PRECONDITION_FAILED,
        ])
}

/// Whoever chooses steps that did not fail is told that the choice is wrong.
fn of_chosen(problem: Problem) -> Problem {
    if problem.code() == "NOTHING_TO_RETRY" { problem.under_code(&codes::VALIDATION_FAILED) } else { problem }
}

/// Try failed steps of a failed task again.
pub(crate) async fn retry_task(
    State(api): State<ApiState>,
    call: Call,
    body: OptionalBody,
) -> Result<Response, Problem> {
    call.task(&api).await?;
    let request = body.read::<RetryTaskRequest>()?;
    let limit = request.limit();
    let steps = request.step_names.unwrap_or_default();
    let are_chosen = !steps.is_empty();
    let wanted = Wanted::RetryTask { steps, limit };
    let refused = |problem: Problem| if are_chosen { of_chosen(problem) } else { problem };
    parts::operate(&api, &call, wanted, request.reason).await.map_err(refused)?;
    parts::reply(&api, call.task_id(), StatusCode::ACCEPTED, []).await
}
