//! `PATCH /tasks/{task_id}`: changes what is told about a task.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_engine::use_cases::Operation as Wanted;
use tasker_wire::TaskReply;
use tasker_wire::request::UpdateTaskRequest;

use super::parts;
use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, codes};
use crate::request::body::Body;
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("update_task", "Change what is told about a task")
        .description("A task that has ended can be changed too.")
        .headers(&[parts::IF_MATCH])
        .body::<UpdateTaskRequest>()
        .reply::<TaskReply>(200, "The task as it is now")
        .reply_headers(parts::VERSION_HEADER)
        .problems(&[&codes::TASK_NOT_FOUND, &codes::PRECONDITION_FAILED])
}

/// Changes what is told about a task.
pub(crate) async fn update_task(
    State(api): State<ApiState>,
    call: Call,
    body: Body,
) -> Result<Response, Problem> {
    call.task(&api).await?;
    let request = body.read::<UpdateTaskRequest>()?;
    let wanted = Wanted::EditTask { reason: request.reason, tags: request.tags };
    parts::operate(&api, &call, wanted, None).await?;
    parts::reply(&api, call.task_id(), StatusCode::OK, []).await
}
