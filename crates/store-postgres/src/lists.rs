//! Pages of tasks.

use std::collections::HashMap;

use sqlx::Row;
use sqlx::postgres::PgRow;
use tasker_core::ids::TaskId;
use tasker_core::names::{DefinitionName, Namespace, Version};
use tasker_core::state::TaskState;
use tasker_store::list::{
    Between, Column, Direction, Found, KnownRevision, Leg, Line, Own, Position, SortKey, TaskFilter,
    TaskPage, TaskRow, Walk, Way,
};
use uuid::Uuid;

use crate::Parts;
use crate::error::Trouble;
use crate::rows::{self, At};
use crate::session::{Begin, Query, Session};
use crate::sql;

/// A page of tasks.
pub(crate) async fn page(parts: &Parts, filter: &TaskFilter) -> Result<TaskPage, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let page = page_in(&mut session, filter).await;
    session.end(page).await
}

async fn page_in(session: &mut Session, filter: &TaskFilter) -> Result<TaskPage, Trouble> {
    let revisions = revisions(session, filter).await?;
    let total = if filter.count_all { Some(count(session, filter, &revisions).await?) } else { None };
    let mut walk = Walk::new(filter, revisions);
    while let Some(leg) = walk.leg() {
        let found = search(session, filter, &leg).await?;
        walk.note(found);
    }
    Ok(walk.page(total))
}

/// The revisions of the definitions that a filter wants, if it needs them.
async fn revisions(session: &mut Session, filter: &TaskFilter) -> Result<Vec<KnownRevision<Uuid>>, Trouble> {
    if !filter.needs_revisions() {
        return Ok(Vec::new());
    }
    let (namespace, name) = (filter.namespace.as_ref(), filter.name.as_ref());
    let mut known = revisions_of(session, namespace, name, filter.version.as_ref()).await?;
    known.retain(|of| filter.wants_definition(&of.namespace, &of.name, &of.version));
    Ok(known)
}

/// The revisions that the definitions that are named so ever had.
pub(crate) async fn revisions_of(
    session: &mut Session,
    namespace: Option<&Namespace>,
    name: Option<&DefinitionName>,
    version: Option<&Version>,
) -> Result<Vec<KnownRevision<Uuid>>, Trouble> {
    let query = session
        .query(sql::LIST_REVISIONS)
        .bind(namespace.map(ToString::to_string))
        .bind(name.map(ToString::to_string))
        .bind(version.map(ToString::to_string));
    let rows = session.rows(query).await?;
    Ok(rows.iter().map(known_revision).collect::<Result<_, _>>()?)
}

fn known_revision(row: &PgRow) -> Result<KnownRevision<Uuid>, sqlx::Error> {
    Ok(KnownRevision {
        id: row.try_get(0)?,
        namespace: rows::name(row, 1)?,
        name: rows::name(row, 2)?,
        version: rows::name(row, 3)?,
    })
}

/// Reads the next ids of a group, and the rows of those that pass the filter.
async fn search(session: &mut Session, filter: &TaskFilter, leg: &Leg<'_, Uuid>) -> Result<Found, Trouble> {
    let places = candidates(session, leg).await?;
    let looked_at = places.len();
    let last = places.last().filter(|_| looked_at == leg.chunk).cloned();
    let ids: Vec<Uuid> = places.iter().map(|place| place.id.0).collect();
    let (states, revisions) =
        leg.group.checked().map(|kinds| (codes(&kinds.states), kinds.revisions.clone())).unzip();
    let query = session.query(sql::LIST_ROWS).bind(states).bind(revisions);
    let rows = session.rows(bind_filter(query, filter).bind(ids)).await?;
    let mut found: HashMap<TaskId, TaskRow> = HashMap::with_capacity(rows.len());
    for row in &rows {
        let row = task_row(row)?;
        found.insert(row.task_id, row);
    }
    let rows = places.iter().filter_map(|place| found.remove(&place.id)).collect();
    Ok(Found { rows, looked_at, last })
}

/// The next places of a group.
async fn candidates(session: &mut Session, leg: &Leg<'_, Uuid>) -> Result<Vec<Position>, Trouble> {
    let limit = i64::try_from(leg.chunk).unwrap_or(i64::MAX);
    let of_id = |row: &PgRow| Ok(Position { key: SortKey::Nothing, id: TaskId(row.try_get(0)?) });
    match (&leg.group.way, &leg.group.kinds) {
        (Way::Along(line), _) => along(session, leg, line, limit).await,
        (Way::Merged, Some(kinds)) => {
            let sql = leg.direction.pick(sql::LIST_OLDEST_OF, sql::LIST_NEWEST_OF);
            let query = session.query(sql).bind(leg.after.id.0).bind(limit);
            let rows = session.rows(query.bind(codes(&kinds.states)).bind(kinds.revisions.clone())).await?;
            rows.iter().map(of_id).collect()
        }
        (Way::Merged | Way::All, _) => {
            let sql = leg.direction.pick(sql::LIST_OLDEST, sql::LIST_NEWEST);
            let rows = session.rows(session.query(sql).bind(leg.after.id.0).bind(limit)).await?;
            rows.iter().map(of_id).collect()
        }
    }
}

/// The next places along an index.
async fn along(
    session: &mut Session,
    leg: &Leg<'_, Uuid>,
    line: &Line,
    limit: i64,
) -> Result<Vec<Position>, Trouble> {
    let query = session.query(statement(line.column, leg.direction));
    let query = bind_key(query, &leg.after.key).bind(leg.after.id.0);
    let rows = session.rows(bind_key(query, line.end(leg.direction)).bind(limit)).await?;
    let place = |row: &PgRow| {
        let key = if line.column.is_time() {
            SortKey::Time(rows::instant(row, 1)?)
        } else {
            SortKey::Text(row.try_get(1)?)
        };
        Ok(Position { key, id: TaskId(row.try_get(0)?) })
    };
    rows.iter().map(place).collect()
}

fn statement(column: Column, direction: Direction) -> &'static str {
    let (up, down) = match column {
        Column::RequestedAt => (sql::LIST_REQUESTED_UP, sql::LIST_REQUESTED_DOWN),
        Column::CreatedAt => (sql::LIST_CREATED_UP, sql::LIST_CREATED_DOWN),
        Column::Initiator => (sql::LIST_INITIATOR_UP, sql::LIST_INITIATOR_DOWN),
        Column::SourceSystem => (sql::LIST_SOURCE_UP, sql::LIST_SOURCE_DOWN),
        Column::CorrelationId => (sql::LIST_CORRELATION_UP, sql::LIST_CORRELATION_DOWN),
        Column::CreatedBy => (sql::LIST_CREATOR_UP, sql::LIST_CREATOR_DOWN),
    };
    direction.pick(up, down)
}

/// Binds a value of a line.
fn bind_key(query: Query, key: &SortKey) -> Query {
    match key {
        SortKey::Time(at) => query.bind(At(*at)),
        SortKey::Text(text) => query.bind(text.clone()),
        _ => query.bind(Option::<String>::None),
    }
}

/// How many tasks pass a filter.
async fn count(
    session: &mut Session,
    filter: &TaskFilter,
    revisions: &[KnownRevision<Uuid>],
) -> Result<u64, Trouble> {
    let wanted = (!filter.is_of_all()).then(|| {
        let revisions: Vec<Uuid> = revisions.iter().map(|of| of.id).collect();
        (codes(&filter.wanted_states()), revisions)
    });
    let (states, revisions) = wanted.unzip();
    let looks = filter.looks_at_tasks();
    let query = session.query(if looks { sql::LIST_COUNT } else { sql::LIST_COUNT_OF });
    let query = query.bind(states).bind(revisions);
    let query = if looks { bind_filter(query, filter) } else { query };
    let row = session.row(query).await?;
    Ok(row.map(|row| rows::count(&row, 0)).transpose()?.unwrap_or(0))
}

/// Binds the filters that are looked up task by task, from parameter 3 on.
fn bind_filter(query: Query, filter: &TaskFilter) -> Query {
    let part = |get: fn(&(String, String, String)) -> &String| {
        let all: Vec<String> = filter.annotations.iter().map(|one| get(one).clone()).collect();
        (!all.is_empty()).then_some(all)
    };
    let query = query
        .bind(filter.initiator.clone())
        .bind(filter.source_system.clone())
        .bind(filter.reason.clone())
        .bind(filter.correlation_id.clone())
        .bind(filter.priority.map(i16::from))
        .bind((!filter.tags.is_empty()).then(|| filter.tags.clone()))
        .bind(part(|(kind, _, _)| kind))
        .bind(part(|(_, key, _)| key))
        .bind(part(|(_, _, text)| text));
    let times = [filter.created, filter.requested, filter.updated, filter.ended];
    let bind = |query: Query, Between { from, before }| query.bind(from.map(At)).bind(before.map(At));
    let query = times.into_iter().fold(query, bind);
    let everything_in = |own: &Own| own.everything_in.iter().map(ToString::to_string).collect::<Vec<_>>();
    query
        .bind(filter.context.as_ref().map(|context| context.as_str().to_owned()))
        .bind(filter.own.as_ref().map(|own| own.created_by.clone()))
        .bind(filter.own.as_ref().map(everything_in))
}

/// The numbers of states.
pub(crate) fn codes(states: &[TaskState]) -> Vec<i16> {
    states.iter().map(|state| i16::from(state.code())).collect()
}

fn task_row(row: &PgRow) -> Result<TaskRow, Trouble> {
    Ok(TaskRow {
        task_id: TaskId(row.try_get(0)?),
        namespace: rows::name(row, 1)?,
        name: rows::name(row, 2)?,
        version: rows::name(row, 3)?,
        status: rows::task_state(row, 4)?,
        total_steps: rows::natural(row, 5)?,
        remaining_steps: rows::natural(row, 6)?,
        priority: rows::priority(row, 7)?.get(),
        initiator: row.try_get(8)?,
        source_system: row.try_get(9)?,
        reason: row.try_get(10)?,
        tags: row.try_get(11)?,
        requested_at: rows::instant(row, 12)?,
        created_at: rows::instant(row, 13)?,
        updated_at: rows::instant(row, 14)?,
        completed_at: rows::maybe_instant(row, 15)?,
    })
}
