//! `tasker events ...`.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde::Serialize;
use tasker_engine::Engine;
use tasker_store::read::{Cursor, LogEntry, LogQuery};
use tasker_wire::TransitionDocument;

use crate::args::{EventsCommand, Output, TailArgs};
use crate::exit::Status;
use crate::open::{self, Access};
use crate::output::table::Table;
use crate::output::{clean, shorten, time};
use crate::session::Session;
use crate::signals::Signals;

/// Log entries that are read at once.
const PAGE: usize = 1_000;

/// How often the end of the log is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Events that are shown unless it is said where to begin.
const LAST: usize = 10;

/// How often a reader that waits tells that it is still there.
const STILL_THERE: Duration = Duration::from_secs(600);

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
    let access = if args.reader.is_some() { Access::Write } else { Access::Read };
    let engine = open::engine(session, access).await?;
    if let Some(task) = args.task {
        engine.task(task).await?;
    }
    let after = start(&args, &engine).await?;
    let mut signals = Signals::new()?;
    let mut tail = Tail::new(&args, after, session.printer.output());
    let ended = tokio::select! {
        status = signals.next() => Ok(status),
        ended = tail.run(&engine) => ended,
    };
    let go_on = match (&args.reader, tail.told) {
        (Some(reader), _) => {
            tail.note(&engine).await?;
            Some(format!(" --reader {reader}"))
        }
        (None, Some(cursor)) => {
            let only = args.task.map(|task| format!(" --task {task}")).unwrap_or_default();
            Some(format!("{only} --after {cursor}"))
        }
        (None, None) => None,
    };
    if let Some(go_on) = go_on {
        session.printer.note(&format!("go on with: tasker events tail{go_on}"));
    }
    Ok(ended?.into())
}

/// The position after which to begin.
async fn start(args: &TailArgs, engine: &Engine) -> anyhow::Result<Cursor> {
    if let Some(after) = args.after {
        return Ok(after);
    }
    if let (Some(name), None, false) = (&args.reader, args.last, args.from_start) {
        let readers = engine.readers().await?;
        let known = readers.iter().find(|reader| reader.name == *name);
        return Ok(known.map_or(Cursor::START, |reader| reader.position));
    }
    match args.from_start {
        true => Ok(Cursor::START),
        false => Ok(engine.log_end(args.task, args.last.unwrap_or(LAST)).await?),
    }
}

/// One event, with its place.
#[derive(Serialize)]
struct Event {
    cursor: Cursor,
    #[serde(flatten)]
    transition: TransitionDocument,
}

/// A reader of the log.
struct Tail {
    query: LogQuery,
    follow: bool,
    left: Option<u64>,
    output: Output,
    reader: Option<String>,
    /// The last event that was written.
    told: Option<Cursor>,
}

impl Tail {
    fn new(args: &TailArgs, after: Cursor, output: Output) -> Self {
        let query = LogQuery { task: args.task, after, limit: PAGE };
        let reader = args.reader.clone();
        Self { query, follow: args.follow, left: args.limit, output, reader, told: None }
    }

    /// Writes events until there are no more, or for ever.
    async fn run(&mut self, engine: &Engine) -> anyhow::Result<Status> {
        let mut commits = engine.commits();
        // From now on nothing is deleted before it is read.
        self.note(engine).await?;
        let mut noted = Instant::now();
        loop {
            let page = engine.log(self.page()).await?;
            if !self.write(&page)? || self.left == Some(0) {
                return Ok(Status::Ok);
            }
            if !page.is_empty() || noted.elapsed() > STILL_THERE {
                self.note(engine).await?;
                noted = Instant::now();
            }
            if page.is_empty() {
                if !self.follow {
                    return Ok(Status::Ok);
                }
                // What this process commits is told at once; what others do, soon.
                let _ = tokio::time::timeout(LOOK_AGAIN, commits.changed()).await;
            }
        }
    }

    /// Keeps the position of a reader that has a name.
    async fn note(&self, engine: &Engine) -> anyhow::Result<()> {
        if let Some(reader) = &self.reader {
            engine.note_reader(reader, self.query.after).await?;
        }
        Ok(())
    }

    fn page(&self) -> LogQuery {
        let left = self.left.and_then(|left| usize::try_from(left).ok()).unwrap_or(PAGE);
        LogQuery { limit: left.min(PAGE), ..self.query.clone() }
    }

    /// Writes events; `false` if nobody reads them any more.
    fn write(&mut self, page: &[LogEntry]) -> io::Result<bool> {
        let mut text = String::new();
        for entry in page {
            text.push_str(&self.line(entry));
            text.push('\n');
        }
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(false),
            written => written?,
        }
        if let Some(last) = page.last() {
            self.query.after = last.cursor;
            self.told = Some(last.cursor);
        }
        self.left = self.left.map(|left| left.saturating_sub(page.len() as u64));
        Ok(true)
    }

    fn line(&self, entry: &LogEntry) -> String {
        let transition = TransitionDocument::new(entry.task, entry.step.clone(), &entry.transition);
        match self.output {
            Output::Json => serde_json::to_string(&Event { cursor: entry.cursor, transition })
                .expect("an event has text keys and finite numbers"),
            Output::Text => text_of(entry.cursor, &transition),
        }
    }
}

fn text_of(cursor: Cursor, event: &TransitionDocument) -> String {
    let step = event.step_name.as_ref().map_or("(task)", |step| step.as_str());
    let details = event.metadata.as_ref().map(|metadata| shorten(&metadata.to_string(), 200));
    let line = format!(
        "{cursor}  {}  {}  {step}  {} -> {}  {}  {}",
        time::local(event.at.timestamp()),
        event.task_id,
        event.from.as_deref().unwrap_or("-"),
        event.to,
        shorten(&event.actor, 80),
        details.unwrap_or_default()
    );
    clean(line.trim_end()).into_owned()
}
