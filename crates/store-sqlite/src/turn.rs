//! Turns, for processes that write to one file.
//!
//! SQLite knows no queue: whoever finds the file locked looks again after a while, and a process that always has something
//! to write takes the lock again before anybody looks. Others could wait for seconds, and their workers would be late with
//! their heartbeats. So whoever has waited for long takes a lock of the operating system beside the file, and nobody else
//! begins to write until he has.

use std::cell::Cell;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long somebody waits before it is his turn. Until then, processes that write a lot do so in a row, which is faster.
pub(crate) const BEFORE_A_TURN: Duration = Duration::from_millis(50);

/// How long others wait for whoever has the turn. It may have been stopped.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often they look.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// The turns of one database.
#[derive(Default)]
pub(crate) struct Turns {
    file: Option<File>,
    /// Whether whoever has the turn was waited for long enough.
    is_ignored: Cell<bool>,
}

/// The turn, until this is dropped.
pub(crate) struct Turn<'a>(Option<&'a File>);

impl Turns {
    /// Those of a database file. They are for fairness alone: without the file nothing is wrong.
    pub(crate) fn beside(database: &Path) -> Self {
        Self { file: open(database).ok(), is_ignored: Cell::new(false) }
    }

    /// Lets whoever has the turn go first.
    pub(crate) fn let_pass(&self) {
        let Some(file) = &self.file else { return };
        let began = Instant::now();
        while let Err(TryLockError::WouldBlock) = file.try_lock_shared() {
            if self.is_ignored.get() || began.elapsed() > PATIENCE {
                self.is_ignored.set(true);
                return;
            }
            sleep(LOOK_AGAIN);
        }
        self.is_ignored.set(false);
        let _ = file.unlock();
    }

    /// Takes the turn, after those who had it before.
    pub(crate) fn take(&self) -> Turn<'_> {
        let Some(file) = &self.file else { return Turn(None) };
        let began = Instant::now();
        while let Err(TryLockError::WouldBlock) = file.try_lock() {
            if began.elapsed() > PATIENCE {
                return Turn(None);
            }
            sleep(LOOK_AGAIN);
        }
        Turn(Some(file))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(file) = self.0 {
            let _ = file.unlock();
        }
    }
}

fn open(database: &Path) -> io::Result<File> {
    let directory = database.parent().unwrap_or(Path::new("")).join("workers");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
    let mut name = database.file_name().unwrap_or_default().to_owned();
    name.push(".turn");
    fs::OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(directory.join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_has_the_turn_goes_first() {
        let directory = tempfile::tempdir().unwrap();
        let of = || Turns::beside(&directory.path().join("tasker.db"));
        let (mine, theirs) = (of(), of());
        mine.let_pass();
        let turn = mine.take();
        let began = Instant::now();
        theirs.let_pass();
        assert!(began.elapsed() >= PATIENCE, "it is waited for");
        assert!(theirs.is_ignored.get(), "but only once");
        drop(turn);
        theirs.let_pass();
        assert!(!theirs.is_ignored.get());
        let other = Turns::beside(&directory.path().join("other.db"));
        let _turn = other.take();
        theirs.let_pass();
        assert!(!theirs.is_ignored.get(), "another file has other turns");
    }

    #[test]
    fn without_a_file_nobody_waits() {
        let turns = Turns::default();
        let _turn = turns.take();
        turns.let_pass();
        assert!(!turns.is_ignored.get());
    }
}
