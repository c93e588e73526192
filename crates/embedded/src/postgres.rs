//! Tasks inside transactions of the program: a task and the rows that it is about appear together, or neither does.

use std::ops::Deref;

use sqlx::PgConnection;
use tasker_core::request::TaskRequest;
use tasker_engine::Engine;
use tasker_engine::use_cases::SubmittedTask;

use crate::builder::Opened;
use crate::error::Error;
use crate::tasker::Tasker;

impl Tasker {
    /// Accepts a task inside a transaction of yours: it exists if that commits, together with whatever else you wrote in
    /// it, and never existed if it rolls back. Works on anything that is a connection of sqlx with an open transaction to
    /// the database that this engine uses: `&mut tx`, or a `&mut PgConnection` on which you began one.
    ///
    /// The engine runs the task once it is committed. [`TaskHandle::hint`] lets it look at once; otherwise it finds the
    /// task within a second.
    ///
    /// Nothing is locked that any other submission needs, however long your transaction stays open. Only an *equal* one has
    /// to know how it ends: a request of equal identity (where an identity strategy is set) is answered
    /// `request_in_progress` in another transaction, and waits up to ten seconds in [`Tasker::submit`]; one under the
    /// same id waits as for any primary key, as long as the `lock_timeout` of its connection allows. Still, keep it
    /// short: whoever reads the stream of events is told nothing newer before it has ended.
    ///
    /// On an error your transaction is as it was before, and may go on. If the returned future is dropped before it is
    /// ready, roll back.
    ///
    /// # Errors
    /// As [`Tasker::submit`]; `request_in_progress`; `no_transaction` if none is open on this connection;
    /// [`Error::NotPostgres`] if the engine uses another store.
    pub async fn submit_in(
        &self,
        transaction: &mut PgConnection,
        request: TaskRequest,
    ) -> Result<TaskHandle, Error> {
        let Opened::Postgres(store) = &self.opened else { return Err(Error::NotPostgres) };
        let task = self.engine().submit_in(&mut store.within(transaction), request).await?;
        Ok(TaskHandle { task, engine: self.engine().clone() })
    }
}

/// A task that exists as soon as the transaction in which it was submitted commits.
#[must_use = "hint() after the commit spares the task the wait for the next poll"]
pub struct TaskHandle {
    task: SubmittedTask,
    engine: Engine,
}

impl TaskHandle {
    /// To be called after the commit: tells the engine here, and those of other processes, that there is work. Forgetting
    /// it costs the task up to a second and nothing else; so does losing it.
    pub async fn hint(&self) {
        self.engine.hint().await;
    }
}

impl Deref for TaskHandle {
    type Target = SubmittedTask;

    fn deref(&self) -> &SubmittedTask {
        &self.task
    }
}
