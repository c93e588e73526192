//! How the demo shows its orders as they run: one line that is drawn again on a terminal, plain lines otherwise.

use std::io::{self, IsTerminal, Write};

use tasker_core::state::TaskState;

use super::progress::{News, Progress};

/// Cells of the bar.
const BAR: usize = 20;

/// Where the demo is shown.
pub struct Screen {
    orders: u32,
    live: bool,
    drawn: bool,
    out: Box<dyn Write + Send>,
}

impl Screen {
    /// Standard error: standard output is for the summary.
    pub fn stderr(orders: u32, quiet: bool) -> Self {
        if quiet {
            return Self::new(orders, false, Box::new(io::sink()));
        }
        let err = io::stderr();
        Self::new(orders, err.is_terminal(), Box::new(err))
    }

    fn new(orders: u32, live: bool, out: Box<dyn Write + Send>) -> Self {
        Self { orders, live, drawn: false, out }
    }

    /// Shows a line that stays.
    pub fn line(&mut self, text: &str) {
        self.wipe();
        // A closed terminal must not end the orders that run.
        let _ = writeln!(self.out, "{text}");
    }

    /// Shows what happened: everything on plain output, only what went wrong on a terminal.
    pub fn news(&mut self, news: &News) {
        let fine = matches!(news, News::Ended { state: TaskState::Complete, .. });
        if !(self.live && fine) {
            self.line(&line_of(news));
        }
    }

    /// Draws the bar again.
    pub fn draw(&mut self, progress: &Progress) {
        if self.live {
            let _ = write!(self.out, "\r\x1b[2K{}", bar(self.orders, progress));
            let _ = self.out.flush();
            self.drawn = true;
        }
    }

    /// Takes the bar away.
    pub fn wipe(&mut self) {
        if std::mem::take(&mut self.drawn) {
            let _ = write!(self.out, "\r\x1b[2K");
            let _ = self.out.flush();
        }
    }
}

fn line_of(news: &News) -> String {
    match news {
        News::Trouble { order, step, code, again_in: Some(seconds) } => {
            format!("order {order:>3}: {step} failed with {code}, again in {seconds} s")
        }
        News::Trouble { order, step, code, again_in: None } => {
            format!("order {order:>3}: {step} failed with {code}, not to be repeated")
        }
        News::Ended { order, state, took, retries } => {
            let retries = match retries {
                0 => String::new(),
                1 => ", 1 retry".to_owned(),
                more => format!(", {more} retries"),
            };
            format!("order {order:>3}: {state} after {:.2} s{retries}", took.as_secs_f64())
        }
    }
}

fn bar(orders: u32, progress: &Progress) -> String {
    let ended = progress.orders_ended();
    let filled = BAR * ended / (orders.max(1) as usize);
    format!(
        "[{}{}] {ended}/{orders} orders, {} steps, {} running, {} retries",
        "=".repeat(filled),
        " ".repeat(BAR - filled),
        progress.steps_done(),
        progress.steps_running(),
        progress.retries
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn lines_say_what_happened() {
        let trouble =
            |again_in| News::Trouble { order: 7, step: "pay".into(), code: "HTTP_503".into(), again_in };
        assert_eq!(line_of(&trouble(Some(2))), "order   7: pay failed with HTTP_503, again in 2 s");
        assert_eq!(line_of(&trouble(None)), "order   7: pay failed with HTTP_503, not to be repeated");
        let took = Duration::from_millis(1_234);
        let ended = News::Ended { order: 42, state: TaskState::Complete, took, retries: 2 };
        assert_eq!(line_of(&ended), "order  42: complete after 1.23 s, 2 retries");
    }

    #[test]
    fn an_empty_bar_has_its_full_width() {
        let expected = format!("[{}] 0/100 orders, 0 steps, 0 running, 0 retries", " ".repeat(BAR));
        assert_eq!(bar(100, &Progress::default()), expected);
    }
}
