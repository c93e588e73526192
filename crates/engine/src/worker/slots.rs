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
    handlers: HashMap<HandlerName, i64>,
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
}

impl Slots {
    pub(crate) fn new(capacity: usize, handlers: HashMap<HandlerName, usize>) -> Arc<Self> {
        let handlers = handlers.into_iter().map(|(name, limit)| (name, to_i64(limit))).collect();
        let state = Mutex::new(State { free: to_i64(capacity), handlers });
        Arc::new(Self { capacity, state, freed: Notify::new() })
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Handlers that run (or slots that are lent) now.
    pub(crate) fn in_use(&self) -> usize {
        usize::try_from(to_i64(self.capacity) - self.lock().free).unwrap_or(0)
    }

    /// Lends at most `most` free slots, leaving `reserve` of them alone; `None` if that leaves none.
    pub(crate) fn lend(
        self: &Arc<Self>,
        worker: WorkerId,
        only_task: Option<TaskId>,
        most: usize,
        reserve: usize,
    ) -> Option<Lent> {
        let mut state = self.lock();
        let n = (state.free - to_i64(reserve)).min(to_i64(most));
        if n <= 0 {
            return None;
        }
        let handlers: HashMap<HandlerName, u32> =
            state.handlers.iter().map(|(name, free)| (name.clone(), to_u32((*free).min(n)))).collect();
        let budget = ClaimBudget { worker, slots: to_u32(n), handlers, only_task };
        state.add(&budget, -1);
        drop(state);
        Some(Lent { slots: self.clone(), budget })
    }

    /// A slot beyond the budget, for a claim that is ours already.
    pub(crate) fn force(self: &Arc<Self>, handler: &HandlerName) -> Slot {
        self.lock().add_one(handler, -1);
        Slot { slots: self.clone(), handler: handler.clone() }
    }

    /// Resolves when a slot is freed.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
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
        self.slots.lock().add(&self.budget, 1);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.lock().add_one(&self.handler, 1);
        self.slots.freed.notify_one();
    }
}

impl State {
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
        let lent = slots.lend(worker(), None, 3, 0).unwrap();
        assert_eq!(lent.budget().slots, 3);
        assert_eq!(lent.budget().handlers[&name("b")], 1);
        assert_eq!(slots.in_use(), 3);
        drop(lent);
        assert_eq!(slots.in_use(), 0);
        assert_eq!(slots.lend(worker(), None, 9, 0).unwrap().budget().handlers[&name("a")], 4);
    }

    #[test]
    fn a_reserve_is_left_alone() {
        let slots = slots(4, &[("a", 4)]);
        assert_eq!(slots.lend(worker(), None, 9, 2).unwrap().budget().slots, 2);
        let all = slots.lend(worker(), None, 9, 0).unwrap();
        assert!(slots.lend(worker(), None, 9, 0).is_none());
        drop(all);
    }

    #[test]
    fn claims_that_must_be_taken_up_go_beyond_the_limit_and_are_counted_back() {
        let slots = slots(1, &[("a", 1)]);
        let lent = slots.lend(worker(), None, 1, 0);
        let forced = slots.force(&name("a"));
        drop(lent);
        assert!(slots.lend(worker(), None, 1, 0).is_none());
        drop(forced);
        assert_eq!(slots.in_use(), 0);
    }

    #[test]
    fn a_slot_is_free_again_when_dropped() {
        let slots = slots(1, &[("a", 1)]);
        let slot = slots.force(&name("a"));
        assert!(slots.lend(worker(), None, 1, 0).is_none());
        drop(slot);
        assert_eq!(slots.lend(worker(), None, 1, 0).unwrap().budget().handlers[&name("a")], 1);
    }
}
