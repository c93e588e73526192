//! From failures of calls to a server to failures of commands: the same statuses and codes as over a database.

use serde_json::json;
use tasker_client::{Error, InvalidClient, Problem};
use tasker_core::text::chain;
use tasker_wire::{ProblemDocument, ProblemEntry};

use crate::backend::Token;
use crate::exit::{Failure, Status};

/// The codes of the API that have another name on the command line than their own in lower case.
const RENAMED: &[(&str, &str)] = &[
    ("DUPLICATE_TASK", "duplicate_request"),
    ("HANDLER_NOT_FOUND", "definition_not_found"),
    ("ROUTE_NOT_FOUND", "server_not_understood"),
    ("SERVICE_UNAVAILABLE", "server_unavailable"),
    ("TIMEOUT", "server_unavailable"),
    ("INTERNAL_ERROR", "server_failed"),
];

/// What a failed call means.
pub fn of(error: &Error, token: &Token) -> Failure {
    match error {
        Error::Refused(problem) => of_problem(problem, token),
        Error::Transport { is_unreachable, .. } => {
            let message = chain(error);
            let failure = Failure::new(Status::Unavailable, "server_unreachable", message);
            failure.help(if *is_unreachable {
                "see that the server runs and can be reached, and that --server (or TASKER_SERVER_URL) names it; then \
                 try again"
            } else {
                "it may have been done all the same: look before you try again"
            })
        }
        Error::Decoding { .. } => {
            Failure::new(Status::Unavailable, "server_not_understood", error.to_string()).help(
                "see that --server (or TASKER_SERVER_URL) names a server of Tasker, with the path that its routes begin \
                 with, such as http://localhost:8080/tasker, and of this version",
            )
        }
    }
}

/// What it means that a part of a request failed.
pub fn of_part(document: ProblemDocument, token: &Token) -> Failure {
    of_problem(&Problem { document, retry_after: None }, token)
}

/// What a failed call for a list means: a cursor that belongs elsewhere has its own code.
pub fn of_list(error: &Error, token: &Token) -> Failure {
    let problem = error.problem().filter(|problem| problem.code() == "INVALID_PARAMETER");
    let entry = problem.and_then(|problem| problem.errors().first());
    match (problem, entry) {
        (Some(problem), Some(entry)) if entry.parameter.as_deref() == Some("cursor") => {
            let failure = Failure::new(Status::Usage, "invalid_cursor", entry.message.clone());
            failure.help(problem.document.help.clone().unwrap_or_default())
        }
        _ => of(error, token),
    }
}

/// What a failed registration means: the file is to blame for what is wrong in it.
pub fn of_registration(error: &Error, token: &Token) -> Failure {
    let failure = of(error, token);
    match error.problem().map(Problem::code) {
        Some("VALIDATION_FAILED") => Failure { status: Status::Invalid, ..failure },
        Some("VERSION_CONTENT_CHANGED") => failure
            .help("give it a new version, or replace it with --allow-replace; running tasks keep theirs"),
        _ => failure,
    }
}

/// A client that cannot be made.
pub fn invalid_client(error: &InvalidClient, token: &Token) -> Failure {
    match error {
        InvalidClient::Address { .. } => {
            Failure::new(Status::Invalid, "invalid_server_url", error.to_string())
        }
        InvalidClient::Token => {
            let message = format!("{} cannot be used: it must be one word of visible ASCII", token.source());
            Failure::new(Status::Usage, "invalid_token", message)
        }
        InvalidClient::Setup(_) => Failure::new(Status::Unavailable, "client_unusable", chain(error)),
    }
}

fn of_problem(problem: &Problem, token: &Token) -> Failure {
    match problem.status() {
        401 => return unknown_caller(problem, token),
        403 => return forbidden(problem, token),
        _ => {}
    }
    let code = RENAMED.iter().find(|(name, _)| *name == problem.code());
    let code = code.map_or_else(|| problem.code().to_lowercase(), |(_, code)| (*code).to_owned());
    let failure = Failure::new(status_of(problem), &code, problem.to_string());
    if is_of_body(problem) {
        return invalid(problem, failure);
    }
    match &problem.document.help {
        Some(help) => failure.help(help.clone()),
        None if problem.status() >= 500 => {
            failure.help(format!("try again; its log tells more about request {}", problem.request_id()))
        }
        None => failure,
    }
}

/// A request that breaks rules is told as if it had never left this program.
fn invalid(problem: &Problem, failure: Failure) -> Failure {
    let told: Vec<String> = problem.errors().iter().map(line).collect();
    let errors = problem.errors().iter().map(|entry| json!(entry)).collect();
    let code = problem.errors().first().map(|entry| entry.code.clone());
    let code = code.unwrap_or_else(|| failure.body.code.clone());
    Failure::new(failure.status, &code, told.join("\n")).errors(errors)
}

fn is_of_body(problem: &Problem) -> bool {
    let errors = problem.errors();
    !errors.is_empty() && errors.iter().all(|entry| entry.pointer.is_some())
}

fn line(entry: &ProblemEntry) -> String {
    let place = entry.pointer.as_deref().unwrap_or_default().trim_start_matches('/').replace('/', ".");
    let place = if place.is_empty() { place } else { format!("{place}: ") };
    let help = entry.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{place}{}{help}", entry.message)
}

fn status_of(problem: &Problem) -> Status {
    match (problem.status(), problem.code()) {
        (_, "HANDLER_NOT_FOUND") => Status::NotFound,
        // Nothing is at this address: another base path, or another version.
        (_, "ROUTE_NOT_FOUND") | (405 | 429 | 500.., _) => Status::Unavailable,
        (_, "CONTEXT_SCHEMA_VIOLATION") => Status::Failed,
        (_, "IDEMPOTENCY_KEY_REUSED") | (409 | 412, _) => Status::Conflict,
        (404, _) => Status::NotFound,
        _ => Status::Usage,
    }
}

fn unknown_caller(problem: &Problem, token: &Token) -> Failure {
    let message = format!("the server does not know who asks, with {}: {problem}", token.source());
    let help = if token.is_there() {
        "see that the token is of this server, and neither revoked nor expired"
    } else {
        "give a token: in TASKER_TOKEN, or in a file with --token-file FILE (or TASKER_TOKEN_FILE)"
    };
    Failure::new(Status::Unavailable, "authentication_failed", message).help(help)
}

fn forbidden(problem: &Problem, token: &Token) -> Failure {
    let message = format!("the server does not allow this with {}: {problem}", token.source());
    let failure = Failure::new(Status::Unavailable, "authorization_failed", message);
    failure.help(problem.document.help.clone().unwrap_or_else(|| {
        "use the token of somebody who may do this, or ask an administrator for the permission".into()
    }))
}
