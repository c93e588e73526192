//! `POST /tasks/{task_id}/resolve`: declare a failed task done.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_engine::use_cases::Operation as Wanted;
use tasker_wire::TaskReply;
use tasker_wire::request::ResolveTaskRequest;

use super::parts;
use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, codes};
use crate::request::body::Body;
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("resolve_task", "Declare a failed task done")
        .description("Nothing of it is executed any more.")
        .headers(&[parts::IF_MATCH])
        .body::<ResolveTaskRequest>()
        .reply::<TaskReply>(200, "The task as it is now")
        .reply_headers(parts::VERSION_HEADER)
        .problems(&[&codes::TASK_NOT_FOUND, &codes::INVALID_STATE_TRANSITION, &codes::PRECONDITION_FAILED])
}

/// Declare a failed task done.
pub(crate) async fn resolve_task(
    State(api): State<ApiState>,
    call: Call,
    body: Body,
) -> Result<Response, Problem> {
    call.task(&api).await?;
    let request = body.read::<ResolveTaskRequest>()?;
    let wanted = Wanted::ResolveTask;
    parts::operate(&api, &call, wanted, Some(request.reason)).await?;
    parts::reply(&api, call.task_id(), StatusCode::OK, []).await
}
