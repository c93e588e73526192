//! A damaged PostgreSQL database: what is found in it, and what is mended.

use async_trait::async_trait;
use sqlx::{AssertSqlSafe, PgConnection};
use tasker_core::ids::TaskId;
use tasker_testkit::StoreUnderTest;
use tasker_testkit::clock::TestClock;
use tasker_testkit::damage::{BackDoor, Dialect, Opened};
use tasker_testkit::postgres::{Database, Server};

struct Door {
    sql: PgConnection,
    _database: Database,
}

#[async_trait]
impl BackDoor for Door {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    async fn execute(&mut self, sql: String, task: TaskId) -> u64 {
        let done = sqlx::query(AssertSqlSafe(sql.clone())).bind(task.0).execute(&mut self.sql).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}")).rows_affected()
    }
}

async fn open() -> Opened {
    let clock = TestClock::default();
    let database = Server::for_tests().database().await;
    let store = database.store(&clock).await;
    let mut sql = database.connect().await;
    sqlx::raw_sql("SET search_path = tasker").execute(&mut sql).await.unwrap();
    (StoreUnderTest::new(store, clock), Box::new(Door { sql, _database: database }))
}

tasker_testkit::damage_tests!(open);
