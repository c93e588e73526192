//! `tasker task diagram`.

use std::process::ExitCode;

use tasker_core::diagram::DiagramOptions;

use crate::args::DiagramArgs;
use crate::backend;
use crate::exit::Status;
use crate::open::Access;
use crate::session::Session;

/// Draws a task.
pub async fn run(args: DiagramArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let backend = backend::open(session, Access::Read).await?;
    let options = DiagramOptions { links: args.links, ..args.drawing.options() };
    let format = args.drawing.format(session.printer.output());
    session.printer.text(&backend.draw(args.which.task, options, format).await?);
    Ok(Status::Ok.into())
}
