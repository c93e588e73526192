//! Slots: how many handlers may run at once, in all and of one kind, and who has borrowed them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tasker_core::decide::ClaimBudget;
use tasker_core::ids::{TaskId, WorkerId};
use tasker_core::names::HandlerName;
use tasker_store::write::Work;
use tokio::sync::Notify;

/// The slots of one worker.
pub(crate) struct Slots {
    capacity: usize,
    state: Mutex<State>,
    freed: Notify,
}

/// Free slots, in all and per handler served. Below zero while claims run that had to be taken up beyond the limit.
struct State {
    free: i64,
    /// Slots that are lent: neither free nor in use.
    lent: i64,
    handlers: HashMap<HandlerName, i64>,
}

/// Who wants to borrow slots: how many are lent depends on it, so that those who borrow at the same time do not leave
/// each other without any.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Borrower {
    /// A transaction that accepts tasks. Half of the capacity is left to tasks that are under way.
    Submit,
    /// A transaction that settles so many attempts: as many slots, so that each chain can go on, or half of those
    /// that are free if that is more.
    Settle(usize),
}

/// A slot in use. Dropping it frees the slot.
pub(crate) struct Slot {
    slots: Arc<Slots>,
    handler: HandlerName,
}

/// Slots lent to a transaction that may claim steps. Whatever is not spent goes back when it is dropped.
pub(crate) struct Lent {
    slots: Arc<Slots>,
    budget: ClaimBudget,
    n_lent: i64,
}

impl Slots {
    pub(crate) fn new(capacity: usize, handlers: HashMap<HandlerName, usize>) -> Arc<Self> {
        let handlers = handlers.into_iter().map(|(name, limit)| (name, to_i64(limit))).collect();
        let state = Mutex::new(State { free: to_i64(capacity), lent: 0, handlers });
        Arc::new(Self { capacity, state, freed: Notify::new() })
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Handlers that run now.
    pub(crate) fn in_use(&self) -> usize {
        let state = self.lock();
        usize::try_from(to_i64(self.capacity) - state.free - state.lent).unwrap_or(0)
    }

    /// Whether there is anything to lend.
    pub(crate) fn has_free(&self) -> bool {
        self.lock().free > 0
    }

    /// Lends at most `most` free slots; `None` if there is none for this borrower.
    pub(crate) fn lend(
        self: &Arc<Self>,
        worker: WorkerId,
        only_task: Option<TaskId>,
        most: usize,
        borrower: Borrower,
    ) -> Option<Lent> {
        let mut state = self.lock();
        let n = state.share_of(borrower, to_i64(self.capacity)).min(to_i64(most));
        if n <= 0 {
            return None;
        }
        let handlers: HashMap<HandlerName, u32> =
            state.handlers.iter().map(|(name, free)| (name.clone(), to_u32((*free).min(n)))).collect();
        let budget = ClaimBudget { worker, slots: to_u32(n), handlers, only_task };
        state.add(&budget, -1);
        state.lent += n;
        drop(state);
        Some(Lent { slots: self.clone(), budget, n_lent: n })
    }

    /// A slot beyond the budget, for a claim that is ours already.
    pub(crate) fn force(self: &Arc<Self>, handler: &HandlerName) -> Slot {
        self.lock().add_one(handler, -1);
        Slot { slots: self.clone(), handler: handler.clone() }
    }

    /// Resolves when a slot, or room for a claim, may have been freed.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// Lets whoever waits for slots look whether there are any.
    pub(crate) fn look_again(&self) {
        self.freed.notify_one();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lent {
    /// What the transaction may claim.
    pub(crate) fn budget(&self) -> ClaimBudget {
        self.budget.clone()
    }

    /// Makes slots in use of those that were claimed; the others go back.
    pub(crate) fn spend(mut self, work: &[Work]) -> Vec<Slot> {
        let task_of = |work: &Work| work.plan.step(work.claim.ordinal).handler.clone();
        work.iter().map(|work| self.take(task_of(work))).collect()
    }

    fn take(&mut self, handler: HandlerName) -> Slot {
        self.budget.slots = self.budget.slots.saturating_sub(1);
        if let Some(left) = self.budget.handlers.get_mut(&handler) {
            *left = left.saturating_sub(1);
        }
        Slot { slots: self.slots.clone(), handler }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut state = self.slots.lock();
        state.lent -= self.n_lent;
        state.add(&self.budget, 1);
        drop(state);
        self.slots.freed.notify_one();
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.lock().add_one(&self.handler, 1);
        self.slots.freed.notify_one();
    }
}

impl State {
    fn share_of(&self, borrower: Borrower, capacity: i64) -> i64 {
        match borrower {
            Borrower::Submit => self.free.min(self.free + self.lent - capacity / 2),
            Borrower::Settle(n_settled) => self.free.min(to_i64(n_settled).max((self.free + 1) / 2)),
        }
    }

    /// Adds (or, with a sign of -1, takes) what a budget holds.
    fn add(&mut self, budget: &ClaimBudget, sign: i64) {
        self.free += sign * i64::from(budget.slots);
        for (name, n) in &budget.handlers {
            if let Some(free) = self.handlers.get_mut(name) {
                *free += sign * i64::from(*n);
            }
        }
    }

    fn add_one(&mut self, handler: &HandlerName, sign: i64) {
        self.free += sign;
        if let Some(free) = self.handlers.get_mut(handler) {
            *free += sign;
        }
    }
}

fn to_i64(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// What can be lent: nothing of what is below zero.
fn to_u32(n: i64) -> u32 {
    u32::try_from(n.max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> HandlerName {
        HandlerName::new(text).unwrap()
    }

    fn slots(capacity: usize, handlers: &[(&str, usize)]) -> Arc<Slots> {
        Slots::new(capacity, handlers.iter().map(|(text, limit)| (name(text), *limit)).collect())
    }

    fn worker() -> WorkerId {
        WorkerId(uuid::Uuid::nil())
    }

    #[test]
    fn what_is_lent_and_not_spent_goes_back() {
        let slots = slots(4, &[("a", 4), ("b", 1)]);
        let lent = slots.lend(worker(), None, 3, Borrower::Settle(4)).unwrap();
        assert_eq!(lent.budget().slots, 3);
        assert_eq!(lent.budget().handlers[&name("b")], 1);
        assert_eq!(slots.in_use(), 0);
        drop(lent);
        let lent = slots.lend(worker(), None, 9, Borrower::Settle(9)).unwrap();
        assert_eq!(lent.budget().handlers[&name("a")], 4);
        assert!(!slots.has_free());
    }

    #[test]
    fn accepting_tasks_leaves_half_of_the_capacity_to_those_under_way() {
        let slots = slots(4, &[("a", 4)]);
        let submit = slots.lend(worker(), None, 9, Borrower::Submit).unwrap();
        assert_eq!(submit.budget().slots, 2);
        let running = [slots.force(&name("a")), slots.force(&name("a"))];
        drop(submit);
        assert!(slots.lend(worker(), None, 9, Borrower::Submit).is_none());
        drop(running);
        assert_eq!(slots.lend(worker(), None, 9, Borrower::Submit).unwrap().budget().slots, 2);
    }

    #[test]
    fn looking_into_the_queue_leaves_slots_to_whoever_accepts_tasks_meanwhile() {
        let slots = slots(4, &[("a", 4)]);
        let question = slots.lend(worker(), None, 9, Borrower::Settle(0)).unwrap();
        assert_eq!(question.budget().slots, 2);
        assert_eq!(slots.lend(worker(), None, 9, Borrower::Submit).unwrap().budget().slots, 2);
        let busy = slots.lend(worker(), None, 9, Borrower::Settle(9)).unwrap();
        assert_eq!(busy.budget().slots, 2);
        assert!(slots.lend(worker(), None, 9, Borrower::Submit).is_none());
    }

    #[test]
    fn claims_that_must_be_taken_up_go_beyond_the_limit_and_are_counted_back() {
        let slots = slots(1, &[("a", 1)]);
        let lent = slots.lend(worker(), None, 1, Borrower::Settle(1));
        let forced = slots.force(&name("a"));
        drop(lent);
        assert!(slots.lend(worker(), None, 1, Borrower::Settle(1)).is_none());
        drop(forced);
        assert_eq!(slots.in_use(), 0);
    }

    #[test]
    fn a_slot_is_free_again_when_dropped() {
        let slots = slots(1, &[("a", 1)]);
        let slot = slots.force(&name("a"));
        assert!(slots.lend(worker(), None, 1, Borrower::Settle(1)).is_none());
        drop(slot);
        assert_eq!(
            slots.lend(worker(), None, 1, Borrower::Settle(1)).unwrap().budget().handlers[&name("a")],
            1
        );
    }
}
