//! What commands do: one file per command.

mod analyze;
mod auth;
mod bench;
pub mod completions;
pub mod config;
mod db;
mod definition;
mod events;
mod made;
mod run;
mod server;
mod step;
mod task;
mod torture;
pub mod version;
mod wait;
mod worker;

use std::process::ExitCode;

use crate::args::Command;
use crate::demo;
use crate::session::Session;

/// Does what a command line says.
pub async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(args) => run::run(args, session).await,
        Command::Definition(command) => definition::run(command, session).await,
        Command::Task(command) => task::run(command, session).await,
        Command::Step(command) => step::run(command, session).await,
        Command::Events(command) => events::run(command, session).await,
        Command::Worker(command) => worker::run(command, session).await,
        Command::Server(command) => server::run(command, session).await,
        Command::Auth(command) => auth::run(command, session).await,
        Command::Analyze(command) => analyze::run(command, session).await,
        Command::Db(command) => db::run(command, session).await,
        Command::Demo(args) => demo::run(args, session).await,
        Command::Bench(args) => bench::run(args, session).await,
        Command::Torture(args) => torture::run(args, session).await,
        Command::Config(_) | Command::Completions { .. } | Command::Version => {
            unreachable!("they need no session")
        }
    }
}
