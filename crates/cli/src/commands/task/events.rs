//! `tasker task events`.

use std::process::ExitCode;

use serde_json::json;
use tasker_store::read::Cursor;

use crate::args::EventsArgs;
use crate::backend;
use crate::exit::Status;
use crate::open::Access;
use crate::output::task;
use crate::session::Session;

/// Shows what happened to a task.
pub async fn run(args: EventsArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let backend = backend::open(session, Access::Read).await?;
    let id = args.which.task;
    backend.task(id).await?;
    let (mut events, mut after) = (Vec::new(), Cursor::START);
    loop {
        let page = backend.history(id, after).await?;
        events.extend(page.entries);
        match page.next {
            Some(next) if page.has_more => after = next,
            _ => break,
        }
    }
    let document = json!({"task_id": id, "events": events});
    session.printer.result(&document, || task::events(&events, session.printer.style()));
    Ok(Status::Ok.into())
}
