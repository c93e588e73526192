//! Waiting for a task: shared by the commands that run, create or watch one.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tasker_core::ids::TaskId;
use tasker_core::state::TaskState;

use crate::backend::Backend;
use crate::exit::Status;
use crate::output::task;
use crate::progress::{Begun, Follower};
use crate::session::Session;
use crate::signals::Signals;

/// What ended the waiting.
enum Waited {
    /// The task did.
    Ended,
    /// Time did.
    TimedOut,
    /// A signal did.
    Signal(Status),
}

/// Follows a task that others run, until it ends; answers with its document.
pub async fn until_ended(
    backend: &Arc<dyn Backend>,
    id: TaskId,
    begun: Begun,
    timeout: Option<Duration>,
    session: &Session,
) -> anyhow::Result<ExitCode> {
    let mut follower = Follower::new(backend, &backend.task(id).await?, begun, session.printer);
    let mut signals = Signals::new()?;
    let waited = tokio::select! {
        ended = backend.wait(id, timeout) => if ended? { Waited::Ended } else { Waited::TimedOut },
        status = signals.next() => Waited::Signal(status),
        () = follower.follow() => Waited::TimedOut,
    };
    follower.finish().await;
    if let Waited::TimedOut = waited {
        session
            .printer
            .note(&format!("task {id} did not end in time; watch on with: tasker task watch {id}"));
    }
    if let Waited::Signal(status) = waited {
        return Ok(status.into());
    }
    Ok(show_ended(&**backend, id, session).await?.into())
}

/// Shows a task as it is now; answers how the program ends because of it.
pub async fn show_ended(backend: &dyn Backend, id: TaskId, session: &Session) -> anyhow::Result<Status> {
    let document = backend.task(id).await?;
    session.printer.result(&document, || task::ended(&document, session.printer.style()));
    let is_complete = document.status == TaskState::Complete;
    Ok(if is_complete { Status::Ok } else { Status::Failed })
}
