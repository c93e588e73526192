//! Whether all goes well, in the whole system and in this process.

use std::collections::BTreeSet;
use std::time::Duration;

use tasker_core::health::{Reason, Share, Thresholds, Vitals, WORKER_SILENCE, reasons};
use tasker_core::names::HandlerName;
use tasker_core::time::Timestamp;
use tasker_store::analytics::{PoolUse, VitalSigns};
use tasker_store::read::QueueDepth;
use tasker_store::workers::WorkerRow;

use crate::engine::Engine;
use crate::error::UseCaseError;
use crate::integrity::Integrity;
use crate::worker::WorkerPulse;

/// How a system is.
#[derive(Clone, PartialEq, Debug)]
pub struct HealthReport {
    /// What was looked at, by the rules.
    pub vitals: Vitals,
    /// Why it is not healthy; nothing if it is.
    pub reasons: Vec<Reason>,
    /// Since when it was counted how tasks and steps fared.
    pub since: Timestamp,
    /// The store's time.
    pub now: Timestamp,
    /// Steps that are due or scheduled for later, and not claimed.
    pub queued: u64,
    /// Steps that are claimed.
    pub running: u64,
    /// How long the first due step has waited; zero if none is due.
    pub oldest_due: Duration,
    /// When a worker was last heard of.
    pub last_heartbeat: Option<Timestamp>,
    /// The connections of this process.
    pub pool: Option<PoolUse>,
    /// What the worker of this process found by looking at a few tasks at a time.
    pub integrity: Integrity,
}

impl Engine {
    /// How the system is, and how it went within `window`. Reads no ended task that ended before.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn health_report(
        &self,
        window: Duration,
        thresholds: &Thresholds,
    ) -> Result<HealthReport, UseCaseError> {
        let store = &self.parts.store;
        let now = store.now().await?;
        let since = now.minus(window);
        let (signs, queue, workers) =
            tokio::try_join!(store.vital_signs(since), store.queue(), store.workers())?;
        let integrity = self.integrity();
        let vitals = vitals(&signs, &queue, &workers, integrity.findings.len() as u64, now);
        let is_due = |depth: &&QueueDepth| depth.due > 0;
        let first_due = queue.iter().filter(is_due).filter_map(|depth| depth.next_due_at).min();
        Ok(HealthReport {
            reasons: reasons(&vitals, thresholds),
            vitals,
            since,
            now,
            queued: queue.iter().map(|depth| depth.due + depth.later).sum(),
            running: queue.iter().map(|depth| depth.running).sum(),
            oldest_due: first_due.map_or(Duration::ZERO, |at| now.since(at)),
            last_heartbeat: workers.iter().map(|worker| worker.heartbeat_at).max(),
            pool: store.pool_use(),
            integrity,
        })
    }

    /// How the worker of this process is, if it has one.
    pub fn worker_pulse(&self) -> Option<WorkerPulse> {
        self.parts.worker().map(|core| core.pulse())
    }
}

fn vitals(
    signs: &VitalSigns,
    queue: &[QueueDepth],
    workers: &[WorkerRow],
    findings: u64,
    now: Timestamp,
) -> Vitals {
    let is_alive = |worker: &&WorkerRow| worker.is_live() && now.since(worker.heartbeat_at) <= WORKER_SILENCE;
    let alive: Vec<&WorkerRow> = workers.iter().filter(is_alive).collect();
    let served: BTreeSet<&HandlerName> = alive.iter().flat_map(|worker| &worker.handlers).collect();
    let due = |depths: &mut dyn Iterator<Item = &QueueDepth>| depths.map(|depth| depth.due).sum();
    Vitals {
        connections: signs.connections.map(|found| Share { part: found.used, whole: found.max }),
        tasks: Share { part: signs.failed_tasks, whole: signs.ended_tasks },
        steps: Share { part: signs.failed_steps, whole: signs.executed_steps },
        stuck_tasks: signs.stuck_tasks,
        due_steps: due(&mut queue.iter()),
        unserved_steps: due(&mut queue.iter().filter(|depth| !served.contains(&depth.handler))),
        live_workers: alive.len() as u64,
        findings,
    }
}

#[cfg(test)]
mod tests {
    use tasker_core::ids::WorkerId;
    use uuid::Uuid;

    use super::*;

    fn worker(handler: &str, heartbeat_at: Timestamp) -> WorkerRow {
        WorkerRow {
            id: WorkerId(Uuid::from_u128(1)),
            name: "one".into(),
            version: "0".into(),
            handlers: vec![handler.parse().unwrap()],
            capacity: 1,
            running: 0,
            started_at: heartbeat_at,
            heartbeat_at,
            lost_at: None,
            stopped_at: None,
        }
    }

    fn depth(handler: &str, due: u64) -> QueueDepth {
        QueueDepth { handler: handler.parse().unwrap(), due, later: 7, running: 9, next_due_at: None }
    }

    #[test]
    fn only_workers_that_are_heard_of_serve_handlers() {
        let now = Timestamp::from_micros(0).plus_seconds(1_000);
        let then = |seconds| now.minus(Duration::from_secs(seconds));
        let stopped = WorkerRow { stopped_at: Some(now), ..worker("print", now) };
        let workers = [worker("http", then(30)), worker("mail", then(31)), stopped];
        let queue = [depth("http", 1), depth("mail", 2), depth("print", 4)];
        let found = vitals(&VitalSigns::default(), &queue, &workers, 0, now);
        assert_eq!((found.live_workers, found.due_steps, found.unserved_steps), (1, 7, 6));
    }
}
