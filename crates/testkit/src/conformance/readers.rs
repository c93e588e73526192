//! Readers of the log, and what pruning leaves them.

use std::time::Duration;

use tasker_core::ids::TaskId;
use tasker_store::StoreError;
use tasker_store::read::{Cursor, LogEntry, LogQuery, LogReader, READER_MEMORY};
use tasker_store::write::Prune;

use crate::StoreUnderTest;
use crate::definitions::plan;
use crate::driver::{Driver, success};

/// A task that has ended.
async fn ended(d: &Driver) -> TaskId {
    let task = d.start(&plan("order", &[("a", &[])])).await;
    d.drive(|_, _| success("1")).await;
    task
}

/// Deletes what ended more than an hour ago.
async fn prune(d: &Driver) -> u64 {
    let request = Prune { finished_before: Duration::from_secs(3600), dry_run: false, batch: 100 };
    let dry = d.store.prune(Prune { dry_run: true, ..request.clone() }).await.expect("count").tasks;
    let tasks = d.store.prune(request).await.expect("prune").tasks;
    assert_eq!(dry, tasks);
    tasks
}

async fn read(d: &Driver, after: Cursor, limit: usize) -> Result<Vec<LogEntry>, StoreError> {
    d.store.log(LogQuery { task: None, after, limit }).await
}

async fn end(d: &Driver) -> Cursor {
    d.store.log_end(None, 0).await.expect("end")
}

fn assert_gone(answer: Result<Vec<LogEntry>, StoreError>) {
    match answer {
        Err(StoreError::Refused(rejection)) => assert_eq!(rejection.code, "position_gone"),
        other => panic!("{other:?}"),
    }
}

pub async fn a_reader_that_deletion_overtook_is_told(store: StoreUnderTest) {
    let d = Driver::new(store);
    ended(&d).await;
    let (early, late) = (read(&d, Cursor::START, 1).await.expect("read")[0].cursor, end(&d).await);
    d.clock.advance_seconds(4000);
    let young = ended(&d).await;
    assert_eq!(prune(&d).await, 1);
    assert_gone(read(&d, early, 100).await);
    let text: Cursor = early.to_string().parse().expect("a cursor");
    assert_gone(read(&d, text, 100).await);
    let rest = read(&d, late, 100).await.expect("nothing after it is gone");
    assert!(rest.iter().all(|entry| entry.task == young));
    // What has been given out since is overtaken by the next deletion.
    let between = rest[0].cursor;
    read(&d, between, 100).await.expect("it is all there");
    d.clock.advance_seconds(4000);
    ended(&d).await;
    assert_eq!(prune(&d).await, 1);
    assert_gone(read(&d, between, 100).await);
    assert_gone(read(&d, early, 100).await);
}

pub async fn what_is_left_of_a_log_can_be_read_page_by_page(store: StoreUnderTest) {
    let d = Driver::new(store);
    let long = plan("long", &[("a", &[]), ("b", &["a"])]);
    let open = d.start(&long).await;
    d.claim().await;
    ended(&d).await;
    d.clock.advance_seconds(4000);
    let last = d.start(&long).await;
    assert_eq!(prune(&d).await, 1);
    // The entries of the open task stand before those that were deleted.
    let (mut after, mut told) = (Cursor::START, Vec::new());
    while let Some(entry) = read(&d, after, 1).await.expect("what is left").pop() {
        after = entry.cursor;
        told.push(entry.task);
    }
    assert_eq!(told, [[open; 5].as_slice(), &[last; 3]].concat());
    assert_eq!(end(&d).await, after);
}

pub async fn what_a_reader_has_not_read_is_kept(store: StoreUnderTest) {
    let d = Driver::new(store);
    d.store.note_reader("audit", Cursor::START).await.expect("note");
    let one = ended(&d).await;
    let after_one = end(&d).await;
    ended(&d).await;
    d.clock.advance_seconds(4000);
    assert_eq!(prune(&d).await, 0, "nothing was read");
    let page = read(&d, Cursor::START, 3).await.expect("read");
    d.store.note_reader("audit", page[2].cursor).await.expect("note");
    assert_eq!(prune(&d).await, 0, "half of the first task was read");
    d.store.note_reader("audit", after_one).await.expect("note");
    assert_eq!(prune(&d).await, 1);
    assert!(d.store.task(one).await.expect("read").is_none());
    assert!(!read(&d, after_one, 100).await.expect("what was not read is there").is_empty());
    d.store.note_reader("slow", Cursor::START).await.expect("note");
    d.store.note_reader("audit", end(&d).await).await.expect("note");
    assert_eq!(prune(&d).await, 0, "the slowest counts");
    assert!(d.store.forget_reader("slow").await.expect("forget"));
    assert_eq!(prune(&d).await, 1);
}

pub async fn a_reader_that_is_not_heard_of_is_not_waited_for(store: StoreUnderTest) {
    let d = Driver::new(store);
    ended(&d).await;
    let position = read(&d, Cursor::START, 1).await.expect("read")[0].cursor;
    d.store.note_reader("audit", position).await.expect("note");
    d.clock.advance_seconds(READER_MEMORY.as_secs() - 1);
    assert_eq!(prune(&d).await, 0);
    // Being heard of is enough; it need not move.
    d.store.note_reader("audit", position).await.expect("note");
    d.clock.advance_seconds(READER_MEMORY.as_secs() - 1);
    assert_eq!(prune(&d).await, 0);
    d.clock.advance_seconds(2);
    assert!(!d.store.readers().await.expect("readers")[0].holds);
    assert_eq!(prune(&d).await, 1);
    assert_gone(read(&d, position, 100).await);
}

pub async fn readers_are_listed_and_forgotten(store: StoreUnderTest) {
    let d = Driver::new(store);
    assert!(d.store.readers().await.expect("readers").is_empty());
    ended(&d).await;
    let position = end(&d).await;
    d.store.note_reader("b", position).await.expect("note");
    d.store.note_reader("a", Cursor::START).await.expect("note");
    let row =
        |name: &str, position| LogReader { name: name.into(), position, seen_at: d.clock.now(), holds: true };
    let readers = d.store.readers().await.expect("readers");
    assert_eq!(readers, [row("a", Cursor::START), row("b", position)]);
    assert!(d.store.forget_reader("a").await.expect("forget"));
    assert!(!d.store.forget_reader("a").await.expect("forget"));
    assert_eq!(d.store.readers().await.expect("readers"), [row("b", position)]);
}
