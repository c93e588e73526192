//! Several stores on one file, as several processes have them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tasker_core::state::TaskState;
use tasker_store::Store;
use tasker_store::read::{Cursor, LogQuery, TaskFilter};
use tasker_store_sqlite::{OpenOptions, SqliteStore};
use tasker_testkit::StoreUnderTest;
use tasker_testkit::clock::TestClock;
use tasker_testkit::definitions::plan;
use tasker_testkit::driver::{Driver, success, task_id, worker_id};

fn open(path: &Path, clock: &TestClock) -> Driver {
    let options = OpenOptions { clock: clock.source(), ..OpenOptions::default() };
    Driver::new(StoreUnderTest::new(SqliteStore::open(path, options).unwrap(), clock.clone()))
}

#[test]
fn many_may_create_one_file_at_once() {
    for _ in 0..5 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data/tasker.db");
        let openings: Vec<_> = (0..4)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || SqliteStore::open(&path, OpenOptions::default()).map(drop))
            })
            .collect();
        for opening in openings {
            opening.join().unwrap().unwrap();
        }
        let status = SqliteStore::status(&path).unwrap();
        assert_eq!(status.version, Some(status.expected));
    }
}

#[tokio::test]
async fn what_one_store_wrote_another_reads() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasker.db");
    let clock = TestClock::default();
    let (one, two) = (open(&path, &clock), open(&path, &clock));
    let plan = plan("order", &[("a", &[]), ("b", &["a"])]);
    let id = one.start(&plan).await;
    assert_eq!(two.state(id).await, TaskState::Pending);
    let claim = two.claim_one("a").await;
    two.succeed(&claim).await;
    assert_eq!(one.summary(id).await, "in_progress: a complete, b pending");
    one.drive(|_, _| success("1")).await;
    assert_eq!(two.summary(id).await, "complete: a complete, b complete");
    drop((one, two));
    let again = open(&path, &clock);
    assert_eq!(again.summary(id).await, "complete: a complete, b complete");
    again.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_stores_that_write_at_once_lose_and_repeat_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasker.db");
    let clock = TestClock::default();
    let plan = plan("order", &[("a", &[]), ("b", &["a"])]);
    let first = Arc::new(open(&path, &clock));
    first.register(&plan).await;
    let threads: Vec<_> = (0..2u32)
        .map(|n| {
            let (driver, plan) = (open(&path, &clock), plan.clone());
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(async {
                    for i in 0..20u64 {
                        let mut request = driver.request(&plan);
                        request.id = task_id(1000 * u64::from(n + 1) + i);
                        driver.submit(request).await;
                    }
                    let mut done = 0;
                    loop {
                        let work = driver.claim_as(worker_id(u64::from(n) + 1), 3).await;
                        if work.is_empty() {
                            return done;
                        }
                        for work in work {
                            driver.succeed(&work.claim).await;
                            done += 1;
                        }
                    }
                })
            })
        })
        .collect();
    let done: u32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    // Whatever one thread released after the other had stopped looking.
    let rest = first.drive(|_, _| success("1")).await.len() as u32;
    assert_eq!(done + rest, 80);
    let filter =
        TaskFilter { states: vec![TaskState::Complete], count_all: true, limit: 1, ..TaskFilter::default() };
    assert_eq!(first.store.tasks(filter).await.unwrap().total, Some(40));
    let log = first.store.log(LogQuery { task: None, after: Cursor::START, limit: 10_000 }).await.unwrap();
    assert!(log.windows(2).all(|pair| pair[0].cursor < pair[1].cursor));
    // Per task: 3 of the task itself; per step: created, claimed, complete.
    assert_eq!(log.len(), 40 * (3 + 2 * 3));
    first.assert_sound().await;
}

/// By itself SQLite lets whoever always writes take the lock again before others look.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_always_writes_keeps_nobody_waiting_for_long() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasker.db");
    let clock = TestClock::default();
    let plan = plan("order", &[("a", &[])]);
    let (busy, other) = (Arc::new(open(&path, &clock)), open(&path, &clock));
    busy.register(&plan).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let writing: Vec<_> = (1..=4)
        .map(|n| {
            let (busy, plan, is_over) = (busy.clone(), plan.clone(), is_over.clone());
            tokio::spawn(async move {
                for i in (1_000_000 * n..).take_while(|_| !is_over.load(Ordering::Relaxed)) {
                    let mut request = busy.request(&plan);
                    request.id = task_id(i);
                    busy.submit(request).await;
                }
            })
        })
        .collect();
    let mut longest = Duration::ZERO;
    for i in 1..=30 {
        let mut request = other.request(&plan);
        request.id = task_id(i);
        let began = Instant::now();
        other.submit(request).await;
        longest = longest.max(began.elapsed());
    }
    is_over.store(true, Ordering::Relaxed);
    for writer in writing {
        writer.await.unwrap();
    }
    assert!(longest < Duration::from_secs(2), "{longest:?}");
}

#[tokio::test]
async fn a_worker_whose_process_is_gone_is_lost_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasker.db");
    let clock = TestClock::default();
    let (dying, living) = (open(&path, &clock), open(&path, &clock));
    let id = dying.start(&plan("order", &[("a", &[])])).await;
    let (dead, live) = (worker_id(5), worker_id(6));
    dying.beat(dead, &[]).await;
    let claim = dying.claim_as(dead, 1).await.remove(0).claim;
    assert_eq!(living.beat(live, &[]).await.orphans, [], "its lock is held");
    assert!(directory.path().join(format!("workers/{dead}.lock")).exists());
    drop(dying);
    let orphans = living.beat(live, &[]).await.orphans;
    assert_eq!(orphans.len(), 1);
    assert_eq!((orphans[0].task, orphans[0].fence), (id, claim.fence));
    let rows = living.store.workers().await.unwrap();
    assert_eq!(rows.iter().find(|row| row.id == dead).unwrap().lost_at, Some(clock.now()));
    assert!(rows.iter().find(|row| row.id == live).unwrap().is_live());
}

#[tokio::test]
async fn a_worker_that_stopped_leaves_no_lock() {
    let directory = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let d = open(&directory.path().join("tasker.db"), &clock);
    d.beat(worker_id(5), &[]).await;
    d.store.worker_stopped(worker_id(5)).await.unwrap();
    let files = std::fs::read_dir(directory.path().join("workers")).unwrap();
    let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names, ["tasker.db.turn"]);
}

#[tokio::test]
async fn a_reading_command_sees_everything_and_writes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasker.db");
    let clock = TestClock::default();
    let writer = open(&path, &clock);
    let id = writer.start(&plan("order", &[("a", &[])])).await;
    let options =
        OpenOptions { migrate: false, read_only: true, clock: clock.source(), ..OpenOptions::default() };
    let reader = SqliteStore::open(&path, options).unwrap();
    assert_eq!(reader.task(id).await.unwrap().unwrap().record.state, TaskState::Pending);
    let error = reader.worker_stopped(worker_id(1)).await.unwrap_err();
    assert!(matches!(error, tasker_store::StoreError::Unavailable { .. }), "{error:?}");
    let schema = reader.schema().await.unwrap();
    assert_eq!(schema.version, Some(schema.expected));
}

#[tokio::test]
async fn people_read_tasks_steps_and_transitions_as_text() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasker.db");
    let clock = TestClock::default();
    let d = open(&path, &clock);
    let id = d.start(&plan("order", &[("a", &[]), ("b", &["a"])])).await;
    d.claim_one("a").await;
    let connection = rusqlite::Connection::open(&path).unwrap();
    let one = |query: &str| -> String { connection.query_row(query, [], |row| row.get(0)).unwrap() };
    assert_eq!(one("SELECT task_id FROM tasks"), id.to_string());
    assert_eq!(
        one("SELECT namespace || '.' || name || '@' || version || ' ' || status FROM tasks"),
        "default.order@1.0.0 in_progress"
    );
    assert_eq!(one("SELECT created_at FROM tasks"), clock.now().to_string());
    assert_eq!(
        one("SELECT group_concat(step_name || ' ' || status, ', ') FROM steps"),
        "a in_progress, b pending"
    );
    assert_eq!(
        one(
            "SELECT group_concat(coalesce(step_name, 'task') || ' ' || to_state, ', ') FROM transitions WHERE most_recent"
        ),
        "b pending, task in_progress, a in_progress"
    );
}
