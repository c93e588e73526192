//! A task is accepted.

use std::sync::Arc;

use super::claim::ClaimBudget;
use super::note::Note;
use super::steps::Steps;
use super::workset::{ENGINE, Entry, QueueChange, StepChange, TaskChange};
use super::{Rules, Workset};
use crate::definition::Priority;
use crate::identity::{IdentityDocument, IdentityStrategy};
use crate::ids::{Digest, Ordinal, TaskId};
use crate::payload::Payload;
use crate::plan::Plan;
use crate::record::{Change, StepDetail, StepRecord, TaskInput, TaskRecord};
use crate::state::{StepState, TaskState};
use crate::time::Timestamp;

/// A checked request for a task.
#[derive(Clone, Debug)]
pub struct Submission {
    /// Identity of the task.
    pub id: TaskId,
    /// The definition.
    pub plan: Arc<Plan>,
    /// Whether the request named no version: the store confirms that the plan is still the latest.
    pub latest: bool,
    /// The context, defaults of the schema filled in.
    pub context: Payload,
    /// Who asks.
    pub initiator: String,
    /// From which system.
    pub source_system: String,
    /// Why.
    pub reason: String,
    /// Labels.
    pub tags: Vec<String>,
    /// Steps to leave out; each is skippable.
    pub bypass: Vec<Ordinal>,
    /// Urgency.
    pub priority: Priority,
    /// Not to start before.
    pub not_before: Option<Timestamp>,
    /// When it was asked for, if not now.
    pub requested_at: Option<Timestamp>,
    /// What ties it to whatever caused it.
    pub correlation_id: Option<String>,
    /// Whoever created it, as the server knows; `None` if nobody was asked who they are.
    pub created_by: Option<String>,
    /// How repeats are told.
    pub identity: IdentityStrategy,
    /// Digest of all that the request says but for times.
    pub content: Digest,
}

/// What to write for an accepted task.
#[derive(Clone, PartialEq, Debug)]
pub struct NewTask {
    /// Its input.
    pub input: TaskInput,
    /// Its rows. All steps and queue rows are new; the task row is always there.
    pub change: TaskChange,
}

impl NewTask {
    /// The steps as they are read when all of this is written.
    pub fn steps(&self) -> Vec<StepDetail> {
        let mut steps: Vec<StepDetail> = self.change.steps.iter().map(detail).collect();
        for change in &self.change.queue {
            if let QueueChange::Insert(row) = change {
                steps[row.ordinal.index()].queue = Some(row.clone());
            }
        }
        steps
    }
}

fn detail(change: &StepChange) -> StepDetail {
    StepDetail {
        record: change.record.clone(),
        inputs: change.inputs.clone(),
        results: change.results.clone(),
        error: change.error.clone().flatten(),
        queue: None,
    }
}

/// Plans the rows of a new task. With a budget, its first steps are claimed at once.
///
/// # Errors
/// The message of a custom identity strategy that gave no usable text.
pub fn submit(
    submission: &Submission,
    rules: &Rules,
    now: Timestamp,
    budget: Option<&mut ClaimBudget>,
) -> Result<NewTask, String> {
    let input = input_of(submission, now)?;
    let mut work =
        Workset::empty(submission.plan.clone(), rules, record_of(submission, now), steps_of(submission, now));
    work.write_log(Change::Task { from: None, to: TaskState::Pending }, &submission.initiator, None);
    for ordinal in submission.plan.graph.steps() {
        work.write_log(Change::Step { ordinal, from: None, to: StepState::Pending }, ENGINE, None);
    }
    for &step in &submission.bypass {
        work.bypass(step);
    }
    work.release_roots(submission.not_before.unwrap_or(now).max(now));
    if let Some(budget) = budget {
        work.claim_free(budget);
    }
    Ok(NewTask { input, change: work.finish() })
}

impl Workset<'_> {
    fn bypass(&mut self, step: Ordinal) {
        let now = self.now;
        self.move_step(step, StepState::ResolvedManually, ENGINE, Some(&Note::Bypassed { bypassed: true }));
        let entry = self.entry(step);
        entry.record.processed_at = Some(now);
        entry.results = Some(Payload::from_stored(r#"{"bypassed":true}"#));
    }

    fn release_roots(&mut self, run_at: Timestamp) {
        let roots: Vec<Ordinal> = self.steps.iter().filter(|e| e.is_free()).map(Entry::ordinal).collect();
        let n = if self.plan.definition.concurrent { roots.len() } else { 1 };
        for step in roots.into_iter().take(n) {
            self.schedule(step, run_at);
        }
    }
}

fn record_of(submission: &Submission, now: Timestamp) -> TaskRecord {
    let n_steps = submission.plan.graph.n_steps() - submission.bypass.len();
    TaskRecord {
        id: submission.id,
        revision: submission.plan.digest,
        state: TaskState::Pending,
        active: 0,
        remaining: u32::try_from(n_steps).expect("a definition has at most 20,000 steps"),
        priority: submission.priority,
        log_seq: 0,
        created_at: now,
        updated_at: now,
        ended_at: None,
    }
}

fn steps_of(submission: &Submission, now: Timestamp) -> Steps {
    let plan = &submission.plan;
    let mut waits: Vec<u32> = plan.graph.steps().map(|step| plan.graph.parents(step).len() as u32).collect();
    for &step in &submission.bypass {
        plan.graph.children(step).iter().for_each(|child| waits[child.index()] -= 1);
    }
    let record = |step: Ordinal| {
        let template = plan.step(step);
        StepRecord::new(step, waits[step.index()], template.retry_limit, template.retryable, now)
    };
    plan.graph.steps().map(|step| Entry::fresh(record(step))).collect()
}

fn input_of(submission: &Submission, now: Timestamp) -> Result<TaskInput, String> {
    let plan = &submission.plan;
    let bypass_steps: Vec<_> = submission.bypass.iter().map(|&step| plan.name(step).clone()).collect();
    let requested_at = submission.requested_at.unwrap_or(now);
    let identity = submission.identity.hash(&IdentityDocument {
        name: &plan.definition.name,
        namespace: &plan.definition.namespace,
        version: &plan.definition.version,
        initiator: &submission.initiator,
        source_system: &submission.source_system,
        context: &submission.context,
        reason: &submission.reason,
        bypass_steps: &bypass_steps,
        requested_at,
    })?;
    Ok(TaskInput {
        context: submission.context.clone(),
        initiator: submission.initiator.clone(),
        source_system: submission.source_system.clone(),
        reason: submission.reason.clone(),
        tags: submission.tags.clone(),
        bypass_steps,
        requested_at,
        correlation_id: submission.correlation_id.clone(),
        created_by: submission.created_by.clone(),
        identity,
        content: submission.content,
    })
}
