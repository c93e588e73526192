//! `tasker task create`.

use std::process::ExitCode;

use super::request;
use crate::args::CreateArgs;
use crate::backend;
use crate::commands::definition::selector;
use crate::commands::wait;
use crate::exit::Status;
use crate::open::Access;
use crate::progress::Begun;
use crate::session::Session;

/// Creates a task; with `--wait`, waits for its end.
pub async fn run(args: CreateArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let wanted = selector::parse(&args.name, args.namespace.as_ref(), args.version.as_ref())?;
    let name = wanted.first().clone();
    // The context first: standard input is read once, whatever the database says.
    let mut request = request::build(&args.request, name.namespace, name.name, session)?;
    let backend = backend::open(session, Access::Write).await?;
    let definition = wanted.find(&*backend).await?;
    request.namespace = definition.namespace.clone();
    request.name = definition.name.clone();
    request.version = wanted.version().cloned();
    if definition.deprecated {
        session.printer.warn(&format!("{} is deprecated", definition.full_name));
    }
    let created = backend.submit(request).await?;
    let code = if args.wait {
        session.printer.note(&format!("task {}", created.task_id));
        wait::until_ended(&backend, created.task_id, Begun::Now, args.timeout, session).await?
    } else {
        session.printer.result(&created, || created.task_id.to_string());
        Status::Ok.into()
    };
    backend.close().await;
    Ok(code)
}
