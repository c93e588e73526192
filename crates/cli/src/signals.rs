//! Signals: the first one asks to stop gracefully, the second one at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::Status;

/// SIGXFSZ on Linux, which tokio has no name for.
const FILE_SIZE_LIMIT: i32 = 25;

/// SIGINT and SIGTERM. From its making on, they do not end the process by themselves.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Begins to listen. Must be called inside a tokio runtime.
    pub fn new() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one; answers how the program is to end because of it.
    pub async fn next(&mut self) -> Status {
        tokio::select! {
            _ = self.interrupt.recv() => Status::Interrupted,
            _ = self.terminate.recv() => Status::Terminated,
        }
    }
}

/// Lets a write beyond the limit of file sizes fail like one to a full disk, instead of killing the process.
pub fn survive_file_size_limit() {
    // Where it cannot be set up, the process ends as it would have without.
    let _ = signal(SignalKind::from_raw(FILE_SIZE_LIMIT));
}
