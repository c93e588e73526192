//! `POST /tasks/{task_id}/workflow_steps/{step_name}/retry`: try a failed step again.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_engine::use_cases::Operation as Wanted;
use tasker_wire::StepReply;
use tasker_wire::request::RetryStepRequest;

use super::parts;
use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, codes};
use crate::request::body::OptionalBody;
use crate::routes::tasks::parts::{IF_MATCH, VERSION_HEADER};
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("retry_step", "Try a failed step again")
        .headers(&[IF_MATCH])
        .optional_body::<RetryStepRequest>()
        .reply::<StepReply>(202, "The step as it is now")
        .reply_headers(VERSION_HEADER)
        .problems(&[
            &codes::TASK_NOT_FOUND,
            &codes::STEP_NOT_FOUND,
            &codes::INVALID_STATE_TRANSITION,
            &codes::RETRY_LIMIT_REACHED,
            &codes::PRECONDITION_FAILED,
        ])
}

/// Try a failed step again.
pub(crate) async fn retry_step(
    State(api): State<ApiState>,
    call: Call,
    body: OptionalBody,
) -> Result<Response, Problem> {
    call.task(&api).await?;
    let request = body.read::<RetryStepRequest>()?;
    let wanted = Wanted::RetryStep {
        step: call.step_name().to_owned(),
        limit: request.limit(),
        new_idempotency_key: request.new_idempotency_key.unwrap_or(false),
    };
    parts::act(&api, &call, wanted, request.reason, StatusCode::ACCEPTED).await
}
