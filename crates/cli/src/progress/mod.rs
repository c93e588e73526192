//! Progress of one task, read from its log: lines that are drawn again on a terminal, plain lines otherwise.

mod board;
mod live;
mod plain;
mod rounds;
mod status_line;

use std::io::IsTerminal as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use indicatif::MultiProgress;
use tasker_core::ids::TaskId;
use tasker_core::plan::Plan;
use tasker_engine::Engine;
use tasker_store::read::{Cursor, LogQuery};

use self::board::Board;
use self::live::Live;
use self::plain::Plain;
pub use self::rounds::Rounds;
pub use self::status_line::StatusLine;
use crate::output::Printer;

/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Log entries that are read at once.
const PAGE: usize = 5_000;

/// What is drawn on standard error. Whoever writes there besides does it through [`MultiProgress::suspend`].
pub fn terminal() -> &'static MultiProgress {
    static TERMINAL: OnceLock<MultiProgress> = OnceLock::new();
    TERMINAL.get_or_init(MultiProgress::new)
}

/// Follows one task.
pub struct Follower {
    engine: Engine,
    task: TaskId,
    board: Board,
    cursor: Cursor,
    show: Show,
}

enum Show {
    Nothing,
    Plain(Plain),
    Live(Live),
}

impl Follower {
    /// A follower that has seen nothing yet.
    pub fn new(engine: &Engine, task: TaskId, plan: &Arc<Plan>, printer: Printer) -> Self {
        let show = if printer.is_quiet() {
            Show::Nothing
        } else if std::io::stderr().is_terminal() {
            Show::Live(Live::new(printer.message_style()))
        } else {
            Show::Plain(Plain::new(printer, plan.graph.n_steps()))
        };
        Self { engine: engine.clone(), task, board: Board::new(plan.clone()), cursor: Cursor::START, show }
    }

    /// Shows what happens, for ever.
    pub async fn follow(&mut self) {
        loop {
            self.look().await;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Shows what is left, and takes away what was drawn.
    pub async fn finish(mut self) {
        self.look().await;
        if let Show::Live(live) = &mut self.show {
            live.clear();
        }
    }

    async fn look(&mut self) {
        if matches!(self.show, Show::Nothing) {
            return;
        }
        loop {
            let query = LogQuery { task: Some(self.task), after: self.cursor, limit: PAGE };
            let entries = match self.engine.log(query).await {
                Ok(entries) => entries,
                Err(error) => {
                    // Whoever waits for the task meets the same trouble and tells it; progress only pauses.
                    tracing::debug!(%error, "the log cannot be read");
                    return;
                }
            };
            for entry in &entries {
                self.cursor = entry.cursor;
                let news = self.board.apply(&entry.transition);
                if let (Some(news), Show::Plain(plain)) = (news, &mut self.show) {
                    plain.news(&self.board, &news);
                }
            }
            if entries.len() < PAGE {
                break;
            }
        }
        match &mut self.show {
            Show::Nothing => {}
            Show::Plain(plain) => plain.tick(&self.board),
            Show::Live(live) => live.draw(&self.board),
        }
    }
}
