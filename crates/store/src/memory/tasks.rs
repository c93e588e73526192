//! One task, and how it comes to be.

use std::sync::Arc;

use tasker_core::audit;
use tasker_core::decide::{
    self, ClaimBudget, NewTask, QueueChange, Rejection, StepChange, Submission, TaskChange,
};
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::{Annotation, StepDetail, StepRecord, TaskInput, TaskRecord, Transition};
use tasker_core::time::Timestamp;

use super::Tables;
use crate::StoreError;
use crate::write::{Logged, SubmitAnswer, SubmitBatch, Submitted};

/// A task with all that belongs to it.
pub(super) struct Task {
    /// Number in the order in which tasks were accepted.
    pub(super) arrival: u64,
    pub(super) plan: Arc<Plan>,
    pub(super) record: TaskRecord,
    pub(super) input: TaskInput,
    pub(super) steps: Vec<StepDetail>,
    pub(super) log: Vec<Transition>,
    pub(super) annotations: Vec<Annotation>,
}

impl Tables {
    pub(super) fn submit(&mut self, batch: &SubmitBatch, now: Timestamp) -> Result<Submitted, StoreError> {
        let mut budget = batch.budget.clone();
        let mut submitted = Submitted { answers: Vec::new(), work: Vec::new(), logged: Vec::new(), now };
        let (n_accepted, last_cursor) = (self.n_accepted, self.last_cursor);
        for submission in &batch.submissions {
            let answer = match self.known_already(submission).or_else(|| self.not_admitted(submission)) {
                Some(answer) => answer,
                None => self.accept(submission, &batch.rules, now, budget.as_mut(), &mut submitted),
            };
            submitted.answers.push(answer);
        }
        if batch.is_withheld(&submitted.answers) {
            self.roll_back(n_accepted, last_cursor);
            return Err(StoreError::Withheld(submitted.answers));
        }
        Ok(submitted)
    }

    /// Takes away what was accepted after so many tasks and log entries.
    fn roll_back(&mut self, n_accepted: u64, last_cursor: u64) {
        self.tasks.retain(|_, task| task.arrival <= n_accepted);
        self.log.split_off(&(last_cursor + 1));
        (self.n_accepted, self.last_cursor) = (n_accepted, last_cursor);
    }

    /// The id is looked at before everything else, so that a request that is sent again is never refused.
    fn known_already(&self, submission: &Submission) -> Option<SubmitAnswer> {
        let task = self.tasks.get(&submission.id)?;
        let same = task.input.content == submission.content;
        Some(if same { SubmitAnswer::AlreadyAccepted } else { SubmitAnswer::IdConflict })
    }

    fn not_admitted(&self, submission: &Submission) -> Option<SubmitAnswer> {
        let definition = &submission.plan.definition;
        let (namespace, name, version) = (&definition.namespace, &definition.name, &definition.version);
        if submission.latest && self.latest(namespace, name).is_none_or(|(latest, _)| latest != version) {
            return Some(SubmitAnswer::NotLatest);
        }
        let key = (namespace.clone(), name.clone(), version.clone());
        let (code, what, help) = match self.definitions.get(&key) {
            None => ("not_found", "is not registered", "register it first: tasker definition register FILE"),
            Some(stored) if stored.retired => {
                ("definition_retired", "is retired: it takes no new tasks", "use another version")
            }
            Some(stored) if stored.plan.digest != submission.plan.digest => {
                return Some(SubmitAnswer::NotLatest);
            }
            Some(_) => return None,
        };
        let message = format!("definition {} {what}", definition.full_name());
        Some(SubmitAnswer::Refused(Rejection::new(code, message).help(help)))
    }

    fn accept(
        &mut self,
        submission: &Submission,
        rules: &decide::Rules,
        now: Timestamp,
        budget: Option<&mut ClaimBudget>,
        submitted: &mut Submitted,
    ) -> SubmitAnswer {
        let mut left = budget.as_deref().cloned();
        let new = match decide::submit(submission, rules, now, left.as_mut()) {
            Ok(new) => new,
            Err(message) => {
                let message = format!("task {} has no identity: {message}", submission.id);
                return SubmitAnswer::Refused(Rejection::new("identity_failed", message));
            }
        };
        if let Some(of) = new.input.identity.as_deref().and_then(|identity| self.with_identity(identity)) {
            return SubmitAnswer::Duplicate { of };
        }
        if let (Some(budget), Some(left)) = (budget, left) {
            *budget = left;
        }
        self.n_accepted += 1;
        let task = Task::new(self.n_accepted, submission.plan.clone(), &new);
        task.verify();
        let state = task.record.state;
        submitted.logged.extend(Logged::of(submission.id, &submission.plan, &new.change.log));
        self.note(submission.id, &new.change.log);
        self.tasks.insert(submission.id, task);
        submitted.work.extend(new.change.claims.into_iter().map(|claim| self.work(claim)));
        SubmitAnswer::Accepted { state }
    }

    fn with_identity(&self, identity: &str) -> Option<TaskId> {
        let is_it = |task: &&Task| task.input.identity.as_deref() == Some(identity);
        self.tasks.values().find(is_it).map(|task| task.record.id)
    }

    /// Gives log entries of a task their places in the log of all tasks.
    pub(super) fn note(&mut self, task: TaskId, entries: &[Transition]) {
        for entry in entries {
            self.last_cursor += 1;
            self.log.insert(self.last_cursor, (task, entry.seq));
        }
    }
}

impl Task {
    fn new(arrival: u64, plan: Arc<Plan>, new: &NewTask) -> Self {
        let blank = |change: &StepChange| StepDetail {
            record: change.record.clone(),
            inputs: None,
            results: None,
            error: None,
            queue: None,
        };
        let mut task = Self {
            arrival,
            plan,
            record: new.change.task.clone().expect("a new task has its row"),
            input: new.input.clone(),
            steps: new.change.steps.iter().map(blank).collect(),
            log: Vec::new(),
            annotations: Vec::new(),
        };
        task.write(&new.change);
        task
    }

    /// The output of a step that is done.
    pub(super) fn result(&self, step: Ordinal) -> Option<Payload> {
        let step = self.steps.get(step.index())?;
        if step.record.state.is_done() { step.results.clone() } else { None }
    }

    /// Writes what was decided.
    pub(super) fn write(&mut self, change: &TaskChange) {
        if let Some(record) = &change.task {
            self.record = record.clone();
        }
        change.steps.iter().for_each(|step| self.write_step(step));
        change.queue.iter().for_each(|row| self.write_queue(row));
        self.log.extend(change.log.iter().cloned());
        self.annotations.extend(change.annotations.iter().cloned());
        if let Some(edit) = &change.edit {
            self.input.reason = edit.reason.clone().unwrap_or_else(|| self.input.reason.clone());
            self.input.tags = edit.tags.clone().unwrap_or_else(|| self.input.tags.clone());
        }
    }

    fn write_step(&mut self, change: &StepChange) {
        let step = &mut self.steps[change.record.ordinal.index()];
        step.record = change.record.clone();
        step.inputs = change.inputs.clone().or(step.inputs.take());
        step.results = change.results.clone().or(step.results.take());
        if let Some(error) = &change.error {
            step.error = error.clone();
        }
    }

    fn write_queue(&mut self, change: &QueueChange) {
        let (ordinal, row, should_exist) = match change {
            QueueChange::Insert(row) => (row.ordinal, Some(row.clone()), false),
            QueueChange::Update(row) => (row.ordinal, Some(row.clone()), true),
            QueueChange::Delete(ordinal) => (*ordinal, None, true),
        };
        let step = &mut self.steps[ordinal.index()];
        assert_eq!(
            step.queue.is_some(),
            should_exist,
            "task {}: {change:?} meets {:?}",
            self.record.id,
            step.queue
        );
        step.queue = row;
    }

    /// The rows with every counter counted anew from the states and queue rows.
    pub(super) fn recounted(&self) -> (TaskRecord, Vec<StepRecord>) {
        let mut record = self.record.clone();
        record.active = self.steps.iter().filter(|step| step.queue.is_some()).count() as u32;
        record.remaining = self.steps.iter().filter(|step| !step.record.state.is_done()).count() as u32;
        record.log_seq = self.log.len() as u64;
        let steps = self.steps.iter().map(|step| {
            let parents = self.plan.graph.parents(step.record.ordinal);
            let undone = parents.iter().filter(|parent| !self.steps[parent.index()].record.state.is_done());
            StepRecord { waits: undone.count() as u32, ..step.record.clone() }
        });
        (record, steps.collect())
    }

    /// Compares what was decided with what the states and queue rows say.
    ///
    /// # Panics
    /// They differ, or the task breaks an invariant.
    pub(super) fn verify(&self) {
        let (record, steps) = self.recounted();
        assert_eq!(self.record, record, "decided (left) and counted (right) rows of a task");
        for (decided, counted) in self.steps.iter().zip(&steps) {
            assert_eq!(&decided.record, counted, "decided (left) and counted (right) rows of a step");
        }
        let findings = self.audit();
        assert!(findings.is_empty(), "task {}: {findings:#?}", self.record.id);
    }

    /// Broken invariants of the task.
    pub(super) fn audit(&self) -> Vec<audit::Finding> {
        audit::audit(&self.plan, &self.record, &self.steps, &self.log)
    }
}
