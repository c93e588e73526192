//! `POST /tasks/{task_id}/workflow_steps/{step_name}/cancel`, and `DELETE` without `/cancel`: calls a step off.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_engine::use_cases::Operation as Wanted;
use tasker_wire::request::CancelStepRequest;
use tasker_wire::{Cancelled, StepReply};

use super::parts;
use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, json};
use crate::request::body::OptionalBody;
use crate::routes::tasks::parts::{IF_MATCH, VERSION_HEADER, operate};
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("cancel_step", "Cancel a step")
        .description("What depends on it can never run. A step that is cancelled stays as it is.")
        .headers(&[IF_MATCH])
        .optional_body::<CancelStepRequest>()
        .reply::<StepReply>(200, "The step as it is now")
        .reply_headers(VERSION_HEADER)
        .problems(parts::REFUSALS)
}

/// Cancel a step.
pub(crate) async fn cancel_step(
    State(api): State<ApiState>,
    call: Call,
    body: OptionalBody,
) -> Result<Response, Problem> {
    call.task(&api).await?;
    let request = body.read::<CancelStepRequest>()?;
    let wanted = Wanted::CancelStep(call.step_name().to_owned());
    parts::act(&api, &call, wanted, request.reason, StatusCode::OK).await
}

pub(crate) fn delete_operation() -> Operation {
    Operation::new("delete_step", "Cancel a step")
        .description("What depends on it can never run. A step that is cancelled stays as it is.")
        .headers(&[IF_MATCH])
        .reply::<Cancelled>(200, "It is cancelled")
        .problems(parts::REFUSALS)
}

/// Cancels a step.
pub(crate) async fn delete_step(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    call.task(&api).await?;
    operate(&api, &call, Wanted::CancelStep(call.step_name().to_owned()), None).await?;
    Ok(json(StatusCode::OK, &Cancelled { cancelled: true }))
}
