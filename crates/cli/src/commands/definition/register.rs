//! `tasker definition register`.

use std::process::ExitCode;

use serde_json::{Value, json};
use tasker_core::definition::Definition;
use tasker_store::definitions::Registered;

use super::loading::{self, LoadedFile};
use super::validate::{checks, refuse};
use crate::args::RegisterArgs;
use crate::catalog::Catalog;
use crate::exit::Status;
use crate::open::{self, Access};
use crate::output::problems::FileProblem;
use crate::session::Session;

/// Stores definition files: all of them, or none if one is invalid.
pub async fn run(args: &RegisterArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let sources = loading::read_all(&args.paths)?;
    let unknowing = Catalog::unknowing();
    let offline = checks(&args.loading, &unknowing);
    refuse(&problems(&loading::check_all(&sources, &offline, session)), false, session)?;
    let engine = open::engine(session, Access::Create).await?;
    let catalog = match &args.loading.handlers_from {
        Some(path) => Catalog::of_file(path)?,
        None => Catalog::of_workers(&engine).await?,
    };
    let files = loading::check_all(&sources, &checks(&args.loading, &catalog), session);
    let problems = problems(&files);
    refuse(&problems, args.loading.strict, session)?;
    loading::show(&problems, session);
    let definitions: Vec<Definition> = files.into_iter().filter_map(|file| file.definition).collect();
    let mut rows = Vec::new();
    for definition in definitions {
        let name = definition.full_name();
        let registered = engine.register(definition, args.allow_replace).await?;
        rows.push((name, registered));
    }
    engine.shutdown().await;
    let document =
        json!({"definitions": rows.iter().map(|(name, what)| row(name, *what)).collect::<Vec<_>>()});
    session
        .printer
        .result(&document, || rows.iter().map(|(name, what)| format!("{name}: {}\n", word(*what))).collect());
    Ok(Status::Ok.into())
}

fn problems(files: &[LoadedFile]) -> Vec<FileProblem> {
    files.iter().flat_map(|file| file.problems.clone()).collect()
}

fn row(name: &str, registered: Registered) -> Value {
    json!({"full_name": name, "outcome": word(registered)})
}

fn word(registered: Registered) -> &'static str {
    match registered {
        Registered::Created => "created",
        Registered::Replaced => "replaced",
        Registered::Unchanged => "unchanged",
        Registered::ContentChanged => "refused",
    }
}
