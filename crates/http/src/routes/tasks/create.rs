//! `POST /tasks`: asks for a task. It is stored when this is answered.

use axum::extract::State;
use axum::http::header::{HeaderName, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use tasker_core::access::{Action, Permission, Resource};
use tasker_core::request::{Delivery, TaskRequest};
use tasker_engine::use_cases::{SubmittedTask, TaskView};
use tasker_wire::request::CreateTaskRequest;
use tasker_wire::{TaskDocument, TaskReply};

use super::parts;
use crate::call::Call;
use crate::operation::{Kind, Operation, Parameter};
use crate::reply::{Problem, codes};
use crate::request::body::Body;
use crate::state::ApiState;

/// Longest key, in characters.
const MAX_KEY: usize = 128;

/// Says that a request was accepted before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The header by which repeats of a request are told.
pub(super) const IDEMPOTENCY_KEY: Parameter = Parameter {
    name: "Idempotency-Key",
    kind: Kind::Formed { pattern: r"^[\x20-\x7e]{1,128}$", max: MAX_KEY },
    about: "A name that the caller gives this request. The same request with the same key gets the same task, however often \
            it is sent; another request with it is refused. It holds for this caller, as long as the task is kept",
};

pub(crate) fn operation() -> Operation {
    Operation::new("create_task", "Create a task")
        .description("The task is stored when this is answered, and its first steps are due.")
        .headers(&[IDEMPOTENCY_KEY])
        .body::<CreateTaskRequest>()
        .reply::<TaskReply>(201, "The task")
        .reply_headers(&[
            ("Location", "Path of the task"),
            ("ETag", "Version of the task"),
            ("Idempotent-Replayed", "`true` if the same request was accepted before, and made this task"),
        ])
        .problems(&[
            &codes::TASK_NOT_FOUND,
            &codes::HANDLER_NOT_FOUND,
            &codes::CONTEXT_SCHEMA_VIOLATION,
            &codes::DUPLICATE_TASK,
            &codes::IDEMPOTENCY_KEY_REUSED,
        ])
}

/// Asks for a task.
pub(crate) async fn create_task(
    State(api): State<ApiState>,
    call: Call,
    body: Body,
) -> Result<Response, Problem> {
    let key = key(&call)?;
    let (submitted, view) = submit(&api, &call, body.read::<CreateTaskRequest>()?, key).await?;
    let path = format!("{}/tasks/{}", api.options.base_path, submitted.task_id);
    let location = HeaderValue::try_from(path).map_err(|_| {
        Problem::new(&codes::INTERNAL_ERROR, "the answer could not be written")
            .caused_by("the base path is no header value")
    })?;
    let replayed = (!submitted.created).then(|| (REPLAYED, HeaderValue::from_static("true")));
    let headers = [(LOCATION, location)].into_iter().chain(replayed);
    let task = document(&api, &submitted, &view).await?;
    Ok(parts::reply_with(task, &view, StatusCode::CREATED, headers))
}

/// The document of a task that was handed in. Of a new one, the time is known without asking for it.
pub(super) async fn document(
    api: &ApiState,
    submitted: &SubmittedTask,
    view: &TaskView,
) -> Result<TaskDocument, Problem> {
    match submitted.created {
        true => Ok(parts::document_at(view, parts::USUAL, view.detail.record.updated_at)),
        false => parts::document(api, view, parts::USUAL).await,
    }
}

/// The key that the caller gave the request.
pub(super) fn key(call: &Call) -> Result<Option<String>, Problem> {
    let mut given = call.headers().get_all(IDEMPOTENCY_KEY.name).iter();
    let Some(key) = given.next() else { return Ok(None) };
    let is_printable = |key: &&str| key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let key = key.to_str().ok().filter(is_printable).filter(|key| (1..=MAX_KEY).contains(&key.len()));
    match (key, given.next()) {
        (Some(key), None) => Ok(Some(key.to_owned())),
        _ => Err(Problem::parameter(
            IDEMPOTENCY_KEY.name,
            format!("must be given once, as 1 to {MAX_KEY} printable ASCII characters"),
        )),
    }
}

/// Hands in what the caller asks for; answers with the task. If the same request was accepted before, its task is told of only to whoever may
/// see it.
pub(super) async fn submit(
    api: &ApiState,
    call: &Call,
    request: TaskRequest,
    key: Option<String>,
) -> Result<(SubmittedTask, TaskView), Problem> {
    let request = asked_by(call, request, key);
    call.permit_in(&request.namespace)?;
    let (submitted, view) = api.engine.submit_and_view(request).await.map_err(refusal)?;
    permit_told(call, &submitted, &view)?;
    Ok((submitted, view))
}

/// Whether the caller may be told of a task that it made, or that the same request made before: its own, or one that it may
/// see.
pub(super) fn permit_told(call: &Call, submitted: &SubmittedTask, view: &TaskView) -> Result<(), Problem> {
    let owner = view.detail.input.created_by.as_deref();
    let is_own = !call.principal.is_anonymous() && owner == Some(call.principal.id());
    if submitted.created || is_own {
        return Ok(());
    }
    call.permit(&view.detail, Permission::of(Resource::Task, Action::Show))
}

/// Fills in what the call itself tells.
pub(super) fn asked_by(call: &Call, mut request: TaskRequest, key: Option<String>) -> TaskRequest {
    if request.initiator.is_none() && !call.principal.is_anonymous() {
        request.initiator = Some(call.principal.id().to_owned());
    }
    request.delivery = Delivery {
        correlation_id: Some(call.correlation_id().to_owned()),
        created_by: (!call.principal.is_anonymous()).then(|| call.principal.id().to_owned()),
        idempotency_key: key.map(|key| Delivery::key_of(call.principal.id(), &key)),
    };
    request
}

/// A definition that is not there is wrong in the request here, not in the path.
pub(super) fn refusal(error: tasker_engine::UseCaseError) -> Problem {
    let is_missing = matches!(error.code(), "definition_not_found" | "definition_retired");
    let problem = Problem::from(error);
    if is_missing { problem.under_code(&codes::HANDLER_NOT_FOUND) } else { problem }
}
