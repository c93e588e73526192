//! The one reader that follows the log for all streams of a process.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tasker_engine::{Engine, UseCaseError};
use tasker_store::read::{Cursor, LogEntry, LogQuery};
use tokio::sync::watch;

use super::event::Event;
use super::ring::Ring;

/// Log entries that are read at once.
const PAGE: usize = 1_000;

/// How often the end of the log is looked at, if nothing is heard of a commit: other processes tell nothing here.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How long entries may gather before they are read, so that many commits are not as many looks.
const GATHER: Duration = Duration::from_millis(10);

/// Wait after the log could not be read.
const PAUSE: Duration = Duration::from_secs(1);

/// The code of a position after which entries were deleted.
pub(super) const GONE: &str = "position_gone";

/// What was read of the log lately.
pub(super) struct Tail {
    ring: Mutex<Ring>,
    moved: watch::Sender<()>,
}

impl Tail {
    /// Follows the log from its end on, until nobody holds this any more.
    pub(super) async fn follow(engine: &Engine) -> Result<Arc<Self>, UseCaseError> {
        let ring = Ring::new(engine.log_end(None, 0).await?);
        let tail = Arc::new(Self { ring: Mutex::new(ring), moved: watch::Sender::new(()) });
        tokio::spawn(follow(Arc::downgrade(&tail), engine.clone()));
        Ok(tail)
    }

    /// The events so far.
    pub(super) fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes whenever there is more.
    pub(super) fn moved(&self) -> watch::Receiver<()> {
        self.moved.subscribe()
    }

    fn add(&self, page: Vec<LogEntry>) {
        // Made before the lock is taken, which everybody who listens waits for.
        let events: Vec<Event> = page.into_iter().map(Event::new).collect();
        let mut ring = self.ring();
        events.into_iter().for_each(|event| ring.push(event));
        drop(ring);
        self.moved.send_replace(());
    }

    /// Begins anew: whoever has not got this far reads the database.
    fn restart(&self, at: Cursor) {
        *self.ring() = Ring::new(at);
        self.moved.send_replace(());
    }
}

async fn follow(tail: Weak<Tail>, engine: Engine) {
    let mut commits = engine.commits();
    while let Some(strong) = tail.upgrade() {
        commits.mark_unchanged();
        let read = read(&strong, &engine).await;
        drop(strong);
        match read {
            Ok(PAGE) => {}
            Ok(0) => drop(tokio::time::timeout(LOOK_AGAIN, commits.changed()).await),
            Ok(_) => tokio::time::sleep(GATHER).await,
            Err(error) => {
                tracing::warn!(error = %error, "event streams wait: the log cannot be read now");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Reads what is new; answers with how much it was.
async fn read(tail: &Tail, engine: &Engine) -> Result<usize, UseCaseError> {
    let after = tail.ring().tip();
    match engine.log(LogQuery { task: None, after, limit: PAGE }).await {
        Ok(page) if page.is_empty() => Ok(0),
        Ok(page) => {
            let read = page.len();
            tail.add(page);
            Ok(read)
        }
        Err(error) if error.code() == GONE => {
            tail.restart(engine.log_end(None, 0).await?);
            Ok(0)
        }
        Err(error) => Err(error),
    }
}
