//! What operators do to tasks: cancel, retry, resolve.

use std::process::ExitCode;

use tasker_engine::use_cases::{Operation, Operator};

use super::show;
use crate::args::{CancelArgs, OperatorArgs, RetryArgs};
use crate::exit::Status;
use crate::open::{self, Access};
use crate::session::Session;

/// Cancels a task.
pub async fn cancel(args: CancelArgs, session: &Session) -> anyhow::Result<ExitCode> {
    operate(args.operator, Operation::CancelTask { force: args.force }, session).await
}

/// Declares a failed task done.
pub async fn resolve(args: OperatorArgs, session: &Session) -> anyhow::Result<ExitCode> {
    operate(args, Operation::ResolveTask, session).await
}

/// Tries failed steps again.
pub async fn retry(args: RetryArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let operation = Operation::RetryTask { steps: args.steps, limit: args.limit.limit() };
    operate(args.operator, operation, session).await
}

async fn operate(args: OperatorArgs, operation: Operation, session: &Session) -> anyhow::Result<ExitCode> {
    let engine = open::engine(session, Access::Write).await?;
    let who = Operator::named(actor(args.actor)).because(args.reason);
    engine.operate(args.which.task, operation, who).await?;
    show::show(&engine, args.which.task, session).await?;
    engine.shutdown().await;
    Ok(Status::Ok.into())
}

/// Who acts: as told, else the user of this process.
pub fn actor(told: Option<String>) -> String {
    let user =
        || std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok().filter(|user| !user.is_empty());
    told.or_else(user).unwrap_or_else(|| "cli".into())
}
