//! Deleting what is over and old.

use std::time::Duration;

use tasker_core::ids::TaskId;
use tasker_core::time::Timestamp;

use super::Tables;
use super::tasks::Task;
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
        let mut old: Vec<_> = ended.filter(|(ended_at, ..)| *ended_at < before).collect();
        old.sort();
        if request.dry_run {
            return Pruned { tasks: old.len() as u64, more: false };
        }
        let more = old.len() > request.batch;
        old.truncate(request.batch);
        old.iter().for_each(|(.., task)| self.delete(*task));
        self.delete_workers(now.minus(KEEP_WORKERS));
        Pruned { tasks: old.len() as u64, more }
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
