//! `POST /tasks/{task_id}/resume`: tells the workers that a task may have something to do.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_core::decide::is_meant;
use tasker_engine::UseCaseError;
use tasker_wire::TaskReply;
use tasker_wire::request::ResumeTaskRequest;

use super::parts;
use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, codes, etag};
use crate::request::body::OptionalBody;
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("resume_task", "Tell the workers of a task")
        .description(
            "Work of an open task is never lost: this only spares the wait for the next look at the queue.",
        )
        .headers(&[parts::IF_MATCH])
        .optional_body::<ResumeTaskRequest>()
        .reply::<TaskReply>(202, "The task as it is now")
        .reply_headers(parts::VERSION_HEADER)
        .problems(&[&codes::TASK_NOT_FOUND, &codes::INVALID_STATE_TRANSITION, &codes::PRECONDITION_FAILED])
}

/// Tells the workers.
pub(crate) async fn resume_task(
    State(api): State<ApiState>,
    call: Call,
    body: OptionalBody,
) -> Result<Response, Problem> {
    let detail = call.task(&api).await?;
    body.read::<ResumeTaskRequest>()?;
    if let Some(expected) = etag::expected(call.headers())? {
        let task = &detail.record;
        is_meant(&format!("task {}", task.id), task.version(), &expected).map_err(UseCaseError::Refused)?;
    }
    api.engine.resume(&detail).await?;
    parts::reply(&api, call.task_id(), StatusCode::ACCEPTED, []).await
}
