//! Reading what a decision needs: a task's row, and the steps that `core` names.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension};
use tasker_core::decide::Needs;
use tasker_core::ids::{Ordinal, TaskId};

use crate::error::Trouble;
use crate::recent::{KnownStep, KnownTask};
use crate::rows::{self, StoredTask, key_range, step_key};
use crate::sql;

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

/// Makes known what a decision needs, and gives it.
pub(crate) fn steps(
    connection: &Connection,
    known: &mut KnownTask,
    n_steps: usize,
    needs: &Needs,
) -> Result<Vec<KnownStep>, Trouble> {
    let is_whole = known.steps().len() == n_steps;
    if needs.all && !is_whole {
        learn_all(connection, known)?;
    } else if !needs.all {
        learn_chosen(connection, known, &needs.steps)?;
    }
    let mut steps: Vec<KnownStep> = if needs.all {
        known.steps().to_vec()
    } else {
        needs.steps.iter().filter_map(|step| known.step(*step)).cloned().collect()
    };
    let expected = if needs.all { n_steps } else { needs.steps.len() };
    if steps.len() != expected {
        let (id, found) = (known.task.id, steps.len());
        return Err(Trouble::Corrupt(format!("task {id}: {found} of {expected} steps are there")));
    }
    if needs.first_free && !needs.all {
        let free = first_free(connection, known, is_whole, &needs.steps)?;
        free.iter().for_each(|step| known.learn(step.clone()));
        steps.extend(free);
    }
    Ok(steps)
}

fn learn_all(connection: &Connection, known: &mut KnownTask) -> Result<(), Trouble> {
    let mut statement = connection.prepare_cached(sql::STEP_RANGE)?;
    let (first, last) = key_range(known.task.seq);
    let mut rows = statement.query([first, last])?;
    while let Some(row) = rows.next()? {
        known.learn(rows::known_step(row)?);
    }
    Ok(())
}

fn learn_chosen(
    connection: &Connection,
    known: &mut KnownTask,
    steps: &BTreeSet<Ordinal>,
) -> Result<(), Trouble> {
    for &step in steps {
        if known.step(step).is_none() {
            let mut statement = connection.prepare_cached(sql::STEP_ONE)?;
            let found = statement.query_row([step_key(known.task.seq, step)], rows::known_step).optional()?;
            found.into_iter().for_each(|step| known.learn(step));
        }
    }
    Ok(())
}

fn first_free(
    connection: &Connection,
    known: &KnownTask,
    is_whole: bool,
    but: &BTreeSet<Ordinal>,
) -> Result<Option<KnownStep>, Trouble> {
    let fits = |step: &KnownStep| {
        step.queue.is_none() && step.record.wants_queue_row() && !but.contains(&step.record.ordinal)
    };
    if is_whole {
        return Ok(known.steps().iter().find(|step| fits(step)).cloned());
    }
    let mut statement = connection.prepare_cached(sql::STEP_FREE)?;
    let (first, last) = key_range(known.task.seq);
    let mut rows = statement.query([first, last])?;
    while let Some(row) = rows.next()? {
        let step = rows::known_step(row)?;
        if fits(&step) {
            return Ok(Some(step));
        }
    }
    Ok(None)
}
