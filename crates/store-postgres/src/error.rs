//! From PostgreSQL's errors to the port's, in one place.

use tasker_core::decide::Rejection;
use tasker_core::ids::TaskId;
use tasker_store::StoreError;
use tasker_store::write::SubmitAnswer;

/// SQLSTATE of a lock that was not had in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Why something inside the store failed, before it is known what was tried.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The database or the connection to it failed; nothing was written.
    Sql(sqlx::Error),
    /// The database or the connection to it failed while it was told to commit.
    Commit(sqlx::Error),
    /// There was no answer in time; nothing was written.
    Late(&'static str),
    /// There was no answer in time to a commit.
    LateCommit,
    /// Other sessions hold these tasks.
    Blocked(Vec<TaskId>),
    /// Not every request of a batch that stands together was accepted.
    Withheld(Vec<SubmitAnswer>),
    /// A rule said no.
    Refused(Rejection),
    /// The database holds something that this program cannot read.
    Corrupt(String),
    /// The schema is not one that this program can use.
    Schema(String),
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Rejection> for Trouble {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection)
    }
}

/// What an error means for the caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Class {
    Unavailable,
    Unstorable,
    Schema,
    Proxy,
    Corrupt,
}

impl Trouble {
    /// The same, where the statement was to commit as well: without an answer nobody knows what happened.
    pub(crate) fn of_commit(self) -> Self {
        match self {
            Self::Sql(error) if !is_refused(&error) => Self::Commit(error),
            Self::Late(_) => Self::LateCommit,
            other => other,
        }
    }

    /// The SQLSTATE, if the database said something.
    pub(crate) fn sqlstate(&self) -> Option<String> {
        match self {
            Self::Sql(error) | Self::Commit(error) => sqlstate(error),
            _ => None,
        }
    }

    /// Whether a lock was not had in time.
    pub(crate) fn is_lock_timeout(&self) -> bool {
        self.sqlstate().as_deref() == Some(LOCK_NOT_AVAILABLE)
    }

    /// Whether the connection is of no use any more. If this was the first that was sent on it, nothing has happened.
    pub(crate) fn is_about_connection(&self) -> bool {
        match self {
            Self::Sql(error) => match sqlstate(error) {
                Some(code) => code.starts_with("08") || code.starts_with("57P") || code == "25P03",
                None => matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_)),
            },
            _ => false,
        }
    }

    /// Whether rows were read but make no sense: the fault of one task, not of the database.
    pub(crate) fn is_about_data(&self) -> bool {
        use sqlx::Error::{ColumnDecode, Decode};
        matches!(self, Self::Corrupt(_) | Self::Sql(ColumnDecode { .. } | Decode(_)))
    }

    /// Whether the transaction failed in a way that leaves its connection as good as before.
    pub(crate) fn spares_connection(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Corrupt(_) | Self::Schema(_) | Self::Blocked(_) | Self::Withheld(_) => {
                true
            }
            Self::Sql(_) => self.sqlstate().is_some_and(|code| {
                ["22", "23", "40", "54", "55", "57014", "25006"].iter().any(|class| code.starts_with(class))
            }),
            Self::Commit(_) | Self::Late(_) | Self::LateCommit => false,
        }
    }

    /// The port's error for this, told that `trying` was tried.
    pub(crate) fn while_trying(self, trying: &str) -> StoreError {
        match self {
            Self::Sql(error) => of_sql(trying, error),
            Self::Commit(error) => of_commit(trying, error),
            Self::Late(what) => unavailable(trying, what),
            Self::LateCommit => unknown(trying, "no answer to the commit in time"),
            Self::Blocked(tasks) => StoreError::Blocked { trying: trying.to_owned(), tasks },
            Self::Withheld(answers) => StoreError::Withheld(answers),
            Self::Refused(rejection) => StoreError::Refused(rejection),
            Self::Corrupt(message) => StoreError::Corrupt(format!("{trying}: {message}")),
            Self::Schema(message) => StoreError::Schema(message),
        }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sql(error) | Self::Commit(error) => error.fmt(f),
            Self::Late(what) => f.write_str(what),
            Self::LateCommit => f.write_str("no answer to the commit in time"),
            Self::Blocked(tasks) => write!(f, "{} tasks are held by other sessions", tasks.len()),
            Self::Withheld(_) => f.write_str("not every request was accepted"),
            Self::Refused(rejection) => rejection.fmt(f),
            Self::Corrupt(message) | Self::Schema(message) => f.write_str(message),
        }
    }
}

/// The port's error for something that has nothing to do with the data.
pub(crate) fn unavailable(
    trying: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::Unavailable { trying: trying.to_owned(), source: source.into() }
}

fn unknown(trying: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::OutcomeUnknown { trying: trying.to_owned(), source: source.into() }
}

fn of_sql(trying: &str, error: sqlx::Error) -> StoreError {
    match class_of(&error) {
        Class::Unavailable => unavailable(trying, error),
        Class::Unstorable => StoreError::Unstorable { trying: trying.to_owned(), source: error.into() },
        Class::Schema => StoreError::Schema(format!(
            "{trying}: the database's schema is not the one that this program needs ({error}): run `tasker db migrate`"
        )),
        Class::Proxy => StoreError::Schema(format!(
            "{trying}: the connection goes through a proxy that hands each transaction to another session ({error}): add \
             `pooled=true` to the database URL"
        )),
        Class::Corrupt => StoreError::Corrupt(format!("{trying}: {error}")),
    }
}

/// A commit that the database refused has not happened. Otherwise nobody knows.
fn of_commit(trying: &str, error: sqlx::Error) -> StoreError {
    if is_refused(&error) { of_sql(trying, error) } else { unknown(trying, error) }
}

/// Whether a commit that failed like this has not happened: the database said so, rather than that it goes away, or could
/// not be told all of it, since the connection was broken before.
fn is_refused(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::BrokenPipe,
        error => sqlstate(error).is_some_and(|code| !code.starts_with("08") && !code.starts_with("57P")),
    }
}

fn sqlstate(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned())
}

fn class_of(error: &sqlx::Error) -> Class {
    match error {
        sqlx::Error::Database(error) => class_of_code(&error.code().unwrap_or_default()),
        sqlx::Error::Encode(_) => Class::Unstorable,
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::TypeNotFound { .. }
        | sqlx::Error::RowNotFound => Class::Corrupt,
        _ => Class::Unavailable,
    }
}

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
fn class_of_code(code: &str) -> Class {
    match code {
        // undefined schema, table, column
        "3F000" | "42P01" | "42703" => Class::Schema,
        // a prepared statement is missing, or there already
        "26000" | "42P05" => Class::Proxy,
        // data corrupted, index corrupted
        "XX001" | "XX002" => Class::Corrupt,
        _ => match code.get(..2) {
            // data exception, constraint violation, program limit exceeded
            Some("22" | "23" | "54") => Class::Unstorable,
            // Connection, transaction state (read-only), authorization, unknown database, rollback, privileges of a
            // role, resources, not in the state for it (a lock), operator intervention, system error, a plan that does
            // not fit any more, internal error.
            Some("08" | "25" | "28" | "3D" | "40" | "53" | "55" | "57" | "58" | "0A" | "XX") => {
                Class::Unavailable
            }
            _ if code == "42501" => Class::Unavailable,
            _ => Class::Corrupt,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_one_meaning() {
        for (code, expected) in [
            ("08006", Class::Unavailable),
            ("57P01", Class::Unavailable),
            ("57P03", Class::Unavailable),
            ("57014", Class::Unavailable),
            ("53100", Class::Unavailable),
            ("53300", Class::Unavailable),
            ("25006", Class::Unavailable),
            ("25P03", Class::Unavailable),
            ("40001", Class::Unavailable),
            ("40P01", Class::Unavailable),
            ("55P03", Class::Unavailable),
            ("3D000", Class::Unavailable),
            ("28P01", Class::Unavailable),
            ("42501", Class::Unavailable),
            ("0A000", Class::Unavailable),
            ("22P05", Class::Unstorable),
            ("23505", Class::Unstorable),
            ("54000", Class::Unstorable),
            ("42P01", Class::Schema),
            ("3F000", Class::Schema),
            ("26000", Class::Proxy),
            ("42P05", Class::Proxy),
            ("XX001", Class::Corrupt),
            ("42601", Class::Corrupt),
        ] {
            assert_eq!(class_of_code(code), expected, "{code}");
        }
    }

    #[test]
    fn a_commit_without_answer_may_have_happened() {
        let cut = || sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        assert!(matches!(Trouble::Commit(cut()).while_trying("testing"), StoreError::OutcomeUnknown { .. }));
        assert!(matches!(Trouble::LateCommit.while_trying("testing"), StoreError::OutcomeUnknown { .. }));
        assert!(matches!(Trouble::Sql(cut()).while_trying("testing"), StoreError::Unavailable { .. }));
    }
}
