//! Progress of rounds that go on for some time: a line for each, and on a terminal one that tells what is being done.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tasker_torture::News;

use super::terminal;
use crate::output::Printer;

/// Shows rounds.
pub struct Rounds {
    printer: Printer,
    time: Duration,
    bar: Option<ProgressBar>,
}

impl Rounds {
    /// Of so much time in all.
    pub fn new(time: Duration, printer: Printer) -> Self {
        let is_live = !printer.is_quiet() && std::io::stderr().is_terminal();
        Self { printer, time, bar: is_live.then(bar) }
    }

    /// Shows what happens.
    pub fn tell(&self, news: News<'_>) {
        match news {
            News::Began(number, fault) => {
                let minutes = self.time.as_secs() / 60;
                let told = format!("of {minutes} min, round {number}: {fault}");
                self.bar.iter().for_each(|bar| bar.set_message(told.clone()));
            }
            News::Ended(number, round) => self.printer.note(&format!("round {number}, {}", round.line())),
        }
    }
}

impl Drop for Rounds {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            terminal().remove(bar);
        }
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {elapsed_precise} {wide_msg}");
    let bar = terminal().add(ProgressBar::new_spinner().with_style(style.expect("a valid template")));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
