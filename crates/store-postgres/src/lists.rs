//! Pages of tasks.

use sqlx::Row;
use sqlx::postgres::PgRow;
use tasker_core::ids::TaskId;
use tasker_core::state::TaskState;
use tasker_store::list::{
    Between, Direction, Found, KnownRevision, Leg, Reach, TaskFilter, TaskPage, TaskRow, TaskSort, Walk,
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

/// The revisions of the definitions that a filter wants; none if it wants all tasks, by id.
async fn revisions(session: &mut Session, filter: &TaskFilter) -> Result<Vec<KnownRevision<Uuid>>, Trouble> {
    if filter.is_of_all() && filter.sort == TaskSort::Id {
        return Ok(Vec::new());
    }
    let query = session
        .query(sql::LIST_REVISIONS)
        .bind(filter.namespace.as_ref().map(ToString::to_string))
        .bind(filter.name.as_ref().map(ToString::to_string))
        .bind(filter.version.as_ref().map(ToString::to_string));
    let rows = session.rows(query).await?;
    let mut known = rows.iter().map(known_revision).collect::<Result<Vec<_>, _>>()?;
    known.retain(|of| filter.wants_definition(&of.namespace, &of.name, &of.version));
    Ok(known)
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
    let query = candidates(session, leg);
    let ids = session.rows(query).await?;
    let ids = ids.iter().map(|row| row.try_get(0)).collect::<Result<Vec<Uuid>, _>>()?;
    let looked_at = ids.len();
    let last = ids.last().filter(|_| looked_at == leg.chunk).map(|last| TaskId(*last));
    let (states, revisions) = match &leg.group.reach {
        Reach::Of { states, revisions } if leg.group.reach.is_wide() => {
            (Some(codes(states)), Some(revisions.clone()))
        }
        _ => (None, None),
    };
    let query = session.query(sql::LIST_ROWS).bind(states).bind(revisions);
    let rows = session.rows(bind_filter(query, filter).bind(ids)).await?;
    let mut rows = rows.iter().map(task_row).collect::<Result<Vec<_>, _>>()?;
    rows.sort_by_key(|row| row.task_id);
    if leg.direction == Direction::Desc {
        rows.reverse();
    }
    Ok(Found { rows, looked_at, last })
}

/// Asks for the next ids of a group, those of all its states and revisions merged.
fn candidates(session: &Session, leg: &Leg<'_, Uuid>) -> Query {
    let limit = i64::try_from(leg.chunk).unwrap_or(i64::MAX);
    let (all, of) = match leg.direction {
        Direction::Asc => (sql::LIST_OLDEST, sql::LIST_OLDEST_OF),
        Direction::Desc => (sql::LIST_NEWEST, sql::LIST_NEWEST_OF),
    };
    match &leg.group.reach {
        Reach::Of { states, revisions } if !leg.group.reach.is_wide() => {
            session.query(of).bind(leg.from.0).bind(limit).bind(codes(states)).bind(revisions.clone())
        }
        _ => session.query(all).bind(leg.from.0).bind(limit),
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
    times.into_iter().fold(query, bind)
}

fn codes(states: &[TaskState]) -> Vec<i16> {
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
        created_at: rows::instant(row, 12)?,
        updated_at: rows::instant(row, 13)?,
        completed_at: rows::maybe_instant(row, 14)?,
    })
}
