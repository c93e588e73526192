//! The oracle: sees every commit, knows what was before it, and says what must not have happened.
//!
//! The memory store audits each task that it writes; the oracle adds what no look at one state can tell: that nothing
//! goes back, nothing is settled twice, and nobody is handed what is another's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::FutureExt as _;
use tasker_core::decide::{Action, Answer, Input};
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::outcome::Outcome;
use tasker_core::plan::Plan;
use tasker_core::record::StepDetail;
use tasker_core::state::TaskState;
use tasker_store::Store;
use tasker_store::memory::MemoryStore;
use tasker_store::read::TaskDetail;
use tasker_store::workers::{ClaimKey, WorkerRow};
use tasker_store::write::{Applied, ApplyBatch, Ended, Work};

use super::contact::Contact;

/// What was seen of the store so far.
pub(super) struct Oracle {
    /// Who had contact when.
    pub(super) contact: Contact,
    store: Arc<MemoryStore>,
    tasks: BTreeMap<TaskId, Seen>,
    /// Outcomes that were accepted.
    settled: BTreeSet<ClaimKey>,
    /// Who was handed which claim.
    handed: BTreeMap<ClaimKey, String>,
}

/// A task as it was after its last change.
pub(super) struct Seen {
    pub(super) detail: TaskDetail,
    pub(super) steps: Vec<StepDetail>,
}

impl Seen {
    pub(super) fn plan(&self) -> &Plan {
        &self.detail.plan
    }

    pub(super) fn state(&self) -> TaskState {
        self.detail.record.state
    }

    pub(super) fn step(&self, ordinal: Ordinal) -> &StepDetail {
        &self.steps[ordinal.index()]
    }

    /// Whether the claim is held, by whomever.
    pub(super) fn holds(&self, key: &ClaimKey) -> bool {
        let row = self.step(key.ordinal).queue.as_ref();
        row.is_some_and(|row| row.worker.is_some() && row.fence == key.fence)
    }
}

impl Oracle {
    pub(super) fn new(store: Arc<MemoryStore>) -> Self {
        Self {
            contact: Contact::default(),
            store,
            tasks: BTreeMap::new(),
            settled: BTreeSet::new(),
            handed: BTreeMap::new(),
        }
    }

    /// A task as it is.
    pub(super) fn task(&self, id: TaskId) -> Option<&Seen> {
        self.tasks.get(&id)
    }

    /// All tasks as they are.
    pub(super) fn tasks(&self) -> impl Iterator<Item = (TaskId, &Seen)> {
        self.tasks.iter().map(|(id, seen)| (*id, seen))
    }

    /// All workers as they are.
    pub(super) fn workers(&self) -> Vec<WorkerRow> {
        at_once(self.store.workers())
    }

    /// Looks at a task that was committed; says what changed, and what is wrong with that.
    pub(super) fn look(&mut self, id: TaskId) -> Result<String, String> {
        let Some(detail) = at_once(self.store.task(id)) else { return Ok(String::new()) };
        let steps = at_once(self.store.steps(id));
        let now = Seen { detail, steps };
        let before = self.tasks.get(&id);
        let wrong = before.and_then(|before| gone_back(before, &now));
        let told = difference(before, &now);
        self.tasks.insert(id, now);
        wrong.map_or(Ok(told), Err)
    }

    /// Judges a commit by what was known before it; to be asked before [`Oracle::look`].
    pub(super) fn judge_answers(&mut self, batch: &ApplyBatch, applied: &Applied) -> Result<(), String> {
        for ((task, input), answer) in batch.inputs.iter().zip(&applied.answers) {
            match (input, answer) {
                (Input::Settle { step, fence, outcome }, Answer::Settled { .. }) => {
                    let key = ClaimKey { task: *task, ordinal: *step, fence: *fence };
                    self.judge_settled(key, outcome)?;
                }
                (Input::GiveBack { step, fence }, Answer::Done) => {
                    let key = ClaimKey { task: *task, ordinal: *step, fence: *fence };
                    self.must_be_held(&key, "was given back")?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn judge_settled(&mut self, key: ClaimKey, outcome: &Outcome) -> Result<(), String> {
        self.must_be_held(&key, "was settled")?;
        if !self.settled.insert(key) {
            return Err(format!("{} was settled twice", self.show(&key)));
        }
        if *outcome == Outcome::LeaseExpired {
            let row = self.tasks.get(&key.task).and_then(|seen| seen.step(key.ordinal).queue.as_ref());
            let worker = row.and_then(|row| row.worker);
            let live = self.workers().into_iter().find(|row| Some(row.id) == worker && row.is_live());
            if let Some(live) = live {
                return Err(format!("{} was taken from worker {}, which lives", self.show(&key), live.name));
            }
        }
        Ok(())
    }

    fn must_be_held(&self, key: &ClaimKey, what: &str) -> Result<(), String> {
        if self.tasks.get(&key.task).is_some_and(|seen| seen.holds(key)) {
            return Ok(());
        }
        Err(format!("{} {what}, but that claim was not held", self.show(key)))
    }

    /// Judges what a commit promised about tasks; to be asked after [`Oracle::look`].
    pub(super) fn judge_effects(&self, batch: &ApplyBatch, applied: &Applied) -> Result<(), String> {
        for ((task, input), answer) in batch.inputs.iter().zip(&applied.answers) {
            let cancels = matches!(input, Input::Operate { action: Action::CancelTask { .. }, .. });
            let state = self.tasks.get(task).map(Seen::state);
            if cancels && *answer == Answer::Done && state != Some(TaskState::Cancelled) {
                return Err(format!("cancelling a task was answered with success, but it is {state:?}"));
            }
        }
        for Ended { task, state, .. } in &applied.ended {
            let now = self.tasks.get(task).map(Seen::state);
            if now != Some(*state) || state.is_open() {
                return Err(format!("a task was reported to have ended as {state}, but it is {now:?}"));
            }
        }
        Ok(())
    }

    /// Judges claims that are handed to a node: new ones, or such as it had not heard of.
    pub(super) fn judge_work<'a>(
        &mut self,
        node: &str,
        work: impl IntoIterator<Item = &'a Work>,
        are_new: bool,
    ) -> Result<(), String> {
        for work in work {
            let (claim, key) = (&work.claim, ClaimKey::from(&work.claim));
            let shown = self.show(&key);
            if !self.tasks.get(&key.task).is_some_and(|seen| seen.holds(&key)) {
                return Err(format!("{shown} is handed to {node}, but nobody holds it"));
            }
            let seen = &self.tasks[&key.task];
            if !seen.state().is_open() {
                return Err(format!("{shown} is handed to {node}, but its task is {}", seen.state()));
            }
            if claim.attempt > claim.retry_limit {
                let (n, limit) = (claim.attempt, claim.retry_limit);
                return Err(format!("{shown} is execution {n}, but its limit is {limit}"));
            }
            let parents = seen.plan().graph.parents(key.ordinal);
            if let Some(parent) = parents.iter().find(|parent| !seen.step(**parent).record.state.is_done()) {
                let name = seen.plan().name(*parent);
                return Err(format!("{shown} is handed to {node}, but its parent {name} is not done"));
            }
            match self.handed.insert(key, node.to_owned()) {
                Some(other) if other != node => {
                    return Err(format!("{shown} is handed to {node}, but {other} had it"));
                }
                Some(_) if are_new => return Err(format!("{shown} was claimed twice")),
                _ => {}
            }
        }
        Ok(())
    }

    /// Looks at everything anew: the store's own check, and whether anything changed unseen.
    pub(super) fn judge_all(&self) -> Result<(), String> {
        let findings = at_once(self.store.check(10));
        if let Some(finding) = findings.first() {
            return Err(format!("the store's check found {finding:?}"));
        }
        let queued = at_once(self.store.queue());
        if let Some(depth) = queued.first() {
            return Err(format!("all tasks have ended, but steps are queued for handler {}", depth.handler));
        }
        for (id, seen) in &self.tasks {
            if at_once(self.store.steps(*id)) != seen.steps {
                return Err(format!("task {id} has changed without a commit"));
            }
        }
        Ok(())
    }

    fn show(&self, key: &ClaimKey) -> String {
        let step = self.tasks.get(&key.task).map(|seen| seen.plan().name(key.ordinal).to_string());
        let step = step.unwrap_or_else(|| key.ordinal.to_string());
        format!("claim {} of step {step} of task {}", key.fence.0, key.task)
    }
}

/// What must only grow and did not, or what must stay and did not.
fn gone_back(before: &Seen, now: &Seen) -> Option<String> {
    for (old, new) in before.steps.iter().zip(&now.steps) {
        let (was, is) = (&old.record, &new.record);
        let name = now.plan().name(is.ordinal);
        let what = if is.fence < was.fence {
            format!("the fence went from {} down to {}", was.fence.0, is.fence.0)
        } else if is.settled_fence < was.settled_fence {
            format!("the settled fence went from {} down to {}", was.settled_fence.0, is.settled_fence.0)
        } else if is.attempts + 1 < was.attempts {
            format!("the executions went from {} down to {}", was.attempts, is.attempts)
        } else if was.state.is_done() && (is.state != was.state || new.results != old.results) {
            format!("it was {} and is {}", was.state, is.state)
        } else {
            continue;
        };
        return Some(format!("step {name} of task {}: {what}", now.detail.record.id));
    }
    let (was, is) = (before.state(), now.state());
    let has_left_its_end = match was {
        TaskState::Cancelled => is != was,
        TaskState::Complete | TaskState::ResolvedManually => is != was && is != TaskState::Cancelled,
        _ => false,
    };
    has_left_its_end.then(|| format!("task {} was {was} and is {is}", now.detail.record.id))
}

/// What changed, in few words.
fn difference(before: Option<&Seen>, now: &Seen) -> String {
    let mut words = Vec::new();
    let was = before.map(Seen::state);
    if was != Some(now.state()) {
        words.push(format!("{}->{}", was.map_or("none", TaskState::as_str), now.state()));
    }
    for (i, new) in now.steps.iter().enumerate() {
        let old = before.map(|before| &before.steps[i].record);
        let (was, is) = (old.map(|old| old.state), new.record.state);
        let fence = new.record.fence;
        if was == Some(is) && old.is_some_and(|old| old.fence == fence) {
            continue;
        }
        let name = now.plan().name(new.record.ordinal);
        words.push(format!("{name} {}->{is} f{}", was.map_or("none", |state| state.as_str()), fence.0));
    }
    words.join(", ")
}

/// What the memory store answers; it never waits and never fails to read.
pub(super) fn at_once<T, E: std::fmt::Debug>(answer: impl Future<Output = Result<T, E>>) -> T {
    answer.now_or_never().expect("the memory store never waits").expect("the memory store always answers")
}
