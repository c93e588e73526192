//! The part of a task that one batch of inputs works on, and the changes that come of it.

use std::sync::Arc;

use super::note::Note;
use super::steps::Steps;
use super::{Answer, Input, RefusedChange, Rejection, Rules};
use crate::ids::{Fence, Ordinal};
use crate::outcome::StepError;
use crate::payload::Payload;
use crate::plan::Plan;
use crate::record::{Annotation, Change, Claim, QueueRow, StepRecord, TaskRecord, Transition};
use crate::state::{StepState, TaskState};
use crate::time::Timestamp;

/// Who the log names when nobody in particular acts.
pub(super) const ENGINE: &str = "engine";

/// Log entries of an ordinary change: a step completes, one starts, the task ends.
const LOG_CAPACITY: usize = 4;

/// A locked task with the steps that its inputs touch. Inputs change it in memory; [`Workset::finish`] says what to
/// write.
pub struct Workset<'a> {
    pub(super) plan: Arc<Plan>,
    pub(super) rules: &'a Rules,
    /// What the store's clock shows.
    clock: Timestamp,
    /// The instant of this change, never before that of any other.
    pub(super) now: Timestamp,
    pub(super) task: TaskRecord,
    pub(super) steps: Steps,
    pub(super) annotations: Vec<Annotation>,
    pub(super) claims: Vec<Claim>,
    pub(super) edit: Option<TaskEdit>,
    log: Vec<Transition>,
    task_dirty: bool,
}

/// One step of a workset.
pub(super) struct Entry {
    pub(super) record: StepRecord,
    pub(super) queue: Option<QueueRow>,
    pub(super) inputs: Option<Payload>,
    pub(super) results: Option<Payload>,
    pub(super) error: Option<Option<StepError>>,
    had_row: bool,
    dirty: bool,
    queue_dirty: bool,
}

/// Everything to write for one task.
#[derive(Clone, PartialEq, Debug)]
pub struct TaskChange {
    /// The hot row; `None` if it did not change.
    pub task: Option<TaskRecord>,
    /// Changed steps, one final value each.
    pub steps: Vec<StepChange>,
    /// Changed queue rows, one final value each.
    pub queue: Vec<QueueChange>,
    /// New log entries, in order.
    pub log: Vec<Transition>,
    /// Steps that are now claimed.
    pub claims: Vec<Claim>,
    /// New annotations.
    pub annotations: Vec<Annotation>,
    /// What an operator changed of the request.
    pub edit: Option<TaskEdit>,
}

/// What an operator changed of the request; `None` stays as it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaskEdit {
    /// New reason.
    pub reason: Option<String>,
    /// New labels.
    pub tags: Option<Vec<String>>,
}

/// A changed step.
#[derive(Clone, PartialEq, Debug)]
pub struct StepChange {
    /// The hot part.
    pub record: StepRecord,
    /// New inputs, if they changed.
    pub inputs: Option<Payload>,
    /// New results, if they changed.
    pub results: Option<Payload>,
    /// The new error (or its removal), if it changed.
    pub error: Option<Option<StepError>>,
}

/// A changed queue row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum QueueChange {
    /// There was none.
    Insert(QueueRow),
    /// There was one.
    Update(QueueRow),
    /// There is none any more.
    Delete(Ordinal),
}

impl<'a> Workset<'a> {
    /// From a locked task and everything that [`super::needs`] asked for. `now` is the store's clock.
    pub fn new(
        plan: Arc<Plan>,
        rules: &'a Rules,
        now: Timestamp,
        task: TaskRecord,
        steps: impl IntoIterator<Item = (StepRecord, Option<QueueRow>)>,
    ) -> Self {
        let steps = steps.into_iter().map(|(record, row)| Entry::stored(record, row)).collect();
        Self { clock: now, now: task.moment(now), ..Self::empty(plan, rules, task, steps) }
    }

    pub(super) fn empty(plan: Arc<Plan>, rules: &'a Rules, task: TaskRecord, steps: Steps) -> Self {
        Self {
            plan,
            rules,
            clock: task.updated_at,
            now: task.updated_at,
            task,
            steps,
            annotations: Vec::new(),
            claims: Vec::new(),
            edit: None,
            log: Vec::with_capacity(LOG_CAPACITY),
            task_dirty: false,
        }
    }

    /// Decides one input. An answer other than `Settled`, `Claimed` or `Done` left everything as it was.
    pub fn take(&mut self, input: Input) -> Answer {
        match input {
            Input::Settle { step, fence, outcome } => self.settle(step, fence, outcome),
            Input::GiveBack { step, fence } => self.give_back(step, fence),
            Input::Claim { step, worker } => self.claim(step, worker),
            Input::Operate { action, actor, reason, expected } => {
                // An edit is not in the log, and a clock that went back tells nothing: then the instant alone makes a new version.
                if action.is_edit() || self.clock < self.task.updated_at {
                    self.now = self.now.max(self.task.updated_at.next());
                }
                self.check_version(&action, expected.as_deref())
                    .and_then(|()| self.operate(action, &actor, reason.as_deref()))
                    .unwrap_or_else(Answer::Refused)
            }
        }
    }

    /// Takes in more steps of the task, as they are stored. Those that are here already stay as they are.
    pub fn add_steps(&mut self, steps: impl IntoIterator<Item = (StepRecord, Option<QueueRow>)>) {
        steps.into_iter().for_each(|(record, row)| self.steps.add(Entry::stored(record, row)));
    }

    /// How many log entries there are to write so far.
    pub fn n_logged(&self) -> usize {
        self.log.len()
    }

    /// Ends the task if nothing is queued any more, and says what to write.
    pub fn finish(mut self) -> TaskChange {
        self.end_if_idle(ENGINE);
        self.into_change()
    }

    pub(super) fn entry(&mut self, step: Ordinal) -> &mut Entry {
        self.steps.get_mut(step).expect("the store read every step that `needs` named")
    }

    /// Changes a step's state and logs it. The change is legal by construction of the callers.
    pub(super) fn move_step(&mut self, step: Ordinal, to: StepState, actor: &str, note: Option<&Note<'_>>) {
        let now = self.now;
        let entry = self.entry(step);
        let from = entry.record.state;
        debug_assert!(StepState::allows(Some(from), to), "{from} -> {to}");
        entry.record.state = to;
        entry.touch(now);
        self.write_log(Change::Step { ordinal: step, from: Some(from), to }, actor, note);
    }

    /// Changes the task's state and logs it.
    pub(super) fn move_task(&mut self, to: TaskState, actor: &str, note: Option<&Note<'_>>) {
        let from = self.task.state;
        debug_assert!(TaskState::allows(Some(from), to), "{from} -> {to}");
        self.task.state = to;
        self.task.ended_at = if to.is_open() { None } else { Some(self.now) };
        self.touch_task();
        self.write_log(Change::Task { from: Some(from), to }, actor, note);
    }

    pub(super) fn write_log(&mut self, change: Change, actor: &str, note: Option<&Note<'_>>) {
        self.task.log_seq += 1;
        self.touch_task();
        self.log.push(Transition {
            seq: self.task.log_seq,
            change,
            at: self.now,
            actor: actor.to_owned(),
            metadata: note.map(Note::text),
        });
    }

    pub(super) fn touch_task(&mut self) {
        self.task.updated_at = self.now;
        self.task_dirty = true;
    }

    /// Gives the step a queue row, or changes the one it has. What is due at once is due by the store's clock, which rows
    /// are compared with, though the instant of this change may be a little ahead of it.
    pub(super) fn schedule(&mut self, step: Ordinal, run_at: Timestamp) {
        let priority = self.task.priority;
        let run_at = if run_at <= self.now { run_at.min(self.clock) } else { run_at };
        let entry = self.entry(step);
        let fence = entry.record.fence;
        let is_new = entry.queue.is_none();
        entry.set_queue(Some(QueueRow { ordinal: step, priority, run_at, worker: None, fence }));
        if is_new {
            self.task.active += 1;
            self.touch_task();
        }
    }

    /// Takes the step's queue row away, if it has one.
    pub(super) fn unschedule(&mut self, step: Ordinal) {
        if self.entry(step).queue.is_some() {
            self.entry(step).set_queue(None);
            self.task.active -= 1;
            self.touch_task();
        }
    }

    /// Lets a step run that may: at once (a failed one when its wait is over), or, in a task whose steps run one at
    /// a time, in its turn.
    pub(super) fn release(&mut self, step: Ordinal) {
        if self.plan.definition.concurrent {
            let run_at = self.entry(step).record.next_retry_at().map_or(self.now, |at| at.max(self.now));
            self.schedule(step, run_at);
        } else {
            self.pass_turn();
        }
    }

    /// Notes that a step is done: dependents wait for one parent less, and those that wait for none are released.
    pub(super) fn step_done(&mut self, step: Ordinal) {
        self.task.remaining -= 1;
        self.touch_task();
        let (plan, now, open) = (self.plan.clone(), self.now, self.task.state.is_open());
        for &child in plan.graph.children(step) {
            let entry = self.entry(child);
            entry.record.waits -= 1;
            entry.touch(now);
            if open && entry.record.waits == 0 && entry.record.state == StepState::Pending {
                self.release(child);
            }
        }
        self.pass_turn();
    }

    /// In a task whose steps run one at a time: schedules the first that may run if none is scheduled.
    pub(super) fn pass_turn(&mut self) {
        if self.plan.definition.concurrent || self.task.active > 0 || !self.task.state.is_open() {
            return;
        }
        let next = self.steps.iter().find(|entry| entry.is_free());
        if let Some(Entry { record, .. }) = next {
            let run_at = record.next_retry_at().map_or(self.now, |at| at.max(self.now));
            self.schedule(record.ordinal, run_at);
        }
    }

    /// What ends an open task in which nothing is queued, and that nobody noticed; `actor` is who does.
    pub(crate) fn end(
        plan: Arc<Plan>,
        rules: &'a Rules,
        now: Timestamp,
        task: TaskRecord,
        actor: &str,
    ) -> TaskChange {
        let mut work = Self::new(plan, rules, now, task, []);
        work.end_if_idle(actor);
        work.into_change()
    }

    fn end_if_idle(&mut self, actor: &str) {
        self.pass_turn();
        if self.task.active > 0 || !self.task.state.is_open() {
            return;
        }
        if self.task.remaining > 0 {
            let note =
                Note::Stuck { error_message: "steps_in_error_state", remaining_steps: self.task.remaining };
            self.move_task(TaskState::Error, actor, Some(&note));
            return;
        }
        if self.task.state == TaskState::Pending {
            self.move_task(TaskState::InProgress, actor, None);
        }
        self.move_task(TaskState::Complete, actor, None);
    }

    pub(super) fn into_change(mut self) -> TaskChange {
        // A later input of the same batch may have taken a step from its worker again.
        self.claims
            .retain(|claim| self.steps.get(claim.ordinal).is_some_and(|entry| entry.is_held(claim.fence)));
        let mut change = TaskChange {
            task: self.task_dirty.then_some(self.task),
            steps: Vec::new(),
            queue: Vec::new(),
            log: self.log,
            claims: self.claims,
            annotations: self.annotations,
            edit: self.edit,
        };
        let steps = self.steps.into_iter();
        change.steps.reserve_exact(steps.len());
        for entry in steps {
            if entry.queue_dirty {
                change.queue.extend(entry.queue_change());
            }
            if entry.dirty {
                let Entry { record, inputs, results, error, .. } = entry;
                change.steps.push(StepChange { record, inputs, results, error });
            }
        }
        change
    }
}

impl Entry {
    pub(super) fn stored(record: StepRecord, queue: Option<QueueRow>) -> Self {
        let had_row = queue.is_some();
        Self { had_row, dirty: false, queue, ..Self::fresh(record) }
    }

    pub(super) fn fresh(record: StepRecord) -> Self {
        Self {
            record,
            queue: None,
            inputs: None,
            results: None,
            error: None,
            had_row: false,
            dirty: true,
            queue_dirty: false,
        }
    }

    pub(super) fn ordinal(&self) -> Ordinal {
        self.record.ordinal
    }

    pub(super) fn touch(&mut self, now: Timestamp) {
        self.record.updated_at = now;
        self.dirty = true;
    }

    pub(super) fn set_queue(&mut self, row: Option<QueueRow>) {
        self.queue = row;
        self.queue_dirty = true;
    }

    /// Whether the row is claimed under this fence.
    pub(super) fn is_held(&self, fence: Fence) -> bool {
        self.queue.as_ref().is_some_and(|row| row.worker.is_some() && row.fence == fence)
    }

    /// Whether the step may run but has no queue row.
    pub(super) fn is_free(&self) -> bool {
        self.queue.is_none() && self.record.wants_queue_row()
    }

    fn queue_change(&self) -> Option<QueueChange> {
        match (&self.queue, self.had_row) {
            (Some(row), true) => Some(QueueChange::Update(row.clone())),
            (Some(row), false) => Some(QueueChange::Insert(row.clone())),
            (None, true) => Some(QueueChange::Delete(self.ordinal())),
            (None, false) => None,
        }
    }
}

/// The refusal of a change that the state machine does not have.
pub(super) fn illegal(what: String, from: &'static str, to: Option<&'static str>) -> Rejection {
    let refusal =
        Rejection::new("invalid_state_transition", format!("{what} is not possible: its state is {from}"));
    Rejection { change: Some(RefusedChange { from, to }), ..refusal }
}
