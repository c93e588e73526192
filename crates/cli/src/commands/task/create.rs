//! `tasker task create`.

use std::process::ExitCode;

use tasker_wire::TaskCreated;

use super::request;
use crate::args::CreateArgs;
use crate::commands::definition::selector;
use crate::commands::wait;
use crate::exit::Status;
use crate::open::{self, Access};
use crate::session::Session;

/// Creates a task; with `--wait`, waits for its end.
pub async fn run(args: CreateArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let wanted = selector::parse(&args.name, args.namespace.as_ref(), args.version.as_ref())?;
    let name = wanted.first().clone();
    // The context first: standard input is read once, whatever the database says.
    let mut request = request::build(&args.request, name.namespace, name.name, session)?;
    let engine = open::engine(session, Access::Write).await?;
    let plan = wanted.find(&engine).await?;
    request.namespace = plan.definition.namespace.clone();
    request.name = plan.definition.name.clone();
    request.version = wanted.version().cloned();
    if plan.definition.deprecated {
        session.printer.warn(&format!("{} is deprecated", plan.definition.full_name()));
    }
    let submitted = engine.submit(request).await?;
    let created =
        TaskCreated { task_id: submitted.task_id, status: submitted.status, created: submitted.created };
    let code = if args.wait {
        session.printer.note(&format!("task {}", created.task_id));
        wait::until_ended(&engine, created.task_id, args.timeout, session).await?
    } else {
        session.printer.result(&created, || created.task_id.to_string());
        Status::Ok.into()
    };
    engine.shutdown().await;
    Ok(code)
}
