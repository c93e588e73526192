//! Progress as plain lines: every event of a small task; failures and counters of a large one.

use std::time::{Duration, Instant};

use tasker_core::state::StepState;

use super::board::{Board, News};
use crate::output::{Printer, shorten, time};

/// Most steps of a task whose every event gets a line.
const SMALL: usize = 100;

/// How often the counters of a large task are shown.
const EVERY: Duration = Duration::from_secs(5);

/// Most failures of a large task that get a line.
const MOST_FAILURES: usize = 50;

/// Plain lines.
pub struct Plain {
    printer: Printer,
    is_small: bool,
    shown_at: Instant,
    failures: usize,
}

impl Plain {
    /// For a task of so many steps.
    pub fn new(printer: Printer, n_steps: usize) -> Self {
        Self { printer, is_small: n_steps <= SMALL, shown_at: Instant::now(), failures: 0 }
    }

    /// Shows what happened, if it is worth a line.
    pub fn news(&mut self, board: &Board, news: &News) {
        let is_failure = matches!(news, News::Failed { .. });
        self.failures += usize::from(is_failure);
        if self.is_small
            || (is_failure && self.failures <= MOST_FAILURES)
            || matches!(news, News::Ended { .. })
        {
            self.printer.note(&line(board, news));
        }
    }

    /// Shows the counters of a large task now and then.
    pub fn tick(&mut self, board: &Board) {
        if !self.is_small && self.shown_at.elapsed() >= EVERY {
            self.counters(board);
        }
    }

    /// Shows the counters.
    pub fn counters(&mut self, board: &Board) {
        self.shown_at = Instant::now();
        self.printer.note(&board.counters());
    }
}

fn line(board: &Board, news: &News) -> String {
    match news {
        News::Started { step, attempt: 0 | 1 } => format!("{}: started", board.name(*step)),
        News::Started { step, attempt } => format!("{}: started, attempt {attempt}", board.name(*step)),
        News::Done { step, state: StepState::Complete, took } => {
            format!("{}: complete after {}", board.name(*step), time::span(*took))
        }
        News::Done { step, state, .. } => format!("{}: {state}", board.name(*step)),
        News::Failed { step, attempt, error, again_in: Some(seconds) } => {
            format!(
                "{}: attempt {attempt} failed, again in {seconds} s: {}",
                board.name(*step),
                shorten(error, 200)
            )
        }
        News::Failed { step, attempt, error, again_in: None } => {
            format!("{}: attempt {attempt} failed for good: {}", board.name(*step), shorten(error, 200))
        }
        News::Cancelled { step } => format!("{}: cancelled", board.name(*step)),
        News::Ended { state } => format!("task: {state}; {}", board.counters()),
    }
}
