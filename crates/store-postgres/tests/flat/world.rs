//! A database with a driver of the store on it, and a count of the buffers that statements touch.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, PgConnection, Row};
use tasker_core::decide::Input;
use tasker_core::outcome::Outcome;
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_store::write::{ApplyBatch, Claiming, FromQueue, Work};
use tasker_store_postgres::{PostgresOptions, PostgresStore};
use tasker_testkit::StoreUnderTest;
use tasker_testkit::clock::TestClock;
use tasker_testkit::definitions::{HANDLER, plan};
use tasker_testkit::driver::{Driver, budget_for, steady_rules};
use tasker_testkit::postgres::{Database, Server};

/// Most items of a batch, as in the engine.
const BATCH: usize = 500;

/// A database, a driver of the store on it, and a connection for the test's own statements. Dropped in this order.
pub struct World {
    pub sql: PgConnection,
    pub d: Driver,
    database: Database,
}

/// Buffers that were touched.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Touched {
    /// By a look at the queue.
    pub by_look: f64,
    /// By all looks, a step.
    pub by_looks: f64,
    /// By the statements that read what a decision needs, a step.
    pub by_reads: f64,
    /// By everything, a step.
    pub by_step: f64,
}

impl Touched {
    /// The median of each number.
    pub fn median(all: &[Self]) -> Self {
        let median = |number: fn(&Self) -> f64| {
            let mut numbers: Vec<f64> = all.iter().map(number).collect();
            numbers.sort_by(f64::total_cmp);
            numbers[numbers.len() / 2]
        };
        Self {
            by_look: median(|one| one.by_look),
            by_looks: median(|one| one.by_looks),
            by_reads: median(|one| one.by_reads),
            by_step: median(|one| one.by_step),
        }
    }
}

impl World {
    /// On the server that all tests share.
    pub async fn new() -> Self {
        Self::on(Server::for_tests().database().await).await
    }

    /// On a server of its own.
    pub async fn alone_on(server: &Server) -> Self {
        let database = server.empty_database().await;
        PostgresStore::migrate(database.url()).await.unwrap();
        Self::on(database).await
    }

    async fn on(database: Database) -> Self {
        let mut sql = database.connect().await;
        run(&mut sql, "CREATE EXTENSION pg_stat_statements").await;
        let d = node(&database).await;
        d.register(&five_steps()).await;
        Self { sql, d, database }
    }

    /// Another node on the same database.
    pub async fn another_node(&self) -> Driver {
        node(&self.database).await
    }

    /// Another connection.
    pub async fn connect(&self) -> PgConnection {
        self.database.connect().await
    }

    /// Opens a transaction that sees everything as it is now.
    pub async fn hold(&self) -> PgConnection {
        let mut held = self.database.connect().await;
        run(&mut held, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM tasker.queue").await;
        held
    }

    pub async fn run(&mut self, sql: &str) {
        run(&mut self.sql, sql).await;
    }

    /// Accepts tasks; their first steps are due.
    pub async fn submit(&self, n_tasks: usize) {
        let five_steps = five_steps();
        for first in (0..n_tasks).step_by(BATCH) {
            let batch = first..n_tasks.min(first + BATCH);
            self.d.submit_all(batch.map(|_| self.d.request(&five_steps)).collect(), None).await;
        }
    }

    /// Executes so many steps of tasks of its own, every one of which is claimed from the queue.
    pub async fn execute(&mut self, n_steps: usize) -> Touched {
        self.begin_to_count().await;
        let mut left = n_steps;
        while left > 0 {
            self.submit(BATCH.min(left.div_ceil(5))).await;
            while left > 0 {
                let work = claim(&self.d, BATCH).await;
                if work.is_empty() {
                    break;
                }
                left = left.saturating_sub(work.len());
                settle(&self.d, work).await;
            }
        }
        self.touched(n_steps).await
    }

    /// What a claim of so many steps touches: the median of so many claims, so that looks at whole lists, which happen once a
    /// second, do not count on slow machines either.
    pub async fn claims(&mut self, node: &Driver, n: usize, slots: usize) -> Touched {
        let mut all = Vec::new();
        for _ in 0..n {
            self.begin_to_count().await;
            assert_eq!(claim(node, slots).await.len(), slots, "claimed steps");
            all.push(self.touched(slots).await);
        }
        Touched::median(&all)
    }

    /// What so many settlements of so many steps each touch, of tasks that the settling node does not know.
    pub async fn settlements(&mut self, node: &Driver, n: usize, slots: usize) -> Touched {
        let mut claimed = Vec::new();
        for _ in 0..n {
            claimed.push(claim(&self.d, slots).await);
        }
        self.begin_to_count().await;
        for work in claimed {
            settle(node, work).await;
        }
        self.touched(n * slots).await
    }

    async fn begin_to_count(&mut self) {
        self.run(
            "SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database WHERE datname = current_database()",
        )
        .await;
    }

    async fn touched(&mut self, n_steps: usize) -> Touched {
        let sums = "WITH s AS (
                SELECT query, calls, shared_blks_hit + shared_blks_read AS touched
                FROM pg_stat_statements
                WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query LIKE '-- %')
            SELECT coalesce(sum(calls) FILTER (WHERE query LIKE '-- Due rows%'), 0)::float8,
                coalesce(sum(touched) FILTER (WHERE query LIKE '-- Due rows%'), 0)::float8,
                coalesce(sum(touched) FILTER (WHERE query LIKE '-- Locks %' OR query LIKE '-- What a decision%'), 0)::float8,
                sum(touched)::float8
            FROM s";
        let row = sqlx::query(sums).fetch_one(&mut self.sql).await.unwrap();
        let by_a_step = |column: usize| row.get::<f64, _>(column) / n_steps as f64;
        Touched {
            by_look: row.get::<f64, _>(1) / row.get::<f64, _>(0).max(1.0),
            by_looks: by_a_step(1),
            by_reads: by_a_step(2),
            by_step: by_a_step(3),
        }
    }
}

async fn node(database: &Database) -> Driver {
    let store = PostgresStore::connect(database.url(), PostgresOptions::default()).await.unwrap();
    Driver::new(StoreUnderTest::new(store, TestClock::default()))
}

fn five_steps() -> Arc<Plan> {
    plan("five", &[("a", &[]), ("b", &["a"]), ("c", &["b"]), ("d", &["c"]), ("e", &["d"])])
}

/// Claims from the queue.
pub async fn claim(node: &Driver, slots: usize) -> Vec<Work> {
    let budget = budget_for(node.worker, slots as u32, &[HANDLER]);
    node.apply(Vec::new(), Some(Claiming { budget, from_queue: FromQueue::First })).await.work
}

/// Lets steps succeed, and claims none of their successors.
pub async fn settle(node: &Driver, work: Vec<Work>) {
    let input = |work: Work| {
        let outcome = Outcome::Success(Payload::from_stored(r#"{"ok":true}"#));
        (work.claim.task, Input::Settle { step: work.claim.ordinal, fence: work.claim.fence, outcome })
    };
    let inputs = work.into_iter().map(input).collect();
    node.store.apply(ApplyBatch { inputs, rules: steady_rules(), claiming: None }).await.unwrap();
}

pub async fn run(connection: &mut PgConnection, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}
