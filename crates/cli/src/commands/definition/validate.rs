//! `tasker definition validate`.

use std::process::ExitCode;

use tasker_core::definition::{HandlerCatalog, Unserved};

use super::loading::{self, Checks};
use crate::args::{Loading, Output, ValidateArgs};
use crate::catalog::Catalog;
use crate::exit::{Failure, Status};
use crate::output::problems::{FileProblem, count};
use crate::session::Session;

/// Checks definition files.
pub fn run(args: &ValidateArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let catalog = match &args.loading.handlers_from {
        Some(path) => Catalog::of_file(path)?,
        None => Catalog::unknowing(),
    };
    let checks = Checks { all_environments: args.all_envs, ..checks(&args.loading, &catalog) };
    let sources = loading::read_all(&args.paths)?;
    let n_files = sources.len();
    let problems: Vec<FileProblem> =
        loading::check_all(&sources, &checks, session).into_iter().flat_map(|file| file.problems).collect();
    let is_bad = problems.iter().any(FileProblem::is_error) || (args.loading.strict && !problems.is_empty());
    if session.printer.output() == Output::Json {
        session.printer.document(&problems);
    } else {
        loading::show(&problems, session);
        let found = if problems.is_empty() { "valid".to_owned() } else { count(&problems) };
        let summary = format!("{n_files} file{}: {found}", if n_files == 1 { "" } else { "s" });
        if is_bad { session.printer.note(&summary) } else { session.printer.text(&summary) }
    }
    Ok(if is_bad { Status::Invalid.into() } else { Status::Ok.into() })
}

/// The checks that flags ask for.
pub fn checks<'a>(loading: &Loading, catalog: &'a dyn HandlerCatalog) -> Checks<'a> {
    let must_be_served = loading.strict || loading.handlers_from.is_some();
    Checks {
        catalog,
        unserved: if must_be_served { Unserved::Error } else { Unserved::Warning },
        all_environments: false,
        check_variables: !loading.ignore_missing_env,
    }
}

/// Refuses files with errors, or with warnings where those count.
pub fn refuse(problems: &[FileProblem], strict: bool, session: &Session) -> Result<(), Failure> {
    let is_bad = problems.iter().any(FileProblem::is_error) || (strict && !problems.is_empty());
    if is_bad { Err(loading::invalid(problems, session)) } else { Ok(()) }
}
