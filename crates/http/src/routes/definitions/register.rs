//! `POST /definitions`: registers a definition.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use tasker_core::definition::{self, Definition, LoadOptions, Loaded, Severity};
use tasker_core::plan::Plan;
use tasker_core::request::RequestProblem;
use tasker_store::definitions::Registered;
use tasker_wire::{DefinitionFile, ProblemEntry, RegisteredReply, RegistrationOutcome};

use crate::call::Call;
use crate::operation::{Kind, Operation, Parameter};
use crate::reply::{Problem, codes, json};
use crate::request::definition_source::{DefinitionSource, MEDIA};
use crate::routes::handlers::parts;
use crate::state::ApiState;

const REPLACE: Parameter = Parameter {
    name: "replace",
    kind: Kind::Flag,
    about: "Whether other content under the same version is replaced; tasks that run keep what they have",
};

pub(crate) fn operation() -> Operation {
    Operation::new("register_definition", "Register a definition")
        .description(
            "The body is what a definition file holds. The same content again changes nothing. Whoever may register \
             definitions decides what workers do: they resolve `${NAME}` in settings from their own environment.",
        )
        .query(&[REPLACE])
        .free_body::<DefinitionFile>(MEDIA)
        .reply::<RegisteredReply>(201, "The version is new")
        .reply::<RegisteredReply>(200, "The version had this content already, or was replaced")
        .problems(&[&codes::VERSION_CONTENT_CHANGED])
}

/// Registers a definition.
pub(crate) async fn register_definition(
    State(api): State<ApiState>,
    call: Call,
    source: DefinitionSource,
) -> Result<Response, Problem> {
    let (definition, warnings) = checked(load(&api, source.0).await?)?;
    call.permit_in(&definition.namespace)?;
    let plan = Plan::new(definition.clone());
    let registered = api.engine.register(definition, call.query.flag(REPLACE.name)).await.map_err(refusal)?;
    let (status, outcome) = outcome(registered);
    let definition = parts::definition(&call, &plan);
    Ok(json(status, &RegisteredReply { definition, outcome, warnings }))
}

/// Reads a definition where nobody waits: it may be large.
async fn load(api: &ApiState, text: String) -> Result<Loaded, Problem> {
    let api = api.clone();
    let load = move || {
        let options = LoadOptions {
            environment: &api.options.environment,
            handlers: &*api.options.catalog,
            ..LoadOptions::default()
        };
        definition::load(&text, &options)
    };
    tokio::task::spawn_blocking(load).await.map_err(|error| {
        let problem = Problem::new(&codes::INTERNAL_ERROR, "the definition could not be read");
        problem.caused_by(error.to_string())
    })
}

/// The definition and what is to be said of it, or everything that is wrong with it.
fn checked(loaded: Loaded) -> Result<(Definition, Vec<ProblemEntry>), Problem> {
    let (errors, warnings): (Vec<_>, Vec<_>) =
        loaded.problems.into_iter().partition(|problem| problem.severity == Severity::Error);
    match loaded.definition {
        Some(definition) => Ok((definition, warnings.into_iter().map(entry).collect())),
        None => Err(Problem::invalid(errors.into_iter().map(wrong).collect())),
    }
}

fn wrong(problem: definition::Problem) -> RequestProblem {
    RequestProblem {
        message: placed(&problem),
        code: problem.code,
        pointer: problem.pointer,
        help: problem.help,
    }
}

fn entry(problem: definition::Problem) -> ProblemEntry {
    ProblemEntry {
        code: problem.code.into(),
        message: placed(&problem),
        pointer: Some(problem.pointer),
        parameter: None,
        help: problem.help,
    }
}

/// The message, with its place in the text: pointers are of the document as the environment changes it.
fn placed(problem: &definition::Problem) -> String {
    match (problem.line, problem.column) {
        (Some(line), Some(column)) => format!("line {line}, column {column}: {}", problem.message),
        _ => problem.message.clone(),
    }
}

fn outcome(registered: Registered) -> (StatusCode, RegistrationOutcome) {
    match registered {
        Registered::Created => (StatusCode::CREATED, RegistrationOutcome::Created),
        Registered::Replaced => (StatusCode::OK, RegistrationOutcome::Replaced),
        // The engine refuses other content; what comes here is the same.
        Registered::Unchanged | Registered::ContentChanged => {
            (StatusCode::OK, RegistrationOutcome::Unchanged)
        }
    }
}

/// What to do about other content is said in words of this API.
fn refusal(error: tasker_engine::UseCaseError) -> Problem {
    let is_other = error.code() == "version_content_changed";
    let problem = Problem::from(error);
    if !is_other {
        return problem;
    }
    problem.help(Some(
        "give it a new version, or replace it with ?replace=true; running tasks keep theirs".to_owned(),
    ))
}
