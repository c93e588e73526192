//! Reading tasks and their steps, one by one.

use sqlx::Row;
use sqlx::postgres::PgRow;
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::payload::Payload;
use tasker_core::record::{Annotation, StepDetail, TaskInput};
use tasker_core::state::TaskState;
use tasker_store::read::{QueueDepth, TaskDetail};

use crate::Parts;
use crate::columns::small;
use crate::error::Trouble;
use crate::rows::{self, At};
use crate::session::{Begin, Session};
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
        created_by: row.try_get(first + 10)?,
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
