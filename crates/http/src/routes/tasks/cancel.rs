//! `POST /tasks/{task_id}/cancel`, and `DELETE /tasks/{task_id}`: calls a task off. Nothing is ever deleted.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_core::access::may_force;
use tasker_engine::use_cases::Operation as Wanted;
use tasker_wire::request::CancelTaskRequest;
use tasker_wire::{Cancelled, TaskReply};

use super::parts;
use crate::call::{Call, forbidden};
use crate::operation::{Kind, Operation, Parameter};
use crate::reply::{Problem, codes, json};
use crate::request::body::OptionalBody;
use crate::state::ApiState;

const ABOUT: &str = "Pending steps are cancelled with it; running ones end, and what they did is recorded. A task that is \
                     cancelled stays as it is; one that is complete or resolved is cancelled by force only.";

pub(crate) fn operation() -> Operation {
    Operation::new("cancel_task", "Cancel a task")
        .description(ABOUT)
        .headers(&[parts::IF_MATCH])
        .optional_body::<CancelTaskRequest>()
        .reply::<TaskReply>(200, "The task as it is now")
        .reply_headers(parts::VERSION_HEADER)
        .problems(&[&codes::TASK_NOT_FOUND, &codes::INVALID_STATE_TRANSITION, &codes::PRECONDITION_FAILED])
}

/// Cancels a task.
pub(crate) async fn cancel_task(
    State(api): State<ApiState>,
    call: Call,
    body: OptionalBody,
) -> Result<Response, Problem> {
    call.task(&api).await?;
    let request = body.read::<CancelTaskRequest>()?;
    cancel(&api, &call, request.force.unwrap_or(false), request.reason).await?;
    parts::reply(&api, call.task_id(), StatusCode::OK, []).await
}

pub(crate) fn delete_operation() -> Operation {
    Operation::new("delete_task", "Cancel a task")
        .description(ABOUT)
        .query(&[Parameter {
            name: "force",
            kind: Kind::Flag,
            about: "Whether a task that is complete or resolved is cancelled too; administrators only",
        }])
        .headers(&[parts::IF_MATCH])
        .reply::<Cancelled>(200, "It is cancelled")
        .problems(&[&codes::TASK_NOT_FOUND, &codes::INVALID_STATE_TRANSITION, &codes::PRECONDITION_FAILED])
}

/// Cancels a task.
pub(crate) async fn delete_task(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    call.task(&api).await?;
    cancel(&api, &call, call.query.flag("force"), None).await?;
    Ok(json(StatusCode::OK, &Cancelled { cancelled: true }))
}

async fn cancel(api: &ApiState, call: &Call, force: bool, reason: Option<String>) -> Result<(), Problem> {
    if force && !may_force(&call.principal) {
        let help = "leave force out, or ask an administrator".to_owned();
        return Err(forbidden(call.permission()).help(Some(help)));
    }
    parts::operate(api, call, Wanted::CancelTask { force }, reason).await
}
