//! Lanes: the ways on which inputs get to the store. Each task has its lane, so that its inputs keep their order and two
//! transactions of this node do not wait for each other's tasks.

use std::sync::Arc;

use tasker_core::ids::TaskId;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::SendError;

use crate::settler::Item;

/// The entries to all lanes. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Lanes(Arc<[mpsc::Sender<Item>]>);

impl Lanes {
    /// Makes so many lanes, each of which holds so many items before those who bring more have to wait. The other ends are
    /// for the settlers.
    pub(crate) fn new(n: usize, capacity: usize) -> (Self, Vec<mpsc::Receiver<Item>>) {
        let (entries, ends): (Vec<_>, Vec<_>) = (0..n.max(1)).map(|_| mpsc::channel(capacity)).unzip();
        (Self(entries.into()), ends)
    }

    /// Hands an item in.
    ///
    /// # Errors
    /// The engine has shut down.
    pub(crate) async fn send(&self, item: Item) -> Result<(), SendError<Item>> {
        self.0[lane_of(item.task(), self.0.len())].send(item).await
    }
}

/// The lane of a task, out of `n`.
fn lane_of(task: TaskId, n: usize) -> usize {
    // Ids differ in their last bits most.
    let last = task.0.as_bytes()[15];
    usize::from(last) % n
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn tasks_are_spread_over_all_lanes_and_keep_theirs() {
        let lanes: Vec<usize> = (0..6).map(|n| lane_of(TaskId(Uuid::from_u128(n)), 3)).collect();
        assert_eq!(lanes, [0, 1, 2, 0, 1, 2]);
        assert!((0..100).all(|n| lane_of(TaskId(Uuid::from_u128(n)), 1) == 0));
    }
}
