//! `POST /tasks/bulk`: asks for several tasks, each by itself.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures::stream::{self, StreamExt as _};
use tasker_core::request::{RequestProblem, TaskRequest};
use tasker_wire::request::BulkCreateRequest;
use tasker_wire::{BulkCreated, BulkCreatedItem, TaskDocument};

use super::create;
use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, json};
use crate::request::body::Body;
use crate::state::ApiState;

/// Requests that are worked on at once.
const AT_ONCE: usize = 16;

pub(crate) fn operation() -> Operation {
    Operation::new("create_tasks", "Create several tasks")
        .description(
            "Each by itself: what is wrong with one keeps no other from being created. Pointers begin at the item. With an \
             `Idempotency-Key`, each item is accepted once under the key and its place.",
        )
        .headers(&[create::IDEMPOTENCY_KEY])
        .body::<BulkCreateRequest>()
        .reply::<BulkCreated>(207, "What came of each")
}

/// Asks for tasks.
pub(crate) async fn create_tasks(
    State(api): State<ApiState>,
    call: Call,
    body: Body,
) -> Result<Response, Problem> {
    let key = create::key(&call)?;
    let requests = body.read::<BulkCreateRequest>()?;
    let items = requests.into_iter().enumerate().map(|(index, request)| {
        let key = key.as_ref().map(|key| format!("{key}[{index}]"));
        item(&api, &call, index, request, key)
    });
    let results = stream::iter(items).buffered(AT_ONCE).collect().await;
    Ok(json(StatusCode::MULTI_STATUS, &BulkCreated { results }))
}

async fn item(
    api: &ApiState,
    call: &Call,
    index: usize,
    request: Result<TaskRequest, Vec<RequestProblem>>,
    key: Option<String>,
) -> BulkCreatedItem {
    match create_one(api, call, request, key).await {
        Ok(task) => {
            BulkCreatedItem { index, status: StatusCode::CREATED.as_u16(), task: Some(task), error: None }
        }
        Err(problem) => {
            let error = problem.part_of(call.request_id());
            BulkCreatedItem { index, status: error.status, task: None, error: Some(error) }
        }
    }
}

async fn create_one(
    api: &ApiState,
    call: &Call,
    request: Result<TaskRequest, Vec<RequestProblem>>,
    key: Option<String>,
) -> Result<TaskDocument, Problem> {
    let request = request.map_err(Problem::invalid)?;
    let (submitted, view) = create::submit(api, call, request, key).await?;
    create::document(api, &submitted, &view).await
}
