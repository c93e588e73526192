//! Reading tasks and their steps, one by one.

use std::collections::HashMap;

use sqlx::Row;
use sqlx::postgres::PgRow;
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::payload::Payload;
use tasker_core::record::{Annotation, StepDetail, TaskInput};
use tasker_core::state::TaskState;
use tasker_store::read::{QueueDepth, TaskDetail, TaskView};
use uuid::Uuid;

use crate::Parts;
use crate::columns::small;
use crate::error::Trouble;
use crate::rows::{self, At};
use crate::session::{Begin, Session};
use crate::sql;

/// One task.
pub(crate) async fn task(parts: &Parts, id: TaskId) -> Result<Option<TaskDetail>, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let details = details(parts, &mut session, &[id.0]).await;
    Ok(session.end(details).await?.remove(&id))
}

/// The steps of a task, in document order.
pub(crate) async fn steps(parts: &Parts, id: TaskId) -> Result<Vec<StepDetail>, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let steps = steps_of(&mut session, &[id.0]).await;
    Ok(session.end(steps).await?.remove(&id).unwrap_or_default())
}

/// Tasks with their steps.
pub(crate) async fn views(parts: &Parts, ids: &[TaskId]) -> Result<Vec<TaskView>, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let views = views_in(parts, &mut session, ids).await;
    session.end(views).await
}

async fn views_in(parts: &Parts, session: &mut Session, ids: &[TaskId]) -> Result<Vec<TaskView>, Trouble> {
    let uuids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let mut details = details(parts, session, &uuids).await?;
    let mut steps = steps_of(session, &uuids).await?;
    let view = |id| {
        let detail = details.remove(id)?;
        Some(TaskView { detail, steps: steps.remove(id).unwrap_or_default() })
    };
    Ok(ids.iter().filter_map(view).collect())
}

async fn details(
    parts: &Parts,
    session: &mut Session,
    ids: &[Uuid],
) -> Result<HashMap<TaskId, TaskDetail>, Trouble> {
    let query = session.query(sql::TASK_DETAILS).bind(ids.to_vec());
    let rows = session.rows(query).await?;
    let stored = rows.iter().map(|row| rows::task(row, 0)).collect::<Result<Vec<_>, _>>()?;
    parts.plans.learn(session, stored.iter().flatten().map(|task| task.revision_id)).await?;
    let mut annotations = if rows.is_empty() { HashMap::new() } else { annotations_of(session, ids).await? };
    let mut details = HashMap::with_capacity(rows.len());
    for (row, task) in rows.iter().zip(stored) {
        let Some(task) = task else { continue };
        let plan = parts.plans.get(session, task.revision_id).await?;
        let annotations = annotations.remove(&task.id).unwrap_or_default();
        let detail =
            TaskDetail { record: task.record(plan.digest), input: input(row, 13)?, plan, annotations };
        details.insert(detail.record.id, detail);
    }
    Ok(details)
}

async fn annotations_of(
    session: &mut Session,
    ids: &[Uuid],
) -> Result<HashMap<TaskId, Vec<Annotation>>, Trouble> {
    let query = session.query(sql::TASK_ANNOTATIONS).bind(ids.to_vec());
    let mut annotations: HashMap<TaskId, Vec<Annotation>> = HashMap::new();
    for row in session.rows(query).await? {
        let annotation = Annotation { kind: row.try_get(1)?, value: rows::payload(&row, 2)? };
        annotations.entry(TaskId(row.try_get(0)?)).or_default().push(annotation);
    }
    Ok(annotations)
}

async fn steps_of(session: &mut Session, ids: &[Uuid]) -> Result<HashMap<TaskId, Vec<StepDetail>>, Trouble> {
    let query = session.query(sql::TASK_STEPS).bind(ids.to_vec());
    let mut steps: HashMap<TaskId, Vec<StepDetail>> = HashMap::new();
    for row in session.rows(query).await? {
        steps.entry(TaskId(row.try_get(0)?)).or_default().push(rows::step_detail(&row)?);
    }
    Ok(steps)
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

/// The types of the annotations there are, sorted.
pub(crate) async fn annotation_types(parts: &Parts) -> Result<Vec<String>, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let query = session.query(sql::ANNOTATION_TYPES);
    let rows = session.rows(query).await;
    let names = rows.and_then(|rows| Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?));
    session.end(names).await
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
