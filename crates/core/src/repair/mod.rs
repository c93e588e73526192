//! What mends a task whose rows contradict one another.
//!
//! The states of the task and its steps, and the log, are the ground; counters, times and queue rows follow from it and
//! are worked out anew. A contradiction in the ground itself is left to people: nobody can tell from the rows which side
//! is right. A queue row that a live worker holds is left to that worker.

mod history;
mod records;
mod rows;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use self::history::History;
use crate::audit::{Code, Finding, audit};
use crate::decide::{QueueChange, Rules, StepChange, TaskChange, Workset};
use crate::ids::{Ordinal, WorkerId};
use crate::names::StepName;
use crate::plan::Plan;
use crate::record::{QueueRow, StepDetail, TaskRecord, Transition};
use crate::time::Timestamp;

/// Who the log names when a repair ends a task.
const ACTOR: &str = "repair";

/// What everything else follows from.
const GROUND: &[Code] = &[
    Code::LogState,
    Code::CompleteWithUndone,
    Code::StateUnknown,
    Code::StepMissing,
    Code::StepUnknown,
    Code::RevisionMissing,
    Code::TaskUnreadable,
];

/// Everything of a task that the rules say something about, as it was read at one moment.
pub struct TaskRows {
    /// Its row.
    pub task: TaskRecord,
    /// All of its steps with their queue rows; payloads are not looked at.
    pub steps: Vec<StepDetail>,
    /// Its queue rows for steps that have no row.
    pub strays: Vec<QueueRow>,
    /// Steps whose queue rows name another handler than the definition.
    pub other_handlers: BTreeSet<Ordinal>,
    /// Its whole log, in order.
    pub log: Vec<Transition>,
}

/// A task as it was read, whole and under its lock.
pub struct Stored<'a> {
    /// Its definition.
    pub plan: &'a Arc<Plan>,
    /// Its row.
    pub task: &'a TaskRecord,
    /// All of its steps with their queue rows; payloads are not looked at.
    pub steps: &'a [StepDetail],
    /// Its queue rows for steps that have no row.
    pub strays: &'a [QueueRow],
    /// Steps whose queue rows name another handler than the definition.
    pub other_handlers: &'a BTreeSet<Ordinal>,
    /// Its whole log, in order.
    pub log: &'a [Transition],
    /// Those workers holding rows of it that are not known to be gone.
    pub live: &'a BTreeSet<WorkerId>,
}

/// What a repair writes, and what it cannot mend.
#[derive(Clone, PartialEq, Debug)]
pub struct Repair {
    /// Queue rows to delete before `change` is written: for good, or because it brings them anew.
    pub cleared: BTreeSet<Ordinal>,
    /// The rest; its task is `None` if nothing of the task's own rows changes.
    pub change: TaskChange,
    /// What is mended.
    pub mended: Vec<Mended>,
    /// What is not.
    pub left: Vec<Left>,
}

/// Something that a repair mends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mended {
    /// What it was.
    pub code: Code,
    /// The step.
    pub step: Option<StepName>,
    /// What is done.
    pub message: String,
}

/// Something that a repair leaves as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Left {
    /// What was found.
    pub finding: Finding,
    /// Why it is left, and what to do.
    pub why: String,
}

/// Works out what mends a task, and changes nothing itself. `now` is the store's clock.
pub fn repair(stored: &Stored<'_>, now: Timestamp) -> Repair {
    let found = stored.findings();
    let mut mender = Mender::new(stored, &found, stored.task.moment(now));
    mender.strays();
    if !found.iter().any(|finding| GROUND.contains(&finding.code)) {
        mender.records();
        mender.rows();
        mender.counters();
        mender.end_if_idle();
        mender.times();
    }
    mender.finish(&found)
}

impl TaskRows {
    /// The workers that hold rows of it.
    pub fn holders(&self) -> BTreeSet<WorkerId> {
        let rows = self.steps.iter().filter_map(|detail| detail.queue.as_ref()).chain(&self.strays);
        rows.filter_map(|row| row.worker).collect()
    }

    /// All of it as a repair sees it; `live` are holders that are not known to be gone.
    pub fn stored<'a>(&'a self, plan: &'a Arc<Plan>, live: &'a BTreeSet<WorkerId>) -> Stored<'a> {
        let Self { task, steps, strays, other_handlers, log } = self;
        Stored { plan, task, steps, strays, other_handlers, log, live }
    }
}

impl Stored<'_> {
    /// What an audit finds, and what it does not look at.
    pub fn findings(&self) -> Vec<Finding> {
        let mut found = audit(self.plan, self.task, self.steps, self.log);
        let name =
            |step: &Ordinal| self.plan.definition.steps.get(step.index()).map(|step| step.name.clone());
        found.extend(self.strays.iter().map(|row| Finding {
            code: Code::OrphanQueueRow,
            step: name(&row.ordinal),
            message: format!("the queue row of step {} belongs to no step", row.ordinal),
        }));
        found.extend(self.other_handlers.iter().map(|step| Finding {
            code: Code::RowHandler,
            step: name(step),
            message: "the queue row names another handler than the definition".into(),
        }));
        found
    }

    fn is_held(&self, row: &QueueRow) -> bool {
        row.worker.is_some_and(|worker| self.live.contains(&worker))
    }
}

/// A task being mended: its rows as they were, and as they become.
struct Mender<'a> {
    stored: &'a Stored<'a>,
    history: History<'a>,
    now: Timestamp,
    task: TaskRecord,
    /// In the order of their ordinals, as in `before`.
    steps: Vec<StepDetail>,
    before: Vec<&'a StepDetail>,
    log: Vec<Transition>,
    /// Queue rows that are taken away although their steps have no row.
    strays: BTreeSet<Ordinal>,
    /// Queue rows that are written anew because of their handlers.
    rehandled: BTreeSet<Ordinal>,
    mended: Vec<Mended>,
}

impl<'a> Mender<'a> {
    fn new(stored: &'a Stored<'a>, found: &[Finding], now: Timestamp) -> Self {
        let mut before: Vec<&StepDetail> = stored.steps.iter().collect();
        before.sort_by_key(|detail| detail.record.ordinal);
        Self {
            history: History::of(stored, found),
            stored,
            now,
            task: stored.task.clone(),
            steps: before.iter().map(|detail| (*detail).clone()).collect(),
            before,
            log: Vec::new(),
            strays: BTreeSet::new(),
            rehandled: BTreeSet::new(),
            mended: Vec::new(),
        }
    }

    fn note(&mut self, code: Code, step: Option<Ordinal>, message: impl Into<String>) {
        let step = step.and_then(|step| self.stored.plan.definition.steps.get(step.index()));
        self.mended.push(Mended { code, step: step.map(|step| step.name.clone()), message: message.into() });
    }

    /// Notes that a number or time becomes another one; whether it does.
    fn set<T: PartialEq + std::fmt::Display>(
        &mut self,
        code: Code,
        step: Option<Ordinal>,
        what: &str,
        (from, to): (T, T),
    ) -> bool {
        let differs = from != to;
        if differs {
            self.note(code, step, format!("{what} {from} becomes {to}"));
        }
        differs
    }

    /// The task goes to its end if nothing is queued, which only happens to one that was damaged.
    fn end_if_idle(&mut self) {
        if self.task.active > 0 || !self.task.state.is_open() || !self.history.can_go_on(&self.task) {
            return;
        }
        let rules = Rules::default();
        let change = Workset::end(self.stored.plan.clone(), &rules, self.now, self.task.clone(), ACTOR);
        if let Some(task) = change.task {
            self.note(
                Code::NothingQueued,
                None,
                format!("the task {} becomes {}", self.task.state, task.state),
            );
            self.task = task;
            self.log = change.log;
        }
    }

    fn finish(mut self, found: &[Finding]) -> Repair {
        let steps = self.changed_steps();
        let rows = self.changed_rows();
        let is_touched = !steps.is_empty() || !rows.is_empty() || self.task != *self.stored.task;
        if is_touched {
            self.task.updated_at = self.now.max(self.task.updated_at);
        }
        let left = self.left(found);
        let cleared = rows.iter().map(|(ordinal, _)| *ordinal).chain(self.strays).collect();
        let queue = rows.into_iter().filter_map(|(_, row)| row.map(QueueChange::Insert)).collect();
        let change = TaskChange {
            task: is_touched.then_some(self.task),
            steps,
            queue,
            log: self.log,
            claims: Vec::new(),
            annotations: Vec::new(),
            edit: None,
        };
        Repair { cleared, change, mended: self.mended, left }
    }

    fn changed_steps(&mut self) -> Vec<StepChange> {
        let pairs = self.steps.iter_mut().zip(&self.before);
        let changed = pairs.filter(|(after, before)| after.record != before.record);
        let change = |(after, _): (&mut StepDetail, _)| {
            after.record.updated_at = self.now;
            StepChange { record: after.record.clone(), inputs: None, results: None, error: None }
        };
        changed.map(change).collect()
    }

    /// What is found in the rows as they become, and why that is left.
    fn left(&self, found: &[Finding]) -> Vec<Left> {
        let log = [self.stored.log, &self.log].concat();
        let strays: Vec<QueueRow> =
            self.stored.strays.iter().filter(|row| !self.strays.contains(&row.ordinal)).cloned().collect();
        let after = Stored {
            task: &self.task,
            steps: &self.steps,
            strays: &strays,
            other_handlers: &(self.stored.other_handlers - &self.rehandled),
            log: &log,
            ..*self.stored
        };
        let reason = |finding: Finding| Left { why: self.why(&finding, found), finding };
        after.findings().into_iter().map(reason).collect()
    }

    fn why(&self, finding: &Finding, found: &[Finding]) -> String {
        if !finding.code.is_repairable() {
            return finding.code.mend().to_owned();
        }
        if let Some(worker) = self.holder_in_the_way(finding) {
            return format!(
                "worker {worker} holds the row and is not known to be gone; repair again when it is done"
            );
        }
        let doubts: BTreeSet<&str> = found
            .iter()
            .filter(|other| GROUND.contains(&other.code) || other.code.is_about_log())
            .map(|other| other.code.as_str())
            .collect();
        if doubts.is_empty() {
            return "the log does not name the worker that runs the step; cancel the step".into();
        }
        format!("it follows from what is in doubt: {}", doubts.into_iter().collect::<Vec<_>>().join(", "))
    }

    fn holder_in_the_way(&self, finding: &Finding) -> Option<WorkerId> {
        let rows = self.steps.iter().filter_map(|detail| detail.queue.as_ref()).chain(self.stored.strays);
        let held = |row: &&QueueRow| {
            let name = self.stored.plan.definition.steps.get(row.ordinal.index()).map(|step| &step.name);
            self.stored.is_held(row) && (finding.step.is_none() || finding.step.as_ref() == name)
        };
        rows.filter(held).find_map(|row| row.worker)
    }
}
