//! Locks of the operating system that tell whether a worker's process lives.
//!
//! Each worker holds a lock on `<directory of the database>/workers/<id>.lock` for as long as its process lives.
//! Whoever can take such a lock knows, without waiting for a lease to run out, that the worker is dead.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use tasker_core::ids::WorkerId;

/// The locks of one database.
pub(crate) struct WorkerLocks {
    directory: Option<PathBuf>,
    held: HashMap<WorkerId, File>,
}

impl WorkerLocks {
    /// For a database that has none: every question is answered "it may live".
    pub(crate) fn none() -> Self {
        Self { directory: None, held: HashMap::new() }
    }

    /// Those of a database file.
    pub(crate) fn beside(database: &Path) -> Self {
        let directory = database.parent().unwrap_or(Path::new("")).join("workers");
        Self { directory: Some(directory), held: HashMap::new() }
    }

    /// Takes the lock of a worker of this process and keeps it.
    pub(crate) fn hold(&mut self, worker: WorkerId) -> io::Result<()> {
        let Some(directory) = &self.directory else { return Ok(()) };
        if self.held.contains_key(&worker) {
            return Ok(());
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let path = file_of(directory, worker);
        let file = fs::OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        match file.try_lock() {
            Ok(()) => {
                self.held.insert(worker, file);
                Ok(())
            }
            // Another store of this process holds it for the same worker, or someone is looking at it right now: the
            // next heartbeat tries again.
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether a worker is dead for certain.
    pub(crate) fn is_dead(&self, worker: WorkerId) -> bool {
        let Some(directory) = &self.directory else { return false };
        if self.held.contains_key(&worker) {
            return false;
        }
        File::open(file_of(directory, worker)).is_ok_and(|file| file.try_lock().is_ok())
    }

    /// Lets a worker's lock go and removes its file.
    pub(crate) fn remove(&mut self, worker: WorkerId) {
        let file = self.held.remove(&worker);
        if let Some(directory) = &self.directory {
            // A file that is left behind does no harm: its worker is not live any more.
            let _ = fs::remove_file(file_of(directory, worker));
        }
        drop(file);
    }
}

fn file_of(directory: &Path, worker: WorkerId) -> PathBuf {
    directory.join(format!("{worker}.lock"))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_worker_is_dead_when_its_lock_can_be_taken() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("tasker.db");
        let worker = WorkerId(Uuid::from_u128(7));
        let mut mine = WorkerLocks::beside(&database);
        let theirs = WorkerLocks::beside(&database);
        assert!(!theirs.is_dead(worker), "nothing is known of a worker without a file");
        mine.hold(worker).unwrap();
        mine.hold(worker).unwrap();
        assert!(!theirs.is_dead(worker));
        assert!(!mine.is_dead(worker));
        drop(mine);
        assert!(theirs.is_dead(worker));
    }

    #[test]
    fn a_removed_lock_leaves_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let worker = WorkerId(Uuid::from_u128(7));
        let mut locks = WorkerLocks::beside(&directory.path().join("tasker.db"));
        locks.hold(worker).unwrap();
        locks.remove(worker);
        assert_eq!(fs::read_dir(directory.path().join("workers")).unwrap().count(), 0);
    }

    #[test]
    fn without_locks_everybody_may_live() {
        let mut locks = WorkerLocks::none();
        locks.hold(WorkerId(Uuid::from_u128(7))).unwrap();
        assert!(!locks.is_dead(WorkerId(Uuid::from_u128(7))));
    }
}
