//! `tasker server ...`.

use std::process::ExitCode;

use super::definition::startup;
use super::serving::{Listen, Prepared};
use crate::args::{ServerCommand, ServerRunArgs};
use crate::session::Session;

/// Works with servers.
pub async fn run(command: ServerCommand, session: &Session) -> anyhow::Result<ExitCode> {
    match command {
        ServerCommand::Run(args) => serve(args, session).await,
    }
}

async fn serve(args: ServerRunArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let listen = Listen { api: args.listen.as_deref(), metrics: args.metrics_listen.as_deref() };
    let prepared = Prepared::new(listen, args.allow_commands, session).await?;
    let mut paths = session.settings.worker.definitions.clone();
    paths.extend(args.definitions);
    startup::register(&paths, &prepared.engine, &prepared.catalog, session).await?;
    let mut serving = prepared.serve(!args.no_worker, session).await?;
    let location = serving.engine.schema().await?.location;
    session.printer.note(&format!("serving {} with the tasks of {location}", serving.url));
    let status = serving.until_signal().await?;
    serving.stop(status, session).await
}
