//! A task with everything that the rules say something about, read without believing any of it.

use std::sync::Arc;

use rusqlite::{Connection, Row};
use tasker_core::record::StepDetail;
use tasker_core::repair::TaskRows;

use crate::caches::{Revision, Revisions};
use crate::error::Trouble;
use crate::load;
use crate::rows::{self, StoredTask, key_range, split_key};
use crate::sql;

/// A whole task.
pub(crate) struct Whole {
    pub(crate) task: StoredTask,
    pub(crate) revision: Arc<Revision>,
    /// The steps without their payloads.
    pub(crate) rows: TaskRows,
}

impl Whole {
    /// Reads a task by its number in this file. All of it must be of one moment.
    pub(crate) fn read(connection: &Connection, revisions: &Revisions, seq: i64) -> Result<Self, Trouble> {
        let task = load::task_of_seq(connection, seq)?
            .ok_or_else(|| Trouble::Corrupt(format!("the task with number {seq} is gone")))?;
        let revision = revisions.get(connection, task.revision_id)?;
        let (first, last) = key_range(seq);
        let mut steps = connection.prepare_cached(sql::STEP_RANGE)?;
        let mut strays = connection.prepare_cached(sql::CHECK_STRAYS)?;
        let mut handlers = connection.prepare_cached(sql::CHECK_HANDLERS)?;
        let mut log = connection.prepare_cached(sql::CHECK_LOG)?;
        let others = handlers.query_map([first, last, revision.id], |row| Ok(split_key(row.get(0)?).1))?;
        let rows = TaskRows {
            task: task.record(revision.plan.digest),
            steps: steps.query_map([first, last], step)?.collect::<Result<_, _>>()?,
            strays: strays.query_map([first, last], rows::queue_row)?.collect::<Result<_, _>>()?,
            other_handlers: others.collect::<Result<_, _>>()?,
            log: log.query_map([seq], |row| rows::transition(row, 0))?.collect::<Result<_, _>>()?,
        };
        Ok(Self { task, revision, rows })
    }
}

fn step(row: &Row<'_>) -> rusqlite::Result<StepDetail> {
    let (record, queue) = rows::step(row)?;
    Ok(StepDetail { record, inputs: None, results: None, error: None, queue })
}
