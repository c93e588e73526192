//! The thread's side of the connection that writes: the connection, the clock, and what need not be read twice.

use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use tasker_core::time::Timestamp;

use crate::caches::{Contexts, Handlers, Revisions};
use crate::error::Trouble;
use crate::locks::WorkerLocks;
use crate::open::{BUSY_TIMEOUT, Clock};
use crate::recent::Recent;
use crate::sql;
use crate::turn::{BEFORE_A_TURN, Turns};

/// Everything that the writer's thread owns.
pub(crate) struct Writer {
    connection: Connection,
    turns: Turns,
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
        turns: Turns,
    ) -> Self {
        Self {
            connection,
            turns,
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
        let transaction = begin(&self.connection, &self.turns)?;
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

/// Begins to write: at once, or soon, or, after a while, before everybody else.
fn begin<'a>(connection: &'a Connection, turns: &Turns) -> rusqlite::Result<Transaction<'a>> {
    let begin = || Transaction::new_unchecked(connection, TransactionBehavior::Immediate);
    turns.let_pass();
    connection.busy_timeout(BEFORE_A_TURN)?;
    let soon = begin();
    connection.busy_timeout(BUSY_TIMEOUT)?;
    match soon {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
            let _turn = turns.take();
            begin()
        }
        begun => begun,
    }
}

/// A number that changes when another connection has changed the file.
fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached(sql::DATA_VERSION)?.query_row([], |row| row.get(0))
}
