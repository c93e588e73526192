//! `GET /events`: everything that happens, as it happens.

use axum::extract::State;
use axum::http::request::Parts;
use axum::response::Response;
use tasker_core::event;
use tasker_core::ids::TaskId;
use tasker_store::read::Cursor;
use tasker_wire::{EventDocument, GapDocument};

use crate::call::Call;
use crate::events::{self, Span, Start, Wanted};
use crate::operation::{Kind, Operation, Parameter};
use crate::reply::Problem;
use crate::request::forms;
use crate::state::ApiState;

const AFTER: &str = "after";

const LAST_EVENT_ID: &str = "last-event-id";

/// Which events: the parameter that both routes have.
pub(crate) const EVENT: Parameter = Parameter {
    name: "event",
    kind: Kind::Choices(event::NAMES),
    about: "Only events of these names, with commas between",
};

/// Where to begin: the parameter that both routes have.
pub(crate) const BEGIN: Parameter = Parameter {
    name: AFTER,
    kind: forms::START_OR_LOG_CURSOR,
    about: "Begin after this position, which came as the `id` of an event; `start`: with the first event that there is. \
            `Last-Event-ID` goes before it",
};

/// How many to begin with: the parameter that both routes have.
pub(crate) const LAST: Parameter = Parameter {
    name: "last",
    kind: Kind::Count { min: 0, max: 10_000, default: None },
    about: "Begin with the last events of the log, so many, wanted or not; what else says where to begin goes before it",
};

/// Whether to go on: the parameter that both routes have.
pub(crate) const FOLLOW: Parameter = Parameter {
    name: "follow",
    kind: Kind::Flag,
    about: "`false`: end where the log ends, and wait for nothing; without it, the stream goes on",
};

/// Where to go on: the header that both routes have.
pub(crate) const HEADERS: &[Parameter] = &[Parameter {
    name: LAST_EVENT_ID,
    kind: forms::LOG_CURSOR,
    about: "The `id` of the last event that was received; the stream goes on after it",
}];

const QUERY: &[Parameter] = &[
    Parameter { name: "namespace", kind: forms::NAMESPACE, about: "Only of tasks in this namespace" },
    Parameter { name: "name", kind: forms::DEFINITION, about: "Only of tasks of this definition" },
    EVENT,
    BEGIN,
    LAST,
    FOLLOW,
];

pub(crate) fn operation() -> Operation {
    described(Operation::new("stream_events", "Tell what happens, as it happens"))
        .description(
            "Server-sent events: every change of a state of a task or a step, in the order in which they were committed; \
             those of one task in the order in which they happened. Begins now, unless it is said where. Each event has an \
             `id`: send the last one as `Last-Event-ID`, to this server or another one, and nothing is missed and nothing \
             comes twice. If events were deleted meanwhile, an event `gap` says so. Every 15 s without an event there is a \
             comment.",
        )
        .query(QUERY)
}

/// What both routes answer.
pub(crate) fn described(operation: Operation) -> Operation {
    operation
        .headers(HEADERS)
        .stream_reply::<EventDocument>(200, "Events; the schema is that of the data of each")
        .also_described::<GapDocument>()
}

/// Tells what happens where the caller may see it.
pub(crate) async fn stream_events(
    State(api): State<ApiState>,
    parts: Parts,
    call: Call,
) -> Result<Response, Problem> {
    let wanted = Wanted {
        namespace: call.query.parsed("namespace")?,
        definition: call.query.parsed("name")?,
        ..wanted(&call, None)?
    };
    let span = span(&call, Start::Now)?;
    events::open(api, call, parts, wanted, span).await
}

/// What is wanted of the events of a task, or of all that the caller may see.
pub(crate) fn wanted(call: &Call, task: Option<TaskId>) -> Result<Wanted, Problem> {
    let within = match task {
        // Whoever may see the task may see what happens to it.
        Some(_) => tasker_core::access::Extent::Everywhere,
        None => call.extent()?,
    };
    let names = call.query.words(EVENT.name).map(str::to_owned).collect();
    Ok(Wanted { task, within, namespace: None, definition: None, names })
}

/// Which part of the log the caller wants.
///
/// # Errors
/// Where it is to begin is no position.
pub(crate) fn span(call: &Call, otherwise: Start) -> Result<Span, Problem> {
    let follow = call.query.text(FOLLOW.name).is_none() || call.query.flag(FOLLOW.name);
    Ok(Span { start: start(call)?.unwrap_or(otherwise), follow })
}

fn start(call: &Call) -> Result<Option<Start>, Problem> {
    if let Some(last) = call.headers().get(LAST_EVENT_ID) {
        let position = last.to_str().ok().and_then(|text| text.parse::<Cursor>().ok());
        let told = "it is no position: send the id of an event as it came, or leave it out";
        return match position {
            Some(position) => Ok(Some(Start::After(position))),
            None => Err(Problem::parameter("Last-Event-ID", told)),
        };
    }
    match (call.query.text(AFTER), call.query.text(LAST.name)) {
        (Some("start"), _) => Ok(Some(Start::Beginning)),
        (Some(_), _) => Ok(call.query.parsed(AFTER)?.map(Start::After)),
        (None, Some(_)) => Ok(Some(Start::Last(call.query.count(LAST.name)))),
        (None, None) => Ok(None),
    }
}
