//! Events as they are shown.

use std::io::{self, Write as _};

use serde::Serialize;
use tasker_wire::EventDocument;

use crate::args::{Output, TailArgs};
use crate::output::{Printer, clean, shorten, time};

/// One event, with its place.
#[derive(Serialize)]
pub(super) struct Event {
    pub(super) cursor: String,
    #[serde(flatten)]
    pub(super) document: EventDocument,
}

/// Shows events, as many as are wanted.
pub(super) struct Teller {
    output: Output,
    /// How many more are wanted; all, if it is not said.
    left: Option<u64>,
    /// The last event that was shown.
    told: Option<String>,
}

impl Teller {
    pub(super) fn new(args: &TailArgs, output: Output) -> Self {
        Self { output, left: args.limit, told: None }
    }

    /// How many more are wanted, at most `most`.
    pub(super) fn wanted(&self, most: usize) -> usize {
        self.left.and_then(|left| usize::try_from(left).ok()).unwrap_or(most).min(most)
    }

    /// Shows events; `false` if nobody wants more.
    pub(super) fn tell(&mut self, events: &[Event]) -> io::Result<bool> {
        let mut text = String::new();
        for event in events {
            text.push_str(&self.line(event));
            text.push('\n');
        }
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(false),
            written => written?,
        }
        if let Some(last) = events.last() {
            self.told = Some(last.cursor.clone());
        }
        self.left = self.left.map(|left| left.saturating_sub(events.len() as u64));
        Ok(self.left != Some(0))
    }

    /// Tells how to go on after what was shown.
    pub(super) fn part(&self, args: &TailArgs, printer: &Printer) {
        let go_on = match (&args.reader, &self.told) {
            (Some(reader), _) => format!(" --reader {reader}"),
            (None, Some(cursor)) => {
                let only = args.task.map(|task| format!(" --task {task}")).unwrap_or_default();
                format!("{only} --after {cursor}")
            }
            (None, None) => return,
        };
        printer.note(&format!("go on with: tasker events tail{go_on}"));
    }

    fn line(&self, event: &Event) -> String {
        match self.output {
            Output::Json => serde_json::to_string(event).expect("an event has text keys and finite numbers"),
            Output::Text => text_of(event),
        }
    }
}

fn text_of(Event { cursor, document }: &Event) -> String {
    let event = &document.transition;
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
