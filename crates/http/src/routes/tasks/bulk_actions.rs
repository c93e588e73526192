//! `POST /tasks/bulk_actions`: does the same with several tasks, with each by itself.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures::stream::{self, StreamExt as _};
use tasker_core::access::{Action, Permission, Resource, may};
use tasker_core::decide::NewLimit;
use tasker_core::ids::TaskId;
use tasker_engine::use_cases::{Operation as Wanted, Operator, may_resume};
use tasker_wire::request::{BulkAction, BulkActionRequest};
use tasker_wire::{BulkActed, BulkActedItem};

use super::selection::tasks_of;
use crate::call::{Call, forbidden};
use crate::gate::audit::Change;
use crate::operation::Operation;
use crate::reply::{Problem, json};
use crate::request::body::Body;
use crate::state::ApiState;

/// Tasks that are acted on at once.
const AT_ONCE: usize = 16;

pub(crate) fn operation() -> Operation {
    Operation::new("act_on_tasks", "Cancel, retry, resume or resolve several tasks")
        .description(
            "Each by itself, with the permission that the action alone needs: what cannot be done with one keeps no other \
             from it. `filter` means the oldest 500 of the tasks that match and that the caller may do this with; go on with \
             `next_cursor` as `cursor`. A `dry_run` tells for each what would come of it, and does nothing.",
        )
        .body::<BulkActionRequest>()
        .reply::<BulkActed>(207, "What came of each")
}

/// Acts.
pub(crate) async fn act_on_tasks(
    State(api): State<ApiState>,
    call: Call,
    body: Body,
) -> Result<Response, Problem> {
    let request = body.read::<BulkActionRequest>()?;
    let permission = permission(request.action);
    if !may(&call.principal, permission) {
        return Err(forbidden(permission));
    }
    let (task_ids, next_cursor) = match &request.filter {
        None => (request.task_ids.clone(), None),
        Some(filter) => tasks_of(&api, &call, permission, filter, request.cursor.as_deref()).await?,
    };
    let items = task_ids.into_iter().map(|id| item(&api, &call, &request, id));
    let results = stream::iter(items).buffered(AT_ONCE).collect().await;
    let acted = BulkActed { dry_run: request.dry_run, results, has_more: next_cursor.is_some(), next_cursor };
    Ok(json(StatusCode::MULTI_STATUS, &acted))
}

const fn permission(action: BulkAction) -> Permission {
    let action = match action {
        BulkAction::Cancel => Action::Cancel,
        BulkAction::Retry => Action::Retry,
        BulkAction::Resume => Action::Resume,
        BulkAction::Resolve => Action::Resolve,
    };
    Permission::of(Resource::Task, action)
}

async fn item(api: &ApiState, call: &Call, request: &BulkActionRequest, task_id: TaskId) -> BulkActedItem {
    let acted = act(api, call, request, task_id).await;
    if !request.dry_run {
        let status = acted.as_ref().map_or_else(Problem::status, |status| *status);
        Change::of_task(call, permission(request.action), task_id).tell(status);
    }
    match acted {
        Ok(status) => BulkActedItem { task_id, status: status.as_u16(), error: None },
        Err(problem) => {
            let error = problem.part_of(call.request_id());
            BulkActedItem { task_id, status: error.status, error: Some(error) }
        }
    }
}

/// Does it, and tells the status that it is answered with alone.
async fn act(
    api: &ApiState,
    call: &Call,
    request: &BulkActionRequest,
    id: TaskId,
) -> Result<StatusCode, Problem> {
    let detail = call.task_for(api, id, permission(request.action)).await?;
    let (wanted, status) = match request.action {
        BulkAction::Cancel => (Wanted::CancelTask { force: false }, StatusCode::OK),
        BulkAction::Retry => {
            (Wanted::RetryTask { steps: Vec::new(), limit: NewLimit::Keep }, StatusCode::ACCEPTED)
        }
        BulkAction::Resolve => (Wanted::ResolveTask, StatusCode::OK),
        BulkAction::Resume => {
            match request.dry_run {
                true => may_resume(&detail)?,
                false => api.engine.resume(&detail).await?,
            }
            return Ok(StatusCode::ACCEPTED);
        }
    };
    let operator = Operator::named(call.principal.id()).because(request.reason.clone());
    match request.dry_run {
        true => api.engine.rehearse(id, wanted, operator).await?,
        false => api.engine.operate(id, wanted, operator).await?,
    }
    Ok(status)
}
