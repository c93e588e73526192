//! `PATCH /tasks/{task_id}/workflow_steps/{step_name}`: change a step that is not done.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_engine::use_cases::Operation as Wanted;
use tasker_wire::StepReply;
use tasker_wire::request::UpdateStepRequest;

use super::parts;
use crate::call::Call;
use crate::operation::Operation;
use crate::reply::Problem;
use crate::request::body::Body;
use crate::routes::tasks::parts::{IF_MATCH, VERSION_HEADER};
use crate::state::ApiState;

pub(crate) fn operation() -> Operation {
    Operation::new("update_step", "Change a step that is not done")
        .headers(&[IF_MATCH])
        .body::<UpdateStepRequest>()
        .reply::<StepReply>(200, "The step as it is now")
        .reply_headers(VERSION_HEADER)
        .problems(parts::REFUSALS)
}

/// Change a step that is not done.
pub(crate) async fn update_step(
    State(api): State<ApiState>,
    call: Call,
    body: Body,
) -> Result<Response, Problem> {
    call.task(&api).await?;
    let request = body.read::<UpdateStepRequest>()?;
    let UpdateStepRequest { retry_limit, inputs } = request;
    let wanted = Wanted::EditStep { step: call.step_name().to_owned(), retry_limit, inputs };
    parts::act(&api, &call, wanted, None, StatusCode::OK).await
}
