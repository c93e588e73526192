//! `tasker definition register`.

use std::process::ExitCode;

use serde_json::{Value, json};
use tasker_core::definition::Definition;
use tasker_store::definitions::Registered;
use tasker_wire::RegistrationOutcome;

use super::loading::{self, LoadedFile};
use super::validate::{checks, refuse};
use crate::args::RegisterArgs;
use crate::backend::{self, Remote};
use crate::catalog::Catalog;
use crate::exit::{Failure, Status};
use crate::input::Source;
use crate::open::{self, Access};
use crate::output::problems::FileProblem;
use crate::session::Session;

/// Stores definition files: all of them, or none if one is invalid.
pub async fn run(args: &RegisterArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let sources = loading::read_all(&args.paths)?;
    let unknowing = Catalog::unknowing();
    let offline = checks(&args.loading, &unknowing);
    refuse(&problems(&loading::check_all(&sources, &offline, session)), false, session)?;
    if let Some(server) = backend::server(session)? {
        return through(&server, &sources, args, session).await;
    }
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
        rows.push((name, word(registered)));
    }
    engine.shutdown().await;
    show(&rows, session);
    Ok(Status::Ok.into())
}

/// Registers files, which were found valid here, on a server: it decides, by its own environment.
async fn through(
    server: &Remote,
    sources: &[Source],
    args: &RegisterArgs,
    session: &Session,
) -> anyhow::Result<ExitCode> {
    if session.globals.env.is_some() || args.loading.strict || args.loading.handlers_from.is_some() {
        let message = "--env, --strict and --handlers-from are not for servers: a server checks by its own";
        return Err(Failure::new(Status::Usage, "usage", message)
            .help("leave them out; `tasker definition validate` checks files with them")
            .into());
    }
    let mut rows = Vec::new();
    for source in sources {
        let Ok(text) = &source.text else { continue };
        let reply = server.register(text, args.allow_replace).await?;
        for warning in &reply.warnings {
            session.printer.warn(&format!("{}: {} [{}]", source.name, warning.message, warning.code));
        }
        let outcome = match reply.outcome {
            RegistrationOutcome::Created => Registered::Created,
            RegistrationOutcome::Replaced => Registered::Replaced,
            RegistrationOutcome::Unchanged => Registered::Unchanged,
        };
        rows.push((reply.definition.full_name, word(outcome)));
    }
    show(&rows, session);
    Ok(Status::Ok.into())
}

fn show(rows: &[(String, &'static str)], session: &Session) {
    let row = |(name, outcome): &(String, &str)| json!({"full_name": name, "outcome": outcome});
    let document = json!({"definitions": rows.iter().map(row).collect::<Vec<Value>>()});
    let text = || rows.iter().map(|(name, outcome)| format!("{name}: {outcome}\n")).collect();
    session.printer.result(&document, text);
}

fn problems(files: &[LoadedFile]) -> Vec<FileProblem> {
    files.iter().flat_map(|file| file.problems.clone()).collect()
}

fn word(registered: Registered) -> &'static str {
    match registered {
        Registered::Created => "created",
        Registered::Replaced => "replaced",
        Registered::Unchanged => "unchanged",
        Registered::ContentChanged => "refused",
    }
}
