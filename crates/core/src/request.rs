//! Requests for tasks: what people say, and how a checked [`Submission`] comes of it.
//!
//! Every rule of a request is here, for REST, GraphQL, CLI and embedded callers alike. All problems are told at once.

mod correlation;
mod fields;
mod reading;

use std::fmt;
use std::sync::Arc;

pub use correlation::correlation_of;
pub use fields::Fields;

use serde::{Deserialize, Deserializer, Serialize};

use crate::decide::Submission;
use crate::definition::{ContextSchema, Priority};
use crate::identity::{Content, IdentityStrategy, content_digest};
use crate::ids::{Digest, Ordinal, TaskId};
use crate::names::{DefinitionName, Namespace, StepName, Version};
use crate::nearest::nearest;
use crate::payload::{DEFAULT_MAX_BYTES, Payload};
use crate::plan::Plan;
use crate::time::Timestamp;

/// Longest `initiator`, `source_system`, `reason`, tag and `correlation_id`, in characters.
pub const MAX_TEXT_CHARS: usize = 128;

/// Longest type of an annotation, in characters.
pub const MAX_KIND_CHARS: usize = 64;

/// Most tags.
pub const MAX_TAGS: usize = 64;

/// A request for a task, as people write it (`spec/domain.md` 6.1, `spec/authoring.md` 2.1).
///
/// Its JSON form has these fields and no others; `version` may be `"latest"`, which is the same as none.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TaskRequest {
    /// Name of the definition.
    pub name: DefinitionName,
    /// Its namespace.
    pub namespace: Namespace,
    /// Its version; `None` is the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// What the task works on.
    pub context: Payload,
    /// Who asks; `unknown` if not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiator: Option<String>,
    /// From which system; `unknown` if not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_system: Option<String>,
    /// Why; `unknown` if not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Steps to leave out; each must be skippable.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bypass_steps: Vec<String>,
    /// Urgency, 0 to 9, lower first; `None` is the definition's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// Not to start before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// When it was asked for; `None` is when the store accepts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_at: Option<Timestamp>,
    /// What ties it to whatever caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// Identity of the task; `None` lets the engine make one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<TaskId>,
    /// How it came here.
    #[serde(skip)]
    pub delivery: Delivery,
}

/// How a request came here. It is not part of what the request says: the same request may be delivered again, and differ in
/// this.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Delivery {
    /// What ties it to whatever caused it, if the request does not say so.
    pub correlation_id: Option<String>,
    /// Requests that bring the same key are one request: the first is accepted, and later ones that say the same get its
    /// task. It tells repeats instead of the engine's strategy.
    pub idempotency_key: Option<Digest>,
    /// Whoever brought it, if they were asked who they are: the owner of its task.
    pub created_by: Option<String>,
}

impl Delivery {
    /// The key that somebody gave a request; equal keys of different people are different.
    pub fn key_of(principal: &str, key: &str) -> Digest {
        let text = serde_json::json!(["idempotency_key", principal, key]).to_string();
        Digest::of(text.as_bytes())
    }
}

/// Something wrong with a request.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RequestProblem {
    /// Stable code: `blank`, `wrong_type`, `unknown_field`, `too_long`, `too_many`, `too_large`, `out_of_range`,
    /// `invalid_name`, `invalid_version`, `invalid_time`, `invalid_id`, `invalid_text`, `not_an_object`, `schema`,
    /// `bypass_steps`, or another code of [`crate::payload::PayloadError`].
    pub code: &'static str,
    /// Where, as a JSON pointer into the request, such as `/context/order_id`.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// What the engine adds to a request to make a task of it.
#[derive(Clone, Copy)]
pub struct Acceptance<'a> {
    /// The context's schema, compiled once per plan; `None` if the definition has none.
    pub schema: Option<&'a ContextSchema>,
    /// Identity of the task, unless the request brings its own.
    pub id: TaskId,
    /// How repeats are told.
    pub identity: &'a IdentityStrategy,
    /// Largest context, in bytes.
    pub max_context_bytes: usize,
}

impl TaskRequest {
    /// A request that says nothing but which definition: latest version, empty context.
    pub fn new(namespace: Namespace, name: DefinitionName) -> Self {
        Self {
            name,
            namespace,
            version: None,
            context: Payload::empty_object(),
            initiator: None,
            source_system: None,
            reason: None,
            tags: Vec::new(),
            bypass_steps: Vec::new(),
            priority: None,
            not_before: None,
            requested_at: None,
            correlation_id: None,
            id: None,
            delivery: Delivery::default(),
        }
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// Everything wrong with its shape, all at once: unknown fields (the nearest right one named), wrong types,
    /// missing fields, names and versions that break their rules. Text that is not JSON is one problem.
    pub fn from_json(text: &str) -> Result<Self, Vec<RequestProblem>> {
        Self::read(Fields::parse(text, reading::FIELDS).map_err(|problem| vec![problem])?)
    }

    /// Reads an object that may have fewer fields than [`TaskRequest::from_json`] knows.
    ///
    /// # Errors
    /// Everything wrong with it.
    pub fn read(fields: Fields) -> Result<Self, Vec<RequestProblem>> {
        reading::read(fields)
    }
}

impl<'de> Deserialize<'de> for TaskRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(Fields::deserialize(deserializer, reading::FIELDS)?).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            serde::de::Error::custom(lines.join("; "))
        })
    }
}

/// Checks a request against the definition it means.
///
/// # Errors
/// Every rule it breaks. Nothing is stored.
pub fn submission(
    request: TaskRequest,
    plan: &Arc<Plan>,
    acceptance: &Acceptance<'_>,
) -> Result<Submission, Vec<RequestProblem>> {
    let mut checks = Checks { plan, problems: Vec::new() };
    let context = checks.context(&request.context, acceptance);
    let bypass = checks.bypass(&request.bypass_steps);
    let priority = checks.priority(request.priority);
    let initiator = checks.text("/initiator", request.initiator);
    let source_system = checks.text("/source_system", request.source_system);
    let reason = checks.text("/reason", request.reason);
    checks.tags(&request.tags);
    checks.id(request.id);
    let correlation_id = request.correlation_id.as_ref().or(request.delivery.correlation_id.as_ref());
    if let Some(id) = correlation_id {
        checks.storable("/correlation_id", id);
    }
    if let Some(owner) = &request.delivery.created_by {
        checks.storable("/created_by", owner);
    }
    if !checks.problems.is_empty() {
        return Err(checks.problems);
    }
    let bypass_steps: Vec<StepName> = bypass.iter().map(|&step| plan.name(step).clone()).collect();
    let content = content_digest(&Content {
        name: &request.name,
        namespace: &request.namespace,
        version: request.version.as_ref(),
        context: &request.context,
        initiator: &initiator,
        source_system: &source_system,
        reason: &reason,
        tags: &request.tags,
        bypass_steps: &bypass_steps,
        priority,
        correlation_id: request.correlation_id.as_deref(),
    });
    let identity = match request.delivery.idempotency_key {
        Some(key) => IdentityStrategy::Key(key),
        None => acceptance.identity.clone(),
    };
    Ok(Submission {
        id: request.id.unwrap_or(acceptance.id),
        plan: plan.clone(),
        latest: request.version.is_none(),
        context,
        initiator,
        source_system,
        reason,
        tags: request.tags,
        bypass,
        priority: priority.unwrap_or(plan.definition.priority),
        not_before: request.not_before,
        requested_at: request.requested_at,
        correlation_id: request.correlation_id.or(request.delivery.correlation_id),
        created_by: request.delivery.created_by,
        identity,
        content,
    })
}

struct Checks<'a> {
    plan: &'a Plan,
    problems: Vec<RequestProblem>,
}

impl Checks<'_> {
    fn fail(&mut self, code: &'static str, pointer: impl Into<String>, message: impl Into<String>) {
        self.problems.push(RequestProblem::new(code, pointer, message));
    }

    /// Lists begin before the first id and end behind the last.
    fn id(&mut self, id: Option<TaskId>) {
        if id.is_some_and(|id| id.0.is_nil() || id.0.is_max()) {
            self.fail(
                "invalid_id",
                "/id",
                "the UUIDs of all zeros and of all ones stand for no task; use another",
            );
        }
    }

    /// The context as it is stored: defaults of the schema filled in.
    fn context(&mut self, context: &Payload, acceptance: &Acceptance<'_>) -> Payload {
        match self.checked_context(context, acceptance) {
            Ok(context) => context,
            Err(problems) => {
                self.problems.extend(problems);
                Payload::null()
            }
        }
    }

    fn checked_context(
        &self,
        context: &Payload,
        acceptance: &Acceptance<'_>,
    ) -> Result<Payload, Vec<RequestProblem>> {
        let limit = acceptance.max_context_bytes;
        let broken = |error| vec![RequestProblem::payload("/context", &error, limit)];
        within(context, limit).map_err(broken)?;
        let context = context.clone().into_object().map_err(broken)?;
        let Some(schema) = acceptance.schema else { return Ok(context) };
        let complete = schema.check(context.to_value()).map_err(|violations| {
            let full_name = self.plan.definition.full_name();
            violations
                .into_iter()
                .map(|violation| {
                    let pointer = format!("/context{}", violation.pointer);
                    RequestProblem::new("schema", pointer, violation.message)
                        .help(format!("the schema of {full_name} says so: {}", violation.keyword))
                })
                .collect::<Vec<_>>()
        })?;
        Payload::from_value(&complete, limit).map_err(broken)
    }

    fn bypass(&mut self, names: &[String]) -> Vec<Ordinal> {
        let mut steps: Vec<Ordinal> = Vec::with_capacity(names.len());
        for (i, name) in names.iter().enumerate() {
            match self.plan.position(name) {
                Some(step) if self.plan.step(step).skippable => steps.push(step),
                Some(_) => self.not_skippable(i, name),
                None => self.unknown_step(i, name),
            }
        }
        steps.sort_unstable();
        steps.dedup();
        steps
    }

    fn not_skippable(&mut self, i: usize, name: &str) {
        let message = format!("step {name:?} of {} is not skippable", self.plan.definition.full_name());
        let problem = RequestProblem::new("bypass_steps", format!("/bypass_steps/{i}"), message);
        self.problems
            .push(problem.help("leave it out of bypass_steps, or set `skippable: true` in the definition"));
    }

    fn unknown_step(&mut self, i: usize, name: &str) {
        let message = format!("{} has no step {name:?}", self.plan.definition.full_name());
        let names = self.plan.definition.steps.iter().map(|step| step.name.as_str());
        let problem = RequestProblem::new("bypass_steps", format!("/bypass_steps/{i}"), message);
        self.problems.push(problem.did_you_mean(nearest(name, names)));
    }

    fn priority(&mut self, priority: Option<u8>) -> Option<Priority> {
        let asked = priority?;
        let valid = Priority::new(asked);
        if valid.is_none() {
            let message = format!("a priority is 0 to {}, lower first, but is {asked}", Priority::MAX);
            self.fail("out_of_range", "/priority", message);
        }
        valid
    }

    fn text(&mut self, pointer: &str, text: Option<String>) -> String {
        let text = text.filter(|text| !text.is_empty()).unwrap_or_else(|| "unknown".into());
        self.storable(pointer, &text);
        text
    }

    fn tags(&mut self, tags: &[String]) {
        self.problems.extend(tag_problems(tags));
    }

    fn storable(&mut self, pointer: &str, text: &str) {
        self.problems.extend(text_problem(pointer, text));
    }
}

/// What is wrong with a short text (`initiator`, `reason`, a tag, ...), if anything is. Edits are checked by it too.
pub fn text_problem(pointer: &str, text: &str) -> Option<RequestProblem> {
    let chars = text.chars().count();
    if chars > MAX_TEXT_CHARS {
        let message = format!("at most {MAX_TEXT_CHARS} characters are allowed, but there are {chars}");
        return Some(RequestProblem::new("too_long", pointer, message));
    }
    let has_nul = text.contains('\0');
    has_nul.then(|| {
        RequestProblem::new(
            "invalid_text",
            pointer,
            "the text holds a NUL character, which databases cannot store",
        )
    })
}

/// What is wrong with the type of an annotation, if anything is.
pub fn kind_problem(pointer: &str, kind: &str) -> Option<RequestProblem> {
    let chars = kind.chars().count();
    match chars {
        0 => Some(RequestProblem::new("blank", pointer, "say what the annotation is about")),
        _ if chars > MAX_KIND_CHARS => {
            let message = format!("at most {MAX_KIND_CHARS} characters are allowed, but there are {chars}");
            Some(RequestProblem::new("too_long", pointer, message))
        }
        _ => text_problem(pointer, kind),
    }
}

/// Everything wrong with a list of tags. Edits are checked by it too.
pub fn tag_problems(tags: &[String]) -> Vec<RequestProblem> {
    let mut problems = Vec::new();
    if tags.len() > MAX_TAGS {
        let message = format!("at most {MAX_TAGS} tags are allowed, but there are {}", tags.len());
        problems.push(RequestProblem::new("too_many", "/tags", message));
    }
    let kept = tags.iter().take(MAX_TAGS).enumerate();
    problems.extend(kept.filter_map(|(i, tag)| text_problem(&format!("/tags/{i}"), tag)));
    problems
}

impl RequestProblem {
    /// A problem with what stands at `pointer`.
    pub fn new(code: &'static str, pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, pointer: pointer.into(), message: message.into(), help: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn did_you_mean(self, nearest: Option<&str>) -> Self {
        match nearest {
            Some(name) => self.help(format!("did you mean {name:?}?")),
            None => self,
        }
    }

    fn payload(pointer: &str, error: &crate::payload::PayloadError, limit: usize) -> Self {
        let problem = Self::new(error.code(), pointer, error.to_string());
        let too_large = error.code() == "too_large";
        if too_large && limit == DEFAULT_MAX_BYTES {
            return problem.help("store large data elsewhere and pass a reference to it, or raise the limit in the configuration");
        }
        problem
    }
}

impl fmt::Display for RequestProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.pointer.trim_start_matches('/').replace('/', ".");
        if !place.is_empty() {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)?;
        self.help.iter().try_for_each(|help| write!(f, " ({help})"))
    }
}

fn within(context: &Payload, limit: usize) -> Result<(), crate::payload::PayloadError> {
    let bytes = context.len();
    if bytes > limit { Err(crate::payload::PayloadError::TooLarge { bytes, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
