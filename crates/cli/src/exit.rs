//! How the program ends: from errors to exit statuses and error documents, in one place.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::{Value, json};
use tasker_config::ConfigError;
use tasker_engine::{ErrorKind, UseCaseError};
use tasker_store::StoreError;
use tasker_telemetry::LogError;
use tasker_wire::{ErrorBody, ErrorDocument};

use crate::args::Output;
use crate::output::{Printer, clean};

/// Exit statuses. A contract: see `tasker --help`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// The task did not complete, its context was refused by the schema, or a check found something.
    Failed = 1,
    /// Wrong usage, or a malformed context.
    Usage = 2,
    /// A definition or the configuration is invalid or cannot be read.
    Invalid = 3,
    /// There is no such thing.
    NotFound = 4,
    /// It contradicts what is stored.
    Conflict = 5,
    /// The database, the data directory or the server cannot be used.
    Unavailable = 6,
    /// SIGINT.
    Interrupted = 130,
    /// SIGTERM.
    Terminated = 143,
}

/// Why a command failed, ready to be shown.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("{}", body.message)]
pub struct Failure {
    /// How the program ends.
    pub status: Status,
    /// What is told.
    pub body: ErrorBody,
}

impl Failure {
    /// A failure without help.
    pub fn new(status: Status, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            body: ErrorBody { code: code.into(), message: message.into(), help: None, errors: Vec::new() },
        }
    }

    /// The same failure with what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.body.help = Some(help.into());
        self
    }

    /// The same failure with every single problem.
    pub fn errors(mut self, errors: Vec<Value>) -> Self {
        self.body.errors = errors;
        self
    }
}

/// Shows why the program ends, and says how.
pub fn report(error: &anyhow::Error, printer: &Printer) -> ExitCode {
    let failure = failure_of(error);
    if printer.output() == Output::Json {
        printer.document(&ErrorDocument { error: failure.body });
    } else {
        printer.error(&failure.body);
    }
    failure.status.into()
}

/// Shows wrong usage, help or the version.
pub fn usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && wants_json() {
        let message = usage_message(&error.render().to_string());
        let body =
            ErrorBody { code: "usage".into(), message, help: Some("see --help".into()), errors: Vec::new() };
        let text = format!("{:#}", json!(ErrorDocument { error: body }));
        let _ = writeln!(std::io::stdout(), "{text}");
    } else {
        // A reader that went away is no reason to fail.
        let _ = error.print();
    }
    if error.use_stderr() { Status::Usage.into() } else { Status::Ok.into() }
}

/// What clap says, without its reminder of how the command is used.
fn usage_message(text: &str) -> String {
    let told = text
        .split("\nUsage:")
        .next()
        .unwrap_or_default()
        .split("\nFor more information")
        .next()
        .unwrap_or_default();
    let words: Vec<&str> = told.trim_start_matches("error: ").split_whitespace().collect();
    words.join(" ")
}

/// Whether JSON was asked for on a command line that could not be read.
fn wants_json() -> bool {
    let arguments: Vec<_> = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
    let apart =
        arguments.windows(2).any(|pair| matches!(pair[0].as_str(), "--output" | "-o") && pair[1] == "json");
    apart || arguments.iter().any(|a| matches!(a.as_str(), "--output=json" | "-ojson" | "-o=json"))
}

/// Whether an error says that there is no such thing.
pub fn is_missing(error: &anyhow::Error) -> bool {
    failure_of(error).status == Status::NotFound
}

/// What is told of an error.
pub fn failure_of(error: &anyhow::Error) -> Failure {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return failure.clone();
    }
    if let Some(error) = error.downcast_ref::<UseCaseError>() {
        return of_use_case(error);
    }
    if let Some(store) = error.downcast_ref::<StoreError>() {
        return of_store(store, error);
    }
    if let Some(config) = error.downcast_ref::<ConfigError>() {
        let errors = config.0.iter().map(|problem| json!(problem)).collect();
        return Failure::new(Status::Invalid, "invalid_configuration", config.to_string()).errors(errors);
    }
    if error.is::<LogError>() {
        return Failure::new(Status::Invalid, "invalid_configuration", chain(error.chain()));
    }
    Failure::new(Status::Failed, "failed", chain(error.chain()))
}

fn of_use_case(error: &UseCaseError) -> Failure {
    let status = match error.kind() {
        ErrorKind::NotFound => Status::NotFound,
        ErrorKind::Conflict | ErrorKind::Refused => Status::Conflict,
        ErrorKind::Unavailable | ErrorKind::Corrupt | ErrorKind::Schema => Status::Unavailable,
        ErrorKind::Invalid => status_of_request(error),
    };
    let message = match error {
        UseCaseError::Store(store) => chain(anyhow::Chain::new(store)),
        other => other.to_string(),
    };
    let failure = Failure::new(status, error.code(), message);
    match error {
        // The message of each problem holds its help.
        UseCaseError::Invalid(problems) => {
            failure.errors(problems.iter().map(|problem| json!(problem)).collect())
        }
        UseCaseError::Store(store) => helped(failure, store),
        _ => Failure { body: ErrorBody { help: error.help(), ..failure.body }, ..failure },
    }
}

/// A context that only the schema refuses is a matter of the data; all else is wrong usage.
fn status_of_request(error: &UseCaseError) -> Status {
    match error {
        UseCaseError::Invalid(problems) if problems.iter().all(|problem| problem.code == "schema") => {
            Status::Failed
        }
        _ => Status::Usage,
    }
}

fn of_store(store: &StoreError, error: &anyhow::Error) -> Failure {
    let code = match store {
        StoreError::Unstorable { .. } => "not_storable",
        StoreError::Refused(rejection) => rejection.code,
        StoreError::Corrupt(_) => "database_corrupt",
        StoreError::Schema(_) => "schema_mismatch",
        _ => "database_unavailable",
    };
    let status = if matches!(store, StoreError::Refused(_)) { Status::Conflict } else { Status::Unavailable };
    helped(Failure::new(status, code, chain(error.chain())), store)
}

/// A failure of the database with what to do about it, where its message does not say that.
fn helped(failure: Failure, store: &StoreError) -> Failure {
    match store {
        StoreError::Unavailable { .. } => failure.help(
            "see that the database is there, can be reached and written to, and has space, and that --database-url (or \
             TASKER_DATABASE_URL) names the right one; then try again",
        ),
        StoreError::OutcomeUnknown { .. } => {
            failure.help("it may have been done all the same: look before you try again")
        }
        StoreError::Blocked { .. } => failure.help("try again when whoever holds these tasks is done"),
        StoreError::Refused(rejection) => {
            Failure { body: ErrorBody { help: rejection.help.clone(), ..failure.body }, ..failure }
        }
        _ => failure,
    }
}

/// An error and its causes in one line; what a cause only repeats is left out.
fn chain(errors: anyhow::Chain<'_>) -> String {
    let mut text = String::new();
    for error in errors {
        let part = error.to_string();
        if text.is_empty() {
            text = part;
        } else if !text.contains(&part) {
            text = format!("{text}: {part}");
        }
    }
    clean(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use tasker_core::request::RequestProblem;

    use super::*;

    fn status_of(error: impl Into<anyhow::Error>) -> (u8, String) {
        let failure = failure_of(&error.into());
        (failure.status as u8, failure.body.code)
    }

    fn problem(code: &'static str) -> RequestProblem {
        RequestProblem { code, pointer: "/context/a".into(), message: "wrong".into(), help: None }
    }

    #[test]
    fn each_kind_of_failure_has_its_status() {
        let missing = UseCaseError::NotFound { code: "task_not_found", message: "no".into(), help: None };
        let conflict = UseCaseError::Conflict {
            code: "version_content_changed",
            message: "no".into(),
            help: None,
            task: None,
        };
        assert_eq!(status_of(missing), (4, "task_not_found".into()));
        assert_eq!(status_of(conflict), (5, "version_content_changed".into()));
        assert_eq!(status_of(UseCaseError::Invalid(vec![problem("schema")])), (1, "schema".into()));
        assert_eq!(
            status_of(UseCaseError::Invalid(vec![problem("schema"), problem("too_long")])),
            (2, "schema".into())
        );
        assert_eq!(
            status_of(UseCaseError::Store(StoreError::Corrupt("bad".into()))),
            (6, "database_corrupt".into())
        );
        assert_eq!(status_of(StoreError::Schema("newer".into())), (6, "schema_mismatch".into()));
        assert_eq!(status_of(ConfigError(Vec::new())), (3, "invalid_configuration".into()));
        assert_eq!(status_of(Failure::new(Status::Usage, "x", "y")), (2, "x".into()));
    }

    #[test]
    fn a_message_holds_its_causes_once() {
        let source = std::io::Error::other("disk on fire");
        let store = StoreError::Unavailable { trying: "opening x".into(), source: source.into() };
        let failure = failure_of(&UseCaseError::Store(store).into());
        assert_eq!(failure.body.message, "opening x: the database cannot be used now: disk on fire");
    }
}
