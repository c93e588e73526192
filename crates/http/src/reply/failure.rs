//! From failures of use cases to problems: the one place.

use axum::http::StatusCode;
use tasker_core::text::chain;
use tasker_engine::{ErrorKind, UseCaseError};

use super::codes::{self, Code};
use super::problem::Problem;

/// Seconds after which it is worth trying again when the database cannot be used.
const RETRY_SECONDS: u64 = 2;

/// The engine's codes that have another name over HTTP.
const RENAMED: &[(&str, &Code)] = &[
    ("task_not_found", &codes::TASK_NOT_FOUND),
    ("not_found", &codes::TASK_NOT_FOUND),
    ("step_not_found", &codes::STEP_NOT_FOUND),
    ("definition_not_found", &codes::DEFINITION_NOT_FOUND),
    ("version_content_changed", &codes::VERSION_CONTENT_CHANGED),
    ("duplicate_request", &codes::DUPLICATE_TASK),
    ("idempotency_key_reused", &codes::IDEMPOTENCY_KEY_REUSED),
    ("precondition_failed", &codes::PRECONDITION_FAILED),
    ("invalid_state_transition", &codes::INVALID_STATE_TRANSITION),
    ("retry_limit_reached", &codes::RETRY_LIMIT_REACHED),
    ("out_of_range", &codes::VALIDATION_FAILED),
];

impl From<UseCaseError> for Problem {
    fn from(error: UseCaseError) -> Self {
        match error.kind() {
            ErrorKind::Invalid => match error {
                UseCaseError::Invalid(problems) => Self::invalid(problems),
                other => broken(&other),
            },
            ErrorKind::NotFound => told(&error, StatusCode::NOT_FOUND, "There is no such thing"),
            ErrorKind::Conflict => told(&error, StatusCode::CONFLICT, "It contradicts what is stored"),
            ErrorKind::Refused => told(&error, StatusCode::CONFLICT, "The engine's rules do not allow this"),
            ErrorKind::Unavailable => unavailable(&error),
            ErrorKind::Corrupt | ErrorKind::Schema => broken(&error),
        }
    }
}

/// What a rule or the database says of the request.
fn told(error: &UseCaseError, status: StatusCode, title: &'static str) -> Problem {
    let problem = match RENAMED.iter().find(|(name, _)| *name == error.code()) {
        Some((_, code)) => Problem::new(code, error.to_string()),
        None => Problem::named(status, error.code().to_uppercase().into(), title, error.to_string()),
    };
    let problem = problem.help(error.help());
    if let UseCaseError::Conflict { task: Some(task), .. } = error {
        return problem.with("task_id", task.to_string());
    }
    let UseCaseError::Refused(rejection) = error else { return problem };
    match rejection.change {
        Some(change) => problem.with("from", change.from).with("to", change.to),
        None => problem,
    }
}

fn unavailable(error: &UseCaseError) -> Problem {
    Problem::new(
        &codes::SERVICE_UNAVAILABLE,
        "the database cannot be used now; nothing is known to be wrong with the request",
    )
    .retry_after(RETRY_SECONDS)
    .caused_by(chain(error))
}

fn broken(error: &UseCaseError) -> Problem {
    Problem::new(&codes::INTERNAL_ERROR, "the request could not be served; the log of the server says why")
        .caused_by(chain(error))
}

#[cfg(test)]
mod tests {
    use tasker_core::decide::Rejection;
    use tasker_core::request::RequestProblem;
    use tasker_store::StoreError;

    use super::*;

    fn check(error: UseCaseError, status: u16, code: &str) {
        let document = Problem::from(error).document("r");
        assert_eq!((document.status, document.code.as_str()), (status, code), "{document:?}");
        assert_eq!(document.kind, format!("urn:tasker:problem:{}", code.to_lowercase()));
    }

    fn refused(code: &'static str) -> UseCaseError {
        UseCaseError::Refused(Rejection::new(code, "no"))
    }

    fn invalid(code: &'static str) -> RequestProblem {
        RequestProblem { code, pointer: "/context/a".into(), message: "wrong".into(), help: None }
    }

    #[test]
    fn each_failure_has_its_status_and_code() {
        let missing = UseCaseError::NotFound { code: "task_not_found", message: "no".into(), help: None };
        check(missing, 404, "TASK_NOT_FOUND");
        check(refused("invalid_state_transition"), 409, "INVALID_STATE_TRANSITION");
        check(refused("unreadable_task"), 409, "UNREADABLE_TASK");
        check(UseCaseError::Invalid(vec![invalid("schema")]), 422, "CONTEXT_SCHEMA_VIOLATION");
        check(UseCaseError::Invalid(vec![invalid("schema"), invalid("too_long")]), 422, "VALIDATION_FAILED");
        check(UseCaseError::Stopped, 503, "SERVICE_UNAVAILABLE");
        check(UseCaseError::Store(StoreError::Corrupt("secret".into())), 500, "INTERNAL_ERROR");
    }

    #[test]
    fn what_the_database_says_is_for_the_log_only() {
        let source = std::io::Error::other("SELECT secret FROM place");
        let store = StoreError::Unavailable { trying: "reading".into(), source: source.into() };
        let problem = Problem::from(UseCaseError::Store(store));
        assert!(problem.cause().unwrap().contains("SELECT secret"));
        assert!(!format!("{:?}", problem.document("r")).contains("SELECT"));
    }
}
