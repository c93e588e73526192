//! What the tests of Tasker share: a clock that stands still, definitions made by code or by chance, one suite that
//! every store must pass, a differential run that compares stores with one another, and a simulation of whole nodes whose
//! world fails. Dev-dependency only.

pub mod clock;
pub mod conformance;
pub mod damage;
pub mod definitions;
pub mod differential;
pub mod driver;
pub mod long_lists;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod random;
pub mod scenarios;
pub mod sim;

use std::any::Any;
use std::sync::Arc;

use tasker_store::Store;
use tasker_store::memory::MemoryStore;

use crate::clock::TestClock;

/// A store that a test looks at, with the clock it lives by.
pub struct StoreUnderTest {
    /// The store, empty.
    pub store: Arc<dyn Store>,
    /// Its clock.
    pub clock: TestClock,
    /// Whatever must live as long as the store, such as its folder.
    pub keep: Option<Box<dyn Any + Send + Sync>>,
}

impl StoreUnderTest {
    /// A store that needs nothing besides its clock.
    pub fn new(store: impl Store, clock: TestClock) -> Self {
        Self { store: Arc::new(store), clock, keep: None }
    }

    /// The reference store.
    pub fn memory() -> Self {
        let clock = TestClock::default();
        Self::new(MemoryStore::new(clock.source()), clock)
    }

    /// Runs a test, at whose end nothing must be wrong with the store.
    pub async fn run<F: Future<Output = ()>>(mut self, test: impl FnOnce(Self) -> F) {
        let _keep = self.keep.take();
        let store = self.store.clone();
        test(self).await;
        assert_eq!(store.check(100).await.expect("check"), []);
    }
}
