//! A database with the store of a test, and a connection for its own statements.

use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use tasker_core::ids::TaskId;
use tasker_core::record::StepRecord;
use tasker_store::read::TaskDetail;
use tasker_testkit::StoreUnderTest;
use tasker_testkit::clock::TestClock;
use tasker_testkit::driver::Driver;
use tasker_testkit::postgres::{Database, Server};

/// A database, a driver of the store on it, and a connection. Dropped in this order.
pub struct World {
    pub sql: PgConnection,
    pub d: Driver,
    _database: Database,
}

impl World {
    pub async fn new() -> Self {
        let clock = TestClock::default();
        let database = Server::for_tests().database().await;
        let store = database.store(&clock).await;
        let sql = database.connect().await;
        Self { sql, d: Driver::new(StoreUnderTest::new(store, clock)), _database: database }
    }

    /// The answer to a statement.
    pub async fn rows(&mut self, sql: &'static str, bind: impl FnOnce(Query) -> Query) -> Vec<PgRow> {
        let query = bind(sqlx::query(sql));
        query.fetch_all(&mut self.sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// What the rules are applied to.
    pub async fn known(&self, id: TaskId) -> (TaskDetail, Vec<StepRecord>) {
        let detail = self.d.store.task(id).await.unwrap().unwrap();
        (detail, self.d.steps(id).await.into_iter().map(|step| step.record).collect())
    }
}

/// A statement with its arguments.
pub type Query = sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments>;
