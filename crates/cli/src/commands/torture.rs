//! `tasker torture ...`.

use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use tasker_engine::{Engine, Scope};
use tasker_handlers::{ShippedOptions, shipped};
use tasker_torture::{Host, Launch, TortureError, TortureOptions, TortureReport, torture, worker_options};
use tokio::io::AsyncReadExt as _;
use tokio_util::sync::CancellationToken;

use super::made;
use crate::args::{TortureArgs, TortureCommand, TortureRunArgs, TortureWorkerArgs};
use crate::exit::{Failure, Status};
use crate::open::{self, Access};
use crate::progress::Rounds;
use crate::session::Session;
use crate::signals::Signals;

/// Tortures.
pub async fn run(args: TortureArgs, session: &Session) -> anyhow::Result<ExitCode> {
    match args.command {
        Some(TortureCommand::Worker(args)) => work(args, session).await,
        None => start(args.run, session).await,
    }
}

async fn start(args: TortureRunArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let options = TortureOptions {
        time: Duration::from_secs(60 * u64::from(args.minutes)),
        workers: args.workers as usize,
        seed: args.seed.unwrap_or_else(any_seed),
    };
    let program = std::env::current_exe()?;
    let host = Host {
        place: made::place(args.database, "torture", session)?,
        keep: args.keep,
        open: Arc::new(|url| Box::pin(open::made(url))),
        launch: Box::new(move |url| launch(&program, url)),
    };
    let mut signals = Signals::new()?;
    let rounds = Rounds::new(options.time, session.printer);
    session.printer.note(&format!("torture for {} min, seed {}", args.minutes, options.seed));
    let stop = CancellationToken::new();
    let say = |news: tasker_torture::News<'_>| rounds.tell(news);
    let mut running = std::pin::pin!(torture(options, &host, &stop, &say));
    let interrupted = tokio::select! {
        ended = &mut running => return end(&ended.map_err(told)?, None, session),
        status = signals.next() => status,
    };
    stop.cancel();
    session.printer.note("the round that runs is ended; press Ctrl-C again to stop at once");
    tokio::select! {
        ended = &mut running => end(&ended.map_err(told)?, Some(interrupted), session),
        status = signals.next() => Ok(status.into()),
    }
}

fn end(report: &TortureReport, interrupted: Option<Status>, session: &Session) -> anyhow::Result<ExitCode> {
    session.printer.result(report, || report.text());
    Ok(match interrupted {
        _ if !report.findings.is_empty() => Status::Failed,
        Some(status) => status,
        None => Status::Ok,
    }
    .into())
}

fn any_seed() -> u64 {
    // Short, because people type it.
    u64::from(uuid::Uuid::new_v4().as_fields().0)
}

/// This program again, as a worker of that database. A password is nothing for a list of arguments.
fn launch(program: &Path, url: String) -> Launch {
    let program = program.to_owned();
    Box::new(move |name| {
        let mut command = Command::new(&program);
        command.args(["torture", "worker", "--name", name]).env("TASKER_DATABASE_URL", &url);
        command
    })
}

/// The engine's own settings and handlers, whatever is configured: they must be able to call the ledger.
async fn work(args: TortureWorkerArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let store = open::store(&open::database(session)?, Access::Write).await?;
    let engine = Engine::new(store, shipped(ShippedOptions::default()), worker_options(&args.name));
    let mut signals = Signals::new()?;
    let worker = engine.start_worker(Scope::All).await?;
    let status = tokio::select! {
        status = signals.next() => status,
        () = input_ends() => Status::Terminated,
    };
    worker.stop().await;
    engine.shutdown().await;
    Ok(status.into())
}

/// Whoever started this process is gone.
async fn input_ends() {
    let mut input = tokio::io::stdin();
    while matches!(input.read(&mut [0; 64]).await, Ok(n) if n > 0) {}
}

/// What is told of a failure.
fn told(error: TortureError) -> anyhow::Error {
    match error {
        TortureError::UseCase(error) => error.into(),
        TortureError::Store(error) => error.into(),
        TortureError::Scratch(_) | TortureError::Io { .. } | TortureError::Url(_) => {
            let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            Failure::new(Status::Unavailable, "database_unavailable", format!("{error}{source}")).into()
        }
        TortureError::Process { .. }
        | TortureError::Patience { .. }
        | TortureError::Unproven { .. }
        | TortureError::Workflow { .. } => {
            Failure::new(Status::Failed, "torture_failed", error.to_string()).into()
        }
    }
}
