//! Connections, kept and used: a pool, and a session that is taken from it for one transaction.
//!
//! A session that is dropped before it ended takes its connection with it; the server rolls back. A kept connection may
//! have died meanwhile (a restart, a proxy): this shows at the first statement, when nothing has happened, so
//! another connection is taken.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Postgres};
use tasker_store::analytics::PoolUse;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::error::Trouble;
use crate::options::{Address, Purpose};

/// A statement with its arguments.
pub(crate) type Query = sqlx::query::Query<'static, Postgres, PgArguments>;

/// A kind of transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Begin {
    /// One that writes, READ COMMITTED.
    Write,
    /// One that reads, and sees everything as it is at one moment.
    Snapshot,
}

/// Connections for one purpose.
pub(crate) struct Pool {
    options: PgConnectOptions,
    begin_write: Arc<str>,
    begin_snapshot: Arc<str>,
    pooled: bool,
    patience: Duration,
    idle: Mutex<Vec<PgConnection>>,
    permits: Arc<Semaphore>,
    size: usize,
    waiting: AtomicUsize,
}

/// One who waits for a connection, for as long as this lives.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    pub(crate) fn new(address: &Address, purpose: Purpose, size: usize, patience: Duration) -> Arc<Self> {
        let settings = if address.pooled { set_local(purpose) } else { String::new() };
        Arc::new(Self {
            options: address.options_for(purpose),
            begin_write: format!("BEGIN ISOLATION LEVEL READ COMMITTED{settings}").into(),
            begin_snapshot: format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY{settings}").into(),
            pooled: address.pooled,
            patience,
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(size.max(1))),
            size: size.max(1),
            waiting: AtomicUsize::new(0),
        })
    }

    /// How it is used now.
    pub(crate) fn usage(&self) -> PoolUse {
        let waiting = self.waiting.load(Ordering::Relaxed);
        let in_use = self.size.saturating_sub(self.permits.available_permits());
        PoolUse {
            size: self.size as u64,
            idle: self.idle().len() as u64,
            in_use: in_use as u64,
            waiting: waiting as u64,
        }
    }

    /// A session for one statement that may be repeated: in a transaction only if a proxy asks for it. If it
    /// [`Session::was_dead`], another may be taken.
    pub(crate) async fn once(self: &Arc<Self>) -> Result<Session, Trouble> {
        if self.pooled { self.begin(Begin::Write).await } else { self.session().await }
    }

    /// Begins a transaction.
    pub(crate) async fn begin(self: &Arc<Self>, kind: Begin) -> Result<Session, Trouble> {
        loop {
            let mut session = self.session().await?;
            match session.begin(kind).await {
                Err(trouble) if session.was_kept && trouble.is_about_connection() => {}
                Err(trouble) => return Err(trouble),
                Ok(()) => return Ok(session),
            }
        }
    }

    async fn session(self: &Arc<Self>) -> Result<Session, Trouble> {
        let permit = {
            let _waiting = Waiting::begin(&self.waiting);
            timeout(self.patience, self.permits.clone().acquire_owned()).await
        };
        let permit = permit.map_err(|_| Trouble::Late("every connection is in use"))?;
        let permit = permit.expect("the semaphore is never closed");
        let kept = self.idle().pop();
        let was_kept = kept.is_some();
        let connection = match kept {
            Some(connection) => connection,
            None => timeout(self.patience, self.options.connect())
                .await
                .map_err(|_| Trouble::Late("the server does not answer"))??,
        };
        Ok(Session { connection, pool: self.clone(), was_kept, in_transaction: false, _permit: permit })
    }

    /// Ends the connections that are not in use.
    pub(crate) async fn close(&self) {
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            // Whether the server hears it or not, it notices.
            let _ = timeout(Duration::from_secs(1), connection.close()).await;
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<PgConnection>> {
        self.idle.lock().expect("nothing panics while it holds this lock")
    }
}

fn set_local(purpose: Purpose) -> String {
    purpose.settings().iter().map(|(name, value)| format!("; SET LOCAL {name} = '{value}'")).collect()
}

/// A connection in use.
pub(crate) struct Session {
    connection: PgConnection,
    pool: Arc<Pool>,
    /// Whether the connection was used before, and may have died since.
    was_kept: bool,
    in_transaction: bool,
    _permit: OwnedSemaphorePermit,
}

impl Session {
    /// A statement for this session.
    pub(crate) fn query(&self, sql: &'static str) -> Query {
        sqlx::query(sql).persistent(!self.pool.pooled)
    }

    /// All rows of a statement's answer.
    pub(crate) async fn rows(&mut self, query: Query) -> Result<Vec<PgRow>, Trouble> {
        let answer = timeout(self.pool.patience, query.fetch_all(&mut self.connection)).await;
        Ok(answer.map_err(|_| Trouble::Late("a statement was not answered in time"))??)
    }

    /// The first row of a statement's answer.
    pub(crate) async fn row(&mut self, query: Query) -> Result<Option<PgRow>, Trouble> {
        Ok(self.rows(query).await?.into_iter().next())
    }

    /// Executes a statement; how many rows it wrote.
    pub(crate) async fn execute(&mut self, query: Query) -> Result<u64, Trouble> {
        let answer = timeout(self.pool.patience, query.execute(&mut self.connection)).await;
        Ok(answer.map_err(|_| Trouble::Late("a statement was not answered in time"))??.rows_affected())
    }

    /// One statement that is a transaction of its own. If the connection breaks, nobody knows whether it was executed.
    pub(crate) async fn alone(mut self, query: Query) -> Result<Vec<PgRow>, Trouble> {
        let answer = self.rows(query).await;
        let answer = if self.in_transaction { answer } else { answer.map_err(Trouble::of_commit) };
        self.end(answer).await
    }

    /// Executes a text of statements without arguments.
    pub(crate) async fn script(&mut self, sql: Arc<str>) -> Result<(), Trouble> {
        let run = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.connection);
        let answer = timeout(self.pool.patience, run).await;
        answer.map_err(|_| Trouble::Late("a statement was not answered in time"))??;
        Ok(())
    }

    async fn begin(&mut self, kind: Begin) -> Result<(), Trouble> {
        let sql = match kind {
            Begin::Write => self.pool.begin_write.clone(),
            Begin::Snapshot => self.pool.begin_snapshot.clone(),
        };
        self.script(sql).await?;
        self.in_transaction = true;
        Ok(())
    }

    /// Commits, and keeps the connection for the next session.
    async fn commit(mut self) -> Result<(), Trouble> {
        let commit = sqlx::raw_sql("COMMIT").execute(&mut self.connection);
        match timeout(self.pool.patience, commit).await {
            Err(_) => return Err(Trouble::LateCommit),
            Ok(Err(error)) => return Err(Trouble::Commit(error)),
            Ok(Ok(_)) => {}
        }
        self.keep();
        Ok(())
    }

    /// Ends a transaction that failed, and keeps the connection if it is good.
    async fn roll_back(mut self, trouble: &Trouble) {
        if trouble.spares_connection() && self.script("ROLLBACK".into()).await.is_ok() {
            self.keep();
        }
    }

    /// It must not be in a transaction.
    fn keep(self) {
        self.pool.idle().push(self.connection);
    }

    /// Whether the connection may have been dead before its first statement, which failed like this.
    pub(crate) fn was_dead<T>(&self, result: &Result<T, Trouble>) -> bool {
        self.was_kept && result.as_ref().err().is_some_and(Trouble::is_about_connection)
    }

    /// Commits what went well and rolls back what did not.
    pub(crate) async fn end<T>(self, result: Result<T, Trouble>) -> Result<T, Trouble> {
        match result {
            result if !self.in_transaction => {
                if result.as_ref().err().is_none_or(Trouble::spares_connection) {
                    self.keep();
                }
                result
            }
            Ok(value) => self.commit().await.map(|()| value),
            Err(trouble) => {
                self.roll_back(&trouble).await;
                Err(trouble)
            }
        }
    }
}
