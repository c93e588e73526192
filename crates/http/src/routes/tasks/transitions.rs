//! `GET /tasks/{task_id}/transitions`: what happened to a task and its steps.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_core::names::StepName;
use tasker_store::read::Cursor;
use tasker_wire::{Pagination, TransitionDocument, TransitionList};

use crate::call::Call;
use crate::operation::{Kind, Operation, Parameter};
use crate::reply::{Problem, codes, json};
use crate::request::forms;
use crate::state::ApiState;

/// The parameters of a page of a history.
pub(crate) const QUERY: &[Parameter] = &[
    Parameter { name: "limit", kind: Kind::PAGE_LIMIT, about: "Most changes of a page" },
    Parameter { name: "cursor", kind: forms::LOG_CURSOR, about: "`next_cursor` of the page before" },
];

pub(crate) fn operation() -> Operation {
    Operation::new("list_task_transitions", "List what happened to a task and its steps")
        .description("Oldest first. Changes of states only: edits and annotations leave none.")
        .query(QUERY)
        .reply::<TransitionList>(200, "A page of the history")
        .problems(&[&codes::TASK_NOT_FOUND])
}

/// Lists changes.
pub(crate) async fn list_task_transitions(
    State(api): State<ApiState>,
    call: Call,
) -> Result<Response, Problem> {
    call.task(&api).await?;
    page(&api, &call, None).await
}

/// Answers with a page of the history of the task that the path names, or of a step of it.
pub(crate) async fn page(api: &ApiState, call: &Call, step: Option<&StepName>) -> Result<Response, Problem> {
    let after = call.query.parsed("cursor")?.unwrap_or(Cursor::START);
    let limit = call.query.count("limit");
    let page = api.engine.history(call.task_id(), step, after, limit).await?;
    let pagination = Pagination::by_cursor(limit, page.next.map(|next| next.to_string()));
    let entries = page.entries.into_iter();
    let transitions =
        entries.map(|entry| TransitionDocument::new(entry.task, entry.step, &entry.transition)).collect();
    Ok(json(StatusCode::OK, &TransitionList { transitions, pagination }))
}
