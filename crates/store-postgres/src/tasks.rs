//! Reading tasks and their steps, one by one and as lists.

use sqlx::Row;
use sqlx::postgres::PgRow;
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::payload::Payload;
use tasker_core::record::{Annotation, StepDetail, TaskInput};
use tasker_core::state::TaskState;
use tasker_store::read::{QueueDepth, TaskDetail, TaskFilter, TaskPage, TaskRow};
use uuid::Uuid;

use crate::Parts;
use crate::columns::small;
use crate::error::Trouble;
use crate::rows::{self, At};
use crate::session::{Begin, Query, Session};
use crate::sql;

/// One task.
pub(crate) async fn task(parts: &Parts, id: TaskId) -> Result<Option<TaskDetail>, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let task = task_in(parts, &mut session, id).await;
    session.end(task).await
}

async fn task_in(parts: &Parts, session: &mut Session, id: TaskId) -> Result<Option<TaskDetail>, Trouble> {
    let query = session.query(sql::TASK_DETAIL).bind(id.0);
    let Some(row) = session.row(query).await? else { return Ok(None) };
    let Some(stored) = rows::task(&row, 0)? else { return Ok(None) };
    let input = input(&row, 13)?;
    let plan = parts.plans.get(session, stored.revision_id).await?;
    let query = session.query(sql::TASK_ANNOTATIONS).bind(id.0);
    let annotations = session.rows(query).await?;
    let annotation = |row: &PgRow| Ok(Annotation { kind: row.try_get(0)?, value: rows::payload(row, 1)? });
    let annotations = annotations.iter().map(annotation).collect::<Result<_, sqlx::Error>>()?;
    Ok(Some(TaskDetail { record: stored.record(plan.digest), input, plan, annotations }))
}

fn input(row: &PgRow, first: usize) -> Result<TaskInput, sqlx::Error> {
    Ok(TaskInput {
        context: rows::payload(row, first)?,
        initiator: row.try_get(first + 1)?,
        source_system: row.try_get(first + 2)?,
        reason: row.try_get(first + 3)?,
        tags: row.try_get(first + 4)?,
        bypass_steps: rows::names(row, first + 5)?,
        requested_at: rows::instant(row, first + 6)?,
        correlation_id: row.try_get(first + 7)?,
        identity: row.try_get(first + 8)?,
        content: rows::digest(row, first + 9)?,
    })
}

/// The steps of a task, in document order.
pub(crate) async fn steps(parts: &Parts, id: TaskId) -> Result<Vec<StepDetail>, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let query = session.query(sql::TASK_STEPS).bind(id.0);
    let rows = session.rows(query).await;
    let steps = rows.and_then(|rows| Ok(rows.iter().map(rows::step_detail).collect::<Result<_, _>>()?));
    session.end(steps).await
}

/// The state of a task.
pub(crate) async fn state(parts: &Parts, id: TaskId) -> Result<Option<TaskState>, Trouble> {
    let row = parts.read_once(|session| session.query(sql::TASK_STATE).bind(id.0)).await?;
    Ok(row.map(|row| rows::task_state(&row, 0)).transpose()?)
}

/// The result of one step, if it is done.
pub(crate) async fn result(parts: &Parts, id: TaskId, step: Ordinal) -> Result<Option<Payload>, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let query = session.query(sql::TASK_RESULT).bind(id.0).bind(small(step.0));
    let row = session.row(query).await;
    let result = row.and_then(|row| Ok(row.map(|row| rows::maybe_payload(&row, 0)).transpose()?.flatten()));
    session.end(result).await
}

/// A page of tasks, newest first.
pub(crate) async fn list(parts: &Parts, filter: &TaskFilter) -> Result<TaskPage, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let page = list_in(&mut session, filter).await;
    session.end(page).await
}

async fn list_in(session: &mut Session, filter: &TaskFilter) -> Result<TaskPage, Trouble> {
    let revisions = revisions(session, filter).await?;
    let mut tasks = page(session, filter, revisions.as_deref()).await?;
    let has_more = tasks.len() > filter.limit;
    tasks.truncate(filter.limit);
    let total = if filter.count_all { Some(count(session, filter, revisions).await?) } else { None };
    Ok(TaskPage { tasks, has_more, total })
}

/// The revisions of the definitions that a filter names; `None` if it names none.
async fn revisions(session: &mut Session, filter: &TaskFilter) -> Result<Option<Vec<Uuid>>, Trouble> {
    if filter.namespace.is_none()
        && filter.name.is_none()
        && filter.version.is_none()
        && filter.states.is_empty()
    {
        return Ok(None);
    }
    let query = session
        .query(sql::LIST_REVISIONS)
        .bind(filter.namespace.as_ref().map(ToString::to_string))
        .bind(filter.name.as_ref().map(ToString::to_string))
        .bind(filter.version.as_ref().map(ToString::to_string));
    let rows = session.rows(query).await?;
    Ok(Some(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?))
}

/// One row more than asked for, if there are more.
async fn page(
    session: &mut Session,
    filter: &TaskFilter,
    revisions: Option<&[Uuid]>,
) -> Result<Vec<TaskRow>, Trouble> {
    let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX).saturating_add(1);
    let query = session.query(if revisions.is_some() { sql::LIST_TASKS_OF } else { sql::LIST_TASKS });
    let query = bind_filter(query.bind(filter.after.map(|after| after.0)).bind(limit), filter);
    let query = match revisions {
        Some(revisions) => query.bind(states(filter)).bind(revisions.to_vec()),
        None => query,
    };
    session.rows(query).await?.iter().map(task_row).collect()
}

async fn count(
    session: &mut Session,
    filter: &TaskFilter,
    revisions: Option<Vec<Uuid>>,
) -> Result<u64, Trouble> {
    let states = (!filter.states.is_empty()).then(|| states(filter));
    let query = bind_filter(session.query(sql::LIST_COUNT).bind(states).bind(revisions), filter);
    let row = session.row(query).await?;
    Ok(row.map(|row| rows::count(&row, 0)).transpose()?.unwrap_or(0))
}

/// Binds the filters that are looked up row by row.
fn bind_filter(query: Query, filter: &TaskFilter) -> Query {
    let annotation = filter.annotation.clone();
    let (kind, key, text) = annotation.map_or((None, None, None), |(a, b, c)| (Some(a), Some(b), Some(c)));
    query.bind(filter.created_after.map(At)).bind(filter.tag.clone()).bind(kind).bind(key).bind(text)
}

/// The codes of the states that a filter lets pass.
fn states(filter: &TaskFilter) -> Vec<i16> {
    let all = if filter.states.is_empty() { &TaskState::ALL[..] } else { &filter.states[..] };
    let mut codes: Vec<i16> = all.iter().map(|state| i16::from(state.code())).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
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

/// What is scheduled and running, per handler.
pub(crate) async fn queue(parts: &Parts) -> Result<Vec<QueueDepth>, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let query = session.query(sql::QUEUE_DEPTHS).bind(parts.clock.as_ref().map(|clock| At(clock())));
    let rows = session.rows(query).await;
    let depths = rows.and_then(|rows| rows.iter().map(depth).collect());
    session.end(depths).await
}

fn depth(row: &PgRow) -> Result<QueueDepth, Trouble> {
    Ok(QueueDepth {
        handler: rows::name(row, 0)?,
        due: rows::count(row, 1)?,
        later: rows::count(row, 2)?,
        running: rows::count(row, 3)?,
        next_due_at: rows::maybe_instant(row, 4)?,
    })
}
