//! `GET /tasks`: a page of tasks.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_core::access::{Extent, reach};
use tasker_core::names::Namespace;
use tasker_core::state::TaskState;
use tasker_store::list::{Between, Direction, TaskFilter, TaskPage, TaskRow, TaskSort};
use tasker_wire::{Pagination, TaskList, TaskSummary};

use crate::call::{Call, forbidden};
use crate::operation::{Kind, Operation, Parameter};
use crate::reply::{Problem, json};
use crate::request::query::Query;
use crate::state::ApiState;

const fn parameter(name: &'static str, kind: Kind, about: &'static str) -> Parameter {
    Parameter { name, kind, about }
}

const QUERY: &[Parameter] = &[
    parameter("namespace", Kind::Text { max: 64 }, "Only of this namespace"),
    parameter("name", Kind::Text { max: 128 }, "Only of definitions of this name"),
    parameter("version", Kind::Text { max: 64 }, "Only of this version"),
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
    parameter("limit", Kind::Count { min: 1, max: 100, default: Some(20) }, "Most tasks of a page"),
    parameter(
        "cursor",
        Kind::Text { max: 1_024 },
        "`next_cursor` of the page before, with the same filters and order",
    ),
    parameter("include_total", Kind::Flag, "Whether all matching tasks are counted"),
];

const STATES: &[&str] = &["pending", "in_progress", "complete", "error", "cancelled", "resolved_manually"];

const SORTS: &[&str] = &["task_id", "status", "complete", "namespace", "name", "version"];

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
    let list = TaskFilter { namespaces: visible(&call)?, ..filter(&call.query)? };
    let page = match call.query.text("cursor") {
        None => list.clone(),
        Some(cursor) => list
            .clone()
            .after_cursor(cursor)
            .map_err(|rejection| Problem::parameter("cursor", rejection.message).help(rejection.help))?,
    };
    let page = api.engine.tasks(page).await?;
    Ok(json(StatusCode::OK, &document(page, &list)))
}

/// The namespaces that the caller may see; `None`: all.
fn visible(call: &Call) -> Result<Option<BTreeSet<Namespace>>, Problem> {
    match reach(&call.principal, call.permission()).all {
        Extent::Everywhere => Ok(None),
        Extent::In(namespaces) if namespaces.is_empty() => Err(forbidden(call.permission())),
        Extent::In(namespaces) => Ok(Some(namespaces)),
    }
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

fn annotation(text: &str) -> Result<(String, String, String), Problem> {
    let parts: Vec<&str> = text.splitn(3, ':').collect();
    match parts[..] {
        [kind, key, value] => Ok((kind.into(), key.into(), value.into())),
        _ => Err(Problem::parameter("annotation", format!("is {text:?}, but must be type:key:value"))),
    }
}

fn document(page: TaskPage, list: &TaskFilter) -> TaskList {
    TaskList {
        pagination: Pagination {
            limit: list.limit,
            offset: None,
            total_count: page.total,
            has_more: page.has_more,
            next_cursor: page.next.as_ref().map(|next| list.cursor(next)),
        },
        tasks: page.tasks.into_iter().map(summary).collect(),
    }
}

fn summary(row: TaskRow) -> TaskSummary {
    TaskSummary {
        full_name: format!("{}.{}@{}", row.namespace, row.name, row.version),
        task_id: row.task_id,
        name: row.name,
        namespace: row.namespace,
        version: row.version,
        status: row.status,
        complete: row.status == TaskState::Complete,
        priority: row.priority,
        initiator: row.initiator,
        source_system: row.source_system,
        reason: row.reason,
        tags: row.tags,
        total_steps: row.total_steps,
        remaining_steps: row.remaining_steps,
        created_at: row.created_at.into(),
        updated_at: row.updated_at.into(),
        completed_at: row.completed_at.map(Into::into),
    }
}
