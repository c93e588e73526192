//! `POST /tasks`: asks for a task. It is stored when this is answered.

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use tasker_core::request::TaskRequest;
use tasker_wire::TaskReply;
use tasker_wire::request::CreateTaskRequest;

use super::parts;
use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, codes};
use crate::request::body::Body;
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("create_task", "Create a task")
        .description("The task is stored when this is answered, and its first steps are due.")
        .body::<CreateTaskRequest>()
        .reply::<TaskReply>(201, "The task")
        .reply_headers(&[("Location", "Path of the task"), ("ETag", "Version of the task")])
        .problems(&[&codes::HANDLER_NOT_FOUND, &codes::CONTEXT_SCHEMA_VIOLATION, &codes::DUPLICATE_TASK])
}

/// Asks for a task.
pub(crate) async fn create_task(
    State(api): State<ApiState>,
    call: Call,
    body: Body,
) -> Result<Response, Problem> {
    let request = asked_by(&call, body.read::<CreateTaskRequest>()?);
    call.permit_in(&request.namespace)?;
    let submitted = api.engine.submit(request).await.map_err(refusal)?;
    let path = format!("{}/tasks/{}", api.options.base_path, submitted.task_id);
    let location = HeaderValue::try_from(path).map_err(|_| {
        Problem::new(&codes::INTERNAL_ERROR, "the answer could not be written")
            .caused_by("the base path is no header value")
    })?;
    parts::reply(&api, submitted.task_id, StatusCode::CREATED, [(LOCATION, location)]).await
}

/// Fills in what the call itself tells.
fn asked_by(call: &Call, mut request: TaskRequest) -> TaskRequest {
    if request.initiator.is_none() && !call.principal.is_anonymous() {
        request.initiator = Some(call.principal.id().to_owned());
    }
    if request.correlation_id.is_none() {
        request.correlation_id = Some(call.correlation_id().to_owned());
    }
    request
}

/// A definition that is not there is wrong in the request here, not in the path.
fn refusal(error: tasker_engine::UseCaseError) -> Problem {
    let is_missing = matches!(error.code(), "definition_not_found" | "definition_retired");
    let problem = Problem::from(error);
    if is_missing { problem.under_code(&codes::HANDLER_NOT_FOUND) } else { problem }
}
