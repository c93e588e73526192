//! Tasks as this node last left them: what a decision needs of them is not read again.
//!
//! A task's `version` is another one after every change of anything of it, whoever makes it. What is known here is used in one of two
//! ways: under the task's lock, if the version is still the same; or without any lock or reading before, by a statement
//! that locks the task and writes only if the version is still the same (`swift.rs`). So what is known here may be
//! out of date at any time, and costs time then, nothing else.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use tasker_core::decide::{Needs, QueueChange, TaskChange};
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::{QueueRow, StepRecord};

use crate::load::LoadedSteps;
use crate::rows::{Stamp, StoredTask};

/// Larger tasks are not kept.
const MAX_TASK_STEPS: usize = 4096;

/// Most steps of all tasks kept; a step is some 300 bytes.
const MAX_STEPS: usize = 64 * 1024;

/// Most bytes of results kept.
const MAX_RESULT_BYTES: usize = 16 * 1024 * 1024;

/// Larger results are read when they are needed.
const MAX_RESULT: usize = 4096;

/// Most tasks remembered that several nodes work on.
const MAX_SHARED: usize = 4096;

/// A step's row and its queue row.
#[derive(Clone, Debug)]
pub(crate) struct StepRow {
    pub(crate) record: StepRecord,
    pub(crate) queue: Option<QueueRow>,
    /// Whether it has inputs of its own.
    pub(crate) has_inputs: bool,
}

/// A task with all of its steps.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) task: StoredTask,
    steps: Vec<StepRow>,
    /// Results that steps which are not claimed yet may ask for.
    results: BTreeMap<Ordinal, Payload>,
    /// That this node is changing it, while it is.
    lent: Option<Lent>,
}

/// The ids of the tasks that this node is changing now.
type Out = Arc<Mutex<HashSet<TaskId>>>;

/// Notes that a task is being changed, until it is dropped.
#[derive(Debug)]
struct Lent {
    id: TaskId,
    out: Out,
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.out.lock().expect("nothing panics while it holds this lock").remove(&self.id);
    }
}

impl Known {
    /// A task that was just accepted.
    pub(crate) fn new(task: StoredTask, plan: &Plan, change: &TaskChange) -> Option<Self> {
        let rows = change.steps.iter().map(|step| StepRow {
            record: step.record.clone(),
            queue: None,
            has_inputs: step.inputs.is_some(),
        });
        let mut known = Self::of_rows(task, plan, rows.map(|row| (row.record.ordinal, row)).collect())?;
        known.learn_queue(&change.queue);
        Some(known)
    }

    /// A task of which all steps were read; `None` if some are missing.
    pub(crate) fn of_rows(task: StoredTask, plan: &Plan, rows: BTreeMap<Ordinal, StepRow>) -> Option<Self> {
        let is_whole = rows.keys().map(|ordinal| ordinal.index()).eq(0..plan.graph.n_steps());
        let steps = rows.into_values().collect();
        is_whole.then_some(Self { task, steps, results: BTreeMap::new(), lent: None })
    }

    /// What a decision needs.
    pub(crate) fn steps(&self, needs: &Needs) -> Option<LoadedSteps> {
        LoadedSteps::choose(needs, self.steps.len(), self.steps.iter())
    }

    /// The result of a step, if it is kept.
    pub(crate) fn result(&self, step: Ordinal) -> Option<&Payload> {
        self.results.get(&step)
    }

    /// Takes over what was decided and written.
    pub(crate) fn learn(&mut self, plan: &Plan, change: &TaskChange, stamp: Stamp) {
        if let Some(record) = &change.task {
            self.task.become_record(record, stamp);
        }
        for step in &change.steps {
            let ordinal = step.record.ordinal;
            let row = &mut self.steps[ordinal.index()];
            row.record = step.record.clone();
            row.has_inputs |= step.inputs.is_some();
            if let Some(results) = &step.results
                && results.len() <= MAX_RESULT
                && plan.graph.children(ordinal).iter().any(|child| may_ask_later(plan, change, *child))
            {
                self.results.insert(ordinal, results.clone());
            }
        }
        self.learn_queue(&change.queue);
    }

    fn learn_queue(&mut self, changes: &[QueueChange]) {
        for change in changes {
            match change {
                QueueChange::Insert(row) | QueueChange::Update(row) => {
                    self.steps[row.ordinal.index()].queue = Some(row.clone());
                }
                QueueChange::Delete(ordinal) => self.steps[ordinal.index()].queue = None,
            }
        }
    }

    fn result_bytes(&self) -> usize {
        self.results.values().map(Payload::len).sum()
    }
}

/// Whether a step will be claimed after this change, so that what it reads will be asked for then: it waits for others
/// too, or it is left in the queue.
fn may_ask_later(plan: &Plan, change: &TaskChange, step: Ordinal) -> bool {
    plan.graph.parents(step).len() > 1 || !change.claims.iter().any(|claim| claim.ordinal == step)
}

/// Tasks that this node worked on last. Two generations: what is used moves to the young one, and when that is full the
/// old one is forgotten.
#[derive(Default)]
pub(crate) struct KnownTasks {
    generations: Mutex<Generations>,
    out: Out,
}

#[derive(Default)]
struct Generations {
    young: HashMap<TaskId, Known>,
    old: HashMap<TaskId, Known>,
    n_steps: usize,
    n_bytes: usize,
    /// Tasks that other nodes changed meanwhile: knowing them is of no use.
    shared: HashSet<TaskId>,
}

impl KnownTasks {
    /// Whether a task of so many steps is worth being kept.
    pub(crate) fn wants(&self, id: TaskId, n_steps: usize) -> bool {
        n_steps <= MAX_TASK_STEPS && !self.generations().shared.contains(&id)
    }

    /// Takes a task out, to be put back when its change is committed.
    pub(crate) fn take(&self, id: TaskId) -> Option<Known> {
        let mut generations = self.generations();
        generations.take(id).map(|known| self.lent(known))
    }

    /// Takes tasks out, all or none.
    pub(crate) fn take_all<'a>(&self, ids: impl Iterator<Item = &'a TaskId> + Clone) -> Option<Vec<Known>> {
        let mut generations = self.generations();
        if !ids.clone().all(|id| generations.has(id)) {
            return None;
        }
        Some(ids.filter_map(|id| generations.take(*id)).map(|known| self.lent(known)).collect())
    }

    /// Whether this node is changing a task just now. Who wants to claim a step of it had better look for another one.
    pub(crate) fn is_out(&self, id: TaskId) -> bool {
        self.out.lock().expect("nothing panics while it holds this lock").contains(&id)
    }

    fn lent(&self, known: Known) -> Known {
        let id = known.task.id;
        self.out.lock().expect("nothing panics while it holds this lock").insert(id);
        Known { lent: Some(Lent { id, out: self.out.clone() }), ..known }
    }

    /// Keeps a task, if it is still open.
    pub(crate) fn put(&self, mut known: Known) {
        known.lent = None;
        let mut generations = self.generations();
        if known.task.is_open()
            && known.steps.len() <= MAX_TASK_STEPS
            && !generations.shared.contains(&known.task.id)
        {
            generations.put(known);
        }
    }

    /// Notes that another node changed a task meanwhile.
    pub(crate) fn is_shared(&self, id: TaskId) {
        let mut generations = self.generations();
        if generations.shared.len() >= MAX_SHARED {
            generations.shared.clear();
        }
        generations.shared.insert(id);
    }

    fn generations(&self) -> MutexGuard<'_, Generations> {
        self.generations.lock().expect("nothing panics while it holds this lock")
    }
}

impl Generations {
    fn has(&self, id: &TaskId) -> bool {
        self.young.contains_key(id) || self.old.contains_key(id)
    }

    fn take(&mut self, id: TaskId) -> Option<Known> {
        let young = self.young.remove(&id);
        if let Some(known) = &young {
            self.n_steps -= known.steps.len();
            self.n_bytes -= known.result_bytes();
        }
        young.or_else(|| self.old.remove(&id))
    }

    fn put(&mut self, known: Known) {
        self.take(known.task.id);
        self.n_steps += known.steps.len();
        self.n_bytes += known.result_bytes();
        self.young.insert(known.task.id, known);
        if self.n_steps > MAX_STEPS / 2 || self.n_bytes > MAX_RESULT_BYTES / 2 {
            self.old = std::mem::take(&mut self.young);
            (self.n_steps, self.n_bytes) = (0, 0);
        }
    }
}
