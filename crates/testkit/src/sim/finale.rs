//! The end of a simulated world: the faults have stopped, so everything that can end must end, and all that was
//! promised must be true.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use tasker_core::state::{StepState, TaskState};
use tasker_store::workers::WorkerRow;
use tokio::time::Instant;

use super::ledger::{End, Execution, Ledger};
use super::node::Running;
use super::oracle::{Oracle, Seen};
use super::shared::lock;
use super::world::World;

/// Within this time after the faults have stopped everything must have ended.
const PATIENCE: Duration = Duration::from_secs(240);

/// A handler whose claim is gone must have been told after this time, if nothing fails.
const TOLD_WITHIN: Duration = Duration::from_secs(8);

/// How often it is looked whether everything has ended.
const LOOK: Duration = Duration::from_millis(200);

impl World {
    /// Stops the faults, waits for everything to end, and looks at everything.
    pub(super) async fn settle_down(&mut self) {
        self.calm_down();
        let since = Instant::now();
        while !self.has_ended() {
            if since.elapsed() > PATIENCE {
                return self.shared.violate(self.what_is_left());
            }
            tokio::time::sleep(LOOK).await;
            self.judge_tokens();
        }
        self.judge_everything();
        self.stop_all().await;
    }

    fn has_ended(&self) -> bool {
        let oracle = lock(&self.shared.oracle);
        self.shared.clients.load(Ordering::SeqCst) == 0
            && oracle.tasks().all(|(_, seen)| is_over(seen))
            && lock(&self.shared.ledger).running().next().is_none()
            && self.nodes.iter().filter_map(|node| node.running()).all(|running| is_well(running, &oracle))
    }

    fn what_is_left(&self) -> String {
        let name = |id: uuid::Uuid| self.shared.story.name(id);
        let mut left = Vec::new();
        for (id, seen) in lock(&self.shared.oracle).tasks().filter(|(_, seen)| !is_over(seen)) {
            let rows = seen.steps.iter().filter_map(|step| step.queue.as_ref());
            let rows = rows.map(|row| {
                let holder = row.worker.map_or("nobody".to_owned(), |worker| name(worker.0));
                format!("#{} f{} held by {holder}, due {}", row.ordinal, row.fence.0, row.run_at)
            });
            let rows: Vec<String> = rows.collect();
            left.push(format!("task {} is {}: {}", name(id.0), seen.state(), rows.join("; ")));
        }
        for execution in lock(&self.shared.ledger).running() {
            left.push(format!("step {} runs on {}", execution.step.step, execution.node));
        }
        let oracle = lock(&self.shared.oracle);
        for running in self.nodes.iter().filter_map(|node| node.running()).filter(|r| !is_well(r, &oracle)) {
            left.push(format!("{} has no live worker, or its slots are not free", running.vitals.name));
        }
        let clients = self.shared.clients.load(Ordering::SeqCst);
        format!("{PATIENCE:?} after the faults stopped {clients} clients wait, and: {}", left.join(" | "))
    }

    /// Handlers whose claims are gone, or whose tasks are cancelled, are told to stop.
    fn judge_tokens(&self) {
        let oracle = lock(&self.shared.oracle);
        let now = Instant::now();
        for execution in lock(&self.shared.ledger).running() {
            if counts(&oracle, execution) {
                execution.unheld_since = None;
                continue;
            }
            let since = *execution.unheld_since.get_or_insert(now);
            if now - since > TOLD_WITHIN && !execution.step.cancellation.is_cancelled() {
                let Execution { node, step, .. } = execution;
                self.shared.violate(format_args!(
                    "step {} of task {} runs on {node} although its claim is gone or its task is cancelled, and \
                     nobody told its handler",
                    step.step, step.task_id
                ));
                return;
            }
        }
    }

    fn judge_everything(&self) {
        let oracle = lock(&self.shared.oracle);
        self.shared.judge(oracle.judge_all());
        let ledger = lock(&self.shared.ledger);
        for (_, seen) in oracle.tasks() {
            self.shared.judge(judge_results(seen, &ledger));
        }
        for (id, _) in lock(&self.shared.asked).iter().filter(|(_, accepted)| **accepted) {
            if oracle.task(*id).is_none() {
                self.shared.violate(format_args!("task {id} was accepted, but is not stored"));
            }
        }
    }

    /// Every node stops gracefully, and no worker is left that counts as live.
    async fn stop_all(&mut self) {
        let workers: Vec<_> = self.nodes.iter().filter_map(|node| node.running()?.worker_id()).collect();
        for node in &mut self.nodes {
            node.stop(&self.shared, Duration::from_secs(5));
        }
        while !lock(&self.shared.living).is_empty() {
            tokio::time::sleep(LOOK).await;
        }
        let rows = lock(&self.shared.oracle).workers();
        if let Some(left) = rows.iter().find(|row| row.is_live() && workers.contains(&row.id)) {
            self.shared.violate(format_args!("{} has stopped, but its worker counts as live", left.name));
        }
    }
}

/// Whether a node can do all that it could when it started.
fn is_well(running: &Running, oracle: &Oracle) -> bool {
    let is_its = |row: &WorkerRow| Some(row.id) == running.worker_id() && row.is_live();
    running.has_free_worker() && oracle.workers().iter().any(is_its)
}

/// Whether nothing can happen to a task by itself any more.
fn is_over(seen: &Seen) -> bool {
    !seen.state().is_open() && seen.steps.iter().all(|step| step.queue.is_none())
}

/// Whether what the execution returns still counts.
fn counts(oracle: &Oracle, execution: &Execution) -> bool {
    let seen = oracle.task(execution.key.task);
    seen.is_some_and(|seen| seen.holds(&execution.key) && seen.state() != TaskState::Cancelled)
}

/// Every stored result is what an execution returned: that of the claim whose outcome was accepted.
fn judge_results(seen: &Seen, ledger: &Ledger) -> Result<(), String> {
    for step in seen.steps.iter().filter(|step| step.record.state == StepState::Complete) {
        let record = &step.record;
        let name = seen.plan().name(record.ordinal);
        let shown = format!("step {name} of task {}", seen.detail.record.id);
        let value = step.results.as_ref().map_or(Value::Null, |result| result.to_value());
        let number = value["execution"].as_u64().and_then(|number| usize::try_from(number).ok());
        let Some(execution) = number.and_then(|number| ledger.get(number)) else {
            return Err(format!("{shown} is complete, but no execution returned {value}"));
        };
        let is_its = execution.key.task == seen.detail.record.id && execution.key.ordinal == record.ordinal;
        if !is_its || execution.key.fence != record.settled_fence {
            return Err(format!("{shown} is complete with the result of another claim: {value}"));
        }
        if execution.end != Some(End::Succeeded) {
            return Err(format!("{shown} is complete, but its execution ended as {:?}", execution.end));
        }
    }
    Ok(())
}
