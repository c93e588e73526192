//! Progress on a terminal: one line a step for a small task; what runs or waits to run again, and counters, for a
//! large one.

use indicatif::{ProgressBar, ProgressStyle};
use tasker_core::ids::Ordinal;
use tasker_core::state::StepState;
use tasker_core::time::Timestamp;

use super::board::{Board, Line};
use super::terminal;
use crate::output::{Style, clean, time};

/// Most lines that are drawn.
const MOST_LINES: usize = 20;

/// Lines that are drawn again and again.
pub struct Live {
    style: Style,
    bars: Vec<ProgressBar>,
}

impl Live {
    /// Nothing drawn yet.
    pub fn new(style: Style) -> Self {
        Self { style, bars: Vec::new() }
    }

    /// Draws the board as it is now.
    pub fn draw(&mut self, board: &Board) {
        let lines = lines(board, self.style, time::now());
        while self.bars.len() < lines.len() {
            self.bars.push(terminal().add(bar()));
        }
        for bar in self.bars.drain(lines.len()..) {
            terminal().remove(&bar);
        }
        for (bar, line) in self.bars.iter().zip(lines) {
            if bar.message() != line {
                bar.set_message(line);
            }
        }
    }

    /// Takes everything away.
    pub fn clear(&mut self) {
        for bar in self.bars.drain(..) {
            bar.finish_and_clear();
            terminal().remove(&bar);
        }
    }
}

fn bar() -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_msg}").expect("a valid template");
    ProgressBar::new_spinner().with_style(style)
}

fn lines(board: &Board, style: Style, now: Timestamp) -> Vec<String> {
    let is_small = board.n_steps() < MOST_LINES;
    let shown: Vec<(Ordinal, &Line)> = if is_small {
        board.steps().collect()
    } else {
        let is_active = |line: &Line| line.state == StepState::InProgress || line.retry_at.is_some();
        board.steps().filter(|(_, line)| is_active(line)).take(MOST_LINES - 1).collect()
    };
    let width = shown.iter().map(|(step, _)| board.name(*step).len()).max().unwrap_or(0);
    let mut lines: Vec<String> = shown
        .into_iter()
        .map(|(step, line)| {
            format!("{:width$}  {}", board.name(step), standing(board, step, line, style, now))
        })
        .collect();
    lines.push(style.bold(&board.counters()));
    lines
}

fn standing(board: &Board, step: Ordinal, line: &Line, style: Style, now: Timestamp) -> String {
    let attempt = if line.attempt > 1 { format!(", attempt {}", line.attempt) } else { String::new() };
    let error = line.error.as_deref().map(clean).unwrap_or_default();
    match line.state {
        StepState::InProgress => {
            style.cyan(&format!("running for {}{attempt}", time::span(now.since(line.since))))
        }
        StepState::Complete => style.green(&format!("complete{attempt}")),
        StepState::ResolvedManually => style.green("resolved"),
        StepState::Cancelled => style.yellow("cancelled"),
        StepState::Error => match line.retry_at {
            Some(at) => {
                style.yellow(&format!("again in {} after {error}{attempt}", time::span(at.since(now))))
            }
            None => style.red(&format!("failed: {error}{attempt}")),
        },
        StepState::Pending => match board.waits_for(step).as_slice() {
            [] => "ready".to_owned(),
            [one] => style.dim(&format!("waits for {one}")),
            [one, others @ ..] => style.dim(&format!("waits for {one} and {} more", others.len())),
        },
    }
}
