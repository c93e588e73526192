//! `tasker task bulk ...`.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use tasker_client::request::BulkAction;
use tasker_core::definition::ContextSchema;
use tasker_core::identity::IdentityStrategy;
use tasker_core::ids::TaskId;
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::request::{self, Acceptance, TaskRequest, text_problem};
use tasker_engine::UseCaseError;
use tasker_store::definitions::Selector;
use tasker_wire::request::{CreateTaskRequest, RequestDocument as _};
use uuid::Uuid;

use crate::args::{BulkActArgs, BulkCommand, BulkCreateArgs, BulkTasksArgs, NamedTask};
use crate::backend::{self, Acting, Backend};
use crate::exit::{Failure, Status, failure_of};
use crate::input;
use crate::open::Access;
use crate::output::bulk::{Outcome, Report};
use crate::session::Session;

/// A request that was read from a line, or what is wrong with it.
type Asked = Result<TaskRequest, Failure>;

/// Works with many tasks at once.
pub async fn run(command: BulkCommand, session: &Session) -> anyhow::Result<ExitCode> {
    match command {
        BulkCommand::Create(args) => create(&args, session).await,
        BulkCommand::Cancel(args) => act(BulkAction::Cancel, args, session).await,
        BulkCommand::Retry(args) => act(BulkAction::Retry, args, session).await,
        BulkCommand::Resume(which) => {
            let args = BulkActArgs { which, reason: None, actor: None };
            act(BulkAction::Resume, args, session).await
        }
        BulkCommand::Resolve(args) => {
            let args = BulkActArgs { which: args.which, reason: Some(args.reason), actor: args.actor };
            act(BulkAction::Resolve, args, session).await
        }
    }
}

async fn act(action: BulkAction, args: BulkActArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let BulkActArgs { which, reason, actor } = args;
    // Told once, not for each task.
    if let Some(problem) = reason.as_ref().and_then(|reason| text_problem("/reason", reason)) {
        return Err(UseCaseError::Invalid(vec![problem]).into());
    }
    let tasks = named(&which)?;
    let backend = backend::open(session, Access::Write).await?;
    let results = backend.act_on_all(action, &tasks, Acting { actor, reason }, which.dry_run).await?;
    backend.close().await;
    let outcomes = tasks.into_iter().zip(results).map(|(task, result)| (None, Some(task), result.err()));
    Ok(tell(word(action), which.dry_run, outcomes, session))
}

const fn word(action: BulkAction) -> &'static str {
    match action {
        BulkAction::Cancel => "cancel",
        BulkAction::Retry => "retry",
        BulkAction::Resume => "resume",
        BulkAction::Resolve => "resolve",
    }
}

/// The tasks that are named, each once.
fn named(which: &BulkTasksArgs) -> Result<Vec<TaskId>, Failure> {
    let mut tasks = Vec::new();
    for named in &which.tasks {
        match named {
            NamedTask::Task(id) => tasks.push(*id),
            NamedTask::Stdin => {
                for (line, text) in input::lines(Path::new("-"), "list of tasks")? {
                    tasks.push(text.trim().parse().map_err(|error| {
                        let message = format!("line {line} of standard input is no id of a task: {error}");
                        Failure::new(Status::Usage, "invalid_id", message)
                    })?);
                }
            }
        }
    }
    let mut seen = HashSet::new();
    tasks.retain(|task| seen.insert(*task));
    Ok(tasks)
}

async fn create(args: &BulkCreateArgs, session: &Session) -> anyhow::Result<ExitCode> {
    let asked = requests(&args.file)?;
    let access = if args.dry_run { Access::Read } else { Access::Write };
    let backend = backend::open(session, access).await?;
    let outcomes = match args.dry_run {
        true => check(&*backend, asked, session).await,
        false => submit(&*backend, asked).await?,
    };
    backend.close().await;
    Ok(tell("create", args.dry_run, outcomes, session))
}

/// The requests of a file, each with its line.
fn requests(file: &Path) -> Result<Vec<(usize, Asked)>, Failure> {
    let read = |(line, text): (usize, String)| {
        let object = Payload::object(&text, usize::MAX).map_err(|error| {
            let message = format!("line {line} of {} is no JSON object: {error}", input::name_of(file));
            Failure::new(Status::Usage, error.code(), message)
                .help("write one request a line; nothing was created")
        })?;
        let asked = CreateTaskRequest::read_object(&object)
            .map_err(|problems| failure_of(&UseCaseError::Invalid(problems).into()));
        Ok((line, asked))
    };
    input::lines(file, "list of requests")?.into_iter().map(read).collect()
}

type Told = (Option<usize>, Option<TaskId>, Option<Failure>);

/// Asks for all that can be read.
async fn submit(backend: &dyn Backend, asked: Vec<(usize, Asked)>) -> anyhow::Result<Vec<Told>> {
    let readable = asked.iter().filter_map(|(_, asked)| asked.as_ref().ok().cloned()).collect();
    let mut results = backend.submit_all(readable).await?.into_iter();
    let told = asked.into_iter().filter_map(|(line, asked)| {
        Some(match asked.and_then(|_| results.next().transpose()) {
            Ok(task) => (Some(line), Some(task?), None),
            Err(failure) => (Some(line), None, Some(failure)),
        })
    });
    Ok(told.collect())
}

/// Checks all against their definitions.
async fn check(backend: &dyn Backend, asked: Vec<(usize, Asked)>, session: &Session) -> Vec<Told> {
    let mut definitions = Definitions { backend, known: HashMap::new() };
    let mut told = Vec::with_capacity(asked.len());
    for (line, asked) in asked {
        let checked = match asked {
            Ok(request) => definitions.check(request, session.settings.limits.max_context_bytes).await,
            Err(failure) => Err(failure),
        };
        told.push((Some(line), None, checked.err()));
    }
    told
}

/// Definitions that were asked for, each once.
struct Definitions<'a> {
    backend: &'a dyn Backend,
    known: HashMap<String, Result<Arc<Checked>, Failure>>,
}

/// A definition with its schema.
struct Checked {
    plan: Arc<Plan>,
    schema: Option<ContextSchema>,
}

impl Definitions<'_> {
    async fn check(&mut self, request: TaskRequest, max_context_bytes: usize) -> Result<(), Failure> {
        let selector = Selector {
            namespace: request.namespace.clone(),
            name: request.name.clone(),
            version: request.version.clone(),
        };
        let found = self.find(&selector).await?;
        let acceptance = Acceptance {
            schema: found.schema.as_ref(),
            id: request.id.unwrap_or(TaskId(Uuid::nil())),
            identity: &IdentityStrategy::Default,
            max_context_bytes,
        };
        let checked = request::submission(request, &found.plan, &acceptance);
        checked.map(drop).map_err(|problems| failure_of(&UseCaseError::Invalid(problems).into()))
    }

    async fn find(&mut self, selector: &Selector) -> Result<Arc<Checked>, Failure> {
        let key = format!("{selector:?}");
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let found = match self.backend.plan(selector).await {
            Ok(plan) => ContextSchema::compile(&plan.definition)
                .map(|schema| Arc::new(Checked { plan, schema }))
                .map_err(|why| Failure::new(Status::Conflict, "invalid_context_schema", why)),
            Err(error) => Err(failure_of(&error)),
        };
        self.known.insert(key, found.clone());
        found
    }
}

/// Tells what came of each; the exit status tells whether any was refused.
fn tell(
    action: &'static str,
    dry_run: bool,
    told: impl IntoIterator<Item = Told>,
    session: &Session,
) -> ExitCode {
    let mut status = Status::Ok;
    let outcomes = told.into_iter().map(|(line, task_id, failure)| {
        match &failure {
            Some(Failure { status: Status::Unavailable, .. }) => status = Status::Unavailable,
            Some(_) if status == Status::Ok => status = Status::Failed,
            _ => {}
        }
        Outcome { line, task_id, error: failure.map(|failure| failure.body) }
    });
    let report = Report::new(action, dry_run, outcomes.collect());
    session.printer.result(&report, || report.text(session.printer.style()));
    status.into()
}
