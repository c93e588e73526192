//! `tasker events ...`.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;
use tasker_engine::Engine;
use tasker_store::read::{Cursor, LogEntry, LogQuery};
use tasker_wire::TransitionDocument;

use crate::args::{EventsCommand, Output, TailArgs};
use crate::exit::Status;
use crate::open::{self, Access};
use crate::output::{clean, shorten, time};
use crate::session::Session;
use crate::signals::Signals;

/// Log entries that are read at once.
const PAGE: usize = 1_000;

/// How often the end of the log is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Reads the stream of events.
pub async fn run(command: EventsCommand, session: &Session) -> anyhow::Result<ExitCode> {
    let EventsCommand::Tail(args) = command;
    let engine = open::engine(session, Access::Read).await?;
    if let Some(task) = args.task {
        engine.task(task).await?;
    }
    let mut signals = Signals::new()?;
    let mut tail = Tail::new(&args, session.printer.output());
    let ended = tokio::select! {
        status = signals.next() => Ok(status),
        ended = tail.run(&engine) => ended,
    };
    if let Some(cursor) = tail.told {
        let only = args.task.map(|task| format!(" --task {task}")).unwrap_or_default();
        session.printer.note(&format!("go on with: tasker events tail{only} --after {cursor}"));
    }
    Ok(ended?.into())
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
    /// The last event that was written.
    told: Option<Cursor>,
}

impl Tail {
    fn new(args: &TailArgs, output: Output) -> Self {
        let query = LogQuery { task: args.task, after: args.after.unwrap_or(Cursor::START), limit: PAGE };
        Self { query, follow: args.follow, left: args.limit, output, told: None }
    }

    /// Writes events until there are no more, or for ever.
    async fn run(&mut self, engine: &Engine) -> anyhow::Result<Status> {
        let mut commits = engine.commits();
        loop {
            let page = engine.log(self.page()).await?;
            if !self.write(&page)? || self.left == Some(0) {
                return Ok(Status::Ok);
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
        time::local(event.at.0),
        event.task_id,
        event.from.unwrap_or("-"),
        event.to,
        shorten(&event.actor, 80),
        details.unwrap_or_default()
    );
    clean(line.trim_end()).into_owned()
}
