//! Progress of one task, read from its log: lines that are drawn again on a terminal, plain lines otherwise.

mod board;
mod live;
mod plain;
mod rounds;
mod status_line;

use std::io::IsTerminal as _;
use std::sync::{Arc, OnceLock};

use indicatif::MultiProgress;
use tasker_core::ids::TaskId;
use tasker_core::time::Timestamp;
use tasker_store::read::Cursor;
use tasker_wire::TaskDocument;

use self::board::Board;
use self::live::Live;
use self::plain::Plain;
pub use self::rounds::Rounds;
pub use self::status_line::StatusLine;
use crate::backend::Backend;
use crate::output::Printer;

/// What is drawn on standard error. Whoever writes there besides does it through [`MultiProgress::suspend`].
pub fn terminal() -> &'static MultiProgress {
    static TERMINAL: OnceLock<MultiProgress> = OnceLock::new();
    TERMINAL.get_or_init(MultiProgress::new)
}

/// When a task that is followed has begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Begun {
    /// Now: everything is told.
    Now,
    /// Before: what happened until now is summed up, not told as if it happened now.
    Before,
}

/// Follows one task.
pub struct Follower {
    backend: Arc<dyn Backend>,
    task: TaskId,
    board: Board,
    cursor: Cursor,
    /// The last entry that was shown.
    seq: u64,
    /// What happened until then is told in one line.
    past: Option<Timestamp>,
    show: Show,
}

enum Show {
    Nothing,
    Plain(Plain),
    Live(Live),
}

impl Follower {
    /// A follower that has seen nothing yet.
    pub fn new(backend: &Arc<dyn Backend>, task: &TaskDocument, begun: Begun, printer: Printer) -> Self {
        let board = Board::new(task);
        let show = if printer.is_quiet() {
            Show::Nothing
        } else if std::io::stderr().is_terminal() {
            Show::Live(Live::new(printer.message_style()))
        } else {
            Show::Plain(Plain::new(printer, board.n_steps()))
        };
        let past = (begun == Begun::Before).then(|| task.updated_at.timestamp());
        let (task, cursor) = (task.task_id, Cursor::START);
        Self { backend: backend.clone(), task, board, cursor, seq: 0, past, show }
    }

    /// Shows what happens, for ever.
    pub async fn follow(&mut self) {
        loop {
            self.look().await;
            tokio::time::sleep(self.backend.look_again()).await;
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
        // How the task had ended before it was followed.
        let mut ended = None;
        loop {
            let page = match self.backend.history(self.task, self.cursor).await {
                Ok(page) => page,
                Err(error) => {
                    // Whoever waits for the task meets the same trouble and tells it; progress only pauses.
                    tracing::debug!(%error, "the log cannot be read");
                    return;
                }
            };
            self.cursor = page.next.unwrap_or(self.cursor);
            for entry in &page.entries {
                if entry.seq <= self.seq {
                    continue;
                }
                self.seq = entry.seq;
                let news = self.board.apply(entry);
                if self.past.is_some_and(|past| entry.at.timestamp() <= past) {
                    if entry.step_name.is_none() {
                        ended = news;
                    }
                } else if let (Some(news), Show::Plain(plain)) = (news, &mut self.show) {
                    plain.news(&self.board, &news);
                }
            }
            if !page.has_more {
                break;
            }
        }
        let was_past = self.past.take().is_some();
        match &mut self.show {
            Show::Nothing => {}
            Show::Plain(plain) if was_past => match ended {
                Some(news) => plain.news(&self.board, &news),
                None => plain.counters(&self.board),
            },
            Show::Plain(plain) => plain.tick(&self.board),
            Show::Live(live) => live.draw(&self.board),
        }
    }
}
