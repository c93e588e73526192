//! What commands do: one file per command.

mod analyze;
mod auth;
mod bench;
pub mod completions;
pub mod config;
mod db;
mod definition;
mod dev;
mod events;
mod made;
mod run;
mod server;
mod serving;
mod step;
mod task;
mod torture;
pub mod version;
mod wait;
mod worker;

use std::process::ExitCode;

use crate::args::{Command, EventsCommand, TailArgs};
use crate::backend;
use crate::demo;
use crate::exit::Failure;
use crate::session::Session;

/// Does what a command line says.
pub async fn run(command: Command, session: &Session) -> anyhow::Result<ExitCode> {
    refuse(&command, session)?;
    match command {
        Command::Run(args) => run::run(args, session).await,
        Command::Dev(args) => dev::run(args, session).await,
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

/// Refuses what cannot be done through a server.
fn refuse(command: &Command, session: &Session) -> Result<(), Failure> {
    match command {
        Command::Run(_) => backend::refuse_flag("run", session),
        Command::Dev(_) => backend::refuse_flag("dev", session),
        Command::Worker(_) => backend::refuse_flag("worker", session),
        Command::Server(_) => backend::refuse_flag("server", session),
        Command::Db(_) => backend::refuse_flag("db", session),
        Command::Demo(_) => backend::refuse_flag("demo", session),
        Command::Bench(_) => backend::refuse_flag("bench", session),
        Command::Torture(_) => backend::refuse_flag("torture", session),
        Command::Events(EventsCommand::Tail(TailArgs { reader: None, .. })) => Ok(()),
        // What asks for the tasks that a server has must not be answered from another database.
        Command::Events(EventsCommand::Tail(_)) => backend::refuse("events tail --reader", session),
        Command::Events(EventsCommand::Readers) => backend::refuse("events readers", session),
        Command::Events(EventsCommand::Forget { .. }) => backend::refuse("events forget", session),
        // Keys are made where they are kept, by whoever may already open the database.
        Command::Auth(_) => backend::refuse("auth", session),
        Command::Analyze(_) | Command::Definition(_) | Command::Task(_) | Command::Step(_) => Ok(()),
        Command::Config(_) | Command::Completions { .. } | Command::Version => Ok(()),
    }
}
