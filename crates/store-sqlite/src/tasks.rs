//! Reading tasks: one, and its steps.

use rusqlite::{Connection, OptionalExtension, params};
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::payload::Payload;
use tasker_core::record::{Annotation, StepDetail, TaskInput};
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;
use tasker_store::read::{QueueDepth, TaskDetail, TaskView};
use uuid::Uuid;

use crate::error::Trouble;
use crate::load;
use crate::rows::{self, key_range};
use crate::sql;
use crate::threads::Reader;

/// One task without its steps.
pub(crate) fn task(reader: &mut Reader, id: TaskId) -> Result<Option<TaskDetail>, Trouble> {
    reader.snapshot(|reader| Ok(detail(reader, id)?.map(|(_, detail)| detail)))
}

/// Tasks with their steps.
pub(crate) fn views(reader: &mut Reader, ids: &[TaskId]) -> Result<Vec<TaskView>, Trouble> {
    reader.snapshot(|reader| {
        let mut views = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some((seq, detail)) = detail(reader, *id)? {
                views.push(TaskView { detail, steps: steps_of(&reader.connection, seq)? });
            }
        }
        Ok(views)
    })
}

/// A task, and its number in this file.
fn detail(reader: &Reader, id: TaskId) -> Result<Option<(i64, TaskDetail)>, Trouble> {
    let Some(stored) = load::task(&reader.connection, id)? else { return Ok(None) };
    let revision = reader.revisions.get(&reader.connection, stored.revision_id)?;
    let detail = TaskDetail {
        record: stored.record(revision.plan.digest),
        input: input(&reader.connection, stored.seq)?,
        plan: revision.plan.clone(),
        annotations: annotations(&reader.connection, stored.seq)?,
    };
    Ok(Some((stored.seq, detail)))
}

/// The steps of a task, in document order.
pub(crate) fn steps(reader: &mut Reader, id: TaskId) -> Result<Vec<StepDetail>, Trouble> {
    reader.snapshot(|reader| match load::task(&reader.connection, id)? {
        Some(stored) => steps_of(&reader.connection, stored.seq),
        None => Ok(Vec::new()),
    })
}

/// The steps of a task, by its number in this file.
pub(crate) fn steps_of(connection: &Connection, seq: i64) -> Result<Vec<StepDetail>, Trouble> {
    let mut statement = connection.prepare_cached(sql::STEP_DETAILS)?;
    let (first, last) = key_range(seq);
    Ok(statement.query_map([first, last], rows::step_detail)?.collect::<Result<_, _>>()?)
}

/// The result of a step that is done.
pub(crate) fn result(reader: &Reader, id: TaskId, step: Ordinal) -> Result<Option<Payload>, Trouble> {
    let mut statement = reader.connection.prepare_cached(sql::STEP_RESULT_DONE)?;
    let row = statement.query_row(params![bytes(&id), step.0], |row| rows::maybe_payload(row, 0));
    Ok(row.optional()?.flatten())
}

/// The state of a task.
pub(crate) fn state(reader: &Reader, id: TaskId) -> Result<Option<TaskState>, Trouble> {
    let mut statement = reader.connection.prepare_cached(sql::TASK_STATE)?;
    Ok(statement.query_row([bytes(&id)], |row| rows::task_state(row, 0)).optional()?)
}

/// What is scheduled and running, per handler.
pub(crate) fn queue(reader: &Reader, now: Timestamp) -> Result<Vec<QueueDepth>, Trouble> {
    let mut statement = reader.connection.prepare_cached(sql::QUEUE_DEPTHS)?;
    let rows = statement.query_map([now.as_micros()], |row| {
        Ok(QueueDepth {
            handler: rows::name(row, 0)?,
            due: rows::count(row, 1)?,
            later: rows::count(row, 2)?,
            running: rows::count(row, 3)?,
            next_due_at: rows::maybe_instant(row, 4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn input(connection: &Connection, seq: i64) -> Result<TaskInput, Trouble> {
    let mut statement = connection.prepare_cached(sql::INPUT_SELECT)?;
    let input = statement.query_row([seq], |row| {
        Ok(TaskInput {
            initiator: row.get(0)?,
            source_system: row.get(1)?,
            reason: row.get(2)?,
            tags: rows::json(row, 3)?,
            bypass_steps: rows::json(row, 4)?,
            requested_at: rows::instant(row, 5)?,
            correlation_id: row.get(6)?,
            identity: row.get(7)?,
            content: tasker_core::ids::Digest(row.get(8)?),
            context: rows::payload(row, 9)?,
            created_by: row.get(10)?,
        })
    });
    input.optional()?.ok_or_else(|| Trouble::Corrupt("the input of a task is missing".into()))
}

fn annotations(connection: &Connection, seq: i64) -> Result<Vec<Annotation>, Trouble> {
    let mut statement = connection.prepare_cached(sql::ANNOTATIONS_OF_TASK)?;
    let rows = statement
        .query_map([seq], |row| Ok(Annotation { kind: row.get(0)?, value: rows::payload(row, 1)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The types of the annotations there are, sorted.
pub(crate) fn annotation_types(reader: &Reader) -> Result<Vec<String>, Trouble> {
    let mut statement = reader.connection.prepare_cached(sql::ANNOTATION_TYPES)?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// An id as it is stored.
pub(crate) fn bytes(id: &TaskId) -> &[u8] {
    Uuid::as_bytes(&id.0)
}
