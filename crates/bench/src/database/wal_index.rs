//! What the shared index of a SQLite write-ahead log tells: how many transactions were committed, by whatever process,
//! and how many frames they wrote.
//!
//! The header of the `-shm` file is documented in SQLite's `wal.c` and in <https://sqlite.org/walformat.html>. It holds
//! a counter of transactions, the number of frames in the log, and a number (the first salt) that grows by one whenever
//! the log is begun anew. Frames that were written between the last look and such a beginning are missed, so the
//! header is looked at after every commit: what is missed is a commit or two per log of 4,000 pages.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Bytes of a frame besides its page.
const FRAME_HEADER: u64 = 24;

/// Size of each of the two copies of the header.
const HEADER: usize = 48;

/// How often a header is read again that is just being written.
const ROUNDS: u32 = 100;

/// Adds up what the index tells.
pub(crate) struct LogIndex {
    file: File,
    totals: Mutex<Totals>,
}

#[derive(Clone, Copy, Debug)]
struct Totals {
    last: Header,
    commits: u64,
    log_bytes: u64,
    /// Whether nothing substantial was missed.
    complete: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Header {
    changes: u32,
    page_size: u64,
    frames: u32,
    beginnings: u32,
}

impl LogIndex {
    /// Of the database in this file; `None` if it has no such index.
    pub(crate) fn of(database: &Path) -> Option<Self> {
        let file = File::open(format!("{}-shm", database.display())).ok()?;
        let last = read(&file)?;
        let totals = Totals { last, commits: 0, log_bytes: 0, complete: true };
        Some(Self { file, totals: Mutex::new(totals) })
    }

    /// Adds what was written since the last look.
    pub(crate) fn observe(&self) {
        // Under the lock, so that no look is overtaken by an older one.
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        match read(&self.file) {
            Some(header) => totals.add(header),
            None => totals.complete = false,
        }
    }

    /// Commits and bytes of the log since the first look, if known.
    pub(crate) fn totals(&self) -> Option<(u64, u64)> {
        self.observe();
        let totals = *self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        totals.complete.then_some((totals.commits, totals.log_bytes))
    }
}

impl Totals {
    fn add(&mut self, now: Header) {
        let then = self.last;
        self.commits += u64::from(now.changes.wrapping_sub(then.changes));
        let frames = match now.beginnings.wrapping_sub(then.beginnings) {
            0 => u64::from(now.frames.saturating_sub(then.frames)),
            n => {
                self.complete &= n == 1;
                u64::from(now.frames)
            }
        };
        self.log_bytes += frames * (now.page_size + FRAME_HEADER);
        self.last = now;
    }
}

/// The header, once both of its copies agree.
fn read(file: &File) -> Option<Header> {
    let mut bytes = [0; 2 * HEADER];
    for _ in 0..ROUNDS {
        file.read_exact_at(&mut bytes, 0).ok()?;
        let (one, two) = bytes.split_at(HEADER);
        if one == two {
            return parse(one);
        }
        std::hint::spin_loop();
    }
    None
}

fn parse(bytes: &[u8]) -> Option<Header> {
    let word = |at: usize| bytes.get(at..at + 4).map(|four| [four[0], four[1], four[2], four[3]]);
    let page_size = u64::from(u16::from_ne_bytes([*bytes.get(14)?, *bytes.get(15)?]));
    Some(Header {
        changes: u32::from_ne_bytes(word(8)?),
        page_size: if page_size == 1 { 65_536 } else { page_size },
        frames: u32::from_ne_bytes(word(16)?),
        beginnings: u32::from_be_bytes(word(32)?),
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn database(folder: &Path) -> (Connection, LogIndex) {
        let path = folder.join("a.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a)").unwrap();
        let index = LogIndex::of(&path).unwrap();
        (connection, index)
    }

    fn folder() -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("tasker-bench-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir(&folder).unwrap();
        folder
    }

    #[test]
    fn commits_and_frames_are_counted() {
        let folder = folder();
        let (connection, index) = database(&folder);
        assert_eq!(index.totals(), Some((0, 0)));
        for n in 1..=10 {
            connection.execute("INSERT INTO t VALUES (1)", []).unwrap();
            assert_eq!(index.totals(), Some((n, n * (4096 + 24))));
        }
        connection.execute_batch("BEGIN; SELECT * FROM t; COMMIT").unwrap();
        assert_eq!(index.totals().unwrap().0, 10, "reading commits nothing");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn counting_goes_on_when_the_log_begins_anew() {
        let folder = folder();
        let (connection, index) = database(&folder);
        for n in 1..=5 {
            connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
            connection.execute("INSERT INTO t VALUES (1)", []).unwrap();
            assert_eq!(index.totals(), Some((n, n * (4096 + 24))));
        }
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_log_that_was_missed_as_a_whole_is_not_guessed() {
        let folder = folder();
        let (connection, index) = database(&folder);
        for _ in 0..2 {
            connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
            connection.execute("INSERT INTO t VALUES (1)", []).unwrap();
        }
        assert_eq!(index.totals(), None);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
