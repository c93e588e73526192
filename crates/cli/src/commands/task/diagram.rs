//! `tasker task diagram`.

use std::process::ExitCode;

use tasker_core::diagram::DiagramOptions;

use crate::args::DiagramArgs;
use crate::exit::Status;
use crate::open::{self, Access};
use crate::session::Session;

/// Draws a task.
pub async fn run(args: DiagramArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let engine = open::engine(session, Access::Read).await?;
    let options = DiagramOptions { links: args.links, ..args.drawing.options() };
    let diagram = engine.task_diagram(args.which.task, options).await?;
    session.printer.text(&diagram.render(args.drawing.format(session.printer.output())));
    Ok(Status::Ok.into())
}
