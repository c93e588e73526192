//! What answers about single tasks have in common.

use std::collections::BTreeSet;

use axum::http::HeaderValue;
use axum::http::StatusCode;
use axum::http::header::{ETAG, HeaderName};
use axum::response::Response;
use tasker_core::access::{Extent, Permission};
use tasker_core::ids::TaskId;
use tasker_core::names::Namespace;
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;
use tasker_engine::use_cases::{Operation, TaskView};
use tasker_store::list::{Own, TaskFilter};
use tasker_wire::{Include, TaskDocument, TaskReply};

use crate::call::Call;
use crate::operation::{Kind, Parameter};
use crate::reply::{Problem, etag, json_with};
use crate::request::forms;
use crate::request::query::Query;
use crate::state::ApiState;

/// Parts that are shown unless something else is asked for.
pub(crate) const USUAL: &[Include] =
    &[Include::Steps, Include::Annotations, Include::Execution, Include::Context];

/// The states that tasks and steps may be in.
pub(crate) const STATES: &[&str] = &{
    let mut names = [""; TaskState::ALL.len()];
    let mut i = 0;
    while i < names.len() {
        names[i] = TaskState::ALL[i].as_str();
        i += 1;
    }
    names
};

/// The parameter that chooses the parts.
pub(crate) const INCLUDE: Parameter = Parameter {
    name: "include",
    kind: Kind::Choices(Include::NAMES),
    about: "Parts of the task to show, with commas between them; all if absent",
};

/// The header that says which versions the caller has.
pub(crate) const IF_NONE_MATCH: Parameter = Parameter {
    name: "If-None-Match",
    kind: forms::ENTITY_TAGS,
    about: "Versions that the caller has already",
};

/// The header that says which version a change is meant for.
pub(crate) const IF_MATCH: Parameter = Parameter {
    name: "If-Match",
    kind: forms::ENTITY_TAGS,
    about: "Versions for which this is meant; if it has changed since, nothing is done",
};

/// The header of every answer that shows one task or step.
pub(crate) const VERSION_HEADER: &[(&str, &str)] = &[("ETag", "Version of what is shown")];

/// The parts of tasks that the caller chose.
pub(crate) fn chosen(query: &Query) -> Vec<Include> {
    query.words(INCLUDE.name).filter_map(|word| word.parse().ok()).collect()
}

/// What of a list the caller may do something with.
pub(crate) fn visible(call: &Call, permission: Permission, list: TaskFilter) -> Result<TaskFilter, Problem> {
    let reach = call.reach(permission)?;
    let created_by = call.principal.id();
    let own = |everything_in: &BTreeSet<Namespace>| Own {
        created_by: created_by.to_owned(),
        everything_in: everything_in.clone(),
    };
    let namespaces = match reach.anywhere() {
        Extent::Everywhere => None,
        Extent::In(namespaces) => Some(namespaces),
    };
    Ok(TaskFilter { namespaces, own: reach.everything_in().map(own), ..list })
}

/// Does something with the task that the path names, or with a step of it.
pub(crate) async fn operate(
    api: &ApiState,
    call: &Call,
    wanted: Operation,
    reason: Option<String>,
) -> Result<(), Problem> {
    let operator = call.operator(reason)?;
    Ok(api.engine.operate(call.task_id(), wanted, operator).await?)
}

/// Answers with a task as it is now.
pub(crate) async fn reply(
    api: &ApiState,
    id: TaskId,
    status: StatusCode,
    headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
) -> Result<Response, Problem> {
    let view = api.engine.task(id).await?;
    let task = document(api, &view, USUAL).await?;
    Ok(reply_with(task, &view, status, headers))
}

/// Answers with the document of a task.
pub(crate) fn reply_with(
    task: TaskDocument,
    view: &TaskView,
    status: StatusCode,
    headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
) -> Response {
    let version = (ETAG, etag::of_version(view.detail.record.version()));
    json_with(status, &TaskReply { task }, headers.into_iter().chain([version]))
}

/// The document of a task with these parts.
pub(crate) async fn document(
    api: &ApiState,
    view: &TaskView,
    parts: &[Include],
) -> Result<TaskDocument, Problem> {
    Ok(document_at(view, parts, api.engine.now().await?))
}

/// The same, at an instant.
pub(crate) fn document_at(view: &TaskView, parts: &[Include], now: Timestamp) -> TaskDocument {
    let TaskView { detail, steps } = view;
    let document =
        TaskDocument::new(&detail.record, &detail.input, &detail.plan, &detail.annotations, steps, now);
    document.only(parts)
}
