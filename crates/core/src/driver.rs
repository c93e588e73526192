//! For tests: one task in memory, driven by inputs and a clock of its own.
//!
//! It hands a [`Workset`] exactly what [`needs`] asks for, writes back exactly what comes out of it, and audits the
//! whole task after every batch. So every test that uses it also checks that `needs` names enough, that each row has
//! one final value, and that no invariant breaks.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use crate::audit::audit;
use crate::backoff::BackoffPolicy;
use crate::decide::{
    Action, Answer, ClaimBudget, Input, Needs, QueueChange, Rules, StepChange, Submission, TaskChange,
    Workset, needs, submit,
};
use crate::definition::{DefinitionBuilder, StepBuilder};
use crate::identity::IdentityStrategy;
use crate::ids::{Digest, Ordinal, TaskId, WorkerId};
use crate::outcome::{Failure, Outcome};
use crate::payload::Payload;
use crate::plan::Plan;
use crate::record::{
    Annotation, Change, Claim, QueueRow, StepDetail, StepRecord, TaskInput, TaskRecord, Transition,
};
use crate::time::Timestamp;

/// 2026-01-31T09:00:00Z, when every test begins.
pub(crate) fn start() -> Timestamp {
    Timestamp::parse("2026-01-31T09:00:00Z").expect("a literal")
}

/// A worker with a short id.
pub(crate) fn worker(n: u128) -> WorkerId {
    WorkerId(Uuid::from_u128(n))
}

/// Steps with their parents; every handler is `h`.
pub(crate) fn plan(steps: &[(&str, &[&str])]) -> Arc<Plan> {
    define(steps, |definition| definition, |step| step)
}

/// Steps with their parents, the definition and each step changed as told.
pub(crate) fn define(
    steps: &[(&str, &[&str])],
    definition: impl Fn(DefinitionBuilder) -> DefinitionBuilder,
    step: impl Fn(StepBuilder) -> StepBuilder,
) -> Arc<Plan> {
    let build = |(name, parents): &(&str, &[&str])| {
        let builder = StepBuilder::new(*name, "h");
        step(if parents.is_empty() { builder } else { builder.depends_on(parents.iter().copied()) })
    };
    let whole = steps.iter().map(build).fold(DefinitionBuilder::new("shape"), DefinitionBuilder::step);
    Plan::new(definition(whole).build().expect("a valid definition"))
}

/// `L1` to `Ln`, each after the one before.
pub(crate) fn linear(n: usize) -> Arc<Plan> {
    let names: Vec<String> = (1..=n).map(|i| format!("L{i}")).collect();
    let parents: Vec<Vec<&str>> =
        (0..n).map(|i| if i == 0 { Vec::new() } else { vec![names[i - 1].as_str()] }).collect();
    let steps: Vec<(&str, &[&str])> =
        names.iter().map(String::as_str).zip(parents.iter().map(Vec::as_slice)).collect();
    plan(&steps)
}

/// The shape Small of `spec/domain.md` 12: `one` alone, and `two` -> `three` -> `four`.
pub(crate) fn small() -> Arc<Plan> {
    plan(&SMALL)
}

/// The full example of `spec/authoring.md` 1.16, its graph only.
pub(crate) fn lend_artifact() -> Arc<Plan> {
    let steps: [(&str, &[&str]); 6] = [
        ("load_artifact", &[]),
        ("check_condition", &["load_artifact"]),
        ("quote_insurance", &["load_artifact"]),
        ("book_courier", &["check_condition", "quote_insurance"]),
        ("sign_contract", &["quote_insurance", "check_condition"]),
        ("notify_borrower", &["book_courier", "sign_contract"]),
    ];
    let step = |(name, parents): &(&str, &[&str])| {
        StepBuilder::new(*name, format!("museum/{name}")).depends_on(parents.iter().copied())
    };
    let empty = DefinitionBuilder::new("lend_artifact").namespace("museum").version("2.1.0");
    let whole = steps.iter().map(step).fold(empty, DefinitionBuilder::step);
    Plan::new(whole.build().expect("a valid definition"))
}

/// The steps of [`small`].
pub(crate) const SMALL: [(&str, &[&str]); 4] =
    [("one", &[]), ("two", &[]), ("three", &["two"]), ("four", &["three"])];

/// The steps of the shape Diamond of `spec/domain.md` 12.
pub(crate) const DIAMOND: [(&str, &[&str]); 7] = [
    ("S", &[]),
    ("A1", &["S"]),
    ("B1", &["S"]),
    ("A2", &["A1"]),
    ("B2", &["B1"]),
    ("M", &["A2", "B2"]),
    ("E", &["M"]),
];

/// A retryable failure.
pub(crate) fn hiccup() -> Failure {
    Failure::retryable("Hiccup", "hiccup", "it did not work")
}

/// A permanent failure.
pub(crate) fn refusal() -> Failure {
    Failure::permanent("CardDeclined", "HTTP_422", "the card was declined")
}

/// One task and its clock.
#[derive(Clone)]
pub(crate) struct Driver {
    pub(crate) plan: Arc<Plan>,
    pub(crate) now: Timestamp,
    pub(crate) rules: Rules,
    pub(crate) task: TaskRecord,
    pub(crate) input: TaskInput,
    pub(crate) steps: Vec<StepDetail>,
    pub(crate) log: Vec<Transition>,
    pub(crate) annotations: Vec<Annotation>,
    /// What the last batch changed.
    pub(crate) change: TaskChange,
}

/// A task of [`small`]: `one` waits to be claimed, `two` runs, `three` and `four` wait for it.
pub(crate) fn running() -> Driver {
    let mut driver = Driver::new(small());
    driver.claim("two");
    driver
}

/// A task of one step that is complete.
pub(crate) fn complete() -> Driver {
    let mut driver = Driver::new(linear(1));
    driver.complete(&["L1"]);
    driver
}

/// `a` failed and is tried again later, `b` waits to be claimed.
pub(crate) fn failed() -> Driver {
    let mut driver = Driver::new(plan(&[("a", &[]), ("b", &[])]));
    driver.fail("a", hiccup());
    driver
}

impl Driver {
    /// Submits a task of this plan.
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        Self::submit(plan, |_| {})
    }

    /// Submits a task of this plan, the request changed as told.
    pub(crate) fn submit(plan: Arc<Plan>, adjust: impl FnOnce(&mut Submission)) -> Self {
        let mut submission = Submission {
            id: TaskId(Uuid::from_u128(0x7a5c)),
            plan: plan.clone(),
            latest: false,
            context: Payload::empty_object(),
            initiator: "tests".into(),
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
            content: Digest([0; 32]),
        };
        adjust(&mut submission);
        let rules = Rules { backoff: BackoffPolicy { jitter: None, ..BackoffPolicy::default() } };
        let new = submit(&submission, &rules, start(), None).expect("the default identity never fails");
        let task = new.change.task.clone().expect("a new task has a row");
        let blank = |(ordinal, change): (Ordinal, &StepChange)| {
            assert_eq!(change.record.ordinal, ordinal, "a new task has a row for every step, in order");
            StepDetail {
                record: change.record.clone(),
                inputs: None,
                results: None,
                error: None,
                queue: None,
            }
        };
        assert_eq!(new.change.steps.len(), plan.graph.n_steps());
        let steps = plan.graph.steps().zip(&new.change.steps).map(blank).collect();
        let mut driver = Self {
            plan,
            now: start(),
            rules,
            task,
            input: new.input,
            steps,
            log: Vec::new(),
            annotations: Vec::new(),
            change: new.change.clone(),
        };
        driver.write(new.change);
        driver
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, seconds: i64) -> &mut Self {
        self.now = self.now.plus_seconds(seconds);
        self
    }

    /// Decides a batch of inputs and writes what comes of it.
    pub(crate) fn batch(&mut self, inputs: Vec<Input>, budget: Option<&mut ClaimBudget>) -> Vec<Answer> {
        let needs = needs(&self.plan, &self.task, &inputs);
        let rules = self.rules.clone();
        let mut work =
            Workset::new(self.plan.clone(), &rules, self.now, self.task.clone(), self.read(&needs));
        let answers = inputs.into_iter().map(|input| work.take(input)).collect();
        if let Some(budget) = budget {
            work.claim_free(budget);
        }
        let change = work.finish();
        self.write(change);
        answers
    }

    fn read(&self, needs: &Needs) -> Vec<(StepRecord, Option<QueueRow>)> {
        let named = |detail: &&StepDetail| needs.all || needs.steps.contains(&detail.record.ordinal);
        let free = |detail: &&StepDetail| {
            !named(detail) && detail.queue.is_none() && detail.record.wants_queue_row()
        };
        let first_free = self.steps.iter().find(free).filter(|_| needs.first_free);
        let read = self.steps.iter().filter(named).chain(first_free);
        read.map(|detail| (detail.record.clone(), detail.queue.clone())).collect()
    }

    fn write(&mut self, change: TaskChange) {
        self.take_over(change, true);
    }

    /// Writes a change; `sound` is whether nothing must be wrong afterwards.
    pub(crate) fn take_over(&mut self, change: TaskChange, sound: bool) {
        self.change = change.clone();
        self.task = change.task.unwrap_or_else(|| self.task.clone());
        change.steps.into_iter().for_each(|step| self.write_step(step));
        change.queue.into_iter().for_each(|row| self.write_row(row));
        self.log.extend(change.log);
        self.annotations.extend(change.annotations);
        if let Some(edit) = change.edit {
            self.input.reason = edit.reason.unwrap_or_else(|| self.input.reason.clone());
            self.input.tags = edit.tags.unwrap_or_else(|| self.input.tags.clone());
        }
        let findings = audit(&self.plan, &self.task, &self.steps, &self.log);
        assert!(findings.is_empty() || !sound, "{findings:#?}\nafter {:#?}", self.change);
    }

    fn write_step(&mut self, change: StepChange) {
        let detail = &mut self.steps[change.record.ordinal.index()];
        detail.record = change.record;
        detail.inputs = change.inputs.or(detail.inputs.take());
        detail.results = change.results.or(detail.results.take());
        detail.error = change.error.unwrap_or(detail.error.take());
    }

    fn write_row(&mut self, change: QueueChange) {
        let (ordinal, row, had) = match change {
            QueueChange::Insert(row) => (row.ordinal, Some(row), false),
            QueueChange::Update(row) => (row.ordinal, Some(row), true),
            QueueChange::Delete(ordinal) => (ordinal, None, true),
        };
        let stored = &mut self.steps[ordinal.index()].queue;
        assert_eq!(stored.is_some(), had, "step {ordinal}: the change fits the row that is there");
        *stored = row;
    }

    /// Decides one input.
    pub(crate) fn take(&mut self, input: Input) -> Answer {
        self.batch(vec![input], None).remove(0)
    }

    /// An operator acts.
    pub(crate) fn operate(&mut self, action: Action) -> Answer {
        self.take(Input::Operate { action, actor: "ann".into(), reason: None, expected: None })
    }

    /// Worker 1 takes a step.
    pub(crate) fn claim(&mut self, step: &str) -> Claim {
        let step = self.at(step);
        assert_eq!(self.take(Input::Claim { step, worker: worker(1) }), Answer::Claimed, "step {step}");
        self.change.claims[0].clone()
    }

    /// The running execution of a step ends.
    pub(crate) fn settle(&mut self, step: &str, outcome: Outcome) -> Answer {
        let step = self.at(step);
        let fence = self.steps[step.index()].record.fence;
        self.take(Input::Settle { step, fence, outcome })
    }

    /// The claim of a step is returned.
    pub(crate) fn give_back(&mut self, step: &str) -> Answer {
        let step = self.at(step);
        let fence = self.steps[step.index()].record.fence;
        self.take(Input::GiveBack { step, fence })
    }

    /// Claims and completes steps, one after the other.
    pub(crate) fn complete(&mut self, steps: &[&str]) -> &mut Self {
        for step in steps {
            self.claim(step);
            self.settle(step, Outcome::Success(Payload::from_stored(format!("\"{step} done\""))));
        }
        self
    }

    /// Claims a step and lets it fail.
    pub(crate) fn fail(&mut self, step: &str, failure: Failure) -> &mut Self {
        self.claim(step);
        self.settle(step, Outcome::Failure(failure));
        self
    }

    /// Lets a step fail until no execution is left.
    pub(crate) fn exhaust(&mut self, step: &str) -> &mut Self {
        while self.step(step).record.attempts < self.step(step).record.retry_limit {
            self.fail(step, hiccup()).wait(400);
        }
        self
    }

    /// Position of a step.
    pub(crate) fn at(&self, step: &str) -> Ordinal {
        self.plan.position(step).expect("a step of the plan")
    }

    /// A step.
    pub(crate) fn step(&self, step: &str) -> &StepDetail {
        &self.steps[self.at(step).index()]
    }

    /// Names of the steps with a queue row.
    pub(crate) fn queued(&self) -> Vec<&str> {
        self.names(|detail| detail.queue.is_some())
    }

    /// Names of the steps that a worker could take now.
    pub(crate) fn due(&self) -> Vec<&str> {
        let due = |row: &QueueRow| row.worker.is_none() && row.run_at <= self.now;
        self.names(|detail| detail.queue.as_ref().is_some_and(due))
    }

    /// Names of the chosen steps.
    pub(crate) fn names(&self, chosen: impl Fn(&StepDetail) -> bool) -> Vec<&str> {
        let steps = self.steps.iter().filter(|detail| chosen(detail));
        steps.map(|detail| self.plan.name(detail.record.ordinal).as_str()).collect()
    }

    /// States of all steps, as `name=state`.
    pub(crate) fn states(&self) -> String {
        let state = |detail: &StepDetail| {
            format!("{}={}", self.plan.name(detail.record.ordinal), detail.record.state)
        };
        self.steps.iter().map(state).collect::<Vec<_>>().join(" ")
    }

    /// Log entries from this number on, one a line: `who: from -> to by actor metadata`.
    pub(crate) fn log_after(&self, seq: u64) -> String {
        let entries = self.log.iter().filter(|entry| entry.seq > seq);
        entries.map(|entry| self.log_line(entry)).collect::<Vec<_>>().join("\n")
    }

    fn log_line(&self, entry: &Transition) -> String {
        let (who, from, to) = match entry.change {
            Change::Task { from, to } => ("task".to_owned(), from.map(|s| s.as_str()), to.as_str()),
            Change::Step { ordinal, from, to } => {
                (self.plan.name(ordinal).to_string(), from.map(|s| s.as_str()), to.as_str())
            }
        };
        let metadata = entry.metadata.as_deref().map(|text| format!(" {text}")).unwrap_or_default();
        format!(
            "{} {who}: {} -> {to} by {}{metadata}",
            entry.seq,
            from.unwrap_or("none"),
            short(&entry.actor)
        )
    }

    /// The stored result of a step.
    pub(crate) fn result(&self, step: &str) -> Option<Value> {
        self.step(step).results.as_ref().map(Payload::to_value)
    }

    /// The whole task in a few lines: counters, then each step with its queue row.
    pub(crate) fn picture(&self) -> String {
        let task = &self.task;
        let mut lines =
            vec![format!("task {} active={} remaining={}", task.state, task.active, task.remaining)];
        lines.extend(self.steps.iter().map(|detail| self.step_line(detail)));
        lines.join("\n")
    }

    fn step_line(&self, detail: &StepDetail) -> String {
        let StepRecord { state, waits, attempts, retry_limit, fence, .. } = &detail.record;
        let name = self.plan.name(detail.record.ordinal);
        let row = detail.queue.as_ref().map_or_else(String::new, |row| {
            let due = row.run_at.as_micros() - self.now.as_micros();
            let holder =
                row.worker.map_or("unclaimed".to_owned(), |worker| format!("w{}", worker.0.as_u128()));
            format!(" | queued {holder} fence={} due in {}s", row.fence.0, due / 1_000_000)
        });
        format!("{name} {state} waits={waits} attempts={attempts}/{retry_limit} fence={}{row}", fence.0)
    }
}

/// A budget that takes everything this handler runs.
pub(crate) fn budget(slots: u32) -> ClaimBudget {
    let handler = "h".parse().expect("a handler name");
    ClaimBudget { worker: worker(1), slots, handlers: HashMap::from([(handler, slots)]), only_task: None }
}

fn short(actor: &str) -> String {
    actor.replace("00000000-0000-0000-0000-00000000000", "")
}
