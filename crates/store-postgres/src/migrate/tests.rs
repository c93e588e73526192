//! Schemas old and new.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::Connection;
use tasker_core::decide::{Action, Answer, Input, NewLimit, Submission};
use tasker_core::ids::TaskId;
use tasker_core::state::TaskState;
use tasker_store::SubmitTransaction;
use tasker_store::read::LogQuery;
use tasker_store::write::{ApplyBatch, Claiming, FromQueue, SubmitBatch, Work};
use tasker_testkit::StoreUnderTest;
use tasker_testkit::clock::TestClock;
use tasker_testkit::definitions::{HANDLER, plan};
use tasker_testkit::driver::{Driver, budget_for, steady_rules, success};
use tasker_testkit::postgres::{Database, Server};

use super::*;
use crate::{PostgresOptions, PostgresStore};

/// This program's migrations and one more.
fn next() -> Vec<Migration> {
    let sql = "CREATE TABLE tasker.extra (id bigint PRIMARY KEY)";
    let extra = Migration { version: latest() + 1, readable_from: 1, sql };
    MIGRATIONS.iter().copied().chain([extra]).collect()
}

fn latest() -> u32 {
    expected(MIGRATIONS)
}

async fn empty() -> (Database, Address) {
    let database = Server::for_tests().empty_database().await;
    let address = Address::parse(database.url()).unwrap();
    (database, address)
}

async fn refusal(database: &Database) -> String {
    let connected = PostgresStore::connect(database.url(), PostgresOptions::default()).await;
    match connected.err().expect("this schema must be refused") {
        StoreError::Schema(message) => message,
        other => panic!("{other:?}"),
    }
}

async fn set(database: &Database, version: i32, readable_from: i32) {
    let mut connection = database.connect().await;
    sqlx::query(sql::SCHEMA_SET).bind(version).bind(readable_from).execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn a_database_without_schema_is_refused_and_told_how_to_get_it() {
    let (database, _) = empty().await;
    let message = refusal(&database).await;
    assert!(message.contains("has no schema of Tasker"), "{message}");
    assert!(message.contains("run `tasker db migrate`"), "{message}");
    assert_eq!(PostgresStore::status(database.url()).await.unwrap().version, None);
    let status = PostgresStore::migrate(database.url()).await.unwrap();
    assert_eq!((status.version, status.expected), (Some(latest()), latest()));
    PostgresStore::connect(database.url(), PostgresOptions::default()).await.unwrap();
}

#[tokio::test]
async fn many_nodes_may_migrate_at_once() {
    let (database, address) = empty().await;
    let migrations = (0..8).map(|_| {
        let address = address.clone();
        tokio::spawn(async move { migrate_along(&address, &next()).await.map(|status| status.version) })
    });
    for migration in migrations.collect::<Vec<_>>() {
        assert_eq!(migration.await.unwrap().unwrap(), Some(latest() + 1));
    }
    assert_eq!(PostgresStore::status(database.url()).await.unwrap().version, Some(latest() + 1));
}

#[tokio::test]
async fn each_older_schema_is_migrated_from_where_it_is() {
    for n in 1..=MIGRATIONS.len() {
        let (_database, address) = empty().await;
        let older = migrate_along(&address, &MIGRATIONS[..n]).await.unwrap();
        assert_eq!(older.version, Some(MIGRATIONS[n - 1].version));
        assert_eq!(migrate_along(&address, &next()).await.unwrap().version, Some(latest() + 1));
        assert_eq!(
            migrate_along(&address, &next()).await.unwrap().version,
            Some(latest() + 1),
            "nothing twice"
        );
    }
}

#[tokio::test]
async fn a_newer_schema_is_used_only_if_it_says_so() {
    let (database, _) = empty().await;
    PostgresStore::migrate(database.url()).await.unwrap();
    let newer = i32::try_from(latest()).unwrap() + 2;
    set(&database, newer, 1).await;
    PostgresStore::connect(database.url(), PostgresOptions::default()).await.unwrap();
    assert_eq!(
        PostgresStore::migrate(database.url()).await.unwrap().version,
        Some(latest() + 2),
        "no way back"
    );
    set(&database, newer, newer - 1).await;
    let message = refusal(&database).await;
    assert!(message.contains(&format!("schema version {newer}")), "{message}");
    assert!(message.contains(&format!("version {} or newer", newer - 1)), "{message}");
    assert!(message.contains("install a newer tasker"), "{message}");
    set(&database, 0, 0).await;
    assert!(refusal(&database).await.contains("run `tasker db migrate`"));
}

#[tokio::test]
async fn ids_that_went_back_begin_a_new_epoch() {
    let (database, _) = empty().await;
    PostgresStore::migrate(database.url()).await.unwrap();
    let mut connection = database.connect().await;
    let insert = "INSERT INTO tasker.transition (task_id, seq, xid, at, epoch, to_state, actor)
        VALUES (gen_random_uuid(), 1, 9000000000, now(), 1, 0, 'a restored entry')";
    sqlx::raw_sql(insert).execute(&mut connection).await.unwrap();
    for _ in 0..2 {
        PostgresStore::connect(database.url(), PostgresOptions::default()).await.unwrap();
        let epoch: i32 = sqlx::query_scalar("SELECT epoch FROM tasker.log_state")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(epoch, 2);
    }
}

/// A database of the first schema with everything in it that a task may leave behind. The store is made to believe that
/// its own schema is there: what it uses of it is in the first one, but for the column of owners, which is lent to it.
async fn with_data_of_the_first_schema() -> (Database, Address, Vec<TaskId>) {
    let (database, address) = empty().await;
    migrate_along(&address, &MIGRATIONS[..1]).await.unwrap();
    let lend = "ALTER TABLE tasker.task_input ADD COLUMN created_by text";
    sqlx::raw_sql(lend).execute(&mut database.connect().await).await.unwrap();
    set(&database, i32::try_from(latest()).unwrap(), 1).await;
    let d = driver(&database).await;
    let plan = plan("order", &[("a", &[]), ("b", &["a"])]);
    let complete = d.start(&plan).await;
    d.drive(|_, _| success(r#"{"paid":true}"#)).await;
    let failed = d.start(&plan).await;
    let claim = d.claim_one("a").await;
    d.fail_for_good(&claim).await;
    let running = d.start_with(&plan, |request| request.tags = vec!["vip".into()]).await;
    d.claim_one("a").await;
    let waiting = d.start(&plan).await;
    let claim = d.claim_one("a").await;
    d.fail(&claim).await;
    d.beat(d.worker, &[]).await;
    let take_back = "ALTER TABLE tasker.task_input DROP COLUMN created_by";
    sqlx::raw_sql(take_back).execute(&mut database.connect().await).await.unwrap();
    set(&database, 1, 1).await;
    (database, address, vec![complete, failed, running, waiting])
}

async fn driver(database: &Database) -> Driver {
    let options = PostgresOptions { log_patience: Duration::from_secs(20), ..PostgresOptions::default() };
    let store = PostgresStore::connect(database.url(), options).await.unwrap();
    Driver::new(StoreUnderTest::new(store, TestClock::default()))
}

/// All rows of a table as text, without what later migrations add.
async fn rows(database: &Database, table: &'static str) -> Vec<String> {
    let sql = match table {
        "task" => "SELECT t::text FROM tasker.task AS t ORDER BY t::text",
        "task_input" => "SELECT (to_jsonb(t) - 'created_by')::text FROM tasker.task_input AS t ORDER BY 1",
        "step" => "SELECT t::text FROM tasker.step AS t ORDER BY t::text",
        "queue" => "SELECT t::text FROM tasker.queue AS t ORDER BY t::text",
        _ => "SELECT t::text FROM tasker.transition AS t ORDER BY t::text",
    };
    sqlx::query_scalar(sql).fetch_all(&mut database.connect().await).await.unwrap()
}

const TABLES: [&str; 5] = ["task", "task_input", "step", "queue", "transition"];

#[tokio::test]
async fn data_of_the_first_schema_survive_all_migrations() {
    let (database, address, tasks) = with_data_of_the_first_schema().await;
    let mut before = Vec::new();
    for table in TABLES {
        before.push(rows(&database, table).await);
    }
    assert!(before.iter().all(|rows| rows.len() >= 2), "{before:#?}");
    assert_eq!(migrate_along(&address, MIGRATIONS).await.unwrap().version, Some(latest()));
    for (table, before) in TABLES.into_iter().zip(before) {
        assert_eq!(rows(&database, table).await, before, "{table}");
    }
    let d = driver(&database).await;
    d.assert_sound().await;
    let mut states = Vec::new();
    for task in &tasks {
        states.push(d.summary(*task).await);
    }
    assert_eq!(
        states,
        [
            "complete: a complete, b complete",
            "error: a error, b pending",
            "in_progress: a in_progress, b pending",
            "in_progress: a error, b pending",
        ]
    );
    let log = d.store.log(LogQuery { limit: 1000, ..LogQuery::default() }).await.unwrap();
    assert_eq!(log.iter().filter(|entry| entry.task == tasks[0]).count(), 9);
    // Old tasks go on: the one that ran is rescued by its fence, the failed one retried by an operator.
    let claims = d.store.steps(tasks[2]).await.unwrap();
    let running = claims[0].queue.as_ref().unwrap();
    let input = Input::Settle { step: running.ordinal, fence: running.fence, outcome: success("1") };
    assert!(matches!(d.one(tasks[2], input).await, Answer::Settled { .. }));
    let retry = Action::RetryTask { steps: Vec::new(), limit: NewLimit::More(1) };
    assert_eq!(d.operate(tasks[1], retry).await, Answer::Done);
    d.assert_sound().await;
}

/// What deletes of the first schema's history is known to those who read it with the newest.
#[tokio::test]
async fn what_an_older_program_deletes_is_noted() {
    let (database, address, _) = with_data_of_the_first_schema().await;
    migrate_along(&address, MIGRATIONS).await.unwrap();
    let d = driver(&database).await;
    let early = d.store.log(LogQuery { limit: 1, ..LogQuery::default() }).await.unwrap()[0].cursor;
    let delete = "DELETE FROM tasker.transition WHERE task_id = (SELECT min(task_id::text)::uuid FROM tasker.transition)";
    sqlx::raw_sql(delete).execute(&mut database.connect().await).await.unwrap();
    let query = LogQuery { after: early, limit: 1, ..LogQuery::default() };
    match d.store.log(query).await {
        Err(StoreError::Refused(rejection)) => assert_eq!(rejection.code, "position_gone"),
        other => panic!("{other:?}"),
    }
}

/// This program's migrations, and one that changes the tables that everybody uses all the time.
fn next_of_hot_tables() -> Vec<Migration> {
    let sql = "ALTER TABLE tasker.task ADD COLUMN extra integer NOT NULL DEFAULT 7;
        ALTER TABLE tasker.step ADD COLUMN extra text;
        ALTER TABLE tasker.queue ADD COLUMN extra text;
        ALTER TABLE tasker.transition ADD COLUMN extra text;
        CREATE TABLE tasker.extra (id bigint PRIMARY KEY)";
    let extra = Migration { version: latest() + 1, readable_from: 1, sql };
    MIGRATIONS.iter().copied().chain([extra]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_works_on_while_the_next_schema_is_made() {
    let (database, address) = empty().await;
    PostgresStore::migrate(database.url()).await.unwrap();
    let d = Arc::new(driver(&database).await);
    let plan = plan("order", &[("a", &[]), ("b", &["a"])]);
    d.register(&plan).await;
    let migrated = Arc::new(AtomicBool::new(false));
    let node = tokio::spawn({
        let (d, plan, migrated) = (d.clone(), plan.clone(), migrated.clone());
        async move {
            let (mut tasks, mut left) = (Vec::new(), 20);
            while left > 0 {
                left -= u32::from(migrated.load(Ordering::SeqCst));
                let request = d.request(&plan);
                tasks.push(request.id);
                again(|| d.store.submit(batch(&request))).await;
                for _ in 0..2 {
                    let claiming = || Claiming {
                        budget: budget_for(d.worker, 10, &[HANDLER]),
                        from_queue: FromQueue::First,
                    };
                    let work = again(|| d.store.apply(changes(Vec::new(), Some(claiming())))).await.work;
                    let settle = |work: &Work| {
                        let (step, fence) = (work.claim.ordinal, work.claim.fence);
                        (work.claim.task, Input::Settle { step, fence, outcome: success("1") })
                    };
                    let inputs: Vec<_> = work.iter().map(settle).collect();
                    again(|| d.store.apply(changes(inputs.clone(), None))).await;
                }
            }
            tasks
        }
    });
    let status = migrate_along(&address, &next_of_hot_tables()).await.unwrap();
    assert_eq!(status.version, Some(latest() + 1));
    migrated.store(true, Ordering::SeqCst);
    let tasks = node.await.unwrap();
    assert!(tasks.len() >= 20, "{}", tasks.len());
    for task in tasks {
        assert_eq!(d.state(task).await, TaskState::Complete);
    }
    d.assert_sound().await;
    assert_eq!(driver(&database).await.claim().await.len(), 0, "a node of this version may start too");
}

/// As an engine does: what may be tried again is.
async fn again<T, F: Future<Output = Result<T, StoreError>>>(call: impl Fn() -> F) -> T {
    loop {
        match call().await {
            Ok(answer) => return answer,
            Err(error) => assert!(error.may_be_retried(), "{error:?}"),
        }
    }
}

fn batch(request: &Submission) -> SubmitBatch {
    SubmitBatch::of([request.clone()], steady_rules())
}

fn changes(inputs: Vec<(TaskId, Input)>, claiming: Option<Claiming>) -> ApplyBatch {
    ApplyBatch { inputs, rules: steady_rules(), claiming }
}

/// While the migration waits for somebody's transaction, those who come later must not wait for the migration.
#[tokio::test]
async fn a_transaction_that_stays_open_delays_the_migration_and_nobody_else() {
    let (database, address) = empty().await;
    PostgresStore::migrate(database.url()).await.unwrap();
    let d = driver(&database).await;
    let plan = plan("order", &[("a", &[])]);
    d.register(&plan).await;
    let store = PostgresStore::connect(database.url(), PostgresOptions::default()).await.unwrap();
    let mut connection = database.connect().await;
    let mut open = connection.begin().await.unwrap();
    let held = d.request(&plan);
    store.within(&mut open).submit(batch(&held)).await.unwrap();
    let migration = tokio::spawn(async move { migrate_along(&address, &next_of_hot_tables()).await });
    let waits = "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let mut other = database.connect().await;
    while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut other).await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for _ in 0..10 {
        d.start(&plan).await;
    }
    assert!(!migration.is_finished());
    open.commit().await.unwrap();
    assert_eq!(migration.await.unwrap().unwrap().version, Some(latest() + 1));
    assert_eq!(d.drive(|_, _| success("1")).await.len(), 11);
    assert_eq!(d.state(held.id).await, TaskState::Complete);
    d.assert_sound().await;
}
