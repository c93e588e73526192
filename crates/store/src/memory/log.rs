//! The log as a stream, and who reads it.

use tasker_core::decide::Rejection;
use tasker_core::ids::TaskId;
use tasker_core::record::{Change, Origin};
use tasker_core::time::Timestamp;

use super::Tables;
use crate::read::{Cursor, LogEntry, LogQuery, LogReader, READER_MEMORY};

impl Tables {
    pub(super) fn log_page(&self, query: &LogQuery) -> Result<Vec<LogEntry>, Rejection> {
        if query.task.is_none() {
            query.after.refuse_if_gone(&self.prunings)?;
        }
        let later = self.log.iter().filter(|(n, _)| **n > query.after.n());
        let page = later.filter(|(_, (task, _))| is_of(query.task, *task)).take(query.limit);
        Ok(page.map(|(n, (task, seq))| self.log_entry(*n, *task, *seq)).collect())
    }

    pub(super) fn log_end(&self, task: Option<TaskId>, back: usize) -> Cursor {
        let mut entries = self.log.iter().rev().filter(|(_, (of, _))| is_of(task, *of));
        self.cursor(entries.nth(back).map_or(0, |(n, _)| *n))
    }

    pub(super) fn reader_rows(&self, now: Timestamp) -> Vec<LogReader> {
        let rows = self.readers.iter();
        rows.map(|(name, (position, seen_at))| LogReader {
            name: name.clone(),
            position: *position,
            seen_at: *seen_at,
            holds: holds(*seen_at, now),
        })
        .collect()
    }

    /// Whether all readers that are waited for have read the log up to this entry.
    pub(super) fn is_read(&self, n: u64, now: Timestamp) -> bool {
        self.readers.values().all(|(position, seen_at)| position.n() >= n || !holds(*seen_at, now))
    }

    fn cursor(&self, n: u64) -> Cursor {
        Cursor::at(n).after_prunings(self.prunings.len() as u64)
    }

    fn log_entry(&self, n: u64, id: TaskId, seq: u64) -> LogEntry {
        let task = &self.tasks[&id];
        let transition = task.log[usize::try_from(seq - 1).expect("a log fits in memory")].clone();
        let step = match transition.change {
            Change::Task { .. } => None,
            Change::Step { ordinal, .. } => Some(task.plan.name(ordinal).clone()),
        };
        LogEntry {
            cursor: self.cursor(n),
            task: id,
            origin: Some(Origin::of(&task.plan, task.input.correlation_id.clone())),
            step,
            transition,
        }
    }
}

fn is_of(wanted: Option<TaskId>, task: TaskId) -> bool {
    wanted.is_none_or(|wanted| wanted == task)
}

fn holds(seen_at: Timestamp, now: Timestamp) -> bool {
    seen_at > now.minus(READER_MEMORY)
}
