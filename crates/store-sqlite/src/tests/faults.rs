//! What happens when the disk is full, rows are damaged, or a job panics.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use tasker_core::audit::Code;
use tasker_core::decide::{Action, Answer, Input};
use tasker_core::ids::{Fence, Ordinal, TaskId};
use tasker_core::outcome::Outcome;
use tasker_core::payload::Payload;
use tasker_store::write::{ApplyBatch, SubmitAnswer, SubmitBatch};
use tasker_store::{Store, StoreError};
use tasker_testkit::StoreUnderTest;
use tasker_testkit::clock::TestClock;
use tasker_testkit::definitions::plan;
use tasker_testkit::driver::{Driver, steady_rules, success};

use crate::open::{self, OpenOptions};
use crate::threads::Threads;
use crate::{SqliteStore, error};

/// A store on a file, and a second way into that file.
struct Opened {
    driver: Driver,
    damage: Connection,
    _directory: tempfile::TempDir,
}

fn open_file() -> Opened {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tasker.db");
    let clock = TestClock::default();
    let options = OpenOptions { clock: clock.source(), ..OpenOptions::default() };
    let store = SqliteStore::open(&path, options).unwrap();
    let damage = Connection::open(&path).unwrap();
    Opened { driver: Driver::new(StoreUnderTest::new(store, clock)), damage, _directory: directory }
}

/// A store whose file cannot grow beyond some pages, as on a full disk.
fn with_full_disk(path: PathBuf, pages: u32, clock: &TestClock) -> SqliteStore {
    let options = OpenOptions { clock: clock.source(), ..OpenOptions::default() };
    let opened = open::open(&path, options, true).unwrap();
    opened.writer.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    let threads = Threads::start(opened, clock.source()).unwrap();
    SqliteStore { path, clock: clock.source(), connections: 3, threads, _temporary: None }
}

#[tokio::test]
async fn a_full_disk_refuses_the_batch_whole_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let clock = TestClock::default();
    let store = with_full_disk(directory.path().join("tasker.db"), 60, &clock);
    let d = Driver::new(StoreUnderTest::new(store, clock));
    let plan = plan("order", &[("a", &[])]);
    let first = d.start(&plan).await;
    let mut big = d.request(&plan);
    big.context = Payload::from_stored(format!(r#"{{"x":"{}"}}"#, "x".repeat(400_000)));
    let (small, big_id) = (d.request(&plan), big.id);
    let small_id = small.id;
    let batch = SubmitBatch::of([small.clone(), big], steady_rules());
    let error = d.store.submit(batch).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::Unavailable { trying, .. } if trying == "submitting tasks"),
        "{error:?}"
    );
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("full"));
    assert!(error.may_be_retried());
    assert!(d.store.task(small_id).await.unwrap().is_none());
    assert!(d.store.task(big_id).await.unwrap().is_none());
    assert!(matches!(d.submit(small).await, SubmitAnswer::Accepted { .. }), "there is room for a small one");
    d.drive(|_, _| success("1")).await;
    assert_eq!(d.summary(first).await, "complete: a complete");
    d.assert_sound().await;
}

#[tokio::test]
async fn a_damaged_task_holds_up_nobody_and_is_found() {
    let Opened { driver: d, damage, _directory } = open_file();
    let plan = plan("order", &[("a", &[]), ("b", &["a"])]);
    let (broken, fine) = (d.start(&plan).await, d.start(&plan).await);
    let claim = d.claim_as(d.worker, 2).await.into_iter().find(|work| work.claim.task == fine).unwrap().claim;
    let n = damage.execute("DELETE FROM step WHERE key = 32768 + 1", []).unwrap();
    assert_eq!(n, 1);
    let settle = |task: TaskId, fence| {
        (task, Input::Settle { step: Ordinal(0), fence, outcome: Outcome::Success(Payload::null()) })
    };
    let cancel = Input::Operate {
        action: Action::CancelTask { force: false },
        actor: "ops".into(),
        reason: None,
        expected: None,
    };
    let inputs = vec![settle(broken, Fence(1)), (broken, cancel), settle(fine, claim.fence)];
    let applied = d.apply(inputs, None).await;
    assert_eq!(applied.answers[0], Answer::Stale);
    assert!(matches!(&applied.answers[1], Answer::Refused(why) if why.code == "unreadable_task"));
    assert!(matches!(applied.answers[2], Answer::Settled { .. }));
    let findings = d.store.check(10).await.unwrap();
    assert!(
        findings.iter().any(|f| f.code == Code::StepMissing && f.task_id == Some(broken)),
        "{findings:?}"
    );
    assert!(findings.iter().all(|f| f.task_id != Some(fine)), "{findings:?}");
}

#[tokio::test]
async fn what_another_process_wrote_is_seen() {
    let Opened { driver: d, damage, _directory } = open_file();
    let plan = plan("order", &[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
    let id = d.start(&plan).await;
    let claim = d.claim_as(d.worker, 1).await.remove(0).claim;
    // The store has worked on the task and knows its rows by now.
    assert_eq!(damage.execute("UPDATE task SET priority = 8", []).unwrap(), 1);
    assert_eq!(damage.execute("UPDATE step SET retry_limit = 77 WHERE key & 32767 = 1", []).unwrap(), 1);
    let done =
        Input::Settle { step: Ordinal(0), fence: claim.fence, outcome: Outcome::Success(Payload::null()) };
    d.apply(vec![(id, done)], None).await;
    let step = d.store.steps(id).await.unwrap().remove(1);
    assert_eq!(step.queue.unwrap().priority.get(), 8);
    assert_eq!(step.record.retry_limit, 77);
    d.assert_sound().await;
}

#[tokio::test]
async fn rows_that_hang_on_nothing_are_found() {
    let Opened { driver: d, damage, _directory } = open_file();
    let plan = plan("order", &[("a", &[])]);
    let id = d.start(&plan).await;
    d.assert_sound().await;
    for (statement, code) in [
        (
            "INSERT INTO queue SELECT 99 * 32768, handler_id, priority, run_at, worker_id, fence FROM queue",
            "orphan_queue_row",
        ),
        (
            "INSERT INTO step SELECT 98 * 32768, state, waits, attempts, retry_limit, retryable, fence, settled_fence, \
          lease_expiries, key_generation, null, null, null, null, 0, null, null, null FROM step",
            "orphan_step",
        ),
        (
            "INSERT INTO transition (task_seq, seq, to_state, at, actor) VALUES (97, 1, 0, 0, 'x')",
            "orphan_log_entry",
        ),
        ("UPDATE queue SET handler_id = handler_id + 1 WHERE key = 32768", "row_handler"),
        ("DELETE FROM task_input", "input_missing"),
    ] {
        damage.execute(statement, []).unwrap();
        let findings = d.store.check(100).await.unwrap();
        assert!(findings.iter().any(|finding| finding.code.as_str() == code), "{code}: {findings:?}");
    }
    assert_eq!(d.store.check(2).await.unwrap().len(), 2, "the limit holds");
    assert!(matches!(d.store.task(id).await, Err(StoreError::Corrupt(_))));
}

#[tokio::test]
async fn a_panic_costs_its_own_job_only() {
    let clock = TestClock::default();
    let store =
        SqliteStore::in_memory(OpenOptions { clock: clock.source(), ..OpenOptions::default() }).unwrap();
    let answer: Result<(), _> = store.threads.write("trying something", |_| panic!("a defect")).await;
    let error = answer.unwrap_err();
    assert!(matches!(error, StoreError::Unstorable { .. }), "{error:?}");
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("a defect"));
    let answer: Result<(), error::Trouble> = Ok(());
    store.threads.write("trying again", move |_| answer).await.unwrap();
    assert_eq!(store.now().await.unwrap(), clock.now());
}

#[tokio::test]
async fn a_batch_whose_caller_left_is_written_all_the_same() {
    let Opened { driver: d, .. } = open_file();
    let plan = plan("order", &[("a", &[])]);
    let id = d.start(&plan).await;
    let cancel = Input::Operate {
        action: Action::CancelTask { force: false },
        actor: "ops".into(),
        reason: None,
        expected: None,
    };
    let store = Arc::clone(&d.store);
    let batch = ApplyBatch { inputs: vec![(id, cancel)], rules: steady_rules(), claiming: None };
    let mut call = Box::pin(store.apply(batch));
    // One poll hands the batch over; then the caller is gone.
    assert!(poll_once(&mut call).await.is_none());
    drop(call);
    let again = Input::Operate {
        action: Action::CancelTask { force: false },
        actor: "ops".into(),
        reason: None,
        expected: None,
    };
    let answers = d.apply(vec![(id, again)], None).await.answers;
    assert!(matches!(&answers[0], Answer::Unchanged), "{answers:?}");
}

/// Polls a future once.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        let polled = std::pin::Pin::new(&mut *future).poll(context);
        std::task::Poll::Ready(match polled {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
