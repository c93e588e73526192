//! The thread's side of the connection that writes: the connection, the clock, and what need not be read twice.

use std::sync::Arc;

use rusqlite::{Connection, TransactionBehavior};
use tasker_core::time::Timestamp;

use crate::caches::{Contexts, Handlers, Revisions};
use crate::error::Trouble;
use crate::locks::WorkerLocks;
use crate::open::Clock;
use crate::recent::Recent;
use crate::sql;

/// Everything that the writer's thread owns.
pub(crate) struct Writer {
    connection: Connection,
    clock: Clock,
    revisions: Arc<Revisions>,
    handlers: Handlers,
    contexts: Contexts,
    recent: Recent,
    pub(crate) locks: WorkerLocks,
}

/// An open transaction with the write lock of the file, and its time.
pub(crate) struct Writing<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) now: Timestamp,
    pub(crate) revisions: &'a Revisions,
    pub(crate) handlers: &'a mut Handlers,
    pub(crate) contexts: &'a mut Contexts,
    pub(crate) recent: &'a mut Recent,
}

impl Writer {
    pub(crate) fn new(
        connection: Connection,
        clock: Clock,
        revisions: Arc<Revisions>,
        locks: WorkerLocks,
    ) -> Self {
        Self {
            connection,
            clock,
            revisions,
            handlers: Handlers::default(),
            contexts: Contexts::default(),
            recent: Recent::default(),
            locks,
        }
    }

    /// Runs `work` in one transaction and commits it; an error rolls back. The clock is read under the write lock.
    pub(crate) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Writing<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.recent.as_of(data_version(&transaction)?);
        let mut writing = Writing {
            connection: &transaction,
            now: (self.clock)(),
            revisions: &self.revisions,
            handlers: &mut self.handlers,
            contexts: &mut self.contexts,
            recent: &mut self.recent,
        };
        let answer = work(&mut writing)?;
        transaction.commit().map_err(Trouble::Commit)?;
        Ok(answer)
    }

    /// The connection, for a look at the database outside of a transaction.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Drops what may have been learnt in a transaction that was rolled back.
    pub(crate) fn forget(&mut self) {
        self.handlers = Handlers::default();
        self.contexts = Contexts::default();
        self.recent = Recent::default();
    }
}

/// A number that changes when another connection has changed the file.
fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached(sql::DATA_VERSION)?.query_row([], |row| row.get(0))
}
