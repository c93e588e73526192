//! Writing what was decided. Changes of many tasks are written kind by kind, each kind with one prepared statement.

use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, params};
use tasker_core::decide::{QueueChange, StepChange, TaskChange};
use tasker_core::ids::{Ordinal, WorkerId};
use tasker_core::record::{Change, QueueRow, StepRecord, TaskRecord, Transition};
use tasker_core::time::Timestamp;

use crate::caches::Revision;
use crate::error::Trouble;
use crate::rows::{StoredTask, step_key};
use crate::sql;

/// What was decided for one task.
pub(crate) struct Decided {
    /// The row as it was; for a new task, as it is.
    pub(crate) task: StoredTask,
    pub(crate) revision: Arc<Revision>,
    pub(crate) change: TaskChange,
    /// Steps that had inputs of their own before.
    pub(crate) with_inputs: std::collections::BTreeSet<Ordinal>,
}

/// Writes changes of tasks that exist.
pub(crate) fn changes(connection: &Connection, all: &[Decided]) -> Result<(), Trouble> {
    tasks(connection, all)?;
    step_updates(connection, all)?;
    queue(connection, all)?;
    log(connection, all)?;
    extras(connection, all)
}

/// Writes the steps, queue rows and log of tasks whose own row was just inserted.
pub(crate) fn new_tasks(connection: &Connection, all: &[Decided]) -> Result<(), Trouble> {
    step_inserts(connection, all)?;
    queue(connection, all)?;
    log(connection, all)
}

fn tasks(connection: &Connection, all: &[Decided]) -> Result<(), Trouble> {
    let mut counters = connection.prepare_cached(sql::TASK_UPDATE_COUNTERS)?;
    let mut state = connection.prepare_cached(sql::TASK_UPDATE_STATE)?;
    for decided in all {
        let before = &decided.task;
        let Some(task) = &decided.change.task else { continue };
        let log_seq = task.log_seq as i64;
        let updated_at = task.updated_at.as_micros();
        if task.state == before.state && task.ended_at == before.ended_at {
            counters.execute(params![before.seq, task.active, task.remaining, log_seq, updated_at])?;
        } else {
            let (code, ended_at) = (task.state.code(), task.ended_at.map(Timestamp::as_micros));
            state.execute(params![
                before.seq,
                task.active,
                task.remaining,
                log_seq,
                updated_at,
                code,
                ended_at
            ])?;
        }
    }
    Ok(())
}

fn step_updates(connection: &Connection, all: &[Decided]) -> Result<(), Trouble> {
    let mut hot = connection.prepare_cached(sql::STEP_UPDATE)?;
    let mut full = connection.prepare_cached(sql::STEP_UPDATE_PAYLOADS)?;
    for decided in all {
        for step in &decided.change.steps {
            let key = step_key(decided.task.seq, step.record.ordinal);
            if step.inputs.is_none() && step.results.is_none() && step.error.is_none() {
                bind_step(&mut hot, 1, key, &step.record)?;
                hot.raw_execute()?;
            } else {
                bind_step(&mut full, 1, key, &step.record)?;
                full.raw_bind_parameter(16, step.inputs.as_ref().map(|inputs| inputs.as_str()))?;
                full.raw_bind_parameter(17, step.results.as_ref().map(|results| results.as_str()))?;
                full.raw_bind_parameter(18, step.error.is_some())?;
                full.raw_bind_parameter(19, error_text(step))?;
                full.raw_execute()?;
            }
        }
    }
    Ok(())
}

fn step_inserts(connection: &Connection, all: &[Decided]) -> Result<(), Trouble> {
    let steps =
        all.iter().flat_map(|decided| decided.change.steps.iter().map(|step| (decided.task.seq, step)));
    in_rows(
        (connection.prepare_cached(sql::STEP_INSERT)?, connection.prepare_cached(sql::STEP_INSERT_MANY)?),
        &steps.collect::<Vec<_>>(),
        |statement, first, (seq, step)| {
            bind_step(statement, first, step_key(*seq, step.record.ordinal), &step.record)?;
            statement.raw_bind_parameter(first + 15, step.inputs.as_ref().map(|inputs| inputs.as_str()))?;
            statement
                .raw_bind_parameter(first + 16, step.results.as_ref().map(|results| results.as_str()))?;
            statement.raw_bind_parameter(first + 17, error_text(step))
        },
    )
}

/// Inserts items with a statement for one row and one for many rows. `bind` binds an item's columns from an index on.
fn in_rows<T>(
    (mut one, mut many): (CachedStatement<'_>, CachedStatement<'_>),
    items: &[T],
    bind: impl Fn(&mut CachedStatement<'_>, usize, &T) -> rusqlite::Result<()>,
) -> Result<(), Trouble> {
    let n_columns = one.parameter_count();
    let chunks = items.chunks_exact(many.parameter_count() / n_columns);
    let rest = chunks.remainder();
    for chunk in chunks {
        chunk
            .iter()
            .zip((1..).step_by(n_columns))
            .try_for_each(|(item, first)| bind(&mut many, first, item))?;
        many.raw_execute()?;
    }
    for item in rest {
        bind(&mut one, 1, item)?;
        one.raw_execute()?;
    }
    Ok(())
}

/// Binds the key and the hot columns, which stand first and in the same order in every statement that writes a step.
fn bind_step(
    statement: &mut CachedStatement<'_>,
    first: usize,
    key: i64,
    step: &StepRecord,
) -> rusqlite::Result<()> {
    let values = [
        Some(key),
        Some(i64::from(step.state.code())),
        Some(i64::from(step.waits)),
        Some(i64::from(step.attempts)),
        Some(i64::from(step.retry_limit)),
        Some(i64::from(step.retryable)),
        Some(step.fence.0 as i64),
        Some(step.settled_fence.0 as i64),
        Some(i64::from(step.lease_expiries)),
        Some(i64::from(step.key_generation)),
        step.last_attempted_at.map(Timestamp::as_micros),
        step.backoff_seconds.map(i64::from),
        step.started_at.map(Timestamp::as_micros),
        step.processed_at.map(Timestamp::as_micros),
        Some(step.updated_at.as_micros()),
    ];
    values.iter().zip(first..).try_for_each(|(value, i)| statement.raw_bind_parameter(i, value))
}

fn error_text(step: &StepChange) -> Option<String> {
    let error = step.error.as_ref()?.as_ref()?;
    Some(serde_json::to_string(error).expect("an error has text keys and finite numbers"))
}

fn queue(connection: &Connection, all: &[Decided]) -> Result<(), Trouble> {
    let mut delete = connection.prepare_cached(sql::QUEUE_DELETE)?;
    let mut update = connection.prepare_cached(sql::QUEUE_UPDATE)?;
    let mut insert = connection.prepare_cached(sql::QUEUE_INSERT)?;
    for decided in all {
        let seq = decided.task.seq;
        for change in &decided.change.queue {
            match change {
                QueueChange::Delete(ordinal) => delete.execute([step_key(seq, *ordinal)])?,
                QueueChange::Update(row) => update.execute(params![
                    step_key(seq, row.ordinal),
                    row.run_at.as_micros(),
                    worker_of(row),
                    row.fence.0 as i64
                ])?,
                QueueChange::Insert(row) => insert.execute(params![
                    step_key(seq, row.ordinal),
                    decided.revision.handler_id(row.ordinal),
                    row.priority.get(),
                    row.run_at.as_micros(),
                    worker_of(row),
                    row.fence.0 as i64
                ])?,
            };
        }
    }
    Ok(())
}

fn worker_of(row: &QueueRow) -> Option<&[u8]> {
    row.worker.as_ref().map(|worker| worker.0.as_bytes().as_slice())
}

fn log(connection: &Connection, all: &[Decided]) -> Result<(), Trouble> {
    let entries =
        all.iter().flat_map(|decided| decided.change.log.iter().map(|entry| (decided.task.seq, entry)));
    in_rows(
        (
            connection.prepare_cached(sql::TRANSITION_INSERT)?,
            connection.prepare_cached(sql::TRANSITION_INSERT_MANY)?,
        ),
        &entries.collect::<Vec<_>>(),
        |statement, first, (seq, entry)| bind_transition(statement, first, *seq, entry),
    )
}

fn bind_transition(
    statement: &mut CachedStatement<'_>,
    first: usize,
    seq: i64,
    entry: &Transition,
) -> rusqlite::Result<()> {
    let (ordinal, from, to) = match entry.change {
        Change::Task { from, to } => (None, from.map(|state| state.code()), to.code()),
        Change::Step { ordinal, from, to } => (Some(ordinal.0), from.map(|state| state.code()), to.code()),
    };
    statement.raw_bind_parameter(first, seq)?;
    statement.raw_bind_parameter(first + 1, entry.seq as i64)?;
    statement.raw_bind_parameter(first + 2, ordinal)?;
    statement.raw_bind_parameter(first + 3, from)?;
    statement.raw_bind_parameter(first + 4, to)?;
    statement.raw_bind_parameter(first + 5, entry.at.as_micros())?;
    match WorkerId::of_actor(&entry.actor) {
        Some(worker) => statement.raw_bind_parameter(first + 6, worker.0.as_bytes().as_slice())?,
        None => statement.raw_bind_parameter(first + 6, entry.actor.as_str())?,
    }
    statement.raw_bind_parameter(first + 7, entry.metadata.as_deref())
}

/// Annotations and edits of requests: rare.
fn extras(connection: &Connection, all: &[Decided]) -> Result<(), Trouble> {
    for Decided { task, change, .. } in all {
        let at = change.task.as_ref().map_or(task.updated_at, |task: &TaskRecord| task.updated_at);
        for annotation in &change.annotations {
            connection.prepare_cached(sql::ANNOTATION_TYPE_INSERT)?.execute([&annotation.kind])?;
            let mut insert = connection.prepare_cached(sql::ANNOTATION_INSERT)?;
            insert.execute(params![task.seq, annotation.kind, annotation.value.as_str(), at.as_micros()])?;
        }
        if let Some(edit) = &change.edit {
            let tags = edit.tags.as_ref().map(|tags| json_text(tags));
            connection.prepare_cached(sql::INPUT_EDIT)?.execute(params![task.seq, edit.reason, tags])?;
        }
    }
    Ok(())
}

/// A list of texts as JSON.
pub(crate) fn json_text(list: &[impl serde::Serialize]) -> String {
    serde_json::to_string(list).expect("a list of texts is JSON")
}
