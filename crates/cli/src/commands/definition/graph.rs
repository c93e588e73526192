//! `tasker definition graph`.

use std::process::ExitCode;

use tasker_core::diagram::{DiagramFormat, definition_diagram};
use tasker_core::graph::document::graph_document;
use tasker_core::plan::Plan;

use super::either::{self, Place};
use crate::args::GraphArgs;
use crate::exit::Status;
use crate::session::Session;

/// Draws the steps of a definition.
pub async fn run(args: &GraphArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let place = Place::new(&args.definition, args.namespace.as_ref());
    let plan = Plan::new(either::find(&place, session).await?);
    match args.drawing.format(session.printer.output()) {
        DiagramFormat::Json => session.printer.document(&graph_document(&plan)),
        format => session.printer.text(&definition_diagram(&plan, &args.drawing.options()).render(format)),
    }
    Ok(Status::Ok.into())
}
