//! From definition files to definitions, with everything that is wrong with them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::json;
use tasker_core::definition::{Definition, HandlerCatalog, LoadOptions, Unserved, load};

use crate::args::Output;
use crate::exit::{Failure, Status};
use crate::input::{self, Source};
use crate::open;
use crate::output::problems::{FileProblem, count};
use crate::session::Session;

/// What files are checked against.
pub struct Checks<'a> {
    /// Knows the handlers.
    pub catalog: &'a dyn HandlerCatalog,
    /// What a handler that nobody serves means.
    pub unserved: Unserved,
    /// Whether the overrides of every environment are checked.
    pub all_environments: bool,
    /// Whether variables must be set.
    pub check_variables: bool,
}

/// What came of a file.
pub struct LoadedFile {
    /// What it defines, if it is valid.
    pub definition: Option<Definition>,
    /// What is wrong with it.
    pub problems: Vec<FileProblem>,
}

/// Checks the text of one file.
pub fn check(source: &Source, checks: &Checks<'_>, session: &Session) -> LoadedFile {
    let text = match &source.text {
        Ok(text) => text,
        Err(why) => {
            let problems = vec![FileProblem::unreadable(&source.name, why.clone())];
            return LoadedFile { definition: None, problems };
        }
    };
    let variables = open::variables();
    let lookup = |name: &str| variables.get(name).cloned();
    let loaded = load(
        text,
        &LoadOptions {
            environment: session.environment(),
            all_environments: checks.all_environments,
            variables: checks.check_variables.then_some(&lookup),
            handlers: checks.catalog,
            unserved: checks.unserved,
        },
    );
    let problems =
        loaded.problems.into_iter().map(|problem| FileProblem::new(&source.name, problem)).collect();
    LoadedFile { definition: loaded.definition, problems }
}

/// Checks the texts of several files.
pub fn check_all(sources: &[Source], checks: &Checks<'_>, session: &Session) -> Vec<LoadedFile> {
    sources.iter().map(|source| check(source, checks, session)).collect()
}

/// Reads all files that paths mean.
///
/// # Errors
/// A folder cannot be read, or holds no definition.
pub fn read_all(paths: &[PathBuf]) -> Result<Vec<Source>, Failure> {
    let unreadable =
        |error| Failure::new(Status::Invalid, "io_error", format!("a folder cannot be read: {error}"));
    let found = input::definition_files(paths).map_err(unreadable)?;
    if found.is_empty() {
        let message = "there are no *.yaml or *.yml files in these folders";
        return Err(Failure::new(Status::Invalid, "io_error", message));
    }
    Ok(found.iter().map(|path| input::definition(path)).collect())
}

/// Reads one file that must be valid. Warnings are shown.
///
/// # Errors
/// Everything that is wrong with it.
pub fn one(path: &Path, checks: &Checks<'_>, session: &Session) -> Result<Definition, Failure> {
    let loaded = check(&input::definition(path), checks, session);
    let Some(definition) = loaded.definition else { return Err(invalid(&loaded.problems, session)) };
    show(&loaded.problems, session);
    Ok(definition)
}

/// The failure that lists problems. In text form they are shown one by one.
pub fn invalid(problems: &[FileProblem], session: &Session) -> Failure {
    let files: BTreeSet<&str> = problems.iter().map(|problem| problem.file.as_str()).collect();
    let names: Vec<&str> = files.into_iter().collect();
    if session.printer.output() == Output::Text {
        show(problems, session);
    }
    let errors: Vec<&FileProblem> = problems.iter().filter(|problem| problem.is_error()).collect();
    let code = match errors.as_slice() {
        [only] => only.code,
        _ => "invalid_definition",
    };
    let message = format!("{} in {}", count(problems), names.join(", "));
    Failure::new(Status::Invalid, code, message)
        .errors(problems.iter().map(|problem| json!(problem)).collect())
}

/// Shows problems as messages.
pub fn show(problems: &[FileProblem], session: &Session) {
    let style = session.printer.message_style();
    for problem in problems {
        if problem.is_error() || !session.printer.is_quiet() {
            session.printer.styled(&problem.text(style));
        }
    }
}
