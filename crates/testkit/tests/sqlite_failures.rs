//! What is left after a write to a SQLite file failed half-way, or its process ended.
//!
//! Triggers make statements fail at a chosen row; rows are damaged through a second connection.

use std::path::PathBuf;

use rusqlite::Connection;
use tasker_core::decide::{Answer, Input};
use tasker_core::graph::shapes;
use tasker_core::ids::Ordinal;
use tasker_core::outcome::Outcome;
use tasker_core::state::{StepState, TaskState};
use tasker_store::read::{LogQuery, TaskFilter};
use tasker_store::write::{ApplyBatch, SubmitAnswer, SubmitBatch};
use tasker_store_sqlite::{OpenOptions, SqliteStore};
use tasker_testkit::StoreUnderTest;
use tasker_testkit::clock::TestClock;
use tasker_testkit::definitions::{plan, plan_of};
use tasker_testkit::driver::{Driver, key, success, worker_id};

/// A database file that can be opened, closed and damaged.
struct File {
    folder: tempfile::TempDir,
    clock: TestClock,
}

impl File {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), clock: TestClock::default() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("tasker.db")
    }

    fn open(&self) -> Driver {
        let options = OpenOptions { clock: self.clock.source(), ..OpenOptions::default() };
        Driver::new(StoreUnderTest::new(
            SqliteStore::open(&self.path(), options).unwrap(),
            self.clock.clone(),
        ))
    }

    fn execute(&self, sql: &str) {
        Connection::open(self.path()).unwrap().execute_batch(sql).unwrap();
    }

    /// Makes a statement fail.
    fn break_at(&self, event: &str) {
        self.execute(&format!(
            "CREATE TRIGGER broken {event} BEGIN SELECT RAISE(ABORT, 'broken on purpose'); END"
        ));
    }

    fn repair(&self) {
        self.execute("DROP TRIGGER broken");
    }
}

#[tokio::test]
async fn dom_24_a_failure_at_the_third_step_leaves_nothing() {
    let file = File::new();
    let d = file.open();
    let plan = plan_of("small", &shapes::small());
    d.register(&plan).await;
    file.break_at("BEFORE INSERT ON step WHEN (SELECT count(*) FROM step) = 2");
    let request = d.request(&plan);
    let batch = SubmitBatch::of([request.clone()], d.rules.clone());
    d.store.submit(batch).await.unwrap_err();
    assert!(d.store.task(request.id).await.unwrap().is_none());
    assert!(d.steps(request.id).await.is_empty());
    assert!(d.store.queue().await.unwrap().is_empty());
    assert!(d.store.log(LogQuery { limit: 9, ..LogQuery::default() }).await.unwrap().is_empty());
    let page =
        d.store.tasks(TaskFilter { limit: 9, count_all: true, ..TaskFilter::default() }).await.unwrap();
    assert_eq!((page.tasks.len(), page.total), (0, Some(0)));
    d.assert_sound().await;
    file.repair();
    assert_eq!(d.submit(request.clone()).await, SubmitAnswer::Accepted { state: TaskState::Pending });
    assert_eq!(d.steps(request.id).await.len(), 4);
}

#[tokio::test]
async fn dom_25_a_task_is_run_by_whoever_opens_the_file_next() {
    let file = File::new();
    let id = {
        let d = file.open();
        d.start(&plan("order", &[("a", &[]), ("b", &["a"])])).await
    };
    let d = file.open();
    assert_eq!(d.state(id).await, TaskState::Pending);
    assert_eq!(d.drive(|_, _| success("1")).await, [("a".to_owned(), 1), ("b".to_owned(), 1)]);
    assert_eq!(d.state(id).await, TaskState::Complete);
    d.assert_sound().await;
}

#[tokio::test]
async fn dom_47_a_change_that_was_rolled_back_is_not_logged() {
    let file = File::new();
    let d = file.open();
    let id = d.start(&plan("order", &[("a", &[])])).await;
    let before = (d.log(id).await, d.record(id).await, d.steps(id).await);
    file.break_at("BEFORE INSERT ON transition WHEN NEW.ordinal IS NOT NULL AND NEW.to_state = 1");
    let claim = Input::Claim { step: Ordinal(0), worker: d.worker };
    let batch = ApplyBatch { inputs: vec![(id, claim.clone())], rules: d.rules.clone(), claiming: None };
    d.store.apply(batch).await.unwrap_err();
    assert_eq!((d.log(id).await, d.record(id).await, d.steps(id).await), before);
    d.assert_sound().await;
    file.repair();
    assert_eq!(d.one(id, claim).await, Answer::Claimed);
}

#[tokio::test]
async fn dom_129_a_success_that_could_not_be_stored_is_executed_again() {
    let file = File::new();
    let d = file.open();
    let other = worker_id(6);
    let id = d.start(&plan("order", &[("a", &[])])).await;
    d.beat(d.worker, &[]).await;
    let claim = d.claim_one("a").await;
    file.break_at("BEFORE UPDATE ON step WHEN NEW.state = 2");
    let settle = Input::Settle { step: claim.ordinal, fence: claim.fence, outcome: success("1") };
    let batch = ApplyBatch { inputs: vec![(id, settle)], rules: d.rules.clone(), claiming: None };
    d.store.apply(batch).await.unwrap_err();
    assert_eq!(d.summary(id).await, "in_progress: a in_progress");
    file.repair();
    d.clock.advance_seconds(3);
    d.beat(other, &[]).await;
    d.clock.advance_seconds(4);
    assert_eq!(d.beat(other, &[]).await.orphans, [key(&claim)]);
    d.settle(&claim, Outcome::LeaseExpired).await;
    assert_eq!(d.drive(|_, _| success("1")).await, [("a".to_owned(), 2)]);
    let step = d.step(id, "a").await.record;
    assert_eq!((d.state(id).await, step.state, step.attempts), (TaskState::Complete, StepState::Complete, 2));
    d.assert_sound().await;
}

/// What a store finds after somebody damaged one row.
async fn findings_after(damage: &str) -> Vec<&'static str> {
    let file = File::new();
    let d = file.open();
    d.start(&plan("order", &[("a", &[]), ("b", &["a"]), ("c", &["b"])])).await;
    let claim = d.claim_one("a").await;
    d.succeed(&claim).await;
    d.assert_sound().await;
    file.execute(damage);
    let findings = d.store.check(100).await.unwrap();
    findings.into_iter().map(|finding| finding.code.as_str()).collect()
}

#[tokio::test]
async fn dom_113_damage_is_found() {
    for damage in [
        "DELETE FROM step WHERE key % 32768 = 2",
        "DELETE FROM queue",
        "DELETE FROM transition WHERE seq = 4",
        "DELETE FROM task_input",
        "UPDATE task SET active = 7",
        "UPDATE task SET remaining = 0",
        "UPDATE task SET state = 2",
        "UPDATE step SET waits = 0 WHERE key % 32768 = 2",
        "UPDATE step SET state = 4 WHERE key % 32768 = 2",
        "UPDATE transition SET to_state = 3 WHERE seq = 6",
    ] {
        let found = findings_after(damage).await;
        assert!(!found.is_empty(), "{damage}: nothing found");
    }
}
