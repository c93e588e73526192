//! What can go wrong for an embedder.

use tasker_core::definition::{Problem, Severity};
use tasker_core::names::InvalidName;
use tasker_core::payload::PayloadError;
use tasker_engine::UseCaseError;
use tasker_store::StoreError;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A definition is not valid; everything that is wrong with it is listed.
    #[error("the definition is not valid:{}", lines(.0))]
    Definition(Vec<Problem>),
    /// A name breaks its rule.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// A context is not JSON that can be stored.
    #[error("the context cannot be used: {0}")]
    Context(#[from] PayloadError),
    /// The builder was not told where tasks live.
    #[error("no store is given: call sqlite(), postgres(), temporary() or store() before build()")]
    NoStore,
    /// What was asked for needs a PostgreSQL database.
    #[error(
        "this engine has no PostgreSQL database to submit to in a transaction: call postgres() before build()"
    )]
    NotPostgres,
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine refused.
    #[error(transparent)]
    Refused(#[from] UseCaseError),
}

fn lines(problems: &[Problem]) -> String {
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    errors
        .map(|problem| format!("\n  {} [{}] at {}", problem.message, problem.code, problem.pointer))
        .collect()
}
