//! `tasker definition ...`.

mod diff;
pub mod either;
mod graph;
mod list;
pub mod loading;
mod register;
mod retire;
pub mod selector;
mod show;
pub mod startup;
mod validate;

use std::process::ExitCode;

use crate::args::DefinitionCommand;
use crate::session::Session;

/// Works with definitions.
pub async fn run(command: DefinitionCommand, session: &Session) -> anyhow::Result<ExitCode> {
    match command {
        DefinitionCommand::Validate(args) => validate::run(&args, session),
        DefinitionCommand::List(args) => list::all(args.namespace.as_ref(), session).await,
        DefinitionCommand::Versions(args) => list::versions(&args, session).await,
        DefinitionCommand::Show(args) => show::run(&args, session).await,
        DefinitionCommand::Register(args) => register::run(&args, session).await,
        DefinitionCommand::Retire(args) => retire::run(&args, session).await,
        DefinitionCommand::Diff(args) => diff::run(&args, session).await,
        DefinitionCommand::Graph(args) => graph::run(&args, session).await,
    }
}
