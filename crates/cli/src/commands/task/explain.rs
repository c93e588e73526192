//! `tasker task explain`.

use std::process::ExitCode;

use crate::args::ExplainArgs;
use crate::backend;
use crate::exit::Status;
use crate::open::Access;
use crate::output::explain;
use crate::session::Session;

/// Tells why a task or a step is not further.
pub async fn run(args: ExplainArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let backend = backend::open(session, Access::Read).await?;
    let printer = &session.printer;
    match args.step {
        Some(step) => {
            let explanation = backend.explain_step(args.which.task, &step).await?;
            printer.result(&explanation, || explain::step(&explanation, printer.style()));
        }
        None => {
            let explanation = backend.explain_task(args.which.task).await?;
            printer.result(&explanation, || explain::task(&explanation, printer.style()));
        }
    }
    Ok(Status::Ok.into())
}
