//! What answers about single steps have in common.

use axum::http::StatusCode;
use axum::http::header::ETAG;
use axum::response::Response;
use tasker_engine::UseCaseError;
use tasker_wire::{StepDocument, StepReply};

use crate::call::Call;
use crate::reply::{Problem, etag, json_with};
use crate::state::ApiState;

/// Answers with the step that the path names, as it is now.
pub(crate) async fn reply(api: &ApiState, call: &Call, status: StatusCode) -> Result<Response, Problem> {
    let view = api.engine.task(call.task_id()).await?;
    let (detail, name) = (&view.detail, call.step_name());
    let missing = || UseCaseError::step_not_found(detail.record.id, &detail.plan, name);
    let ordinal = detail.plan.position(name).ok_or_else(missing)?;
    let step = view.steps.iter().find(|step| step.record.ordinal == ordinal).ok_or_else(missing)?;
    let now = api.engine.now().await?;
    let version = (ETAG, etag::of_version(step.record.version()));
    let step = StepDocument::new(&detail.record, &detail.plan, step, now);
    Ok(json_with(status, &StepReply { step }, [version]))
}
