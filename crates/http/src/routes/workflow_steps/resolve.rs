//! `POST /tasks/{task_id}/workflow_steps/{step_name}/resolve`: declare a step done.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_engine::use_cases::Operation as Wanted;
use tasker_wire::StepReply;
use tasker_wire::request::ResolveStepRequest;

use super::parts;
use crate::call::Call;
use crate::operation::Operation;
use crate::reply::Problem;
use crate::request::body::Body;
use crate::routes::tasks::parts::{IF_MATCH, VERSION_HEADER};
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("resolve_step", "Declare a step done")
        .description("What depends on it may run then.")
        .headers(&[IF_MATCH])
        .body::<ResolveStepRequest>()
        .reply::<StepReply>(200, "The step as it is now")
        .reply_headers(VERSION_HEADER)
        .problems(parts::REFUSALS)
}

/// Declare a step done.
pub(crate) async fn resolve_step(
    State(api): State<ApiState>,
    call: Call,
    body: Body,
) -> Result<Response, Problem> {
    call.task(&api).await?;
    let request = body.read::<ResolveStepRequest>()?;
    let wanted = Wanted::ResolveStep { step: call.step_name().to_owned(), results: request.results };
    parts::act(&api, &call, wanted, Some(request.reason), StatusCode::OK).await
}
