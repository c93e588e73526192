//! From SQLite's errors to the port's, in one place.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::ErrorCode;
use tasker_core::decide::Rejection;
use tasker_store::StoreError;
use tasker_store::write::SubmitAnswer;

/// Why something inside the store failed, before it is known what was tried.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// SQLite said no.
    Sql(rusqlite::Error),
    /// SQLite said no to the commit itself.
    Commit(rusqlite::Error),
    /// A file beside the database could not be used.
    File(std::io::Error),
    /// Not every request of a batch that stands together was accepted.
    Withheld(Vec<SubmitAnswer>),
    /// A rule said no.
    Refused(Rejection),
    /// The database holds something that this program cannot read.
    Corrupt(String),
    /// A defect of the store itself.
    Panic(String),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::File(error)
    }
}

impl From<Rejection> for Trouble {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection)
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sql(error) | Self::Commit(error) => error.fmt(f),
            Self::File(error) => error.fmt(f),
            Self::Withheld(_) => f.write_str("not every request was accepted"),
            Self::Refused(rejection) => rejection.fmt(f),
            Self::Corrupt(message) | Self::Panic(message) => f.write_str(message),
        }
    }
}

impl Trouble {
    /// Whether rows were read but make no sense: the fault of one task, not of the file.
    pub(crate) fn is_about_data(&self) -> bool {
        match self {
            Self::Sql(error) => error.sqlite_error_code().is_none(),
            Self::Corrupt(_) => true,
            Self::Commit(_) | Self::File(_) | Self::Withheld(_) | Self::Refused(_) | Self::Panic(_) => false,
        }
    }

    /// Whether the transaction may have been committed all the same.
    pub(crate) fn is_unknown_outcome(&self) -> bool {
        matches!(self, Self::Commit(error) if is_io_failure(error))
    }

    /// The same once more, for another caller.
    pub(crate) fn again(&self) -> Self {
        match self {
            Self::Commit(rusqlite::Error::SqliteFailure(code, text)) => {
                Self::Commit(rusqlite::Error::SqliteFailure(*code, text.clone()))
            }
            other => Self::Corrupt(other.to_string()),
        }
    }

    /// The port's error for this, told that `trying` was tried.
    pub(crate) fn while_trying(self, trying: &str) -> StoreError {
        match self {
            Self::Sql(error) => of_sqlite(trying, error),
            Self::Commit(error) => of_commit(trying, error),
            Self::File(error) => unavailable(trying, error),
            Self::Withheld(answers) => StoreError::Withheld(answers),
            Self::Refused(rejection) => StoreError::Refused(rejection),
            Self::Corrupt(message) => StoreError::Corrupt(format!("{trying}: {message}")),
            Self::Panic(message) => unstorable(trying, format!("the store panicked: {message}")),
        }
    }
}

/// Runs something and makes a panic an error. A panic is a defect met by this one job: it is told as data that cannot
/// be stored, so that callers look for the item that causes it instead of trying the same batch for ever.
pub(crate) fn caught<T>(work: impl FnOnce() -> Result<T, Trouble>) -> Result<T, Trouble> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(Trouble::Panic(panic_text(&*panic).into())))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

/// The port's error for something that has nothing to do with the data.
pub(crate) fn unavailable(
    trying: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::Unavailable { trying: trying.to_owned(), source: source.into() }
}

/// The port's error for data that make the store fail.
pub(crate) fn unstorable(
    trying: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::Unstorable { trying: trying.to_owned(), source: source.into() }
}

fn of_sqlite(trying: &str, error: rusqlite::Error) -> StoreError {
    use ErrorCode::*;
    match error.sqlite_error_code() {
        Some(
            DatabaseBusy
            | DatabaseLocked
            | DiskFull
            | SystemIoFailure
            | ReadOnly
            | CannotOpen
            | PermissionDenied
            | OutOfMemory
            | OperationInterrupted
            | OperationAborted
            | FileLockingProtocolFailed
            | NoLargeFileSupport,
        ) => unavailable(trying, error),
        Some(ConstraintViolation | TooBig | TypeMismatch) => unstorable(trying, error),
        Some(NotADatabase) => {
            StoreError::Corrupt(format!("{trying}: the file is not a SQLite database, or damaged"))
        }
        _ => StoreError::Corrupt(format!("{trying}: {error}")),
    }
}

/// A commit that met an I/O error may have reached the disk all the same: what was written is found after a crash.
fn of_commit(trying: &str, error: rusqlite::Error) -> StoreError {
    if is_io_failure(&error) {
        return StoreError::OutcomeUnknown { trying: trying.to_owned(), source: error.into() };
    }
    of_sqlite(trying, error)
}

fn is_io_failure(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(extended_code: i32) -> &'static str {
        let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(extended_code), None);
        match of_sqlite("testing", error) {
            StoreError::Unavailable { .. } => "unavailable",
            StoreError::Unstorable { .. } => "unstorable",
            StoreError::Corrupt(_) => "corrupt",
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_code_has_one_meaning() {
        use rusqlite::ffi;
        for (code, expected) in [
            (ffi::SQLITE_BUSY, "unavailable"),
            (ffi::SQLITE_LOCKED, "unavailable"),
            (ffi::SQLITE_FULL, "unavailable"),
            (ffi::SQLITE_IOERR_FSYNC, "unavailable"),
            (ffi::SQLITE_READONLY, "unavailable"),
            (ffi::SQLITE_CANTOPEN, "unavailable"),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, "unstorable"),
            (ffi::SQLITE_TOOBIG, "unstorable"),
            (ffi::SQLITE_MISMATCH, "unstorable"),
            (ffi::SQLITE_CORRUPT, "corrupt"),
            (ffi::SQLITE_NOTADB, "corrupt"),
            (ffi::SQLITE_ERROR, "corrupt"),
        ] {
            assert_eq!(kind(code), expected, "{code}");
        }
    }

    #[test]
    fn a_commit_that_met_an_io_error_may_have_happened() {
        let error = rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC),
            None,
        );
        assert!(matches!(Trouble::Commit(error).while_trying("testing"), StoreError::OutcomeUnknown { .. }));
    }

    #[test]
    fn messages_name_what_was_tried() {
        let error =
            rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB), None);
        let text = Trouble::Sql(error).while_trying("opening /data/tasker.db").to_string();
        assert_eq!(text, "opening /data/tasker.db: the file is not a SQLite database, or damaged");
    }
}
