//! `tasker run`: one task of a definition file, from its submission to its end, in this process.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use tasker_core::definition::{ContextSchema, Unserved};
use tasker_core::ids::TaskId;
use tasker_core::plan::Plan;
use tasker_core::request::{Acceptance, TaskRequest, submission};
use tasker_engine::handler::Handlers;
use tasker_engine::{Engine, EngineOptions, Scope, UseCaseError};
use tasker_handlers::{COMMAND, ShippedCatalog};

use super::definition::loading::{self, Checks};
use super::task::request;
use super::wait::show_ended;
use super::worker;
use crate::args::RunArgs;
use crate::backend::{Backend, Local};
use crate::exit::{Failure, Status};
use crate::open::{self, Access};
use crate::progress::{Begun, Follower};
use crate::session::Session;
use crate::signals::Signals;

/// Runs one task to its end, or goes on with one.
pub async fn run(args: RunArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let handlers = open::handlers(&session.settings, args.allow_commands)?;
    match (&args.file, args.resume) {
        (_, Some(id)) => {
            let engine =
                open::engine_with(session, Access::Write, handlers.clone(), options(session)).await?;
            let plan = engine.task(id).await?.detail.plan;
            require_handlers(&plan, &handlers)?;
            drive(engine, id, Begun::Before, session).await
        }
        (Some(file), None) => start(file, &args, handlers, session).await,
        (None, None) => {
            Err(Failure::new(Status::Usage, "usage", "name a definition file, or a task with --resume")
                .into())
        }
    }
}

fn options(session: &Session) -> EngineOptions {
    open::options(&session.settings)
}

/// Checks everything that can be checked before anything is stored, then stores and runs.
async fn start(
    file: &Path,
    args: &RunArgs,
    handlers: Handlers,
    session: &Session,
) -> anyhow::Result<ExitCode> {
    let catalog = ShippedCatalog::of(&handlers);
    let checks = Checks {
        catalog: &catalog,
        unserved: Unserved::Error,
        all_environments: false,
        check_variables: true,
    };
    let definition = loading::one(file, &checks, session)?;
    let options = options(session);
    let mut request =
        request::build(&args.request, definition.namespace.clone(), definition.name.clone(), session)?;
    request.version = Some(definition.version.clone());
    let plan = Plan::new(definition);
    let id = request.id.unwrap_or_else(|| TaskId(uuid::Uuid::now_v7()));
    refuse_early(&request, &plan, id, &options)?;
    let engine = open::engine_with(session, Access::Create, handlers, options).await?;
    engine.register(plan.definition.clone(), args.allow_replace).await?;
    request.id = Some(id);
    engine.submit(request).await?;
    session.printer.note(&format!("task {id}"));
    drive(engine, id, Begun::Now, session).await
}

/// The submission checks the request too, but by then the definition is stored.
fn refuse_early(
    request: &TaskRequest,
    plan: &Arc<Plan>,
    id: TaskId,
    options: &EngineOptions,
) -> Result<(), UseCaseError> {
    // A definition that was loaded has a valid schema.
    let schema = ContextSchema::compile(&plan.definition).unwrap_or_default();
    let acceptance = Acceptance {
        schema: schema.as_ref(),
        id,
        identity: &options.identity,
        max_context_bytes: options.max_context_bytes,
    };
    submission(request.clone(), plan, &acceptance).map(|_| ()).map_err(UseCaseError::Invalid)
}

fn require_handlers(plan: &Plan, handlers: &Handlers) -> Result<(), Failure> {
    let missing = plan.definition.steps.iter().find(|step| handlers.get(&step.handler).is_none());
    let Some(step) = missing else { return Ok(()) };
    let message =
        format!("step {} needs the handler {}, which this program does not have", step.name, step.handler);
    Err(Failure::new(Status::Invalid, "handler_not_found", message).help(match step.handler.as_str() {
        COMMAND => "it runs local programs: if you trust the definition, add --allow-commands",
        _ => "run it with a program that serves this handler",
    }))
}

/// Runs the steps of a task, and only those, until it ends or a signal comes.
async fn drive(engine: Engine, id: TaskId, begun: Begun, session: &Session) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::new()?;
    let backend: Arc<dyn Backend> = Arc::new(Local(engine.clone()));
    let mut follower = Follower::new(&backend, &backend.task(id).await?, begun, session.printer);
    let worker = engine.start_worker(Scope::Task(id)).await?;
    let signal = tokio::select! {
        ended = engine.wait(id, None) => { ended?; None }
        status = signals.next() => Some(status),
        () = follower.follow() => None,
    };
    let go_on = format!("go on with: {}", resume_command(id, session));
    // Stopping may take as long as steps run: what they do then is still shown.
    tokio::select! {
        () = worker::stop(worker, &mut signals, signal.map(|_| go_on.as_str()), &session.printer) => {}
        () = follower.follow() => {}
    }
    follower.finish().await;
    let is_open = engine.task(id).await?.detail.record.state.is_open();
    let code = match signal {
        Some(status) if is_open => {
            session.printer.note(&format!("task {id} is not done; {go_on}"));
            status.into()
        }
        _ => show_ended(&*backend, id, session).await?.into(),
    };
    engine.shutdown().await;
    Ok(code)
}

fn resume_command(id: TaskId, session: &Session) -> String {
    let globals = &session.globals;
    let mut command = format!("tasker run --resume {id}");
    if let Some(folder) = &globals.data_dir {
        command.push_str(&format!(" --data-dir {}", folder.display()));
    }
    if let Some(url) = &globals.database_url {
        command.push_str(&format!(" --database-url {url}"));
    }
    command
}
