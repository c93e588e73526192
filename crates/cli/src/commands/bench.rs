//! `tasker bench ...`.

use std::error::Error;
use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use tasker_bench::{
    BenchError, BenchOptions, CeilingOptions, Host, Opener, ShapeKind, Submission, WorkerCommand,
};

use super::made;
use crate::args::{
    BenchArgs, BenchCommand, BenchRunArgs, BenchWorkerArgs, CeilingArgs, MadeArgs, WorkloadArgs,
};
use crate::exit::{Failure, Status};
use crate::open;
use crate::session::Session;
use crate::signals::Signals;

/// Measures.
pub async fn run(args: BenchArgs, session: &Session) -> anyhow::Result<ExitCode> {
    match args.command {
        Some(BenchCommand::Worker(args)) => work(args, session).await,
        Some(BenchCommand::Ceiling(args)) => ceiling(args, session).await,
        None => engine(args.run, session).await,
    }
}

async fn engine(args: BenchRunArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let concurrency = args.concurrency.map(|n| n as usize);
    let host = host(args.made, concurrency, session)?;
    let options = BenchOptions {
        shape: shape(&args.workload),
        steps: args.workload.steps.map(|n| n as usize),
        tasks: args.workload.tasks as usize,
        payload_bytes: args.workload.payload as usize,
        failure_rate: args.failure_rate,
        submission: if args.bulk { Submission::Bulk } else { Submission::Callers(args.callers as usize) },
        handler_wait: args.handler_wait(),
        workers: args.workers as usize,
        idle_tasks: args.idle_tasks as usize,
        history_steps: args.history as usize,
        waiting_tasks: args.waiting as usize,
        with_ceiling: args.with_ceiling,
        runs: args.workload.runs as usize,
    };
    let say = |text: &str| session.printer.note(text);
    let mut signals = Signals::new()?;
    let report = tokio::select! {
        report = tasker_bench::measure(&options, &host, &say) => report.map_err(told)?,
        status = signals.next() => return Ok(status.into()),
    };
    session.printer.result(&report, || report.text());
    Ok(Status::Ok.into())
}

async fn ceiling(args: CeilingArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let host = host(args.made, None, session)?;
    let options = CeilingOptions {
        shape: shape(&args.workload),
        steps: args.workload.steps.map(|n| n as usize),
        tasks: args.workload.tasks as usize,
        payload_bytes: args.workload.payload as usize,
        runs: args.workload.runs as usize,
    };
    let say = |text: &str| session.printer.note(text);
    let mut signals = Signals::new()?;
    let report = tokio::select! {
        report = tasker_bench::measure_ceiling(&options, &host, &say) => report.map_err(told)?,
        status = signals.next() => return Ok(status.into()),
    };
    session.printer.result(&report, || report.text());
    Ok(Status::Ok.into())
}

async fn work(args: BenchWorkerArgs, session: &Session) -> anyhow::Result<ExitCode> {
    tasker_bench::work(opener(), engine_options(args.concurrency, session)).await.map_err(told)?;
    Ok(Status::Ok.into())
}

fn host(args: MadeArgs, concurrency: Option<usize>, session: &Session) -> anyhow::Result<Host> {
    Ok(Host {
        place: made::place(args.database, "measure", session)?,
        keep: args.keep,
        open: opener(),
        engine: engine_options(concurrency, session),
        worker: worker(concurrency, session)?,
    })
}

fn opener() -> Opener {
    Arc::new(|url| Box::pin(open::made(url)))
}

fn engine_options(concurrency: Option<usize>, session: &Session) -> tasker_engine::EngineOptions {
    let mut options = open::options(&session.settings);
    options.max_concurrent_steps = concurrency.unwrap_or(options.max_concurrent_steps);
    options
}

/// This program again, with the same configuration.
fn worker(concurrency: Option<usize>, session: &Session) -> anyhow::Result<WorkerCommand> {
    let mut arguments: Vec<OsString> = vec!["bench".into(), "worker".into()];
    if let Some(concurrency) = concurrency {
        arguments.extend(["--concurrency".into(), concurrency.to_string().into()]);
    }
    if let Some(config) = &session.globals.config {
        arguments.extend(["--config".into(), config.into()]);
    }
    Ok(WorkerCommand { program: std::env::current_exe()?, arguments })
}

fn shape(args: &WorkloadArgs) -> ShapeKind {
    ShapeKind::from_name(&args.shape).expect("only names of shapes are accepted")
}

/// What is told of a failure.
fn told(error: BenchError) -> anyhow::Error {
    match error {
        BenchError::UseCase(error) => error.into(),
        BenchError::Store(error) => error.into(),
        BenchError::Wrong(_) => Failure::new(Status::Failed, "bench_wrong", error.to_string()).into(),
        BenchError::Scratch(_)
        | BenchError::Io { .. }
        | BenchError::Sqlite { .. }
        | BenchError::Postgres { .. }
        | BenchError::Url(_) => {
            let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            Failure::new(Status::Unavailable, "database_unavailable", format!("{error}{source}")).into()
        }
        BenchError::Worker { .. } | BenchError::Stalled { .. } => error.into(),
    }
}
