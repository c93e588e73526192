//! Reading the log.

use rusqlite::params;
use tasker_core::ids::TaskId;
use tasker_core::record::{Change, Transition};
use tasker_store::read::{Cursor, LogEntry, LogQuery};

use crate::error::Trouble;
use crate::rows;
use crate::sql;
use crate::threads::Reader;

/// Entries after a position, oldest first.
pub(crate) fn log(reader: &mut Reader, query: &LogQuery) -> Result<Vec<LogEntry>, Trouble> {
    reader.snapshot(|reader| entries(reader, query))
}

/// As [`log`], inside of a snapshot.
pub(crate) fn entries(reader: &Reader, query: &LogQuery) -> Result<Vec<LogEntry>, Trouble> {
    let after = i64::try_from(query.after.n()).unwrap_or(i64::MAX);
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
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
    rows.into_iter().map(|row| row.entry(reader)).collect()
}

struct Row {
    n: u64,
    task: TaskId,
    revision_id: i64,
    transition: Transition,
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        n: rows::count(row, 0)?,
        task: rows::task_id(row, 1)?,
        revision_id: row.get(2)?,
        transition: rows::transition(row, 3)?,
    })
}

impl Row {
    fn entry(self, reader: &Reader) -> Result<LogEntry, Trouble> {
        let step = match self.transition.change {
            Change::Task { .. } => None,
            Change::Step { ordinal, .. } => {
                let revision = reader.revisions.get(&reader.connection, self.revision_id)?;
                let template = revision.plan.definition.steps.get(ordinal.index());
                template.map(|template| template.name.clone())
            }
        };
        Ok(LogEntry { cursor: Cursor::at(self.n), task: self.task, step, transition: self.transition })
    }
}
