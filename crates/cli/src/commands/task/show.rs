//! `tasker task show`.

use std::process::ExitCode;

use tasker_core::ids::TaskId;
use tasker_wire::TaskDocument;

use crate::backend;
use crate::exit::Status;
use crate::open::Access;
use crate::output::task;
use crate::session::Session;

/// Shows a task and its steps.
pub async fn run(id: TaskId, session: &Session) -> anyhow::Result<ExitCode> {
    let backend = backend::open(session, Access::Read).await?;
    show(&backend.task(id).await?, session);
    Ok(Status::Ok.into())
}

/// Shows a task that was read.
pub fn show(document: &TaskDocument, session: &Session) {
    session.printer.result(document, || task::one(document, session.printer.style()));
}
