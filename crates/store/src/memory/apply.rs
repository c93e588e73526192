//! The one path by which tasks change.

use std::collections::BTreeMap;

use tasker_core::decide::{self, Answer, ClaimBudget, Input, Needs, Rejection, Rules, TaskChange, Workset};
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::names::HandlerName;
use tasker_core::record::{Claim, QueueRow, StepRecord, TaskRecord};
use tasker_core::time::Timestamp;

use super::Tables;
use super::tasks::Task;
use crate::write::{Applied, ApplyBatch, Ended, FromQueue, Logged, MAX_INPUT_BYTES, Results, Work};

/// A class of priority is worth this much of waiting (`engine.md` 3).
const SECONDS_PER_PRIORITY: i64 = 60;

/// A step that waits in the queue. The lowest rank goes first: by time, then by the order in which tasks were
/// accepted, then by document order.
struct Due {
    rank: (Timestamp, u64, Ordinal),
    run_at: Timestamp,
    task: TaskId,
    step: Ordinal,
}

/// Inputs of one task, with their places in the batch; claims from the queue have none.
type TaskInputs = Vec<(Option<usize>, Input)>;

impl Tables {
    /// Tasks are worked off in the order of their ids, the inputs of each in the order of the batch.
    pub(super) fn apply(&mut self, batch: ApplyBatch, now: Timestamp) -> Applied {
        let from_queue = batch.claiming.as_ref().map_or(FromQueue::Never, |claiming| claiming.from_queue);
        let mut budget = batch.claiming.map(|claiming| claiming.budget);
        let mut answers: Vec<Option<Answer>> = vec![None; batch.inputs.len()];
        let mut by_task = self.group(batch.inputs, &mut answers);
        if let (FromQueue::First, Some(budget)) = (from_queue, &mut budget) {
            self.claim_inputs(budget, now, &mut by_task);
        }
        let mut pass = Pass {
            rules: &batch.rules,
            now,
            budget: budget.as_mut(),
            claims: Vec::new(),
            ended: Vec::new(),
            logged: Vec::new(),
        };
        for (task, inputs) in by_task {
            self.decide(task, inputs, &mut pass, &mut answers);
        }
        if let (FromQueue::Last, Some(budget)) = (from_queue, pass.budget.as_deref_mut()) {
            let mut claims = BTreeMap::new();
            self.claim_inputs(budget, now, &mut claims);
            for (task, inputs) in claims {
                self.decide(task, inputs, &mut pass, &mut answers);
            }
        }
        let Pass { claims, ended, logged, .. } = pass;
        Applied {
            answers: answers.into_iter().map(|answer| answer.expect("every input was decided")).collect(),
            work: claims.into_iter().map(|claim| self.work(claim)).collect(),
            ended: ended.into_iter().map(|task| Ended::from(&self.tasks[&task].record)).collect(),
            logged,
            next_due: budget
                .filter(|_| from_queue != FromQueue::Never)
                .and_then(|budget| self.next_due(&budget)),
            now,
        }
    }

    /// Sorts inputs by task; those of tasks that do not exist are answered at once.
    fn group(
        &self,
        inputs: Vec<(TaskId, Input)>,
        answers: &mut [Option<Answer>],
    ) -> BTreeMap<TaskId, TaskInputs> {
        let mut by_task: BTreeMap<TaskId, TaskInputs> = BTreeMap::new();
        for (place, (task, input)) in inputs.into_iter().enumerate() {
            if self.tasks.contains_key(&task) {
                by_task.entry(task).or_default().push((Some(place), input));
            } else {
                answers[place] = Some(unknown_task(task, &input));
            }
        }
        by_task
    }

    /// Adds a claim for each due step that fits the budget.
    fn claim_inputs(
        &self,
        budget: &mut ClaimBudget,
        now: Timestamp,
        by_task: &mut BTreeMap<TaskId, TaskInputs>,
    ) {
        let mut due: Vec<Due> = self.unclaimed().filter(|due| due.run_at <= now).collect();
        due.sort_by_key(|due| due.rank);
        for Due { task, step, .. } in due {
            if budget.take(task, &self.tasks[&task].plan.step(step).handler) {
                by_task.entry(task).or_default().push((None, Input::Claim { step, worker: budget.worker }));
            }
        }
    }

    fn unclaimed(&self) -> impl Iterator<Item = Due> {
        let rows = self.tasks.values().flat_map(|task| task.steps.iter().map(move |step| (task, step)));
        rows.filter_map(|(task, step)| {
            let row = step.queue.as_ref().filter(|row| row.worker.is_none())?;
            let rank = row.run_at.plus_seconds(SECONDS_PER_PRIORITY * i64::from(row.priority.get()));
            let rank = (rank, task.arrival, row.ordinal);
            Some(Due { rank, run_at: row.run_at, task: task.record.id, step: row.ordinal })
        })
    }

    /// When the next step is due that the slots that are left could run.
    fn next_due(&self, budget: &ClaimBudget) -> Option<Timestamp> {
        let fits =
            |due: &Due| budget.clone().take(due.task, &self.tasks[&due.task].plan.step(due.step).handler);
        self.unclaimed().filter(fits).map(|due| due.run_at).min()
    }

    fn decide(
        &mut self,
        id: TaskId,
        inputs: TaskInputs,
        pass: &mut Pass<'_>,
        answers: &mut [Option<Answer>],
    ) {
        let task = self.tasks.get_mut(&id).expect("unknown tasks were answered before");
        let (places, inputs): (Vec<_>, Vec<_>) = inputs.into_iter().unzip();
        let was_open = task.record.state.is_open();
        let (given, change) = task.decide(&inputs, pass);
        task.write(&change);
        task.verify();
        if was_open && !task.record.state.is_open() {
            pass.ended.push(id);
        }
        for ((place, input), answer) in places.into_iter().zip(&inputs).zip(given) {
            match (place, input) {
                (Some(place), _) => answers[place] = Some(answer),
                (None, Input::Claim { step, .. }) if answer != Answer::Claimed => {
                    pass.refund(&task.plan.step(*step).handler);
                }
                (None, _) => {}
            }
        }
        pass.logged.extend(Logged::of(id, &task.plan, &change.log));
        self.note(id, &change.log);
        pass.claims.extend(change.claims);
    }

    /// Everything that the handler of a claimed step needs.
    pub(super) fn work(&self, claim: Claim) -> Work {
        let task = &self.tasks[&claim.task];
        let reads = &task.plan.reads[claim.ordinal.index()];
        let results: Vec<_> = reads.iter().map(|&step| (step, task.result(step))).collect();
        let bytes: usize =
            results.iter().filter_map(|(_, result)| result.as_ref()).map(|result| result.len()).sum();
        Work {
            plan: task.plan.clone(),
            context: task.input.context.clone(),
            correlation_id: task.input.correlation_id.clone(),
            inputs: task.steps[claim.ordinal.index()].inputs.clone(),
            results: if bytes > MAX_INPUT_BYTES { Results::TooLarge } else { Results::Loaded(results) },
            claim,
        }
    }
}

/// What one batch decides with, and what came of it so far.
struct Pass<'a> {
    rules: &'a Rules,
    now: Timestamp,
    budget: Option<&'a mut ClaimBudget>,
    claims: Vec<Claim>,
    ended: Vec<TaskId>,
    logged: Vec<Logged>,
}

impl Pass<'_> {
    /// Returns the slot of a step that was picked from the queue and turned out not to be claimable.
    fn refund(&mut self, handler: &HandlerName) {
        if let Some(budget) = self.budget.as_deref_mut() {
            budget.slots += 1;
            budget.handlers.entry(handler.clone()).and_modify(|free| *free += 1);
        }
    }
}

/// A task's row and some of its steps, as a decision sees them.
type Seen = (TaskRecord, Vec<(StepRecord, Option<QueueRow>)>);

impl Task {
    /// Decides on the steps that `core` asks for, after having seen that a decision on all steps is the same.
    fn decide(&self, inputs: &[Input], pass: &mut Pass<'_>) -> (Vec<Answer>, TaskChange) {
        let (record, steps) = self.recounted();
        let needs = decide::needs(&self.plan, &record, inputs);
        let queue = self.steps.iter().map(|step| step.queue.clone());
        let all: Vec<_> = steps.into_iter().zip(queue).collect();
        let needed = needed(&needs, &all);
        let with_needed = self.run((record.clone(), needed.clone()), inputs, pass, false);
        let with_all = self.run((record.clone(), all), inputs, pass, false);
        assert_eq!(
            with_needed, with_all,
            "decisions on the needed steps (left) and on all steps (right): {inputs:?}"
        );
        if pass.budget.is_none() { with_needed } else { self.run((record, needed), inputs, pass, true) }
    }

    fn run(
        &self,
        seen: Seen,
        inputs: &[Input],
        pass: &mut Pass<'_>,
        go_on: bool,
    ) -> (Vec<Answer>, TaskChange) {
        let mut work = Workset::new(self.plan.clone(), pass.rules, pass.now, seen.0, seen.1);
        let answers = inputs.iter().map(|input| work.take(input.clone())).collect();
        if let (true, Some(budget)) = (go_on, pass.budget.as_deref_mut()) {
            work.claim_free(budget);
        }
        (answers, work.finish())
    }
}

fn needed(needs: &Needs, all: &[(StepRecord, Option<QueueRow>)]) -> Vec<(StepRecord, Option<QueueRow>)> {
    let named = |record: &StepRecord| needs.all || needs.steps.contains(&record.ordinal);
    let free = |record: &StepRecord, row: &Option<QueueRow>| row.is_none() && record.wants_queue_row();
    let first_free = all.iter().find(|(record, row)| needs.first_free && !named(record) && free(record, row));
    let mut chosen: Vec<_> = all.iter().filter(|(record, _)| named(record)).cloned().collect();
    chosen.extend(first_free.cloned());
    chosen
}

fn unknown_task(task: TaskId, input: &Input) -> Answer {
    match input {
        Input::Operate { .. } => {
            let message = format!("there is no task {task}");
            Answer::Refused(Rejection::new("not_found", message).help("list tasks: tasker task list"))
        }
        _ => Answer::Stale,
    }
}
