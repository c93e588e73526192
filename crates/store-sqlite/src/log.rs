//! Reading the log, and who reads it.

use rusqlite::{OptionalExtension, params};
use tasker_core::ids::TaskId;
use tasker_core::record::{Change, Origin, Transition};
use tasker_core::time::Timestamp;
use tasker_store::read::{Cursor, LogEntry, LogQuery, LogReader, Pruning, READER_MEMORY};

use crate::error::Trouble;
use crate::rows;
use crate::sql;
use crate::threads::Reader;
use crate::writer::Writer;

/// Entries after a position, oldest first.
pub(crate) fn log(reader: &mut Reader, query: &LogQuery) -> Result<Vec<LogEntry>, Trouble> {
    reader.snapshot(|reader| entries(reader, query))
}

/// As [`log`], inside of a snapshot.
pub(crate) fn entries(reader: &Reader, query: &LogQuery) -> Result<Vec<LogEntry>, Trouble> {
    let after = i64::try_from(query.after.n()).unwrap_or(i64::MAX);
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let prunings = prunings(reader)?;
    if query.task.is_none() {
        query.after.refuse_if_gone(&prunings)?;
    }
    let rows: Vec<Row> = match query.task {
        Some(task) => {
            let mut statement = reader.connection.prepare_cached(sql::LOG_OF_TASK)?;
            let params = params![task.0.as_bytes().as_slice(), after, limit];
            statement.query_map(params, read)?.collect::<Result<_, _>>()?
        }
        None => {
            let mut statement = reader.connection.prepare_cached(sql::LOG_ALL)?;
            statement.query_map([after, limit], read)?.collect::<Result<_, _>>()?
        }
    };
    let prunings = count(&prunings);
    rows.into_iter().map(|row| row.entry(reader, prunings)).collect()
}

/// The position before the last entries.
pub(crate) fn end(reader: &mut Reader, task: Option<TaskId>, back: usize) -> Result<Cursor, Trouble> {
    let back = i64::try_from(back).unwrap_or(i64::MAX);
    reader.snapshot(|reader| {
        let n = |row: &rusqlite::Row<'_>| rows::count(row, 0);
        let n = match task {
            Some(task) => {
                let mut statement = reader.connection.prepare_cached(sql::LOG_END_OF_TASK)?;
                statement.query_row(params![task.0.as_bytes().as_slice(), back], n).optional()?
            }
            None => reader.connection.prepare_cached(sql::LOG_END)?.query_row([back], n).optional()?,
        };
        Ok(Cursor::at(n.unwrap_or(0)).after_prunings(count(&prunings(reader)?)))
    })
}

/// Deletions from the log, the latest last.
fn prunings(reader: &Reader) -> Result<Vec<Pruning>, Trouble> {
    let mut statement = reader.connection.prepare_cached(sql::LOG_PRUNINGS)?;
    let pruning = |row: &rusqlite::Row<'_>| {
        Ok(Pruning { number: rows::count(row, 0)?, last: Cursor::at(rows::count(row, 1)?) })
    };
    Ok(statement.query_map([], pruning)?.collect::<Result<_, _>>()?)
}

fn count(prunings: &[Pruning]) -> u64 {
    prunings.last().map_or(0, |last| last.number)
}

/// Notes how far a reader has come.
pub(crate) fn note_reader(writer: &mut Writer, name: &str, at: Cursor) -> Result<(), Trouble> {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    writer.transaction(|writing| {
        let mut statement = writing.connection.prepare_cached(sql::READER_NOTE)?;
        statement.execute(params![name, number(at.n()), number(at.prunings()), writing.now.as_micros()])?;
        Ok(())
    })
}

/// Forgets a reader; whether there was one.
pub(crate) fn forget_reader(writer: &mut Writer, name: &str) -> Result<bool, Trouble> {
    writer.transaction(|writing| {
        Ok(writing.connection.prepare_cached(sql::READER_FORGET)?.execute([name])? > 0)
    })
}

/// The readers that were noted.
pub(crate) fn readers(reader: &Reader, now: Timestamp) -> Result<Vec<LogReader>, Trouble> {
    let mut statement = reader.connection.prepare_cached(sql::READER_LIST)?;
    let heard_of = now.minus(READER_MEMORY).as_micros();
    let rows = statement.query_map([heard_of], |row| {
        Ok(LogReader {
            name: row.get(0)?,
            position: Cursor::at(rows::count(row, 1)?).after_prunings(rows::count(row, 2)?),
            seen_at: rows::instant(row, 3)?,
            holds: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

struct Row {
    n: u64,
    task: TaskId,
    revision_id: i64,
    correlation_id: Option<String>,
    transition: Transition,
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        n: rows::count(row, 0)?,
        task: rows::task_id(row, 1)?,
        revision_id: row.get(2)?,
        correlation_id: row.get(3)?,
        transition: rows::transition(row, 4)?,
    })
}

impl Row {
    fn entry(self, reader: &Reader, prunings: u64) -> Result<LogEntry, Trouble> {
        let revision = reader.revisions.get(&reader.connection, self.revision_id)?;
        let step = match self.transition.change {
            Change::Task { .. } => None,
            Change::Step { ordinal, .. } => {
                let template = revision.plan.definition.steps.get(ordinal.index());
                template.map(|template| template.name.clone())
            }
        };
        Ok(LogEntry {
            cursor: Cursor::at(self.n).after_prunings(prunings),
            task: self.task,
            origin: Some(Origin::of(&revision.plan, self.correlation_id)),
            step,
            transition: self.transition,
        })
    }
}
