//! Several nodes on one database, and what may happen to their connections.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::PgConnection;
use tasker_core::decide::{Action, Answer, Input, Submission};
use tasker_core::graph::shapes;
use tasker_core::ids::Ordinal;
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::payload::Payload;
use tasker_core::state::TaskState;
use tasker_store::read::{Cursor, LogQuery, TaskFilter};
use tasker_store::write::{ApplyBatch, Claiming, FromQueue, SubmitBatch};
use tasker_store::{Store, StoreError};
use tasker_store_postgres::{PostgresOptions, PostgresStore};
use tasker_testkit::StoreUnderTest;
use tasker_testkit::clock::TestClock;
use tasker_testkit::definitions::{HANDLER, plan, plan_of};
use tasker_testkit::driver::{Driver, budget_for, key, steady_rules, task_id, worker_id};
use tasker_testkit::postgres::{Cluster, Database, Durability, Server};
use tasker_testkit::random::Rng;

/// A driver of a store with the server's clock.
async fn driver(database: &Database) -> Driver {
    driver_at(database.url()).await
}

async fn driver_at(url: &str) -> Driver {
    let store = PostgresStore::connect(url, PostgresOptions::default()).await.unwrap();
    Driver::new(StoreUnderTest::new(store, TestClock::default()))
}

async fn database() -> Database {
    Server::for_tests().database().await
}

async fn execute(connection: &mut PgConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

fn diamond() -> Arc<tasker_core::plan::Plan> {
    plan("diamond", &[("s", &[]), ("a", &["s"]), ("b", &["s"]), ("m", &["a", "b"])])
}

#[tokio::test]
async fn kept_connections_that_died_are_replaced_unseen() {
    let database = database().await;
    let d = driver(&database).await;
    let task = d.start(&diamond()).await;
    d.claim_one("s").await;
    let mut other = database.connect().await;
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let killed: i64 = sqlx::query_scalar(kill).fetch_one(&mut other).await.unwrap();
    assert!(killed >= 2, "{killed}");
    assert_eq!(d.state(task).await, TaskState::InProgress);
    d.start(&diamond()).await;
    assert_eq!(d.claim().await.len(), 1);
    d.beat(worker_id(7), &[]).await;
    d.assert_sound().await;
}

#[tokio::test]
async fn a_restart_is_survived() {
    let cluster = Cluster::start(Durability::Full);
    PostgresStore::migrate(&cluster.url("postgres")).await.unwrap();
    let d = driver_at(&cluster.url("postgres")).await;
    let task = d.start(&diamond()).await;
    let claim = d.claim_one("s").await;
    d.beat(d.worker, &[]).await;
    cluster.stop("immediate");
    let lost = d.try_beat(d.worker, &[]).await;
    assert!(matches!(lost, Err(StoreError::Unavailable { .. })), "{lost:?}");
    let input =
        Input::Settle { step: claim.ordinal, fence: claim.fence, outcome: Outcome::Success(Payload::null()) };
    let batch = || ApplyBatch { inputs: vec![(task, input.clone())], rules: steady_rules(), claiming: None };
    let lost = d.store.apply(batch()).await;
    assert!(matches!(lost, Err(StoreError::Unavailable { .. })), "{lost:?}");
    cluster.run();
    assert!(!d.beat(d.worker, &[]).await.lost);
    let applied = d.store.apply(batch()).await.unwrap();
    assert!(matches!(applied.answers[0], Answer::Settled { .. }), "{applied:?}");
    assert_eq!(d.claim().await.len(), 2);
    d.assert_sound().await;
}

#[tokio::test]
async fn a_task_that_another_session_holds_is_named_and_holds_up_no_other() {
    let database = database().await;
    let d = driver(&database).await;
    let (held, free) = (d.start(&diamond()).await, d.start(&diamond()).await);
    let mut other = database.connect().await;
    execute(&mut other, "BEGIN").await;
    let lock = "SELECT id FROM tasker.task WHERE id = $1 FOR UPDATE";
    sqlx::query(lock).bind(held.0).execute(&mut other).await.unwrap();
    let cancel = |task| {
        (
            task,
            Input::Operate {
                action: Action::CancelTask { force: false },
                actor: "ops".into(),
                reason: None,
                expected: None,
            },
        )
    };
    let batch =
        ApplyBatch { inputs: vec![cancel(free), cancel(held)], rules: steady_rules(), claiming: None };
    match d.store.apply(batch).await {
        Err(StoreError::Blocked { tasks, .. }) => assert_eq!(tasks, [held]),
        other => panic!("{other:?}"),
    }
    // A claim passes by what is held.
    let work = d.claim().await;
    assert_eq!(work.iter().map(|work| work.claim.task).collect::<Vec<_>>(), [free]);
    execute(&mut other, "ROLLBACK").await;
    assert_eq!(d.claim().await.len(), 1);
    assert_eq!(d.operate(held, Action::CancelTask { force: false }).await, Answer::Done);
    d.assert_sound().await;
}

#[tokio::test]
async fn what_another_node_makes_due_is_hinted() {
    let database = database().await;
    let (one, two) = (driver(&database).await, driver(&database).await);
    let two = Arc::new(two);
    let hinted = tokio::spawn({
        let two = two.clone();
        async move {
            // The first hint is that of having begun to listen.
            two.store.hinted().await;
            two.store.hinted().await;
        }
    });
    // Whenever the listener is there, a later submission reaches it.
    let submit = async {
        loop {
            one.start(&diamond()).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        done = hinted => done.unwrap(),
        () = submit => {}
        () = tokio::time::sleep(Duration::from_secs(20)) => panic!("no hint came"),
    }
}

#[tokio::test]
async fn a_read_only_database_is_unavailable() {
    let database = database().await;
    let d = driver(&database).await;
    d.start(&diamond()).await;
    let mut other = database.connect().await;
    execute(&mut other, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$").await;
    let fresh = driver(&database).await;
    let batch = SubmitBatch::of([fresh.request(&diamond())], steady_rules());
    let refused = fresh.store.submit(batch).await;
    assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
    assert_eq!(fresh.store.namespaces().await.unwrap(), ["default"]);
}

#[tokio::test]
async fn one_id_submitted_by_many_at_once_is_one_task() {
    let database = database().await;
    let d = driver(&database).await;
    let plan = diamond();
    d.register(&plan).await;
    let requests: Vec<_> = (1..=20)
        .map(|n| {
            let mut request = d.request(&plan);
            request.id = task_id(n);
            request
        })
        .collect();
    let submit = |seed: u64| {
        let (url, mut requests) = (database.url().to_owned(), requests.clone());
        tokio::spawn(async move {
            Rng::new(seed).shuffle(&mut requests);
            driver_at(&url).await.submit_all(requests, None).await.answers
        })
    };
    let mut accepted = 0;
    for answers in (1..=6).map(submit).collect::<Vec<_>>() {
        let answers = answers.await.unwrap();
        accepted += answers
            .iter()
            .filter(|answer| matches!(answer, tasker_store::write::SubmitAnswer::Accepted { .. }))
            .count();
    }
    assert_eq!(accepted, 20);
    d.assert_sound().await;
}

/// Claims, outcomes, operators and rescues of eight connections on a few tasks: no deadlock, no invariant broken, and a
/// reader that reads along sees every entry once, each task in its order. `TASKER_DEADLOCK_MINUTES` is how long this goes
/// on, with new tasks again and again (default: once).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_nodes_on_twenty_tasks_never_deadlock_and_their_log_has_no_gaps() {
    let database = database().await;
    let d = driver(&database).await;
    let plan = plan_of("layered", &shapes::layered(4, 5, 2));
    d.register(&plan).await;
    let minutes =
        std::env::var("TASKER_DEADLOCK_MINUTES").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let (began, time) = (Instant::now(), Duration::from_secs(60 * minutes));
    let (mut after, mut entries, mut rounds) = (Cursor::START, 0, 0);
    while rounds == 0 || began.elapsed() < time {
        let first = 1 + 20 * rounds;
        let requests =
            (first..first + 20).map(|n| Submission { id: task_id(n), ..d.request(&plan) }).collect();
        d.submit_all(requests, None).await;
        let nodes: Vec<_> = (1..=8)
            .map(|seed| tokio::spawn(node(database.url().to_owned(), 8 * rounds + seed, first)))
            .collect();
        let reader = tokio::spawn(read_along(database.url().to_owned(), after));
        for node in nodes {
            node.await.unwrap();
        }
        let seen = reader.await.unwrap();
        let all = read_rest(database.url(), after).await;
        assert_told_once(&seen, &all, first);
        after = all.last().map_or(after, |(cursor, ..)| *cursor);
        (entries, rounds) = (entries + all.len(), rounds + 1);
    }
    println!("{rounds} rounds, {entries} entries of the log in {:.0?}", began.elapsed());
    d.assert_sound().await;
    let mut connection = database.connect().await;
    let deadlocks: i64 =
        sqlx::query_scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert_eq!(deadlocks, 0);
}

/// An entry of the log: where, of which task, its number.
type Told = (Cursor, tasker_core::ids::TaskId, u64);

/// What was seen on the way is where the rest begins, and each of the tasks from `first` on is told in its order.
fn assert_told_once(seen: &[Told], all: &[Told], first: u64) {
    assert_eq!(seen, &all[..seen.len()], "entries seen on the way");
    for n in first..first + 20 {
        let seqs: Vec<u64> =
            all.iter().filter(|(_, task, _)| *task == task_id(n)).map(|(.., seq)| *seq).collect();
        assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "task {n} is told in its order");
    }
}

/// Does random things to random tasks of the twenty from `first` on, many at once.
async fn node(url: String, seed: u64, first: u64) {
    let store = PostgresStore::connect(&url, PostgresOptions::default()).await.unwrap();
    let mut rng = Rng::new(seed);
    let mut work: Vec<tasker_store::write::Work> = Vec::new();
    for _ in 0..60 {
        let mut inputs = Vec::new();
        for done in work.drain(..) {
            let outcome = match rng.below(6) {
                0 => Outcome::Failure(Failure::retryable("Broken", "broken", "it broke").after(1)),
                1 => Outcome::LeaseExpired,
                _ => Outcome::Success(Payload::from_stored("{}")),
            };
            let claim = done.claim;
            inputs.push((claim.task, Input::Settle { step: claim.ordinal, fence: claim.fence, outcome }));
        }
        for _ in 0..rng.below(4) {
            let action = match rng.below(100) {
                0 => Action::CancelTask { force: false },
                1 => Action::ResolveTask,
                2..=40 => {
                    Action::RetryTask { steps: Vec::new(), limit: tasker_core::decide::NewLimit::More(1) }
                }
                _ => Action::EditStep {
                    step: Ordinal(rng.below(20) as u32),
                    retry_limit: Some(50),
                    inputs: None,
                },
            };
            let task = task_id(first + rng.below(20) as u64);
            inputs.push((task, Input::Operate { action, actor: "ops".into(), reason: None, expected: None }));
        }
        rng.shuffle(&mut inputs);
        let from_queue = [FromQueue::First, FromQueue::Last][rng.below(2)];
        let claiming = Some(Claiming { budget: budget_for(worker_id(seed), 5, &[HANDLER]), from_queue });
        let applied = store.apply(ApplyBatch { inputs, rules: steady_rules(), claiming }).await.unwrap();
        work = applied.work;
    }
}

/// Reads the log page by page until nothing new came for a while.
async fn read_along(url: String, mut after: Cursor) -> Vec<Told> {
    let store = PostgresStore::connect(&url, PostgresOptions::default()).await.unwrap();
    let (mut seen, mut idle) = (Vec::new(), 0);
    while idle < 100 {
        let page = store.log(LogQuery { task: None, after, limit: 37 }).await.unwrap();
        idle = if page.is_empty() { idle + 1 } else { 0 };
        for entry in page {
            assert!(entry.cursor > after, "{:?} after {after:?}", entry.cursor);
            after = entry.cursor;
            seen.push((entry.cursor, entry.task, entry.transition.seq));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    seen
}

/// Everything that was committed after this position.
async fn read_rest(url: &str, after: Cursor) -> Vec<Told> {
    let options = PostgresOptions { log_patience: Duration::from_secs(20), ..PostgresOptions::default() };
    let store = PostgresStore::connect(url, options).await.unwrap();
    let log = store.log(LogQuery { task: None, after, limit: 1_000_000 }).await.unwrap();
    log.into_iter().map(|entry| (entry.cursor, entry.task, entry.transition.seq)).collect()
}

/// A call that finds every connection in use waits, and then says so; once one is free it is as before.
#[tokio::test]
async fn a_pool_that_is_used_up_is_told() {
    let database = database().await;
    let patience = Duration::from_millis(400);
    let options = PostgresOptions { connections: 1, patience, ..PostgresOptions::default() };
    let store = PostgresStore::connect(database.url(), options).await.unwrap();
    let d = Driver::new(StoreUnderTest::new(store, TestClock::default()));
    d.register(&diamond()).await;
    let mut other = database.connect().await;
    execute(&mut other, "BEGIN; LOCK TABLE tasker.task IN ACCESS EXCLUSIVE MODE").await;
    let submit = || {
        let batch = SubmitBatch::of([d.request(&diamond())], steady_rules());
        d.store.submit(batch)
    };
    let (one, two) = tokio::join!(submit(), submit());
    // The one that has the connection has sent its statement: the server may still execute it.
    assert!(matches!(one, Err(StoreError::OutcomeUnknown { .. })), "{one:?}");
    assert!(matches!(two, Err(StoreError::Unavailable { .. })), "{two:?}");
    execute(&mut other, "ROLLBACK").await;
    assert_eq!(submit().await.unwrap().answers.len(), 1);
    d.assert_sound().await;
}

/// A look at an empty queue and a heartbeat are one statement each: an idle node issues 1.5 a second.
#[tokio::test]
async fn an_idle_node_asks_little() {
    let cluster = Cluster::start(Durability::None);
    let url = cluster.url("postgres");
    PostgresStore::migrate(&url).await.unwrap();
    let d = driver_at(&url).await;
    d.start(&diamond()).await;
    let held = [key(&d.claim_one("s").await)];
    d.beat(d.worker, &held).await;
    let mut other = <PgConnection as sqlx::Connection>::connect(&url).await.unwrap();
    execute(&mut other, "CREATE EXTENSION pg_stat_statements; SELECT pg_stat_statements_reset()").await;
    for _ in 0..10 {
        assert!(d.claim().await.is_empty());
    }
    for _ in 0..5 {
        d.beat(d.worker, &held).await;
    }
    let calls = "SELECT sum(calls)::bigint FROM pg_stat_statements WHERE query !~ 'pg_stat_statements'";
    let calls: i64 = sqlx::query_scalar(calls).fetch_one(&mut other).await.unwrap();
    assert_eq!(calls, 15);
    let locks = "SELECT count(*) FROM pg_locks WHERE pid <> pg_backend_pid() AND locktype <> 'virtualxid'";
    let locks: i64 = sqlx::query_scalar(locks).fetch_one(&mut other).await.unwrap();
    assert_eq!(locks, 0);
}

/// A page of 100 tasks of 50 steps each, with all of their parts: the statements of the three calls that it takes, as
/// `GET /tasks?include=...` makes them on a node that knows the definition. What begins and ends a transaction is not counted.
#[tokio::test]
async fn api_47_a_page_of_whole_tasks_takes_six_statements_at_most() {
    let cluster = Cluster::start(Durability::None);
    let url = cluster.url("postgres");
    PostgresStore::migrate(&url).await.unwrap();
    let names: Vec<String> = (0..50).map(|n| format!("s{n}")).collect();
    let steps: Vec<(&str, &[&str])> = names.iter().map(|name| (name.as_str(), &[][..])).collect();
    let wide = plan("wide", &steps);
    let d = driver_at(&url).await;
    d.register(&wide).await;
    let batch = SubmitBatch::of((0..100).map(|_| d.request(&wide)), steady_rules());
    d.store.submit(batch).await.unwrap();
    let mut other = <PgConnection as sqlx::Connection>::connect(&url).await.unwrap();
    execute(&mut other, "CREATE EXTENSION pg_stat_statements; SELECT pg_stat_statements_reset()").await;
    let page = d.store.tasks(TaskFilter { limit: 100, ..TaskFilter::default() }).await.unwrap();
    let views = d.store.task_views(page.tasks.iter().map(|task| task.task_id).collect()).await.unwrap();
    d.store.now().await.unwrap();
    assert_eq!((views.len(), views[99].steps.len()), (100, 50));
    let calls = "SELECT sum(calls)::bigint FROM pg_stat_statements
        WHERE query !~ 'pg_stat_statements|^(BEGIN|COMMIT|ROLLBACK)'";
    let calls: i64 = sqlx::query_scalar(calls).fetch_one(&mut other).await.unwrap();
    assert!(calls <= 6, "{calls} statements");
}

/// A task that a claim could not get is waited for by the next one.
#[tokio::test]
async fn a_busy_task_is_not_skipped_for_ever() {
    let database = database().await;
    let d = driver(&database).await;
    let task = d.start(&diamond()).await;
    let mut other = database.connect().await;
    execute(&mut other, "BEGIN").await;
    sqlx::query("SELECT id FROM tasker.task WHERE id = $1 FOR UPDATE")
        .bind(task.0)
        .execute(&mut other)
        .await
        .unwrap();
    for _ in 0..3 {
        assert!(d.claim().await.is_empty(), "another session holds the task");
    }
    let (claimed, ()) = tokio::join!(d.claim(), execute(&mut other, "ROLLBACK"));
    let later = if claimed.is_empty() { d.claim().await } else { Vec::new() };
    assert_eq!(claimed.len() + later.len(), 1);
    d.assert_sound().await;
}
