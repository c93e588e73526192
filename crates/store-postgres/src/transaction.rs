//! Submitting inside a transaction of the caller's own: the task exists if that transaction commits, together with
//! whatever else the caller wrote in it.
//!
//! The path is the one of every other submission; only the connection is lent. Each call stands behind a savepoint, so that
//! what fails leaves the caller's transaction as it was. Nothing is locked that another submission needs: an identity is
//! announced by an advisory lock before it is taken (`sql/submit_announce.sql`), and others who want it see that and
//! do not wait.

use std::future::Future;

use async_trait::async_trait;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use tasker_core::decide::Rejection;
use tasker_store::write::{SubmitBatch, Submitted};
use tasker_store::{StoreError, SubmitTransaction};

use crate::error::Trouble;
use crate::session::{Query, Session};
use crate::{Parts, PostgresStore, Trying, submit};

/// SQLSTATE of what needs a transaction and has none.
const NO_TRANSACTION: &str = "25P01";

/// A caller's transaction, as a door to a store. Made by [`PostgresStore::within`].
pub struct Within<'a> {
    parts: &'a Parts,
    lent: Lent<'a>,
}

impl PostgresStore {
    /// Submits inside a transaction that the caller began on a connection of its own to the same database, and ends. The
    /// task exists if it commits. [`tasker_store::Store::hint`] after the commit spares it the wait for the next poll.
    ///
    /// A call whose future is dropped before it is ready leaves the transaction fit only for being rolled back.
    pub fn within<'a>(&'a self, connection: &'a mut PgConnection) -> Within<'a> {
        let parts = &*self.parts;
        Within { parts, lent: Lent { connection, keeps_statements: !parts.address.pooled } }
    }
}

#[async_trait]
impl SubmitTransaction for Within<'_> {
    async fn submit(&mut self, batch: SubmitBatch) -> Result<Submitted, StoreError> {
        let submitted = submit::submit_within(self.parts, &mut self.lent, batch).await;
        submitted.trying("submitting tasks in a transaction of the caller")
    }
}

/// What submitting needs of a connection.
pub(crate) trait Statements: Send {
    /// Whether the transaction goes on after the call that submits, for nobody knows how long.
    const OUTLIVES_CALL: bool;

    /// A statement for this connection.
    fn query(&self, sql: &'static str) -> Query;

    /// All rows of a statement's answer.
    fn rows(&mut self, query: Query) -> impl Future<Output = Result<Vec<PgRow>, Trouble>> + Send;
}

impl Statements for Session {
    const OUTLIVES_CALL: bool = false;

    fn query(&self, sql: &'static str) -> Query {
        Session::query(self, sql)
    }

    async fn rows(&mut self, query: Query) -> Result<Vec<PgRow>, Trouble> {
        Session::rows(self, query).await
    }
}

/// A connection that the caller has a transaction on. Its settings, time limits among them, are the caller's.
pub(crate) struct Lent<'a> {
    connection: &'a mut PgConnection,
    keeps_statements: bool,
}

impl Statements for Lent<'_> {
    const OUTLIVES_CALL: bool = true;

    fn query(&self, sql: &'static str) -> Query {
        sqlx::query(sql).persistent(self.keeps_statements)
    }

    async fn rows(&mut self, query: Query) -> Result<Vec<PgRow>, Trouble> {
        Ok(query.fetch_all(&mut *self.connection).await?)
    }
}

impl Lent<'_> {
    /// Marks where to go back to if what follows fails.
    pub(crate) async fn mark(&mut self) -> Result<(), Trouble> {
        match self.script("SAVEPOINT tasker_submit").await {
            Err(trouble) if trouble.sqlstate().as_deref() == Some(NO_TRANSACTION) => {
                Err(no_transaction().into())
            }
            other => other,
        }
    }

    /// Keeps what went well since the mark; goes back to it otherwise.
    pub(crate) async fn settle<T>(&mut self, result: Result<T, Trouble>) -> Result<T, Trouble> {
        match result {
            Ok(value) => self.script("RELEASE SAVEPOINT tasker_submit").await.map(|()| value),
            Err(trouble) => {
                // Should this fail too, the connection is gone and the transaction with it.
                let _ =
                    self.script("ROLLBACK TO SAVEPOINT tasker_submit; RELEASE SAVEPOINT tasker_submit").await;
                Err(trouble)
            }
        }
    }

    async fn script(&mut self, sql: &'static str) -> Result<(), Trouble> {
        sqlx::raw_sql(sql).execute(&mut *self.connection).await?;
        Ok(())
    }
}

fn no_transaction() -> Rejection {
    Rejection::new("no_transaction", "the connection given for a submission is not in a transaction")
        .help("begin one and pass it: let mut tx = pool.begin().await?; ... submit_in(&mut tx, ...)")
}
