//! `tasker events tail` of a database.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use tasker_engine::Engine;
use tasker_store::read::{Cursor, LogEntry, LogQuery};
use tasker_wire::EventDocument;

use super::LAST;
use super::teller::{Event, Teller};
use crate::args::TailArgs;
use crate::exit::{Failure, Status};
use crate::open::{self, Access};
use crate::session::Session;
use crate::signals::Signals;

/// Log entries that are read at once.
const PAGE: usize = 1_000;

/// How often the end of the log is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How often a reader that waits tells that it is still there.
const STILL_THERE: Duration = Duration::from_secs(600);

/// Shows what the log of a database holds.
pub(super) async fn tail(args: &TailArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let access = if args.reader.is_some() { Access::Write } else { Access::Read };
    let engine = open::engine(session, access).await?;
    if let Some(task) = args.task {
        engine.task(task).await?;
    }
    let after = start(args, &engine).await?;
    let mut signals = Signals::new()?;
    let teller = Teller::new(args, session.printer.output());
    let mut tail = Tail { args, after, teller };
    let ended = tokio::select! {
        status = signals.next() => Ok(status),
        ended = tail.run(&engine) => ended.map(|()| Status::Ok),
    };
    tail.note(&engine).await?;
    tail.teller.part(args, &session.printer);
    Ok(ended?.into())
}

/// The position after which to begin.
async fn start(args: &TailArgs, engine: &Engine) -> anyhow::Result<Cursor> {
    if let Some(after) = args.after {
        let end = engine.log_end(None, 0).await?;
        return if after.is_within(end) { Ok(after) } else { Err(of_another_log(after, end).into()) };
    }
    if let Some(name) = args.reader.as_ref().filter(|_| !args.from_start) {
        let readers = engine.readers().await?;
        let known = readers.iter().find(|reader| reader.name == *name);
        return Ok(known.map_or(Cursor::START, |reader| reader.position));
    }
    match args.from_start {
        true => Ok(Cursor::START),
        false => Ok(engine.log_end(args.task, args.last.unwrap_or(LAST)).await?),
    }
}

/// A cursor that this log never gave out.
fn of_another_log(after: Cursor, end: Cursor) -> Failure {
    let message = format!(
        "no event of this log has the cursor {after}; the last one has {end}: the cursor is of another database, or of \
         this one before it was put back from a copy"
    );
    Failure::new(Status::Conflict, "position_gone", message)
        .help("begin with what there is: --from-start, or --last N")
}

/// A reader of the log.
struct Tail<'a> {
    args: &'a TailArgs,
    after: Cursor,
    teller: Teller,
}

impl Tail<'_> {
    /// Shows events until there are no more, or for ever.
    async fn run(&mut self, engine: &Engine) -> anyhow::Result<()> {
        let mut commits = engine.commits();
        // From now on nothing is deleted before it is read.
        self.note(engine).await?;
        let mut noted = Instant::now();
        loop {
            let limit = self.teller.wanted(PAGE);
            let page = engine.log(LogQuery { task: self.args.task, after: self.after, limit }).await?;
            let (last, is_empty) = (page.last().map(|entry| entry.cursor), page.is_empty());
            let events: Vec<Event> = page.into_iter().map(event).collect();
            let is_enough = !self.teller.tell(&events)?;
            self.after = last.unwrap_or(self.after);
            if is_enough || (is_empty && !self.args.follow) {
                return Ok(());
            }
            if !is_empty || noted.elapsed() > STILL_THERE {
                self.note(engine).await?;
                noted = Instant::now();
            }
            if is_empty {
                // What this process commits is told at once; what others do, soon.
                let _ = tokio::time::timeout(LOOK_AGAIN, commits.changed()).await;
            }
        }
    }

    /// Keeps the position of a reader that has a name.
    async fn note(&self, engine: &Engine) -> anyhow::Result<()> {
        if let Some(reader) = &self.args.reader {
            engine.note_reader(reader, self.after).await?;
        }
        Ok(())
    }
}

fn event(entry: LogEntry) -> Event {
    let document = EventDocument::new(entry.task, entry.origin.as_ref(), entry.step, &entry.transition);
    Event { cursor: entry.cursor.to_string(), document }
}
