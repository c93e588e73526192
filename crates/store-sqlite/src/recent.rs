//! Rows of tasks that this process works on, so that they need not be read again for every step.
//!
//! They are what the file holds for as long as nobody else writes to it: SQLite tells, under the write lock, whether
//! another connection has ([`Recent::as_of`]), and then all are dropped.

use std::collections::HashMap;

use tasker_core::decide::{QueueChange, StepChange, TaskChange};
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::record::{QueueRow, StepRecord};

use crate::rows::StoredTask;

/// Most steps kept (some 200 bytes each); beyond it all tasks are dropped and read again as they are met.
const MAX_STEPS: usize = 32 * 1024;

/// The rows of several tasks.
#[derive(Default)]
pub(crate) struct Recent {
    version: Option<i64>,
    tasks: HashMap<TaskId, KnownTask>,
    n_steps: usize,
}

/// A task's row and those of its steps that were needed.
pub(crate) struct KnownTask {
    pub(crate) task: StoredTask,
    /// In the order of their ordinals.
    steps: Vec<KnownStep>,
}

/// A step's row without its payloads, and its queue row.
#[derive(Clone)]
pub(crate) struct KnownStep {
    pub(crate) record: StepRecord,
    pub(crate) queue: Option<QueueRow>,
    /// Whether it has inputs of its own.
    pub(crate) has_inputs: bool,
}

impl Recent {
    /// Drops everything if the file has changed since it was learnt. `version` is what `PRAGMA data_version` says in
    /// the transaction that wants to know.
    pub(crate) fn as_of(&mut self, version: i64) {
        if self.version != Some(version) || self.n_steps > MAX_STEPS {
            *self = Self { version: Some(version), ..Self::default() };
        }
    }

    /// Hands out what is known of a task; whoever takes it puts it back with [`Recent::keep`].
    pub(crate) fn take(&mut self, id: TaskId) -> Option<KnownTask> {
        let known = self.tasks.remove(&id)?;
        self.n_steps -= known.steps.len();
        Some(known)
    }

    /// Keeps what is known of a task, while it is open.
    pub(crate) fn keep(&mut self, known: KnownTask) {
        if known.task.state.is_open() {
            self.n_steps += known.steps.len();
            self.tasks.insert(known.task.id, known);
        }
    }
}

impl KnownTask {
    /// A task of whose steps nothing is known yet.
    pub(crate) fn without_steps(task: StoredTask) -> Self {
        Self { task, steps: Vec::new() }
    }

    /// A task that is new.
    pub(crate) fn created(task: StoredTask, change: &TaskChange) -> Self {
        let steps = change.steps.iter().map(KnownStep::created).collect();
        let mut known = Self { task, steps };
        known.follow_queue(&change.queue);
        known
    }

    /// A step, if it is known.
    pub(crate) fn step(&self, ordinal: Ordinal) -> Option<&KnownStep> {
        self.place(ordinal).ok().map(|at| &self.steps[at])
    }

    /// All steps that are known, in the order of their ordinals.
    pub(crate) fn steps(&self) -> &[KnownStep] {
        &self.steps
    }

    /// Learns of a step.
    pub(crate) fn learn(&mut self, step: KnownStep) {
        match self.place(step.record.ordinal) {
            Ok(at) => self.steps[at] = step,
            Err(at) => self.steps.insert(at, step),
        }
    }

    /// Follows a change that is written in the same transaction. Its steps are known.
    pub(crate) fn follow(&mut self, change: &TaskChange) {
        if let Some(record) = &change.task {
            self.task.follow(record);
        }
        for StepChange { record, inputs, .. } in &change.steps {
            if let Ok(at) = self.place(record.ordinal) {
                let step = &mut self.steps[at];
                step.record = record.clone();
                step.has_inputs |= inputs.is_some();
            }
        }
        self.follow_queue(&change.queue);
    }

    fn follow_queue(&mut self, changes: &[QueueChange]) {
        for change in changes {
            let (ordinal, row) = match change {
                QueueChange::Insert(row) | QueueChange::Update(row) => (row.ordinal, Some(row.clone())),
                QueueChange::Delete(ordinal) => (*ordinal, None),
            };
            if let Ok(at) = self.place(ordinal) {
                self.steps[at].queue = row;
            }
        }
    }

    fn place(&self, ordinal: Ordinal) -> Result<usize, usize> {
        // A task that is known whole has each step at its ordinal.
        let at = ordinal.index();
        if self.steps.get(at).is_some_and(|step| step.record.ordinal == ordinal) {
            return Ok(at);
        }
        self.steps.binary_search_by_key(&ordinal, |step| step.record.ordinal)
    }
}

impl KnownStep {
    fn created(change: &StepChange) -> Self {
        Self { record: change.record.clone(), queue: None, has_inputs: change.inputs.is_some() }
    }
}

#[cfg(test)]
mod tests {
    use tasker_core::definition::Priority;
    use tasker_core::state::TaskState;
    use tasker_core::time::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn task(n: u128, state: TaskState) -> StoredTask {
        let at = Timestamp::default();
        StoredTask {
            seq: n as i64,
            id: TaskId(Uuid::from_u128(n)),
            revision_id: 1,
            state,
            active: 1,
            remaining: 1,
            priority: Priority::default(),
            log_seq: 1,
            created_at: at,
            updated_at: at,
            ended_at: None,
        }
    }

    fn step(ordinal: u32) -> KnownStep {
        let record = StepRecord::new(Ordinal(ordinal), 0, 3, true, Timestamp::default());
        KnownStep { record, queue: None, has_inputs: false }
    }

    fn known(n: u128, steps: impl IntoIterator<Item = u32>) -> KnownTask {
        let mut known = KnownTask::without_steps(task(n, TaskState::InProgress));
        steps.into_iter().for_each(|ordinal| known.learn(step(ordinal)));
        known
    }

    #[test]
    fn rows_are_kept_until_the_file_has_changed() {
        let mut recent = Recent::default();
        let id = TaskId(Uuid::from_u128(1));
        recent.as_of(7);
        recent.keep(known(1, [0]));
        recent.as_of(7);
        let found = recent.take(id).unwrap();
        assert!(found.step(Ordinal(0)).is_some());
        recent.keep(found);
        recent.as_of(8);
        assert!(recent.take(id).is_none());
    }

    #[test]
    fn a_task_that_ended_is_not_kept() {
        let mut recent = Recent::default();
        recent.keep(KnownTask::without_steps(task(1, TaskState::Complete)));
        assert!(recent.take(TaskId(Uuid::from_u128(1))).is_none());
    }

    #[test]
    fn too_many_steps_are_dropped_with_the_next_transaction() {
        let mut recent = Recent::default();
        recent.as_of(1);
        for n in 0..5 {
            recent.keep(known(n, 0..8 * 1024));
        }
        assert_eq!(recent.tasks.len(), 5);
        recent.as_of(1);
        assert_eq!((recent.tasks.len(), recent.n_steps), (0, 0));
    }

    #[test]
    fn steps_are_found_in_whatever_order_they_were_learnt() {
        let known = known(1, [5, 0, 2, 1]);
        let ordinals: Vec<u32> = known.steps().iter().map(|step| step.record.ordinal.0).collect();
        assert_eq!(ordinals, [0, 1, 2, 5]);
        for (ordinal, is_known) in
            [(0, true), (1, true), (2, true), (3, false), (4, false), (5, true), (6, false)]
        {
            assert_eq!(known.step(Ordinal(ordinal)).is_some(), is_known, "{ordinal}");
        }
    }
}
