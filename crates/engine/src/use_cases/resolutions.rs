//! Definitions that requests meant lately, so that not every submission has to ask the database.
//!
//! What is remembered may be out of date: the transaction that accepts a task makes sure that the definition is still the one
//! that was meant, and answers that it is to be looked up again otherwise.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tasker_core::plan::Plan;
use tasker_store::definitions::Selector;

/// Most selectors remembered; definitions are few.
const MOST: usize = 1_024;

/// What selectors led to.
#[derive(Default)]
pub(crate) struct Resolutions {
    by_selector: Mutex<HashMap<Selector, Arc<Plan>>>,
}

impl Resolutions {
    /// What a selector led to the last time.
    pub(crate) fn get(&self, selector: &Selector) -> Option<Arc<Plan>> {
        self.known().get(selector).cloned()
    }

    /// Remembers what a selector leads to.
    pub(crate) fn remember(&self, selector: Selector, plan: Arc<Plan>) {
        let mut known = self.known();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(selector, plan);
    }

    /// Forgets it; whether there was anything to forget.
    pub(crate) fn forget(&self, selector: &Selector) -> bool {
        self.known().remove(selector).is_some()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Selector, Arc<Plan>>> {
        self.by_selector.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
