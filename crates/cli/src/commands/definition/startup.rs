//! The definitions that a worker registers when it starts.

use std::path::PathBuf;

use tasker_core::definition::{Definition, HandlerCatalog, Unserved};
use tasker_engine::{Engine, UseCaseError};
use tracing::error;

use super::loading::{self, Checks, LoadedFile};
use crate::output::problems::FileProblem;
use crate::session::Session;

/// Registers what these files and folders define. A wrong one refuses all of them, or, where `worker.strict_startup`
/// is off, is logged and left out.
pub async fn register(
    paths: &[PathBuf],
    engine: &Engine,
    catalog: &dyn HandlerCatalog,
    session: &Session,
) -> anyhow::Result<()> {
    if paths.is_empty() {
        return Ok(());
    }
    let strict = session.settings.worker.strict_startup;
    // Variables are looked up by whichever worker runs a step, and handlers may be served by others.
    let checks =
        Checks { catalog, unserved: Unserved::Warning, all_environments: false, check_variables: false };
    let files = loading::check_all(&loading::read_all(paths)?, &checks, session);
    let problems: Vec<FileProblem> = files.iter().flat_map(|file| file.problems.clone()).collect();
    if strict && problems.iter().any(FileProblem::is_error) {
        return Err(loading::invalid(&problems, session).into());
    }
    loading::show(&problems, session);
    let definitions = files.into_iter().filter_map(|LoadedFile { definition, .. }| definition);
    for definition in definitions {
        store(definition, engine, strict).await?;
    }
    Ok(())
}

async fn store(definition: Definition, engine: &Engine, strict: bool) -> Result<(), UseCaseError> {
    let name = definition.full_name();
    match engine.register(definition, false).await {
        Ok(_) => Ok(()),
        Err(error @ UseCaseError::Conflict { .. }) if !strict => {
            error!(definition = name, %error, "a definition is left out");
            Ok(())
        }
        Err(error) => Err(error),
    }
}
