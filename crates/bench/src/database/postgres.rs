//! A PostgreSQL database that was made to be measured.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::{Executor, PgConnection, Row};
use tasker_scratch::connect;
use tokio::sync::Mutex;
use url::Url;

use super::{Database, Reading};
use crate::ceiling::{Plain, Script, postgres as ceiling};
use crate::error::{BenchError, Trying};
use crate::process::{Stat, family_cpu_time};

const READING: &str = include_str!("../../sql/postgres/reading.sql");
const STATEMENTS: &str = include_str!("../../sql/postgres/statements.sql");
const SERVER: &str = include_str!("../../sql/postgres/server.sql");

/// Settings of the ceiling's session: plans that fit tables which are empty now and large a moment later.
const SETTINGS: [(&str, &str); 5] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
];

/// A database that was made to be measured, on a server where others are.
pub(crate) struct PostgresDatabase {
    url: String,
    connection: Mutex<PgConnection>,
    /// The server's first process, if it is on this machine.
    postmaster: Option<i32>,
    tells_statements: bool,
}

impl PostgresDatabase {
    pub(crate) async fn at(url: &str) -> Result<Self, BenchError> {
        let parsed = Url::parse(url).map_err(BenchError::Url)?;
        let connection = connect(&parsed, "tasker bench", &SETTINGS).await;
        let mut connection = connection.trying("connecting to the database to measure")?;
        let tells_statements = watch_statements(&mut connection).await;
        let postmaster = postmaster(&mut connection).await.trying("looking for the server's processes")?;
        let connection = Mutex::new(connection);
        Ok(Self { url: url.to_owned(), connection, postmaster, tells_statements })
    }
}

#[async_trait]
impl Database for PostgresDatabase {
    fn url(&self) -> String {
        self.url.clone()
    }

    fn observe(&self) {}

    async fn reading(&self) -> Result<Reading, BenchError> {
        let mut connection = self.connection.lock().await;
        let row =
            sqlx::query(READING).fetch_one(&mut *connection).await.trying("reading what the server tells")?;
        let log_bytes: i64 = row.try_get(0).trying("reading what the server tells")?;
        let statements = match self.tells_statements {
            true => Some(statements(&mut connection).await.trying("reading pg_stat_statements")?),
            false => None,
        };
        let (statements, buffers) = statements.unzip();
        Ok(Reading {
            commits: None,
            log_bytes: u64::try_from(log_bytes).ok(),
            statements,
            buffers,
            cpu: self.postmaster.and_then(family_cpu_time),
        })
    }

    async fn commit_times(&self, n: usize) -> Result<Vec<Duration>, BenchError> {
        let mut connection = self.connection.lock().await;
        let table = "CREATE TABLE IF NOT EXISTS public.bench_row (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text NOT NULL)";
        connection.execute(table).await.trying("making a table for single commits")?;
        let mut times = Vec::with_capacity(n);
        for _ in 0..n {
            let start = Instant::now();
            let insert = sqlx::query("INSERT INTO public.bench_row (text) VALUES ('a row of some bytes')");
            insert.execute(&mut *connection).await.trying("committing a row")?;
            times.push(start.elapsed());
        }
        Ok(times)
    }

    async fn write_plainly(&self, script: Arc<Script>, tasks: usize) -> Result<Plain, BenchError> {
        let mut connection = self.connection.lock().await;
        ceiling::write(&mut connection, &script, tasks).await
    }

    async fn checkpoint(&self) -> Result<(), BenchError> {
        let mut connection = self.connection.lock().await;
        connection.execute("VACUUM ANALYZE").await.trying("vacuuming what was written")?;
        // Only some roles may ask for one; the server makes them anyway, now and then.
        let _ = connection.execute("CHECKPOINT").await;
        Ok(())
    }
}

/// Whether pg_stat_statements can be read: it must be loaded by the server, and be an extension of the database.
async fn watch_statements(connection: &mut PgConnection) -> bool {
    let made = connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements SCHEMA public").await;
    made.is_ok() && statements(connection).await.is_ok()
}

async fn statements(connection: &mut PgConnection) -> sqlx::Result<(u64, u64)> {
    let row = sqlx::query(STATEMENTS).fetch_one(connection).await?;
    Ok((row.try_get::<i64, _>(0)?.cast_unsigned(), row.try_get::<i64, _>(1)?.cast_unsigned()))
}

/// The parent of the process that serves this connection, if that is a process of this machine.
async fn postmaster(connection: &mut PgConnection) -> sqlx::Result<Option<i32>> {
    let row = sqlx::query(SERVER).fetch_one(connection).await?;
    let (backend, is_here): (i32, bool) = (row.try_get(0)?, row.try_get(1)?);
    let stat = Stat::of(backend).filter(|stat| is_here && stat.name == "postgres");
    Ok(stat.map(|stat| stat.parent))
}
