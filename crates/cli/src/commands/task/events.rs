//! `tasker task events`.

use std::process::ExitCode;

use serde_json::json;
use tasker_store::read::{Cursor, LogQuery};
use tasker_wire::TransitionDocument;

use crate::args::EventsArgs;
use crate::exit::Status;
use crate::open::{self, Access};
use crate::output::task;
use crate::session::Session;

/// Log entries that are read at once.
const PAGE: usize = 5_000;

/// Shows what happened to a task.
pub async fn run(args: EventsArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let engine = open::engine(session, Access::Read).await?;
    let id = args.which.task;
    engine.task(id).await?;
    let mut events = Vec::new();
    let mut query = LogQuery { task: Some(id), after: Cursor::START, limit: PAGE };
    loop {
        let page = engine.log(query.clone()).await?;
        events.extend(
            page.iter().map(|entry| TransitionDocument::new(id, entry.step.clone(), &entry.transition)),
        );
        match page.last() {
            Some(last) if page.len() == PAGE => query.after = last.cursor,
            _ => break,
        }
    }
    let document = json!({"task_id": id, "events": events});
    session.printer.result(&document, || task::events(&events, session.printer.style()));
    Ok(Status::Ok.into())
}
