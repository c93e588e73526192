//! `tasker task explain`.

use std::process::ExitCode;

use crate::args::ExplainArgs;
use crate::exit::Status;
use crate::open::{self, Access};
use crate::output::explain;
use crate::session::Session;

/// Tells why a task or a step is not further.
pub async fn run(args: ExplainArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let engine = open::engine(session, Access::Read).await?;
    let printer = &session.printer;
    match args.step {
        Some(step) => {
            let explanation = engine.explain_step(args.which.task, &step).await?;
            printer.result(&explanation, || explain::step(&explanation, printer.style()));
        }
        None => {
            let explanation = engine.explain_task(args.which.task).await?;
            printer.result(&explanation, || explain::task(&explanation, printer.style()));
        }
    }
    Ok(Status::Ok.into())
}
