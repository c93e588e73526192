//! `POST /tasks/bulk`: asks for several tasks, each by itself, or for all of them or none.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures::stream::{self, StreamExt as _};
use tasker_core::request::{RequestProblem, TaskRequest};
use tasker_engine::use_cases::Together;
use tasker_wire::request::{BulkCreateRequest, BulkCreation};
use tasker_wire::{BulkCreated, BulkCreatedItem, TaskDocument};

use super::create;
use crate::call::Call;
use crate::operation::Operation;
use crate::reply::{Problem, codes, json};
use crate::request::body::Body;
use crate::state::ApiState;

/// Requests that are worked on at once.
const AT_ONCE: usize = 16;

pub(crate) fn operation() -> Operation {
    Operation::new("create_tasks", "Create several tasks")
        .description(
            "Each by itself: what is wrong with one keeps no other from being created, and pointers begin at the item. \
             `atomic`: all of them or none, in one transaction. With an `Idempotency-Key`, each item is accepted once under \
             the key and its place.",
        )
        .headers(&[create::IDEMPOTENCY_KEY])
        .body::<BulkCreateRequest>()
        .reply::<BulkCreated>(207, "What came of each")
        .reply::<BulkCreated>(201, "All were created, as was asked with `atomic`")
        .problems(&[&codes::NOT_ALL_ACCEPTED])
}

/// Asks for tasks.
pub(crate) async fn create_tasks(
    State(api): State<ApiState>,
    call: Call,
    body: Body,
) -> Result<Response, Problem> {
    let key = create::key(&call)?;
    let BulkCreation { tasks, atomic } = body.read::<BulkCreateRequest>()?;
    let items = tasks.into_iter().enumerate().map(|(index, request)| Item {
        index,
        request,
        key: key.as_ref().map(|key| format!("{key}[{index}]")),
    });
    if atomic {
        let results = all_or_none(&api, &call, items).await?;
        return Ok(json(StatusCode::CREATED, &BulkCreated { results }));
    }
    let results =
        stream::iter(items).map(|item| by_itself(&api, &call, item)).buffered(AT_ONCE).collect().await;
    Ok(json(StatusCode::MULTI_STATUS, &BulkCreated { results }))
}

/// One of the requests.
struct Item {
    index: usize,
    request: Result<TaskRequest, Vec<RequestProblem>>,
    key: Option<String>,
}

/// Asks for all of them together.
async fn all_or_none(
    api: &ApiState,
    call: &Call,
    items: impl Iterator<Item = Item>,
) -> Result<Vec<BulkCreatedItem>, Problem> {
    let (mut requests, mut wrong) = (Vec::new(), Vec::new());
    for Item { index, request, key } in items {
        match request {
            Ok(request) => {
                call.permit_in(&request.namespace)?;
                requests.push(create::asked_by(call, request, key));
            }
            Err(problems) => wrong.push((index, Problem::invalid(problems))),
        }
    }
    if !wrong.is_empty() {
        return Err(none_of(wrong));
    }
    let tasks = match api.engine.submit_together(requests).await? {
        Together::Accepted(tasks) => tasks,
        Together::Withheld(wrong) => {
            return Err(none_of(wrong.into_iter().map(|(index, error)| (index, create::refusal(error)))));
        }
    };
    let mut created = Vec::with_capacity(tasks.len());
    for (index, (submitted, view)) in tasks.iter().enumerate() {
        create::permit_told(call, submitted, view)?;
        created.push(item_of(index, create::document(api, submitted, view).await?));
    }
    Ok(created)
}

/// Why none of them was created.
fn none_of(wrong: impl IntoIterator<Item = (usize, Problem)>) -> Problem {
    let entries =
        wrong.into_iter().flat_map(|(index, problem)| problem.entries_at(&format!("/tasks/{index}")));
    Problem::of_entries(&codes::NOT_ALL_ACCEPTED, entries.collect())
        .help("correct or leave out what is told; nothing was created".to_owned())
}

fn item_of(index: usize, task: TaskDocument) -> BulkCreatedItem {
    BulkCreatedItem { index, status: StatusCode::CREATED.as_u16(), task: Some(task), error: None }
}

async fn by_itself(api: &ApiState, call: &Call, item: Item) -> BulkCreatedItem {
    let Item { index, request, key } = item;
    match create_one(api, call, request, key).await {
        Ok(task) => item_of(index, task),
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
