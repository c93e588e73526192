//! The rows of a task from its submission to its end.
//!
//! They are decided once, by the same `tasker-core` that decides for the engine, so that the ceiling writes exactly
//! the same rows; all tasks of a run are alike but for their ids.

use std::collections::HashMap;
use std::sync::Arc;

use tasker_core::decide::{
    ClaimBudget, Input, NewTask, QueueChange, Rules, Submission, TaskChange, Workset, needs, submit,
};
use tasker_core::identity::IdentityStrategy;
use tasker_core::ids::{Digest, Ordinal, TaskId, WorkerId};
use tasker_core::outcome::Outcome;
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::{QueueRow, StepRecord, TaskRecord};
use tasker_core::state::StepState;
use tasker_core::time::Timestamp;
use uuid::Uuid;

use super::BATCH;
use crate::workload::{self, Workload};

/// What happens to each task.
pub(crate) struct Script {
    /// The definition.
    pub(crate) plan: Arc<Plan>,
    /// The submission. Root steps are queued and not claimed.
    pub(crate) new: NewTask,
    /// What follows: the claim of the roots from the queue, then wave by wave the settling of what runs. What that
    /// sets free is claimed in the same transaction.
    pub(crate) rounds: Vec<Round>,
}

/// What one transaction does to a task.
pub(crate) struct Round {
    /// The rows. Every instant in them stands for the time of the transaction.
    pub(crate) change: TaskChange,
    /// Claims from the queue, or outcomes.
    pub(crate) n_items: usize,
}

impl Script {
    /// Of the tasks of a workload.
    pub(crate) fn of(workload: &Workload) -> Self {
        let plan = Plan::new(workload.definition());
        let worker = WorkerId(Uuid::now_v7());
        let new = submit(&submission(workload, &plan), &Rules::default(), Timestamp::default(), None);
        let new = new.expect("the default identity cannot fail");
        let rounds = Play::of(plan.clone(), worker, &new).play_on(workload.payload_bytes);
        Self { plan, new, rounds }
    }

    /// How many tasks a transaction takes of a round.
    pub(crate) fn tasks_at_once(round: &Round) -> usize {
        (BATCH / round.n_items.max(1)).max(1)
    }
}

fn submission(workload: &Workload, plan: &Arc<Plan>) -> Submission {
    Submission {
        id: TaskId(Uuid::nil()),
        plan: plan.clone(),
        latest: true,
        context: workload.request(1_000).context,
        initiator: "unknown".into(),
        source_system: "unknown".into(),
        reason: "unknown".into(),
        tags: Vec::new(),
        bypass: Vec::new(),
        priority: plan.definition.priority,
        not_before: None,
        requested_at: None,
        correlation_id: None,
        created_by: None,
        identity: IdentityStrategy::Default,
        content: Digest::of(b"a request"),
    }
}

/// A task that is played through in memory.
struct Play {
    plan: Arc<Plan>,
    rules: Rules,
    worker: WorkerId,
    task: TaskRecord,
    steps: Vec<(StepRecord, Option<QueueRow>)>,
}

impl Play {
    fn of(plan: Arc<Plan>, worker: WorkerId, new: &NewTask) -> Self {
        let task = new.change.task.clone().expect("a new task has its row");
        let steps = new.change.steps.iter().map(|step| (step.record.clone(), None)).collect();
        let mut play = Self { plan, rules: Rules::default(), worker, task, steps };
        play.keep(&new.change);
        play
    }

    fn play_on(mut self, payload_bytes: usize) -> Vec<Round> {
        let result = workload::result(payload_bytes).to_string();
        let result = Payload::from_stored(result);
        let worker = self.worker;
        let claims = self.steps_that(|_, row| row.is_some()).into_iter();
        let mut inputs: Vec<Input> = claims.map(|step| Input::Claim { step, worker }).collect();
        let mut rounds = Vec::new();
        while !inputs.is_empty() {
            rounds.extend(inputs.chunks(BATCH).map(|inputs| self.take(inputs)));
            inputs = self.outcomes(&result);
        }
        rounds
    }

    /// The success of everything that runs.
    fn outcomes(&self, result: &Payload) -> Vec<Input> {
        let running = self.steps_that(|record, _| record.state == StepState::InProgress);
        let outcome = |step: Ordinal| Input::Settle {
            step,
            fence: self.steps[step.index()].0.fence,
            outcome: Outcome::Success(result.clone()),
        };
        running.into_iter().map(outcome).collect()
    }

    fn take(&mut self, inputs: &[Input]) -> Round {
        let needs = needs(&self.plan, &self.task, inputs);
        let rows: Vec<_> = needs.steps.iter().map(|step| self.steps[step.index()].clone()).collect();
        let mut work =
            Workset::new(self.plan.clone(), &self.rules, Timestamp::default(), self.task.clone(), rows);
        for input in inputs {
            work.take(input.clone());
        }
        work.claim_free(&mut boundless(self.worker));
        let change = work.finish();
        self.keep(&change);
        Round { change, n_items: inputs.len() }
    }

    fn keep(&mut self, change: &TaskChange) {
        if let Some(task) = &change.task {
            self.task = task.clone();
        }
        for step in &change.steps {
            self.steps[step.record.ordinal.index()].0 = step.record.clone();
        }
        for change in &change.queue {
            match change {
                QueueChange::Insert(row) | QueueChange::Update(row) => {
                    self.steps[row.ordinal.index()].1 = Some(row.clone());
                }
                QueueChange::Delete(step) => self.steps[step.index()].1 = None,
            }
        }
    }

    fn steps_that(&self, fits: impl Fn(&StepRecord, Option<&QueueRow>) -> bool) -> Vec<Ordinal> {
        let fitting = self.steps.iter().filter(|(record, row)| fits(record, row.as_ref()));
        fitting.map(|(record, _)| record.ordinal).collect()
    }
}

fn boundless(worker: WorkerId) -> ClaimBudget {
    let handlers = HashMap::from([(workload::handler_name(), u32::MAX)]);
    ClaimBudget { worker, slots: u32::MAX, handlers, only_task: None }
}

#[cfg(test)]
mod tests {
    use tasker_core::state::TaskState;

    use super::*;
    use crate::workload::ShapeKind;

    fn script(kind: ShapeKind, steps: Option<usize>) -> Script {
        Script::of(&Workload::new(kind, steps, 10))
    }

    /// Rows of a kind in the whole life of a task.
    fn total(script: &Script, count: impl Fn(&TaskChange) -> usize) -> usize {
        count(&script.new.change) + script.rounds.iter().map(|round| count(&round.change)).sum::<usize>()
    }

    #[test]
    fn every_shape_is_played_to_its_end() {
        for kind in ShapeKind::ALL {
            let script = script(kind, None);
            let last = script.rounds.last().unwrap().change.task.clone().unwrap();
            assert_eq!((last.state, last.active, last.remaining), (TaskState::Complete, 0, 0), "{kind:?}");
            let n_steps = script.plan.graph.n_steps();
            // Created, started, completed; the task the same.
            assert_eq!(total(&script, |change| change.log.len()), 3 * n_steps + 3, "{kind:?}");
            let of_queue = |kind: fn(&QueueChange) -> bool| {
                total(&script, |change| change.queue.iter().filter(|change| kind(change)).count())
            };
            assert_eq!(of_queue(|change| matches!(change, QueueChange::Insert(_))), n_steps);
            assert_eq!(of_queue(|change| matches!(change, QueueChange::Delete(_))), n_steps);
            let roots = script.plan.graph.roots().count();
            assert_eq!(of_queue(|change| matches!(change, QueueChange::Update(_))), roots);
        }
    }

    #[test]
    fn a_transaction_takes_as_many_tasks_as_make_a_batch() {
        let fan = script(ShapeKind::FanOut, Some(22));
        let sizes: Vec<usize> = fan.rounds.iter().map(Script::tasks_at_once).collect();
        assert_eq!(sizes, [500, 500, 25, 500]);
        let wide = script(ShapeKind::FanOut, Some(1_202));
        let items: Vec<usize> = wide.rounds.iter().map(|round| round.n_items).collect();
        assert_eq!(items, [1, 1, 500, 500, 200, 1]);
    }
}
