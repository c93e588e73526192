//! `GET /tasks/{task_id}/workflow_steps/{step_name}`: one step.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::ETAG;
use axum::response::Response;
use tasker_wire::StepReply;

use super::parts;
use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, codes, etag, json_with};
use crate::routes::tasks::parts::{IF_NONE_MATCH, VERSION_HEADER};
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("show_step", "Show a step")
        .headers(&[IF_NONE_MATCH])
        .reply::<StepReply>(200, "The step")
        .reply_headers(VERSION_HEADER)
        .empty_reply(304, "The caller has this version already")
        .reply_headers(VERSION_HEADER)
        .problems(&[&codes::TASK_NOT_FOUND, &codes::STEP_NOT_FOUND])
}

/// Shows a step.
pub(crate) async fn show_step(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    let detail = call.task(&api).await?;
    let (version, reply) = parts::shown(&api, &call, &detail).await?;
    if etag::is_known(call.headers(), version)? {
        return Ok(etag::not_modified(version));
    }
    Ok(json_with(StatusCode::OK, &reply, [(ETAG, etag::of_version(version))]))
}
