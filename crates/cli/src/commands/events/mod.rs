//! `tasker events ...`.

mod local;
mod remote;
mod teller;

use std::process::ExitCode;

use crate::args::{EventsCommand, TailArgs};
use crate::backend;
use crate::exit::Status;
use crate::open::{self, Access};
use crate::output::table::Table;
use crate::output::time;
use crate::session::Session;

/// Events that are shown unless it is said where to begin.
const LAST: usize = 10;

/// Reads the stream of events.
pub async fn run(command: EventsCommand, session: &Session) -> anyhow::Result<ExitCode> {
    match command {
        EventsCommand::Tail(args) => tail(args, session).await,
        EventsCommand::Readers => readers(session).await,
        EventsCommand::Forget { reader } => forget(&reader, session).await,
    }
}

async fn readers(session: &Session) -> anyhow::Result<ExitCode> {
    let engine = open::engine(session, Access::Read).await?;
    let readers = engine.readers().await?;
    let document = serde_json::json!({"readers": readers});
    session.printer.result(&document, || {
        if readers.is_empty() {
            return "no readers; name one with: tasker events tail --reader NAME".into();
        }
        let mut table = Table::new(&["READER", "POSITION", "LAST SEEN", "WAITED FOR"]);
        for reader in &readers {
            let waited_for = if reader.holds { "yes" } else { "no" };
            let seen = time::local(reader.seen_at);
            table.row([reader.name.clone(), reader.position.to_string(), seen, waited_for.to_owned()]);
        }
        table.render(session.printer.style())
    });
    Ok(Status::Ok.into())
}

async fn forget(reader: &str, session: &Session) -> anyhow::Result<ExitCode> {
    let engine = open::engine(session, Access::Write).await?;
    engine.forget_reader(reader).await?;
    let document = serde_json::json!({"forgotten": reader});
    session.printer.result(&document, || format!("reader {reader} is forgotten"));
    Ok(Status::Ok.into())
}

async fn tail(args: TailArgs, session: &Session) -> anyhow::Result<ExitCode> {
    match backend::server(session)? {
        Some(server) => remote::tail(&args, &server, session).await,
        None => local::tail(&args, session).await,
    }
}
