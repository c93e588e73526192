//! `tasker analyze ...`.

use std::process::ExitCode;

use serde_json::json;
use tasker_core::graph::analysis::Analysis;
use tasker_core::ids::TaskId;
use tasker_engine::Engine;
use tasker_store::analytics::SlowestQuery;

use super::definition::either::{self, Place};
use crate::args::{AnalyzeCommand, MetricsArgs, SlowArgs, StaticArgs};
use crate::exit::Status;
use crate::open::{self, Access};
use crate::output::{analysis, analytics};
use crate::session::Session;

/// Looks at one task or definition, or at all tasks together.
pub async fn run(command: AnalyzeCommand, session: &Session) -> anyhow::Result<ExitCode> {
    let engine = async || open::engine(session, Access::Read).await;
    match command {
        AnalyzeCommand::Task(which) => task(&engine().await?, which.task, session).await?,
        AnalyzeCommand::Definition(args) => definition(&args, session).await?,
        AnalyzeCommand::Health => health(&engine().await?, session).await?,
        AnalyzeCommand::Metrics(args) => metrics(&engine().await?, &args, session).await?,
        AnalyzeCommand::Slow(args) => slow(&engine().await?, args, session).await?,
    }
    Ok(Status::Ok.into())
}

async fn task(engine: &Engine, task: TaskId, session: &Session) -> anyhow::Result<()> {
    let found = engine.analyze_task(task).await?;
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

async fn health(engine: &Engine, session: &Session) -> anyhow::Result<()> {
    let counts = engine.health_counts().await?;
    session.printer.result(&counts, || analytics::health(&counts, session.printer.style()));
    Ok(())
}

async fn metrics(engine: &Engine, args: &MetricsArgs, session: &Session) -> anyhow::Result<()> {
    let since = args.since.before(engine.now().await?);
    let metrics = engine.analytics(since).await?;
    session.printer.result(&metrics, || analytics::metrics(&metrics, session.printer.style()));
    Ok(())
}

async fn slow(engine: &Engine, args: SlowArgs, session: &Session) -> anyhow::Result<()> {
    let since = args.since.before(engine.now().await?);
    let limit = usize::try_from(args.limit)?;
    let query =
        SlowestQuery { since, limit, namespace: args.namespace, name: args.name, version: args.version };
    let style = session.printer.style();
    if args.steps {
        let steps = engine.slowest_steps(query).await?;
        session
            .printer
            .result(&json!({"since": since, "steps": steps}), || analytics::slow_steps(&steps, style));
    } else {
        let tasks = engine.slowest_tasks(query).await?;
        session
            .printer
            .result(&json!({"since": since, "tasks": tasks}), || analytics::slow_tasks(&tasks, style));
    }
    Ok(())
}
