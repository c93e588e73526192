//! What is told about a task: `tasker task update`, `annotate`, `annotations` and `resume`.

use std::process::ExitCode;

use serde_json::json;
use tasker_core::ids::TaskId;
use tasker_engine::use_cases::Operation;

use super::show;
use crate::args::{AnnotateArgs, UpdateArgs};
use crate::backend::{self, Acting};
use crate::exit::{Failure, Status};
use crate::input;
use crate::open::Access;
use crate::output::task;
use crate::session::Session;

/// Changes the reason or the labels of a task.
pub async fn update(args: UpdateArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let change = args.change;
    let tags = (change.no_tags || !change.tags.is_empty()).then_some(change.tags);
    let operation = Operation::EditTask { reason: change.reason, tags };
    let backend = backend::open(session, Access::Write).await?;
    let who = Acting { actor: args.actor, reason: None };
    show::show(&backend.operate(args.which.task, operation, who).await?, session);
    backend.close().await;
    Ok(Status::Ok.into())
}

/// Notes something about a task.
pub async fn annotate(args: AnnotateArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let value = input::json(&args.value, "value", session.settings.limits.max_result_bytes)?;
    if value.as_str() == "null" {
        let message = "value: say what is to be noted: any JSON but null";
        return Err(Failure::new(Status::Usage, "blank", message).into());
    }
    let backend = backend::open(session, Access::Write).await?;
    let who = Acting { actor: args.actor, reason: None };
    let noted = backend.annotate(args.which.task, args.kind, &value, who).await?;
    backend.close().await;
    session.printer.result(&noted, || format!("{}: noted", noted.kind));
    Ok(Status::Ok.into())
}

/// Lists what is noted about a task.
pub async fn annotations(id: TaskId, session: &Session) -> anyhow::Result<ExitCode> {
    let backend = backend::open(session, Access::Read).await?;
    let noted = backend.annotations(id).await?;
    let document = json!({"task_id": id, "annotations": noted});
    session.printer.result(&document, || task::annotations(&noted, session.printer.style()));
    Ok(Status::Ok.into())
}

/// Tells the workers of a task.
pub async fn resume(id: TaskId, session: &Session) -> anyhow::Result<ExitCode> {
    let backend = backend::open(session, Access::Write).await?;
    show::show(&backend.resume(id).await?, session);
    backend.close().await;
    Ok(Status::Ok.into())
}
