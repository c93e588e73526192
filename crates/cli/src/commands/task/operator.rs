//! What operators do to tasks: cancel, retry, resolve.

use std::process::ExitCode;

use tasker_core::ids::TaskId;
use tasker_engine::use_cases::Operation;

use super::show;
use crate::args::{CancelArgs, OperatorArgs, ResolveArgs, RetryArgs};
use crate::backend::{self, Acting};
use crate::exit::Status;
use crate::open::Access;
use crate::session::Session;

/// Cancels a task.
pub async fn cancel(args: CancelArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let (id, who) = parts(args.operator);
    operate(id, Operation::CancelTask { force: args.force }, who, session).await
}

/// Declares a failed task done.
pub async fn resolve(args: ResolveArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let who = Acting { actor: args.actor, reason: Some(args.reason) };
    operate(args.which.task, Operation::ResolveTask, who, session).await
}

/// Tries failed steps again.
pub async fn retry(args: RetryArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let operation = Operation::RetryTask { steps: args.steps, limit: args.limit.limit() };
    let (id, who) = parts(args.operator);
    operate(id, operation, who, session).await
}

fn parts(args: OperatorArgs) -> (TaskId, Acting) {
    (args.which.task, Acting { actor: args.actor, reason: args.reason })
}

async fn operate(
    id: TaskId,
    operation: Operation,
    who: Acting,
    session: &Session,
) -> anyhow::Result<ExitCode> {
    let backend = backend::open(session, Access::Write).await?;
    show::show(&backend.operate(id, operation, who).await?, session);
    backend.close().await;
    Ok(Status::Ok.into())
}
