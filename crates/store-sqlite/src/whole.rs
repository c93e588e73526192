//! A task with everything that the rules say something about, read without believing any of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::{Connection, Row};
use tasker_core::ids::{Ordinal, WorkerId};
use tasker_core::record::{QueueRow, StepDetail, TaskRecord, Transition};
use tasker_core::repair::Stored;

use crate::caches::{Revision, Revisions};
use crate::error::Trouble;
use crate::load;
use crate::rows::{self, StoredTask, key_range, split_key};
use crate::sql;

/// A whole task.
pub(crate) struct Whole {
    pub(crate) task: StoredTask,
    pub(crate) revision: Arc<Revision>,
    pub(crate) record: TaskRecord,
    /// Without their payloads.
    pub(crate) steps: Vec<StepDetail>,
    pub(crate) log: Vec<Transition>,
    strays: Vec<QueueRow>,
    other_handlers: BTreeSet<Ordinal>,
}

impl Whole {
    /// Reads a task by its number in this file. All of it must be of one moment.
    pub(crate) fn read(connection: &Connection, revisions: &Revisions, seq: i64) -> Result<Self, Trouble> {
        let task = load::task_of_seq(connection, seq)?
            .ok_or_else(|| Trouble::Corrupt(format!("the task with number {seq} is gone")))?;
        let revision = revisions.get(connection, task.revision_id)?;
        let record = task.record(revision.plan.digest);
        let (first, last) = key_range(seq);
        let mut steps = connection.prepare_cached(sql::STEP_RANGE)?;
        let mut strays = connection.prepare_cached(sql::CHECK_STRAYS)?;
        let mut handlers = connection.prepare_cached(sql::CHECK_HANDLERS)?;
        let mut log = connection.prepare_cached(sql::CHECK_LOG)?;
        let others = handlers.query_map([first, last, revision.id], |row| Ok(split_key(row.get(0)?).1))?;
        Ok(Self {
            steps: steps.query_map([first, last], step)?.collect::<Result<_, _>>()?,
            strays: strays.query_map([first, last], rows::queue_row)?.collect::<Result<_, _>>()?,
            other_handlers: others.collect::<Result<_, _>>()?,
            log: log.query_map([seq], |row| rows::transition(row, 0))?.collect::<Result<_, _>>()?,
            task,
            revision,
            record,
        })
    }

    /// All of it as a repair sees it; `live` are workers that are not known to be gone.
    pub(crate) fn stored<'a>(&'a self, live: &'a BTreeSet<WorkerId>) -> Stored<'a> {
        Stored {
            plan: &self.revision.plan,
            task: &self.record,
            steps: &self.steps,
            strays: &self.strays,
            other_handlers: &self.other_handlers,
            log: &self.log,
            live,
        }
    }

    /// The workers that hold rows of it.
    pub(crate) fn holders(&self) -> BTreeSet<WorkerId> {
        let rows = self.steps.iter().filter_map(|detail| detail.queue.as_ref()).chain(&self.strays);
        rows.filter_map(|row| row.worker).collect()
    }
}

fn step(row: &Row<'_>) -> rusqlite::Result<StepDetail> {
    let (record, queue) = rows::step(row)?;
    Ok(StepDetail { record, inputs: None, results: None, error: None, queue })
}
