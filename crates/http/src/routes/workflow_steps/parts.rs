//! What answers about single steps have in common.

use axum::http::StatusCode;
use axum::http::header::ETAG;
use axum::response::Response;
use tasker_core::record::RowVersion;
use tasker_engine::UseCaseError;
use tasker_engine::use_cases::Operation;
use tasker_store::read::TaskDetail;
use tasker_wire::{StepDocument, StepReply};

use crate::call::Call;
use crate::reply::codes::{self, Code};
use crate::reply::{Problem, etag, json_with};
use crate::routes::tasks::parts::operate;
use crate::state::ApiState;

/// What may keep somebody from doing something with a step.
pub(crate) const REFUSALS: &[&Code] = &[
    &codes::TASK_NOT_FOUND,
    &codes::STEP_NOT_FOUND,
    &codes::INVALID_STATE_TRANSITION,
    &codes::PRECONDITION_FAILED,
];

/// Does something with the step that the path names, and answers with it as it is then.
pub(crate) async fn act(
    api: &ApiState,
    call: &Call,
    wanted: Operation,
    reason: Option<String>,
    status: StatusCode,
) -> Result<Response, Problem> {
    operate(api, call, wanted, reason).await?;
    reply(api, call, &api.engine.task_detail(call.task_id()).await?, status).await
}

/// Answers with the step that the path names.
pub(crate) async fn reply(
    api: &ApiState,
    call: &Call,
    detail: &TaskDetail,
    status: StatusCode,
) -> Result<Response, Problem> {
    let (version, reply) = shown(api, call, detail).await?;
    Ok(json_with(status, &reply, [(ETAG, etag::of_version(version))]))
}

/// The step that the path names, and its version.
pub(crate) async fn shown(
    api: &ApiState,
    call: &Call,
    detail: &TaskDetail,
) -> Result<(RowVersion, StepReply), Problem> {
    let name = call.step_name();
    let missing = || UseCaseError::step_not_found(detail.record.id, &detail.plan, name);
    let ordinal = detail.plan.position(name).ok_or_else(missing)?;
    let steps = api.engine.steps(detail.record.id).await?;
    let step = steps.iter().find(|step| step.record.ordinal == ordinal).ok_or_else(missing)?;
    let now = api.engine.now().await?;
    let document = StepDocument::new(&detail.record, &detail.plan, step, now);
    Ok((step.record.version(), StepReply { step: document }))
}
