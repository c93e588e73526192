//! Deleting what is over and old.

use std::time::Duration;

use tasker_core::ids::TaskId;
use tasker_core::time::Timestamp;

use super::Tables;
use super::tasks::Task;
use crate::read::{Cursor, Pruning};
use crate::workers::WorkerRow;
use crate::write::{Prune, Pruned};

/// How long rows of workers that are gone are kept (`engine.md` 8).
const KEEP_WORKERS: Duration = Duration::from_secs(24 * 60 * 60);

impl Tables {
    /// The tasks that ended first go first.
    pub(super) fn prune(&mut self, request: &Prune, now: Timestamp) -> Pruned {
        let before = now.minus(request.finished_before);
        let ended =
            self.tasks.values().filter_map(|task| Some((task.over_since()?, task.arrival, task.record.id)));
        let ended = ended.filter(|(ended_at, ..)| *ended_at < before);
        let mut old: Vec<_> = ended.filter(|(.., task)| self.is_read(self.last_entry(*task), now)).collect();
        old.sort();
        if request.dry_run {
            return Pruned { tasks: old.len() as u64, more: false };
        }
        let more = old.len() > request.batch;
        old.truncate(request.batch);
        self.note_pruning(old.iter().map(|(.., task)| self.last_entry(*task)).max());
        old.iter().for_each(|(.., task)| self.delete(*task));
        self.delete_workers(now.minus(KEEP_WORKERS));
        Pruned { tasks: old.len() as u64, more }
    }

    fn note_pruning(&mut self, last_deleted: Option<u64>) {
        let number = self.prunings.len() as u64 + 1;
        self.prunings.extend(last_deleted.map(|n| Pruning { number, last: Cursor::at(n) }));
    }

    /// The place of the last entry of a task's log.
    fn last_entry(&self, task: TaskId) -> u64 {
        self.log.iter().rev().find(|(_, (of, _))| *of == task).map_or(0, |(n, _)| *n)
    }

    fn delete(&mut self, task: TaskId) {
        self.tasks.remove(&task);
        self.log.retain(|_, (of, _)| *of != task);
    }

    fn delete_workers(&mut self, before: Timestamp) {
        let gone = |row: &WorkerRow| row.lost_at.or(row.stopped_at).is_some_and(|at| at < before);
        let old: Vec<_> = self.workers.values().filter(|row| gone(row)).map(|row| row.id).collect();
        for worker in old {
            if self.n_running(worker) == 0 {
                self.workers.remove(&worker);
            }
        }
    }
}

impl Task {
    /// When it ended, if nothing of it runs any more: steps of a cancelled task may still be under way.
    fn over_since(&self) -> Option<Timestamp> {
        let idle = self.steps.iter().all(|step| step.queue.is_none());
        if idle && !self.record.state.is_open() { self.record.ended_at } else { None }
    }
}
