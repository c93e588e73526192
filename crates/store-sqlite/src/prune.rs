//! Deleting tasks that ended long ago, and workers of yesterday (`engine.md` 8).

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};
use tasker_core::ids::WorkerId;
use tasker_store::read::READER_MEMORY;
use tasker_store::write::{Prune, Pruned};

use crate::error::Trouble;
use crate::rows::{self, key_range};
use crate::sql;
use crate::writer::{Writer, Writing};

/// How long workers that ended are remembered.
const WORKER_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Deletes one batch, or counts all of it.
pub(crate) fn prune(writer: &mut Writer, request: &Prune) -> Result<Pruned, Trouble> {
    let (pruned, forgotten) = writer.transaction(|writing| {
        let before = writing.now.minus(request.finished_before).as_micros();
        let heard_of = writing.now.minus(READER_MEMORY).as_micros();
        if request.dry_run {
            let mut count = writing.connection.prepare_cached(sql::PRUNE_COUNT)?;
            let tasks = count.query_row([before, heard_of], |row| rows::count(row, 0))?;
            return Ok((Pruned { tasks, more: false }, Vec::new()));
        }
        let batch = i64::try_from(request.batch).unwrap_or(i64::MAX);
        let mut find = writing.connection.prepare_cached(sql::PRUNE_FIND)?;
        // One more than is deleted tells whether more are left.
        let rows = find.query_map([before, heard_of, batch.saturating_add(1)], |row| row.get(0))?;
        let mut found = rows.collect::<Result<Vec<i64>, _>>()?;
        let more = found.len() > request.batch;
        found.truncate(request.batch);
        note_pruning(writing.connection, &found)?;
        found.iter().try_for_each(|seq| delete_task(writing.connection, *seq))?;
        let forgotten = forget_workers(writing)?;
        Ok((Pruned { tasks: found.len() as u64, more }, forgotten))
    })?;
    forgotten.into_iter().for_each(|worker| writer.locks.remove(worker));
    Ok(pruned)
}

/// Lets readers who are overtaken know.
fn note_pruning(connection: &Connection, tasks: &[i64]) -> Result<(), Trouble> {
    let mut insert = connection.prepare_cached(sql::PRUNING_INSERT)?;
    let tasks = serde_json::to_string(tasks).expect("numbers are JSON");
    let noted = insert.query_row([tasks], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    if let Some((n, number)) = noted {
        let (n, number): (i64, i64) = (n, number);
        connection.prepare_cached(sql::PRUNING_FORGET)?.execute([n, number])?;
    }
    Ok(())
}

/// Deletes everything of one task; its request last of what names its identity.
fn delete_task(connection: &Connection, seq: i64) -> Result<(), Trouble> {
    let (first, last) = key_range(seq);
    connection.prepare_cached(sql::PRUNE_STEPS)?.execute([first, last])?;
    for statement in
        [sql::PRUNE_LOG, sql::PRUNE_ANNOTATIONS, sql::PRUNE_IDENTITY, sql::PRUNE_INPUT, sql::PRUNE_TASK]
    {
        connection.prepare_cached(statement)?.execute([seq])?;
    }
    Ok(())
}

fn forget_workers(writing: &Writing<'_>) -> Result<Vec<WorkerId>, Trouble> {
    let mut old = writing.connection.prepare_cached(sql::WORKER_OLD)?;
    let rows = old.query_map([writing.now.minus(WORKER_AGE).as_micros()], |row| rows::worker_id(row, 0))?;
    let old = rows.collect::<Result<Vec<_>, _>>()?;
    let mut delete = writing.connection.prepare_cached(sql::WORKER_DELETE)?;
    for worker in &old {
        delete.execute([worker.0.as_bytes().as_slice()])?;
    }
    Ok(old)
}
