//! Why a use case failed.

use tasker_core::decide::Rejection;
use tasker_core::ids::TaskId;
use tasker_core::names::Namespace;
use tasker_core::plan::Plan;
use tasker_core::request::RequestProblem;
use tasker_store::StoreError;

/// Why a use case failed. [`UseCaseError::code`] is stable; the text is for people.
#[derive(Debug, thiserror::Error)]
pub enum UseCaseError {
    /// There is no such thing.
    #[error("{message}")]
    NotFound {
        /// Stable code.
        code: &'static str,
        /// What was looked for, where.
        message: String,
        /// What exists instead.
        help: Option<String>,
    },
    /// The request breaks rules; every violation is listed.
    #[error("{}", list(.0))]
    Invalid(Vec<RequestProblem>),
    /// It contradicts what is stored.
    #[error("{message}")]
    Conflict {
        /// Stable code.
        code: &'static str,
        /// What contradicts what.
        message: String,
        /// What to do.
        help: Option<String>,
        /// The task that it contradicts, if it is one.
        task: Option<TaskId>,
    },
    /// A rule said no.
    #[error(transparent)]
    Refused(#[from] Rejection),
    /// The database failed.
    #[error("{0}")]
    Store(#[source] StoreError),
    /// The engine is shutting down.
    #[error("the engine is shutting down")]
    Stopped,
}

/// The kinds of failure that callers tell apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// There is no such thing.
    NotFound,
    /// The request breaks rules.
    Invalid,
    /// It contradicts what is stored.
    Conflict,
    /// A rule said no.
    Refused,
    /// The database cannot be used now.
    Unavailable,
    /// The database holds something unreadable.
    Corrupt,
    /// The database's schema is not one this program can use.
    Schema,
}

impl UseCaseError {
    /// There is no such task, or none that whoever asks may know of.
    pub fn task_not_found(id: TaskId) -> Self {
        Self::NotFound {
            code: "task_not_found",
            message: format!("there is no task {id}"),
            help: Some("list the tasks there are: tasker task list".into()),
        }
    }

    /// There is no such namespace.
    pub fn namespace_not_found(namespace: &Namespace) -> Self {
        Self::NotFound {
            code: "definition_not_found",
            message: format!("there is no namespace {namespace}"),
            help: Some("register a definition in it: tasker definition register FILE".into()),
        }
    }

    /// The task has no such step.
    pub fn step_not_found(task: TaskId, plan: &Plan, name: &str) -> Self {
        let names: Vec<&str> = plan.definition.steps.iter().take(20).map(|step| step.name.as_str()).collect();
        let more = if plan.definition.steps.len() > names.len() { ", ..." } else { "" };
        Self::NotFound {
            code: "step_not_found",
            message: format!("task {task} has no step {name:?}"),
            help: Some(format!("its steps are {}{more}", names.join(", "))),
        }
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        match self {
            Self::NotFound { code, .. } | Self::Conflict { code, .. } => code,
            Self::Invalid(problems) => problems.first().map_or("invalid_request", |problem| problem.code),
            Self::Refused(rejection) => rejection.code,
            Self::Store(
                StoreError::Unavailable { .. }
                | StoreError::OutcomeUnknown { .. }
                | StoreError::Blocked { .. },
            ) => "database_unavailable",
            Self::Store(StoreError::Unstorable { .. }) => "not_storable",
            Self::Store(StoreError::Withheld(_)) => "not_all_accepted",
            Self::Store(StoreError::Refused(rejection)) => rejection.code,
            Self::Store(StoreError::Corrupt(_)) => "database_corrupt",
            Self::Store(StoreError::Schema(_)) => "schema_mismatch",
            Self::Stopped => "stopped",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NotFound { help, .. } | Self::Conflict { help, .. } => help.clone(),
            Self::Refused(rejection) | Self::Store(StoreError::Refused(rejection)) => rejection.help.clone(),
            Self::Invalid(problems) => problems.first().and_then(|problem| problem.help.clone()),
            Self::Store(_) | Self::Stopped => None,
        }
    }

    /// Whether it is what was asked for that cannot be done, and not the database that failed.
    pub fn is_refusal(&self) -> bool {
        match self.kind() {
            ErrorKind::NotFound | ErrorKind::Invalid | ErrorKind::Conflict | ErrorKind::Refused => true,
            ErrorKind::Unavailable | ErrorKind::Corrupt | ErrorKind::Schema => false,
        }
    }

    /// The kind of failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Invalid(_) => ErrorKind::Invalid,
            Self::Conflict { .. } => ErrorKind::Conflict,
            Self::Refused(_) | Self::Store(StoreError::Refused(_)) => ErrorKind::Refused,
            Self::Store(StoreError::Corrupt(_)) => ErrorKind::Corrupt,
            Self::Store(StoreError::Schema(_)) => ErrorKind::Schema,
            Self::Store(_) | Self::Stopped => ErrorKind::Unavailable,
        }
    }
}

impl From<StoreError> for UseCaseError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(rejection) => Self::Refused(rejection),
            other => Self::Store(other),
        }
    }
}

fn list(problems: &[RequestProblem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
