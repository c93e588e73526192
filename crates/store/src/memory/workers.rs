//! Workers: heartbeats, who is lost, and whose claims may be rescued.

use std::time::Duration;

use tasker_core::ids::WorkerId;
use tasker_core::record::QueueRow;
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;

use super::Tables;
use super::tasks::Task;
use crate::workers::{ClaimKey, Heartbeat, HeartbeatAnswer, WorkerRow};
use crate::write::Work;

impl Tables {
    /// A worker that counts as lost or stopped learns only that.
    pub(super) fn heartbeat(&mut self, beat: Heartbeat, now: Timestamp) -> HeartbeatAnswer {
        if self.workers.get(&beat.worker).is_some_and(|row| !row.is_live()) {
            return HeartbeatAnswer { now, lost: true, ..HeartbeatAnswer::default() };
        }
        let heard_before = self.workers.get(&beat.worker).map(|row| row.heartbeat_at);
        self.record(&beat, now);
        if beat.judges(heard_before, now) {
            self.judge(&beat, now);
        }
        let unknown = self.unknown(&beat, now);
        let unheard_of = unknown.iter().map(|work| ClaimKey::from(&work.claim));
        let revoked = beat.held.iter().copied().chain(unheard_of);
        HeartbeatAnswer {
            now,
            lost: false,
            revoked: revoked.filter(|claim| self.is_revoked(beat.worker, claim)).collect(),
            unknown,
            orphans: self.orphans(beat.rescue_limit),
        }
    }

    fn record(&mut self, beat: &Heartbeat, now: Timestamp) {
        let started_at = self.workers.get(&beat.worker).map_or(now, |row| row.started_at);
        let row = WorkerRow {
            id: beat.worker,
            name: beat.name.clone(),
            version: beat.version.clone(),
            handlers: beat.handlers.clone(),
            capacity: beat.capacity,
            running: 0,
            started_at,
            heartbeat_at: now,
            lost_at: None,
            stopped_at: None,
        };
        self.workers.insert(beat.worker, row);
    }

    fn judge(&mut self, beat: &Heartbeat, now: Timestamp) {
        for row in self.workers.values_mut().filter(|row| row.is_live()) {
            if now.since(row.heartbeat_at) > beat.lease {
                row.lost_at = Some(now);
            }
        }
    }

    fn is_revoked(&self, worker: WorkerId, held: &ClaimKey) -> bool {
        let Some(task) = self.tasks.get(&held.task) else { return true };
        let row = task.steps.get(held.ordinal.index()).and_then(|step| step.queue.as_ref());
        let mine = row.is_some_and(|row| row.worker == Some(worker) && row.fence == held.fence);
        !mine || task.record.state == TaskState::Cancelled
    }

    /// Claims in this worker's name that it does not know of. A fresh one may still be on its way to it.
    fn unknown(&self, beat: &Heartbeat, now: Timestamp) -> Vec<Work> {
        let claims = self.claimed().filter(|(task, row)| {
            let started_at = task.steps[row.ordinal.index()].record.started_at;
            row.worker == Some(beat.worker)
                && !beat.held.contains(&key(task, row))
                && started_at.is_some_and(|at| now.since(at) >= beat.interval())
        });
        claims.map(|(task, row)| self.work(claim(task, row))).collect()
    }

    fn orphans(&self, limit: usize) -> Vec<ClaimKey> {
        let is_dead = |worker: WorkerId| self.workers.get(&worker).is_none_or(|row| !row.is_live());
        let claims = self.claimed().filter(|(_, row)| row.worker.is_some_and(is_dead));
        claims.map(|(task, row)| key(task, row)).take(limit).collect()
    }

    /// Claimed queue rows, by task and step.
    fn claimed(&self) -> impl Iterator<Item = (&Task, &QueueRow)> {
        let rows = self.tasks.values().flat_map(|task| task.steps.iter().map(move |step| (task, step)));
        rows.filter_map(|(task, step)| Some((task, step.queue.as_ref().filter(|row| row.worker.is_some())?)))
    }

    pub(super) fn worker_stopped(&mut self, worker: WorkerId, now: Timestamp) {
        if let Some(row) = self.workers.get_mut(&worker).filter(|row| row.is_live()) {
            row.stopped_at = Some(now);
        }
    }

    pub(super) fn worker_rows(&self) -> Vec<WorkerRow> {
        self.workers
            .values()
            .rev()
            .map(|row| WorkerRow { running: self.n_running(row.id), ..row.clone() })
            .collect()
    }

    pub(super) fn n_running(&self, worker: WorkerId) -> u32 {
        self.claimed().filter(|(_, row)| row.worker == Some(worker)).count() as u32
    }
}

fn key(task: &Task, row: &QueueRow) -> ClaimKey {
    ClaimKey { task: task.record.id, ordinal: row.ordinal, fence: row.fence }
}

fn claim(task: &Task, row: &QueueRow) -> tasker_core::record::Claim {
    let step = &task.steps[row.ordinal.index()].record;
    tasker_core::record::Claim {
        task: task.record.id,
        ordinal: row.ordinal,
        fence: row.fence,
        attempt: step.attempts,
        retry_limit: step.retry_limit,
        key_generation: step.key_generation,
        waited: step.started_at.map_or(Duration::ZERO, |started| started.since(row.run_at)),
        starts_task: false,
    }
}
