//! `GET /tasks`: a page of tasks.

use std::collections::HashMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_core::ids::TaskId;
use tasker_core::payload::Payload;
use tasker_core::state::TaskState;
use tasker_store::list::{Between, Direction, MAX_WANTED_CONTEXT, TaskFilter, TaskSort};
use tasker_wire::{Include, Pagination, TaskDocument, TaskList, TaskSummary};

use super::parts::{self, STATES, visible};
use crate::call::Call;
use crate::operation::{Kind, Operation, Parameter};
use crate::reply::{Problem, json};
use crate::request::forms;
use crate::request::query::Query;
use crate::state::ApiState;

const fn parameter(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
    Parameter { name, kind, about }
}

const QUERY: &[Parameter] = &[
    parameter("namespace", forms::NAMESPACE, "Only of this namespace"),
    parameter("name", forms::DEFINITION, "Only of definitions of this name"),
    parameter("version", forms::VERSION, "Only of this version"),
    parameter("status", Kind::Choices(STATES), "Only in one of these states, with commas between them"),
    parameter("initiator", Kind::Text { max: 128 }, "Only asked for by this one"),
    parameter("source_system", Kind::Text { max: 128 }, "Only from this system"),
    parameter("reason", Kind::Text { max: 128 }, "Only for exactly this reason"),
    parameter("correlation_id", Kind::Text { max: 100 }, "Only with this correlation id"),
    parameter("priority", Kind::Count { min: 0, max: 9, default: None }, "Only of this urgency"),
    parameter("tag", Kind::Texts { max: 64 }, "Only with this label; repeated: with all of them"),
    parameter(
        "annotation",
        Kind::Texts { max: 1_024 },
        "Only with an annotation of this type whose key has this value, as `type:key:value`; repeated: with all of them",
    ),
    parameter(
        "context",
        Kind::Text { max: MAX_WANTED_CONTEXT },
        "Only with a context that contains all of this JSON object: its keys with these values, items of lists in any order",
    ),
    parameter("created_after", Kind::Time, "Only accepted at or after this instant"),
    parameter("created_before", Kind::Time, "Only accepted before this instant"),
    parameter("requested_after", Kind::Time, "Only asked for at or after this instant"),
    parameter("requested_before", Kind::Time, "Only asked for before this instant"),
    parameter("updated_after", Kind::Time, "Only last changed at or after this instant"),
    parameter("updated_before", Kind::Time, "Only last changed before this instant"),
    parameter("ended_after", Kind::Time, "Only ended at or after this instant, however they ended"),
    parameter("ended_before", Kind::Time, "Only ended before this instant, however they ended"),
    parameter(
        "sort_by",
        Kind::Choice { words: SORTS, default: Some("task_id") },
        "What to sort by; equal tasks by id. Ids grow with the time of acceptance",
    ),
    parameter(
        "sort_order",
        Kind::Choice { words: &["asc", "desc"], default: Some("desc") },
        "The smallest (oldest) first, or the greatest (newest)",
    ),
    parameter("limit", Kind::PAGE_LIMIT, "Most tasks of a page"),
    parameter(
        "cursor",
        Kind::Text { max: 1_200 },
        "`next_cursor` of the page before, with the same filters and order",
    ),
    parameter("include_total", Kind::Flag, "Whether all matching tasks are counted"),
    parameter(
        "include",
        Kind::Choices(Include::NAMES),
        "Parts of each task to show besides, with commas between them; none if absent",
    ),
];

/// The names of [`TaskSort::ALL`].
const SORTS: &[&str] = &{
    let mut names = [""; TaskSort::ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = TaskSort::ALL[at].0;
        at += 1;
    }
    names
};

pub(crate) fn operation() -> Operation {
    Operation::new("list_tasks", "List tasks")
        .description(
            "A page looks at a bounded number of tasks: one with fewer than `limit`, even with none, may have more after \
             it. Go on while `has_more` is true.",
        )
        .query(QUERY)
        .reply::<TaskList>(200, "A page of tasks")
}

/// Lists tasks.
pub(crate) async fn list_tasks(State(api): State<ApiState>, call: Call) -> Result<Response, Problem> {
    let list = visible(&call, call.permission(), filter(&call.query)?)?;
    let page = match call.query.text("cursor") {
        None => list.clone(),
        Some(cursor) => list
            .clone()
            .after_cursor(cursor)
            .map_err(|rejection| Problem::parameter("cursor", rejection.message).help(rejection.help))?,
    };
    let page = api.engine.tasks(page).await?;
    let next_cursor = page.next.as_ref().map(|next| list.cursor(next));
    let pagination = Pagination { total_count: page.total, ..Pagination::by_cursor(list.limit, next_cursor) };
    let mut list = TaskList::new(page.tasks, pagination);
    let chosen = parts::chosen(&call.query);
    if !chosen.is_empty() {
        include(&api, &mut list.tasks, &chosen).await?;
    }
    Ok(json(StatusCode::OK, &list))
}

/// Adds parts to tasks, all as they are at one moment. Of a task that was deleted meanwhile there are none.
async fn include(api: &ApiState, tasks: &mut [TaskSummary], chosen: &[Include]) -> Result<(), Problem> {
    let ids = tasks.iter().map(|task| task.task_id).collect();
    let views = api.engine.task_views(ids).await?;
    let now = api.engine.now().await?;
    let documents = views.iter().map(|view| parts::document_at(view, chosen, now));
    let mut documents: HashMap<TaskId, TaskDocument> =
        documents.map(|document| (document.task_id, document)).collect();
    for task in tasks {
        if let Some(document) = documents.remove(&task.task_id) {
            task.take_parts_of(document);
        }
    }
    Ok(())
}

fn filter(query: &Query) -> Result<TaskFilter, Problem> {
    let text = |name| query.text(name).map(str::to_owned);
    let between = |from, before| Between { from: query.time(from), before: query.time(before) };
    Ok(TaskFilter {
        namespace: query.parsed("namespace")?,
        name: query.parsed("name")?,
        version: query.parsed("version")?,
        states: query.words("status").filter_map(TaskState::from_name).collect(),
        initiator: text("initiator"),
        source_system: text("source_system"),
        reason: text("reason"),
        correlation_id: text("correlation_id"),
        priority: query.parsed("priority")?,
        tags: query.texts("tag").map(str::to_owned).collect(),
        annotations: query.texts("annotation").map(annotation).collect::<Result<_, _>>()?,
        context: query.text("context").map(context).transpose()?,
        created: between("created_after", "created_before"),
        requested: between("requested_after", "requested_before"),
        updated: between("updated_after", "updated_before"),
        ended: between("ended_after", "ended_before"),
        sort: sort(query),
        direction: if query.is("sort_order", "asc") { Direction::Asc } else { Direction::Desc },
        limit: query.count("limit"),
        count_all: query.flag("include_total"),
        ..TaskFilter::default()
    })
}

fn sort(query: &Query) -> TaskSort {
    let named = TaskSort::ALL.into_iter().find(|(name, _)| query.is("sort_by", name));
    named.map(|(_, sort)| sort).unwrap_or_default()
}

fn context(text: &str) -> Result<Payload, Problem> {
    Payload::object(text, MAX_WANTED_CONTEXT).map_err(|error| {
        Problem::parameter("context", error.to_string())
            .help(r#"write a JSON object, such as {"order_id":7}"#.to_owned())
    })
}

fn annotation(text: &str) -> Result<(String, String, String), Problem> {
    let parts: Vec<&str> = text.splitn(3, ':').collect();
    match parts[..] {
        [kind, key, value] => Ok((kind.into(), key.into(), value.into())),
        _ => Err(Problem::parameter("annotation", format!("is {text:?}, but must be type:key:value"))),
    }
}
