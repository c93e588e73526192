//! Submitting inside transactions that somebody else ends, and what that means for everybody else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection, Postgres, Transaction};
use tasker_core::decide::Submission;
use tasker_core::identity::{CustomIdentity, IdentityStrategy};
use tasker_core::ids::{Digest, TaskId};
use tasker_core::payload::Payload;
use tasker_core::state::TaskState;
use tasker_store::read::{Cursor, LogQuery};
use tasker_store::write::{SubmitAnswer, SubmitBatch};
use tasker_store::{Store, StoreError, SubmitTransaction};
use tasker_store_postgres::{PostgresOptions, PostgresStore};
use tasker_testkit::StoreUnderTest;
use tasker_testkit::clock::TestClock;
use tasker_testkit::definitions::plan;
use tasker_testkit::driver::{Driver, steady_rules, success, task_id};
use tasker_testkit::postgres::{Cluster, Database, Durability, Proxy, Server};

const ACCEPTED: SubmitAnswer = SubmitAnswer::Accepted { state: TaskState::Pending };

/// A database with a definition and a table of the embedding program's own.
struct World {
    store: PostgresStore,
    d: Driver,
    database: Database,
}

impl World {
    async fn new() -> Self {
        let database = Server::for_tests().database().await;
        let open = || PostgresStore::connect(database.url(), PostgresOptions::default());
        let d = Driver::new(StoreUnderTest::new(open().await.unwrap(), TestClock::default()));
        d.register(&plan("order", &[("a", &[]), ("b", &["a"])])).await;
        let mut connection = database.connect().await;
        sqlx::raw_sql("CREATE TABLE invoice (id bigint PRIMARY KEY)").execute(&mut connection).await.unwrap();
        Self { store: open().await.unwrap(), d, database }
    }

    fn request(&self) -> Submission {
        self.d.request(&plan("order", &[("a", &[]), ("b", &["a"])]))
    }

    /// A request that counts as a repeat of all others of this identity.
    fn request_as(&self, identity: &str) -> Submission {
        Submission { identity: IdentityStrategy::Custom(custom(identity)), ..self.request() }
    }

    async fn submit_in(&self, transaction: &mut PgConnection, request: &Submission) -> SubmitAnswer {
        self.try_submit_in(transaction, request).await.unwrap()
    }

    async fn try_submit_in(
        &self,
        transaction: &mut PgConnection,
        request: &Submission,
    ) -> Result<SubmitAnswer, StoreError> {
        let submitted = self.store.within(transaction).submit(batch([request])).await?;
        assert!(submitted.work.is_empty());
        Ok({ submitted }.answers.remove(0))
    }

    /// As any node would.
    async fn submit(&self, requests: &[&Submission]) -> Vec<SubmitAnswer> {
        self.d.store.submit(batch(requests.iter().copied())).await.unwrap().answers
    }

    /// How many rows there are in tables that have any, those of the embedding program among them.
    async fn rows(&self) -> Vec<(String, i64)> {
        let sql = "SELECT table_name::text, (xpath('/row/n/text()', query_to_xml(
                format('SELECT count(*) AS n FROM %I.%I', table_schema, table_name), false, true, '')))[1]::text::bigint
            FROM information_schema.tables
            WHERE table_schema IN ('tasker', 'public') AND table_type = 'BASE TABLE' ORDER BY 1";
        sqlx::query_as(sql).fetch_all(&mut self.database.connect().await).await.unwrap()
    }
}

fn custom(identity: &str) -> CustomIdentity {
    let identity = identity.to_owned();
    Arc::new(move |_| identity.clone())
}

fn batch<'a>(requests: impl IntoIterator<Item = &'a Submission>) -> SubmitBatch {
    SubmitBatch::of(requests.into_iter().cloned(), steady_rules())
}

async fn bill(transaction: &mut PgConnection, id: i64) {
    sqlx::query("INSERT INTO invoice VALUES ($1)").bind(id).execute(transaction).await.unwrap();
}

#[tokio::test]
async fn the_task_and_the_callers_rows_appear_together() {
    let w = World::new().await;
    let mut connection = w.database.connect().await;
    let mut tx = connection.begin().await.unwrap();
    let request = w.request();
    bill(&mut tx, 7).await;
    assert_eq!(w.submit_in(&mut tx, &request).await, ACCEPTED);
    assert!(w.d.store.task(request.id).await.unwrap().is_none());
    assert!(w.d.claim().await.is_empty());
    tx.commit().await.unwrap();
    assert_eq!(w.d.state(request.id).await, TaskState::Pending);
    let invoices: i64 =
        sqlx::query_scalar("SELECT count(*) FROM invoice").fetch_one(&mut connection).await.unwrap();
    assert_eq!(invoices, 1);
    assert_eq!(w.d.drive(|_, _| success("1")).await, [("a".to_owned(), 1), ("b".to_owned(), 1)]);
    assert_eq!(w.d.state(request.id).await, TaskState::Complete);
    w.d.assert_sound().await;
}

#[tokio::test]
async fn what_is_rolled_back_was_never_there() {
    let w = World::new().await;
    let before = w.rows().await;
    let mut connection = w.database.connect().await;
    let mut tx = connection.begin().await.unwrap();
    bill(&mut tx, 7).await;
    assert_eq!(w.submit_in(&mut tx, &w.request()).await, ACCEPTED);
    assert_eq!(w.submit_in(&mut tx, &w.request_as("one")).await, ACCEPTED);
    tx.rollback().await.unwrap();
    assert_eq!(w.rows().await, before);
    // A savepoint of the caller's is as good as a transaction.
    let mut tx = connection.begin().await.unwrap();
    let mut inner: Transaction<'_, Postgres> = tx.begin().await.unwrap();
    assert_eq!(w.submit_in(&mut inner, &w.request_as("one")).await, ACCEPTED);
    inner.rollback().await.unwrap();
    let kept = w.request_as("two");
    assert_eq!(w.submit_in(&mut tx, &kept).await, ACCEPTED);
    tx.commit().await.unwrap();
    assert_eq!(w.submit(&[&w.request_as("one")]).await, [ACCEPTED]);
    assert_eq!(w.submit(&[&w.request_as("two")]).await, [SubmitAnswer::Duplicate { of: kept.id }]);
    w.d.assert_sound().await;
}

#[tokio::test]
async fn open_transactions_hold_up_nobody_who_wants_something_else() {
    let w = World::new().await;
    let (mut one, mut two) = (w.database.connect().await, w.database.connect().await);
    let (mut one, mut two) = (one.begin().await.unwrap(), two.begin().await.unwrap());
    let requests = [w.request_as("one"), w.request_as("two"), w.request_as("three"), w.request()];
    assert_eq!(w.submit_in(&mut one, &requests[0]).await, ACCEPTED);
    assert_eq!(w.submit_in(&mut two, &requests[1]).await, ACCEPTED);
    // Longer than a node that looks at the queue takes transactions to be held up (`SLACK` in marks.rs).
    sqlx::query("SELECT pg_sleep(0.3)").execute(&mut *one).await.unwrap();
    assert_eq!(w.submit(&[&requests[2], &requests[3]]).await, [ACCEPTED, ACCEPTED]);
    // Definitions can be registered, tasks run, and old ones be deleted.
    w.d.register(&plan("other", &[("x", &[])])).await;
    assert_eq!(w.d.drive(|_, _| success("1")).await.len(), 4);
    // Sessions of this database only: other tests use the same server.
    let waits = "SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
        WHERE NOT l.granted AND a.datname = current_database()";
    let waits: i64 = sqlx::query_scalar(waits).fetch_one(&mut *one).await.unwrap();
    assert_eq!(waits, 0);
    one.commit().await.unwrap();
    two.commit().await.unwrap();
    assert_eq!(w.d.drive(|_, _| success("1")).await.len(), 4);
    for request in &requests {
        assert_eq!(w.d.state(request.id).await, TaskState::Complete);
    }
    w.d.assert_sound().await;
}

#[tokio::test]
async fn an_open_transaction_that_has_written_holds_the_log_up() {
    let w = World::new().await;
    let mut connection = w.database.connect().await;
    let mut open = connection.begin().await.unwrap();
    bill(&mut open, 1).await;
    let written = Instant::now();
    w.d.start(&plan("order", &[("a", &[]), ("b", &["a"])])).await;
    // Transactions of other tests on this server may be older.
    let at_least = written.elapsed();
    let lag = w.store.log_lag().await.unwrap();
    assert!(lag >= at_least, "{lag:?}, but it is open for {at_least:?} at least");
    open.rollback().await.unwrap();
}

#[tokio::test]
async fn one_id_is_one_task() {
    let w = World::new().await;
    let mut connection = w.database.connect().await;
    let mut tx = connection.begin().await.unwrap();
    let request = w.request();
    let other = Submission { content: Digest::of(b"other"), ..request.clone() };
    assert_eq!(w.submit_in(&mut tx, &request).await, ACCEPTED);
    assert_eq!(w.submit_in(&mut tx, &request).await, SubmitAnswer::AlreadyAccepted);
    assert_eq!(w.submit_in(&mut tx, &other).await, SubmitAnswer::IdConflict);
    tx.commit().await.unwrap();
    let mut tx = connection.begin().await.unwrap();
    assert_eq!(w.submit_in(&mut tx, &request).await, SubmitAnswer::AlreadyAccepted);
    assert_eq!(w.submit_in(&mut tx, &other).await, SubmitAnswer::IdConflict);
    tx.commit().await.unwrap();
    assert_eq!(
        w.submit(&[&request, &other]).await,
        [SubmitAnswer::AlreadyAccepted, SubmitAnswer::IdConflict]
    );
    w.d.assert_sound().await;
}

#[tokio::test]
async fn an_identity_that_an_open_transaction_holds_keeps_only_its_equals_waiting() {
    let w = World::new().await;
    let (mut one, mut two) = (w.database.connect().await, w.database.connect().await);
    let mut tx = one.begin().await.unwrap();
    let first = w.request_as("same");
    assert_eq!(w.submit_in(&mut tx, &first).await, ACCEPTED);
    assert_eq!(
        w.submit_in(&mut tx, &w.request_as("same")).await,
        SubmitAnswer::Duplicate { of: first.id },
        "a transaction knows what it did itself"
    );
    let equal = w.request_as("same");
    let answers = w.submit(&[&w.request_as("else"), &equal, &w.request()]).await;
    assert_eq!(answers, [ACCEPTED, SubmitAnswer::Blocked, ACCEPTED]);
    let mut other = two.begin().await.unwrap();
    assert_eq!(w.submit_in(&mut other, &equal).await, SubmitAnswer::Blocked);
    assert_eq!(w.submit_in(&mut other, &w.request_as("third")).await, ACCEPTED);
    other.commit().await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(w.submit(&[&equal]).await, [ACCEPTED]);
    let mut tx = one.begin().await.unwrap();
    assert_eq!(w.submit_in(&mut tx, &first).await, SubmitAnswer::Duplicate { of: equal.id });
    tx.commit().await.unwrap();
    w.d.assert_sound().await;
}

/// Nobody announced it: the batch waits once, and then finds out whom for.
#[tokio::test]
async fn who_has_to_wait_for_an_id_or_a_foreign_row_waits_alone() {
    let w = World::new().await;
    let mut one = w.database.connect().await;
    let mut tx = one.begin().await.unwrap();
    let first = w.request();
    assert_eq!(w.submit_in(&mut tx, &first).await, ACCEPTED);
    let foreign = "INSERT INTO tasker.identity (hash, task_id) VALUES ('foreign', gen_random_uuid())";
    sqlx::raw_sql(foreign).execute(&mut *tx).await.unwrap();
    let free = w.request_as("free");
    let answers = w.submit(&[&first, &free, &w.request_as("foreign"), &w.request()]).await;
    assert_eq!(answers, [SubmitAnswer::Blocked, ACCEPTED, SubmitAnswer::Blocked, ACCEPTED]);
    assert_eq!(w.d.state(free.id).await, TaskState::Pending);
    assert_eq!(w.submit(&[&w.request_as("free")]).await, [SubmitAnswer::Duplicate { of: free.id }]);
    tx.commit().await.unwrap();
    assert_eq!(w.submit(&[&first]).await, [SubmitAnswer::AlreadyAccepted]);
}

#[tokio::test]
async fn what_fails_leaves_the_transaction_as_it_was() {
    let w = World::new().await;
    let mut connection = w.database.connect().await;
    let mut tx = connection.begin().await.unwrap();
    bill(&mut tx, 1).await;
    let unknown = w.d.request(&plan("unknown", &[("a", &[])]));
    assert!(matches!(w.submit_in(&mut tx, &unknown).await, SubmitAnswer::Refused(_)));
    // Refused by the database itself: text that `json` does not take.
    let broken = Submission { context: Payload::from_stored("{"), ..w.request_as("broken") };
    let refused = w.try_submit_in(&mut tx, &broken).await;
    assert!(matches!(refused, Err(StoreError::Unstorable { .. })), "{refused:?}");
    bill(&mut tx, 2).await;
    assert_eq!(w.submit_in(&mut tx, &w.request_as("broken")).await, ACCEPTED);
    tx.commit().await.unwrap();
    let invoices: i64 =
        sqlx::query_scalar("SELECT count(*) FROM invoice").fetch_one(&mut connection).await.unwrap();
    assert_eq!(invoices, 2);
    w.d.assert_sound().await;
}

#[tokio::test]
async fn an_id_in_another_open_transaction_is_waited_for_as_long_as_the_caller_allows() {
    let w = World::new().await;
    let (mut one, mut two) = (w.database.connect().await, w.database.connect().await);
    let (mut one, mut two) = (one.begin().await.unwrap(), two.begin().await.unwrap());
    let request = w.request();
    assert_eq!(w.submit_in(&mut one, &request).await, ACCEPTED);
    sqlx::raw_sql("SET LOCAL lock_timeout = '50ms'").execute(&mut *two).await.unwrap();
    match w.try_submit_in(&mut two, &request).await {
        Err(StoreError::Blocked { tasks, .. }) => assert_eq!(tasks, [request.id]),
        other => panic!("{other:?}"),
    }
    one.commit().await.unwrap();
    assert_eq!(w.submit_in(&mut two, &request).await, SubmitAnswer::AlreadyAccepted);
    two.commit().await.unwrap();
    w.d.assert_sound().await;
}

#[tokio::test]
async fn a_connection_without_transaction_is_told_so() {
    let w = World::new().await;
    let mut connection = w.database.connect().await;
    match w.try_submit_in(&mut connection, &w.request()).await {
        Err(StoreError::Refused(rejection)) => assert_eq!(rejection.code, "no_transaction"),
        other => panic!("{other:?}"),
    }
    let mut tx = connection.begin().await.unwrap();
    assert_eq!(w.submit_in(&mut tx, &w.request()).await, ACCEPTED);
}

#[tokio::test]
async fn a_reader_of_the_log_misses_nothing_of_a_late_commit() {
    let w = World::new().await;
    let mut connection = w.database.connect().await;
    let (mut seen, mut after) = (Vec::new(), Cursor::START);
    let mut requests = vec![w.request()];
    assert_eq!(w.submit(&[&requests[0]]).await, [ACCEPTED]);
    read_on(&w, &mut seen, &mut after, 3).await;
    let mut tx = connection.begin().await.unwrap();
    let late = w.request();
    assert_eq!(w.submit_in(&mut tx, &late).await, ACCEPTED);
    for _ in 0..3 {
        requests.push(w.request());
        assert_eq!(w.submit(&[requests.last().unwrap()]).await, [ACCEPTED]);
        let page = w.store.log(LogQuery { task: None, after, limit: 100 }).await.unwrap();
        assert!(page.is_empty(), "nothing newer than an open transaction is told");
    }
    tx.commit().await.unwrap();
    read_on(&w, &mut seen, &mut after, 4 * 3).await;
    let told: Vec<TaskId> = seen.iter().step_by(3).copied().collect();
    requests.insert(1, late);
    assert_eq!(told, requests.iter().map(|request| request.id).collect::<Vec<_>>());
}

/// Reads so many entries; other databases of the server hold them back for a while.
async fn read_on(w: &World, seen: &mut Vec<TaskId>, after: &mut Cursor, n: usize) {
    let more = seen.len() + n;
    while seen.len() < more {
        for entry in w.store.log(LogQuery { task: None, after: *after, limit: 2 }).await.unwrap() {
            *after = entry.cursor;
            seen.push(entry.task);
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(seen.len(), more);
}

#[tokio::test]
async fn of_many_transactions_at_once_one_gets_each_identity() {
    let w = World::new().await;
    let transactions = (0..6u64).map(|n| {
        let (url, requests) = (w.database.url().to_owned(), equal_requests(&w, 100 * (n + 1)));
        tokio::spawn(async move {
            let store = PostgresStore::connect(&url, PostgresOptions::default()).await.unwrap();
            let mut connection = PgConnection::connect(&url).await.unwrap();
            let mut accepted = 0;
            for request in &requests {
                let mut tx = connection.begin().await.unwrap();
                let answers = store.within(&mut tx).submit(batch([request])).await.unwrap().answers;
                accepted += usize::from(answers == [ACCEPTED]);
                tx.commit().await.unwrap();
            }
            accepted
        })
    });
    let mut accepted = 0;
    for transaction in transactions.collect::<Vec<_>>() {
        accepted += transaction.await.unwrap();
    }
    assert_eq!(accepted, 10, "each identity once");
    w.d.assert_sound().await;
}

fn equal_requests(w: &World, first_id: u64) -> Vec<Submission> {
    (0..10)
        .map(|n| Submission { id: task_id(first_id + n), ..w.request_as(&format!("identity {n}")) })
        .collect()
}

#[tokio::test]
async fn it_works_behind_a_proxy() {
    let cluster = Cluster::start(Durability::None);
    let proxy = Proxy::before(&cluster, 2);
    let url = proxy.url("postgres");
    PostgresStore::migrate(&url).await.unwrap();
    let store = PostgresStore::connect(&url, PostgresOptions::default()).await.unwrap();
    let d = Driver::new(StoreUnderTest::new(store, TestClock::default()));
    let plan = plan("order", &[("a", &[])]);
    d.register(&plan).await;
    let store = PostgresStore::connect(&url, PostgresOptions::default()).await.unwrap();
    let options: sqlx::postgres::PgConnectOptions = url.replace("&pooled=true", "").parse().unwrap();
    let options = options.statement_cache_capacity(0).extra_float_digits(None);
    for _ in 0..4 {
        let mut connection = PgConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql("BEGIN").execute(&mut connection).await.unwrap();
        let request = d.request(&plan);
        let submitted = store.within(&mut connection).submit(batch([&request])).await.unwrap();
        assert_eq!(submitted.answers, [ACCEPTED]);
        sqlx::raw_sql("COMMIT").execute(&mut connection).await.unwrap();
        assert_eq!(d.state(request.id).await, TaskState::Pending);
    }
    assert_eq!(d.drive(|_, _| success("1")).await.len(), 4);
}
