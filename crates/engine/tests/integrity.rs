//! A running worker looks for broken invariants, a few tasks at a time.

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use support::{Bench, Script, eventually, options};
use tasker_core::audit::Code;
use tasker_core::definition::{Definition, DefinitionBuilder, StepBuilder};
use tasker_core::ids::TaskId;
use tasker_engine::EngineOptions;
use tasker_store::integrity::{CheckPart, CheckScope, Checked, Finding};
use tasker_store::wrapper::Wrapper;
use tasker_store::{Store, StoreError};
use tasker_testkit::StoreUnderTest;
use tasker_testkit::definitions::HANDLER;

/// A store that tells of damage, and counts who looks.
struct Damaged {
    inner: Arc<dyn Store>,
    damage: Mutex<BTreeMap<TaskId, Finding>>,
    is_out_of_reach: Mutex<bool>,
    looking: AtomicUsize,
    most_looking: AtomicUsize,
}

impl Damaged {
    fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            damage: Mutex::default(),
            is_out_of_reach: Mutex::default(),
            looking: AtomicUsize::new(0),
            most_looking: AtomicUsize::new(0),
        })
    }

    fn damage(&self, task: TaskId) {
        let finding = Finding::new(Code::ActiveCount, Some(task), None, "active is 7, but should be 0");
        self.damage.lock().unwrap().insert(task, finding);
    }
}

#[async_trait]
impl Wrapper for Damaged {
    fn inner(&self) -> &dyn Store {
        &*self.inner
    }

    async fn check_part_through(&self, part: CheckPart) -> Result<Checked, StoreError> {
        let looking = self.looking.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_looking.fetch_max(looking, Ordering::SeqCst);
        tokio::task::yield_now().await;
        let damage = self.damage.lock().unwrap().clone();
        let found = |scope: &CheckScope| match scope {
            CheckScope::EndedWithin(_) => damage.values().cloned().collect(),
            CheckScope::These(ids) => ids.iter().filter_map(|id| damage.get(id).cloned()).collect(),
            CheckScope::All | CheckScope::Open => Vec::new(),
        };
        let findings = found(&part.scope);
        let checked = self.inner.check_part(part).await;
        self.looking.fetch_sub(1, Ordering::SeqCst);
        if *self.is_out_of_reach.lock().unwrap() {
            return Err(StoreError::Unavailable { trying: "a test".into(), source: "refused".into() });
        }
        Ok(Checked { findings, ..checked? })
    }
}

fn definition() -> Definition {
    DefinitionBuilder::new("order").step(StepBuilder::new("a", HANDLER)).build().unwrap()
}

fn eager() -> EngineOptions {
    EngineOptions { check_interval: Some(Duration::from_millis(1)), ..options() }
}

async fn bench(options: EngineOptions) -> (Bench, Arc<Damaged>) {
    let StoreUnderTest { store, clock, .. } = StoreUnderTest::memory();
    let damaged = Damaged::new(store);
    (Bench::over(damaged.clone(), clock, Script::default(), options).await, damaged)
}

#[tokio::test]
async fn a_finding_is_told_while_it_is_there() {
    let (bench, store) = bench(eager()).await;
    let task = bench.submit(definition()).await;
    bench.drive(task).await;
    eventually("everything to be looked at twice", async || bench.engine.integrity().rounds >= 2).await;
    let integrity = bench.engine.integrity();
    assert!(integrity.checked_tasks > 0 && integrity.last_round_seconds_ago.is_some(), "{integrity:?}");
    assert_eq!((integrity.findings, integrity.error), (vec![], None));
    store.damage(task);
    eventually("the damage to be found", async || !bench.engine.integrity().findings.is_empty()).await;
    let seen = bench.engine.integrity().rounds;
    eventually("three more rounds", async || bench.engine.integrity().rounds >= seen + 3).await;
    let findings = bench.engine.integrity().findings;
    assert_eq!((findings.len(), findings[0].task_id), (1, Some(task)));
    store.damage.lock().unwrap().clear();
    eventually("the damage to be gone", async || bench.engine.integrity().findings.is_empty()).await;
    assert_eq!(store.most_looking.load(Ordering::SeqCst), 1, "never two at once");
}

#[tokio::test]
async fn a_database_out_of_reach_is_told_and_looked_at_again() {
    let (bench, store) = bench(eager()).await;
    *store.is_out_of_reach.lock().unwrap() = true;
    eventually("the trouble to be told", async || bench.engine.integrity().error.is_some()).await;
    *store.is_out_of_reach.lock().unwrap() = false;
    eventually("a round", async || bench.engine.integrity().rounds > 0).await;
    assert_eq!(bench.engine.integrity().error, None);
}

#[tokio::test]
async fn nothing_is_looked_at_where_that_is_not_wished() {
    let (bench, store) = bench(EngineOptions { check_interval: None, ..options() }).await;
    let task = bench.submit(definition()).await;
    bench.drive(task).await;
    bench.worker.stop().await;
    assert_eq!((bench.engine.integrity().rounds, store.most_looking.load(Ordering::SeqCst)), (0, 0));
}
