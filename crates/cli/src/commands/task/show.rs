//! `tasker task show`.

use std::process::ExitCode;

use tasker_core::ids::TaskId;
use tasker_engine::Engine;

use crate::exit::Status;
use crate::open::{self, Access};
use crate::output::{task, time};
use crate::session::Session;

/// Shows a task and its steps.
pub async fn run(id: TaskId, session: &Session) -> anyhow::Result<ExitCode> {
    let engine = open::engine(session, Access::Read).await?;
    show(&engine, id, session).await?;
    Ok(Status::Ok.into())
}

/// Shows a task of an open engine.
pub async fn show(engine: &Engine, id: TaskId, session: &Session) -> anyhow::Result<()> {
    let document = task::document(&engine.task(id).await?, time::now());
    session.printer.result(&document, || task::one(&document, session.printer.style()));
    Ok(())
}
