//! `POST /tasks/bulk_actions`: does the same with several tasks, with each by itself.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures::stream::{self, StreamExt as _};
use tasker_core::access::{Action, Permission, Resource, may};
use tasker_core::decide::NewLimit;
use tasker_core::ids::TaskId;
use tasker_engine::use_cases::{Operation as Wanted, Operator};
use tasker_wire::request::{BulkAction, BulkActionRequest};
use tasker_wire::{BulkActed, BulkActedItem};

use super::resume;
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
             from it. A `dry_run` tells which tasks there are and may be acted on, not whether their state allows it.",
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
    let items = request.task_ids.clone().into_iter().map(|id| item(&api, &call, &request, id));
    let results = stream::iter(items).buffered(AT_ONCE).collect().await;
    Ok(json(StatusCode::MULTI_STATUS, &BulkActed { dry_run: request.dry_run, results }))
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
        BulkAction::Resume if request.dry_run => return Ok(StatusCode::ACCEPTED),
        BulkAction::Resume => {
            resume::resume(api, &detail).await?;
            return Ok(StatusCode::ACCEPTED);
        }
    };
    if !request.dry_run {
        let operator = Operator::named(call.principal.id()).because(request.reason.clone());
        api.engine.operate(id, wanted, operator).await?;
    }
    Ok(status)
}
