//! Progress of rounds that go on for some time: a line for each, and on a terminal one that tells what is being done.

use std::time::Duration;

use tasker_torture::News;

use super::StatusLine;
use crate::output::Printer;

/// Shows rounds.
pub struct Rounds {
    printer: Printer,
    time: Duration,
    line: StatusLine,
}

impl Rounds {
    /// Of so much time in all.
    pub fn new(time: Duration, printer: Printer) -> Self {
        let line = StatusLine::new("{spinner} {elapsed_precise} {wide_msg}", printer);
        line.bar().inspect(|bar| bar.enable_steady_tick(Duration::from_millis(200)));
        Self { printer, time, line }
    }

    /// Shows what happens.
    pub fn tell(&self, news: News<'_>) {
        match news {
            News::Began(number, fault) => {
                let minutes = self.time.as_secs() / 60;
                self.line.show(format!("of {minutes} min, round {number}: {fault}"));
            }
            News::Ended(number, round) => self.printer.note(&format!("round {number}, {}", round.line())),
        }
    }
}
