//! Reading what a decision needs: a task's row, and the steps that `core` names.

use std::collections::BTreeSet;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use tasker_core::decide::Needs;
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::record::{QueueRow, StepRecord};

use crate::error::Trouble;
use crate::rows::{self, StoredTask, key_range, step_key};
use crate::sql;

/// Steps of one task, as far as they are needed.
#[derive(Default)]
pub(crate) struct LoadedSteps {
    pub(crate) steps: Vec<(StepRecord, Option<QueueRow>)>,
    /// Those with inputs of their own.
    pub(crate) with_inputs: BTreeSet<Ordinal>,
}

/// A task's row.
pub(crate) fn task(connection: &Connection, id: TaskId) -> Result<Option<StoredTask>, Trouble> {
    let mut statement = connection.prepare_cached(sql::TASK_BY_ID)?;
    Ok(statement.query_row([id.0.as_bytes().as_slice()], rows::task).optional()?)
}

/// A task's row, by its number in this file.
pub(crate) fn task_of_seq(connection: &Connection, seq: i64) -> Result<Option<StoredTask>, Trouble> {
    let mut statement = connection.prepare_cached(sql::TASK_BY_SEQ)?;
    Ok(statement.query_row([seq], rows::task).optional()?)
}

/// The steps that a decision needs.
pub(crate) fn steps(
    connection: &Connection,
    task: &StoredTask,
    n_steps: usize,
    needs: &Needs,
) -> Result<LoadedSteps, Trouble> {
    let mut loaded = LoadedSteps::default();
    let expected = if needs.all {
        loaded.all(connection, task.seq)?;
        n_steps
    } else {
        loaded.chosen(connection, task.seq, &needs.steps)?;
        needs.steps.len()
    };
    if loaded.steps.len() != expected {
        let message = format!("task {}: {} of {expected} steps are there", task.id, loaded.steps.len());
        return Err(Trouble::Corrupt(message));
    }
    if needs.first_free && !needs.all {
        loaded.first_free(connection, task.seq, &needs.steps)?;
    }
    Ok(loaded)
}

impl LoadedSteps {
    fn all(&mut self, connection: &Connection, seq: i64) -> Result<(), Trouble> {
        let mut statement = connection.prepare_cached(sql::STEP_RANGE)?;
        let (first, last) = key_range(seq);
        self.take_all(&mut statement, params![first, last])
    }

    fn chosen(
        &mut self,
        connection: &Connection,
        seq: i64,
        steps: &BTreeSet<Ordinal>,
    ) -> Result<(), Trouble> {
        let mut statement = connection.prepare_cached(sql::STEP_ONE)?;
        steps.iter().try_for_each(|&step| self.take_all(&mut statement, params![step_key(seq, step)]))
    }

    fn first_free(
        &mut self,
        connection: &Connection,
        seq: i64,
        but: &BTreeSet<Ordinal>,
    ) -> Result<(), Trouble> {
        let mut statement = connection.prepare_cached(sql::STEP_FREE)?;
        let (first, last) = key_range(seq);
        let mut rows = statement.query([first, last])?;
        while let Some(row) = rows.next()? {
            let (record, _) = rows::step(row)?;
            if record.wants_queue_row() && !but.contains(&record.ordinal) {
                self.take(row)?;
                break;
            }
        }
        Ok(())
    }

    fn take_all(
        &mut self,
        statement: &mut CachedStatement<'_>,
        params: &[&dyn rusqlite::ToSql],
    ) -> Result<(), Trouble> {
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            self.take(row)?;
        }
        Ok(())
    }

    fn take(&mut self, row: &rusqlite::Row<'_>) -> rusqlite::Result<()> {
        let step = rows::step(row)?;
        if rows::has_inputs(row)? {
            self.with_inputs.insert(step.0.ordinal);
        }
        self.steps.push(step);
        Ok(())
    }
}
