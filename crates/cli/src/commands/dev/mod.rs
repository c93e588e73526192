//! `tasker dev`: everything in one process, for whoever writes workflows.

mod example;
mod folder;
mod watch;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use self::folder::Folder;
use self::watch::Watch;
use super::serving::{Listen, Prepared};
use crate::args::{DevArgs, Globals};
use crate::exit::{Failure, Status};
use crate::session::Session;

/// Folder of the database, unless told otherwise.
const DATA_FOLDER: &str = ".tasker";

/// Folder of definitions, unless told otherwise.
const DEFINITIONS: &str = "workflows";

/// How often it is looked whether files changed.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Serves, runs steps, and registers what is written, until it is stopped.
pub async fn run(args: DevArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let session = &of_its_own(session)?;
    let paths = paths(args.definitions, session)?;
    let listen = Listen { api: args.listen.as_deref(), metrics: None };
    let prepared = Prepared::new(listen, args.allow_commands, session).await?;
    keep_out_of_git(session);
    let catalog = prepared.catalog.clone();
    let mut folder = Folder::new(prepared.engine.clone(), &catalog, session);
    let mut watch = Watch::new(paths.clone());
    for file in watch.first() {
        folder.register(&file).await;
    }
    let mut serving = prepared.serve(true, session).await?;
    let location = serving.engine.schema().await?.location;
    let welcome = example::welcome(
        &serving.url,
        &location,
        &paths,
        folder.definitions(),
        session.settings.metrics.enabled,
    );
    session.printer.note(&welcome);
    let status = tokio::select! {
        status = serving.until_signal() => status?,
        never = follow(&mut watch, &mut folder) => match never {},
    };
    serving.stop(status, session).await
}

/// The same session with a database of its own, and the page that shows the API.
fn of_its_own(session: &Session) -> Result<Session, Failure> {
    if session.globals.database_url.is_some() {
        let message = "dev replaces definitions, so it works on an embedded database of its own";
        return Err(Failure::new(Status::Usage, "usage", message)
            .help("leave --database-url out, or use `tasker server run`, which replaces nothing"));
    }
    let folder = session.globals.data_dir.clone().unwrap_or_else(|| PathBuf::from(DATA_FOLDER));
    let mut settings = session.settings.clone();
    settings.data_dir = Some(folder.clone());
    settings.api.docs = true;
    let globals = Globals { data_dir: Some(folder), ..session.globals.clone() };
    Ok(Session { globals, settings, printer: session.printer })
}

/// What is watched. What was named must be there; the usual folder may come.
fn paths(named: Vec<PathBuf>, session: &Session) -> Result<Vec<PathBuf>, Failure> {
    let mut paths = session.settings.worker.definitions.clone();
    paths.extend(named);
    if let Some(missing) = paths.iter().find(|path| !path.exists()) {
        let message = format!("there is no definition file and no folder {}", missing.display());
        return Err(Failure::new(Status::Invalid, "io_error", message));
    }
    if paths.is_empty() {
        paths.push(PathBuf::from(DEFINITIONS));
    }
    Ok(paths)
}

/// The usual folder lies in the midst of somebody's sources.
fn keep_out_of_git(session: &Session) {
    let file = Path::new(DATA_FOLDER).join(".gitignore");
    if session.settings.data_dir.as_deref() == Some(Path::new(DATA_FOLDER)) && !file.exists() {
        // Without it the folder is merely seen.
        let _ = std::fs::write(file, "*\n");
    }
}

async fn follow(watch: &mut Watch, folder: &mut Folder<'_>) -> Infallible {
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        for change in watch.look() {
            folder.follow(change).await;
        }
    }
}
