//! Who waits for what: tasks to end, and anything to be committed. Hints only; whoever waits polls as well.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tasker_core::ids::TaskId;
use tasker_core::state::TaskState;
use tokio::sync::{oneshot, watch};

/// The waiting.
pub(crate) struct Watchers {
    ends: Mutex<HashMap<TaskId, Vec<oneshot::Sender<TaskState>>>>,
    commits: watch::Sender<u64>,
}

impl Watchers {
    pub(crate) fn new() -> Self {
        Self { ends: Mutex::new(HashMap::new()), commits: watch::Sender::new(0) }
    }

    /// Resolves when this process ends the task.
    pub(crate) fn end_of(&self, task: TaskId) -> oneshot::Receiver<TaskState> {
        let (sender, receiver) = oneshot::channel();
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = ends.entry(task).or_default();
        waiting.retain(|other| !other.is_closed());
        waiting.push(sender);
        receiver
    }

    /// Forgets waits that were given up.
    pub(crate) fn forget(&self, task: TaskId) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiting) = ends.get_mut(&task) {
            waiting.retain(|other| !other.is_closed());
            if waiting.is_empty() {
                ends.remove(&task);
            }
        }
    }

    /// Changes with every commit of this process.
    pub(crate) fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }

    pub(crate) fn committed(&self, ended: impl IntoIterator<Item = (TaskId, TaskState)>) {
        self.commits.send_modify(|n| *n += 1);
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        for (task, state) in ended {
            for waiting in ends.remove(&task).into_iter().flatten() {
                // Whoever stopped waiting does not want to know.
                let _ = waiting.send(state);
            }
        }
    }
}
