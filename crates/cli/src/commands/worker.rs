//! `tasker worker ...`.

use std::process::ExitCode;
use std::sync::Arc;

use tasker_engine::{Scope, Worker};
use tasker_handlers::{COMMAND, ShippedCatalog};
use tasker_store::read::QueueDepth;
use tasker_store::workers::WorkerRow;
use tasker_telemetry::metrics::Metrics;

use super::definition::startup;
use crate::args::{WorkerCommand, WorkerRunArgs};
use crate::exit::Status;
use crate::monitor::Monitor;
use crate::open::{self, Access};
use crate::output::table::Table;
use crate::output::{Printer, Style, time};
use crate::session::Session;
use crate::signals::Signals;

/// Works with workers.
pub async fn run(command: WorkerCommand, session: &Session) -> anyhow::Result<ExitCode> {
    match command {
        WorkerCommand::Run(args) => work(args, session).await,
        WorkerCommand::List => list(session).await,
    }
}

async fn work(args: WorkerRunArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let handlers = open::handlers(&session.settings, args.allow_commands)?;
    let catalog = ShippedCatalog::of(&handlers);
    let monitor = Monitor::of(args.metrics_listen.as_deref(), &session.settings.metrics)?;
    let metrics = Metrics::new();
    let mut options = open::options(&session.settings);
    if monitor.is_some() {
        options.observer = Arc::new(metrics.clone());
    }
    options.worker_name = args.name.unwrap_or(options.worker_name);
    let name = options.worker_name.clone();
    let engine = open::engine_with(session, Access::Create, handlers, options).await?;
    let mut paths = session.settings.worker.definitions.clone();
    paths.extend(args.definitions);
    startup::register(&paths, &engine, &catalog, session).await?;
    let mut signals = Signals::new()?;
    let worker = engine.start_worker(Scope::All).await?;
    session.printer.note(&format!("worker {name} runs steps of {}", engine.schema().await?.location));
    let monitor = match monitor {
        Some(monitor) => Some(monitor.start(&engine, &metrics, &session.printer).await?),
        None => None,
    };
    let status = tokio::select! {
        status = signals.next() => Some(status),
        idle = worker.until_idle(), if args.until_idle => { idle?; None }
    };
    let cut_off = "the steps that were cut off are run again by another worker";
    stop(worker, &mut signals, status.map(|_| cut_off), &session.printer).await;
    if let Some(monitor) = monitor {
        monitor.stop().await;
    }
    let left = if status.is_none() { Some(engine.queue().await) } else { None };
    engine.shutdown().await;
    if let Some(queue) = left {
        session.printer.note(&nothing_left(&queue?));
    }
    Ok(status.unwrap_or(Status::Ok).into())
}

/// That nothing is left to run, or what is, but not for this worker.
fn nothing_left(queue: &[QueueDepth]) -> String {
    let told = |depth: &QueueDepth| {
        let allow = if depth.handler.as_str() == COMMAND { " (--allow-commands)" } else { "" };
        format!("{} of {}{allow}", depth.due, depth.handler)
    };
    let due: Vec<String> = queue.iter().filter(|depth| depth.due > 0).map(told).collect();
    match due.is_empty() {
        true => "nothing is left to run".into(),
        false => format!(
            "nothing is left that this worker serves; steps of other handlers are due: {}",
            due.join(", ")
        ),
    }
}

/// Stops a worker gracefully. A second signal ends the program at once; `advice` is what to tell then, if a first one
/// came.
pub async fn stop(worker: Worker, signals: &mut Signals, advice: Option<&str>, printer: &Printer) {
    let running = worker.running();
    if advice.is_some() && running > 0 {
        printer.note(&format!(
            "stopping: {running} running steps may finish; press Ctrl-C again to stop at once"
        ));
    }
    tokio::select! {
        () = worker.stop() => {}
        status = signals.next() => {
            printer.note(&format!("stopped at once; {}", advice.unwrap_or("nothing is lost")));
            std::process::exit(status as i32);
        }
    }
}

async fn list(session: &Session) -> anyhow::Result<ExitCode> {
    let engine = open::engine(session, Access::Read).await?;
    let workers = engine.workers().await?;
    let document = serde_json::json!({"workers": workers});
    session.printer.result(&document, || text(&workers, session.printer.style()));
    Ok(Status::Ok.into())
}

fn text(workers: &[WorkerRow], style: Style) -> String {
    if workers.is_empty() {
        return "no workers; start one with: tasker worker run".into();
    }
    let mut table =
        Table::new(&["WORKER", "NAME", "STANDING", "RUNNING", "STARTED", "LAST SEEN", "HANDLERS"]);
    for worker in workers {
        let standing = match (worker.stopped_at, worker.lost_at) {
            (Some(_), _) => "stopped",
            (None, Some(_)) => "lost",
            (None, None) => "live",
        };
        let handlers: Vec<&str> = worker.handlers.iter().map(|name| name.as_str()).collect();
        table.row([
            worker.id.to_string(),
            worker.name.clone(),
            standing.into(),
            format!("{}/{}", worker.running, worker.capacity),
            time::local(worker.started_at),
            time::local(worker.heartbeat_at),
            handlers.join(","),
        ]);
    }
    table.render(style)
}
