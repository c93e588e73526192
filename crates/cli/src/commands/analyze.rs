//! `tasker analyze ...`.

use std::process::ExitCode;
use std::sync::Arc;

use tasker_core::graph::analysis::Analysis;
use tasker_core::ids::TaskId;

use super::definition::either::{self, Place};
use crate::args::{AnalyzeCommand, MetricsArgs, SlowArgs, StaticArgs};
use crate::backend::{self, Backend, Slowest};
use crate::exit::Status;
use crate::open::Access;
use crate::output::{analysis, analytics};
use crate::session::Session;

/// Looks at one task or definition, or at all tasks together.
pub async fn run(command: AnalyzeCommand, session: &Session) -> anyhow::Result<ExitCode> {
    match command {
        AnalyzeCommand::Task(which) => task(which.task, session).await?,
        AnalyzeCommand::Definition(args) => definition(&args, session).await?,
        AnalyzeCommand::Health => health(session).await?,
        AnalyzeCommand::Metrics(args) => metrics(&args, session).await?,
        AnalyzeCommand::Slow(args) => slow(args, session).await?,
    }
    Ok(Status::Ok.into())
}

async fn open(session: &Session) -> anyhow::Result<Arc<dyn Backend>> {
    backend::open(session, Access::Read).await
}

async fn task(task: TaskId, session: &Session) -> anyhow::Result<()> {
    let found = open(session).await?.analyze_task(task).await?;
    session.printer.result(&found, || analysis::task(&found, session.printer.style()));
    Ok(())
}

async fn definition(args: &StaticArgs, session: &Session) -> anyhow::Result<()> {
    let place = Place::new(&args.definition, args.namespace.as_ref());
    let definition = either::find(&place, session).await?;
    let found = Analysis::of(&definition);
    session
        .printer
        .result(&found, || analysis::definition(&definition.full_name(), &found, session.printer.style()));
    Ok(())
}

async fn health(session: &Session) -> anyhow::Result<()> {
    let counts = open(session).await?.counts().await?;
    session.printer.result(&counts, || analytics::health(&counts, session.printer.style()));
    Ok(())
}

async fn metrics(args: &MetricsArgs, session: &Session) -> anyhow::Result<()> {
    let metrics = open(session).await?.metrics(args.since).await?;
    session.printer.result(&metrics, || analytics::metrics(&metrics, session.printer.style()));
    Ok(())
}

async fn slow(args: SlowArgs, session: &Session) -> anyhow::Result<()> {
    let wanted = Slowest {
        since: args.since,
        limit: usize::try_from(args.limit)?,
        namespace: args.namespace,
        name: args.name,
        version: args.version,
    };
    let (backend, style) = (open(session).await?, session.printer.style());
    if args.steps {
        let found = backend.slowest_steps(wanted).await?;
        session.printer.result(&found, || analytics::slow_steps(&found.steps, style));
    } else {
        let found = backend.slowest_tasks(wanted).await?;
        session.printer.result(&found, || analytics::slow_tasks(&found.tasks, style));
    }
    Ok(())
}
