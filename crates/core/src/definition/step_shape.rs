//! The keys of one step (`spec/authoring.md` 1.3).

use std::collections::HashSet;

use serde_json::Value;

use super::events::Events;
use super::model::StepTemplate;
use super::problem::Report;
use super::reader::Reader;
use super::tree::{Kind, Node, Path, Position, Size};
use crate::names::{HandlerName, StepName};

const KEYS: &[&str] = &[
    "name",
    "handler",
    "handler_class",
    "description",
    "dependent_system",
    "default_retryable",
    "default_retry_limit",
    "skippable",
    "timeout_seconds",
    "depends_on_step",
    "depends_on_steps",
    "handler_config",
    "custom_events",
];

const SYNONYMS: &[(&str, &str)] = &[
    ("depends_on", "depends_on_step"),
    ("dependencies", "depends_on_steps"),
    ("depends", "depends_on_step"),
    ("needs", "depends_on_steps"),
    ("retries", "default_retry_limit"),
    ("retry_limit", "default_retry_limit"),
    ("max_attempts", "default_retry_limit"),
    ("retryable", "default_retryable"),
    ("timeout", "timeout_seconds"),
    ("config", "handler_config"),
    ("events", "custom_events"),
    ("type", "handler"),
    ("uses", "handler"),
];

const DEFAULT_RETRY_LIMIT: u32 = 3;
const DEFAULT_TIMEOUT_SECONDS: u32 = 600;

/// Largest whole number that every store keeps.
const MAX_INTEGER: u32 = i32::MAX as u32;

/// Most that a top-level `handler_config` may come to, laid under all steps.
const MAX_INHERITED: Size = Size { nodes: 1_000_000, bytes: 64 * 1024 * 1024 };

/// What steps take over from the top level.
pub(super) struct Inherited<'a> {
    /// `default_dependent_system`.
    pub(super) system: &'a str,
    /// `handler_config`, laid under each step's own.
    pub(super) handler_config: Option<&'a Node>,
}

/// A step whose keys have been read.
pub(super) struct StepDraft<'a> {
    /// Position in the document.
    pub(super) index: usize,
    /// Its name as written, even if that is no valid name.
    pub(super) name: Option<&'a str>,
    /// Where the name stands; the step, if it has none.
    pub(super) name_at: Position,
    /// Where its handler stands; the step, if it has none.
    pub(super) handler_at: Position,
    handler_key: &'static str,
    /// What it depends on, each name once.
    pub(super) dependencies: Vec<Dependency<'a>>,
    /// Its settings, the inherited ones included.
    pub(super) config: Option<Node>,
    /// Its own settings.
    own_config: Option<&'a Node>,
    /// The template; `None` if its name or its handler is wrong.
    pub(super) template: Option<StepTemplate>,
}

/// A dependency as written.
pub(super) struct Dependency<'a> {
    /// Name of the step it depends on.
    pub(super) name: &'a str,
    /// Where.
    pub(super) at: Position,
    /// Its number in `depends_on_steps`; `None`: it is `depends_on_step`.
    item: Option<usize>,
}

impl Inherited<'_> {
    /// Whether laying it under so many steps stays within bounds.
    pub(super) fn fits(&self, n_steps: usize) -> bool {
        let all = self.handler_config.map(Node::size).unwrap_or_default().times(n_steps);
        all.nodes <= MAX_INHERITED.nodes && all.bytes <= MAX_INHERITED.bytes
    }
}

impl StepDraft<'_> {
    /// JSON pointer of the step.
    pub(super) fn pointer(&self) -> String {
        format!("/step_templates/{}", self.index)
    }

    /// JSON pointer of the handler.
    pub(super) fn handler_pointer(&self) -> String {
        format!("{}/{}", self.pointer(), self.handler_key)
    }

    /// JSON pointer of a dependency of this step.
    pub(super) fn dependency_pointer(&self, dependency: &Dependency<'_>) -> String {
        match dependency.item {
            None => format!("{}/depends_on_step", self.pointer()),
            Some(item) => format!("{}/depends_on_steps/{item}", self.pointer()),
        }
    }

    /// JSON pointer of a part of the settings: in the step, or where it was inherited from.
    pub(super) fn config_pointer(&self, relative: &str) -> String {
        let is_inherited = self.own_config.is_none_or(|own| own.find(relative).is_none())
            && self.config.as_ref().is_some_and(|config| config.find(relative).is_some());
        if is_inherited {
            format!("/handler_config{relative}")
        } else {
            format!("{}/handler_config{relative}", self.pointer())
        }
    }

    /// Where a part of the settings stands.
    pub(super) fn config_place(&self, relative: &str) -> Position {
        self.config.as_ref().map_or(self.name_at, |config| config.place_of(relative))
    }

    /// How messages name it.
    pub(super) fn label(&self) -> String {
        self.name.map_or_else(|| format!("number {}", self.index + 1), |name| format!("`{name}`"))
    }
}

/// Reads a step and declares its events.
pub(super) fn read<'a>(
    node: &'a Node,
    index: usize,
    path: Path<'_>,
    inherited: &Inherited<'_>,
    events: &mut Events,
    report: &mut Report,
) -> StepDraft<'a> {
    let mut draft = StepDraft {
        index,
        name: None,
        name_at: node.at,
        handler_at: node.at,
        handler_key: "handler",
        dependencies: Vec::new(),
        config: None,
        own_config: None,
        template: None,
    };
    let Some(mut reader) = Reader::new(node, "a step", path, report) else { return draft };
    reader.unknown_keys(KEYS, SYNONYMS);
    if let Some(node) = reader.get("name") {
        draft.name = node.text();
        draft.name_at = node.at;
    } else {
        reader.missing("name", "give the step a name");
    }
    draft.dependencies = dependencies(&mut reader);
    draft.own_config = reader.mapping("handler_config");
    draft.config = match (inherited.handler_config, draft.own_config) {
        (Some(below), Some(own)) => Some(below.overlaid(own)),
        (below, own) => own.or(below).cloned(),
    };
    if let Some((key, at)) = handler_key(&reader) {
        (draft.handler_key, draft.handler_at) = (key, at);
    }
    let handler = handler(&mut reader);
    if let Some(list) = reader.get("custom_events") {
        let path = Path::Key(&path, "custom_events");
        events.declare(list, path, handler.as_ref(), reader.report);
    }
    draft.template = template(&mut reader, &draft, handler, inherited);
    draft
}

fn template(
    reader: &mut Reader<'_, '_>,
    draft: &StepDraft<'_>,
    handler: Option<HandlerName>,
    inherited: &Inherited<'_>,
) -> Option<StepTemplate> {
    let name = reader.name("name", 128, StepName::new);
    let description = reader.text("description").map(str::to_owned);
    let dependent_system = system(reader).unwrap_or(inherited.system).to_owned();
    let retryable = reader.boolean("default_retryable", true);
    let retry_limit = retry_limit(reader, draft);
    let skippable = reader.boolean("skippable", false);
    let timeout_seconds = reader.integer("timeout_seconds", DEFAULT_TIMEOUT_SECONDS, 1, MAX_INTEGER);
    check_backoff(reader, draft);
    Some(StepTemplate {
        name: name?,
        handler: handler?,
        description,
        dependent_system,
        retryable,
        retry_limit,
        skippable,
        timeout_seconds,
        depends_on: draft.dependencies.iter().filter_map(|d| StepName::new(d.name).ok()).collect(),
        handler_config: draft.config.as_ref().map_or(Value::Null, Node::to_value),
        extensions: reader.extensions(),
    })
}

fn handler(reader: &mut Reader<'_, '_>) -> Option<HandlerName> {
    reader.only_one("handler", "handler_class");
    if let Some((key, _)) = handler_key(reader) {
        return reader.name(key, 200, HandlerName::new);
    }
    reader.missing("handler", "`handler` names what runs the step, such as `handler: http`");
    None
}

/// The key that names the handler, and where its value stands.
fn handler_key(reader: &Reader<'_, '_>) -> Option<(&'static str, Position)> {
    ["handler", "handler_class"].into_iter().find_map(|key| Some((key, reader.get(key)?.at)))
}

fn system<'a>(reader: &mut Reader<'a, '_>) -> Option<&'a str> {
    match reader.short_text("dependent_system", 64)? {
        "" => reader.refuse("invalid_name", "dependent_system", "`dependent_system` must not be empty"),
        system => Some(system),
    }
}

/// `depends_on_step`, then `depends_on_steps`, without repetitions.
fn dependencies<'a>(reader: &mut Reader<'a, '_>) -> Vec<Dependency<'a>> {
    let one = reader.text("depends_on_step").zip(reader.get("depends_on_step"));
    let mut list: Vec<_> =
        one.map(|(name, node)| Dependency { name, at: node.at, item: None }).into_iter().collect();
    let several = reader.texts("depends_on_steps").unwrap_or_default();
    list.extend(several.into_iter().map(|(i, name, at)| Dependency { name, at, item: Some(i) }));
    if list.len() > 1 {
        let mut seen = HashSet::with_capacity(list.len());
        list.retain(|dependency| seen.insert(dependency.name));
    }
    list
}

/// `default_retry_limit`, or `handler_config.retries`, which is the same setting. A step's own limit wins over
/// `retries` of the top level.
fn retry_limit(reader: &mut Reader<'_, '_>, draft: &StepDraft<'_>) -> u32 {
    let own = reader.get("default_retry_limit").is_some();
    let limit = reader.integer("default_retry_limit", DEFAULT_RETRY_LIMIT, 1, MAX_INTEGER);
    let Some(retries) = draft.config.as_ref().and_then(|config| config.find("/retries")) else {
        return limit;
    };
    let Some(alias) = config_integer(reader, draft, "/retries", retries) else { return limit };
    let is_own = draft.own_config.is_some_and(|config| config.find("/retries").is_some());
    if own && is_own && alias != limit {
        let message = format!(
            "`default_retry_limit` is {limit}, but `handler_config.retries`, the same setting, is {alias}"
        );
        reader.report.error("conflicting_keys", retries.at, draft.config_pointer("/retries"), message);
    }
    if own { limit } else { alias }
}

fn config_integer(
    reader: &mut Reader<'_, '_>,
    draft: &StepDraft<'_>,
    pointer: &str,
    node: &Node,
) -> Option<u32> {
    let value = node.to_value().as_u64().and_then(|n| u32::try_from(n).ok());
    let value = value.filter(|n| (1..=MAX_INTEGER).contains(n));
    if value.is_none() {
        let is_integer = matches!(&node.kind, Kind::Scalar(Value::Number(number)) if !number.is_f64());
        let code = if is_integer { "out_of_range" } else { "wrong_type" };
        let message = format!("`handler_config{}` must be a whole number from 1", pointer.replace('/', "."));
        reader.report.error(code, node.at, draft.config_pointer(pointer), message);
    }
    value
}

/// The settings of the waits between attempts, which hold for every handler.
fn check_backoff(reader: &mut Reader<'_, '_>, draft: &StepDraft<'_>) {
    let Some(config) = &draft.config else { return };
    for (pointer, expected) in BACKOFF_SETTINGS {
        let Some(node) = config.find(pointer) else { continue };
        let Err(code) = check_backoff_setting(pointer, &node.to_value()) else { continue };
        let message = format!("`handler_config{}` must be {expected}", pointer.replace('/', "."));
        reader.report.error(code, node.at, draft.config_pointer(pointer), message);
    }
}

const BACKOFF_SETTINGS: [(&str, &str); 3] = [
    ("/enable_exponential_backoff", "true or false"),
    ("/retry_delay", "a number above 0"),
    ("/jitter_factor", "a number from 0 to 1"),
];

fn check_backoff_setting(pointer: &str, value: &Value) -> Result<(), &'static str> {
    if pointer == "/enable_exponential_backoff" {
        return value.as_bool().map(|_| ()).ok_or("wrong_type");
    }
    let number = value.as_f64().ok_or("wrong_type")?;
    let fits = if pointer == "/retry_delay" { number > 0.0 } else { (0.0..=1.0).contains(&number) };
    if fits { Ok(()) } else { Err("out_of_range") }
}
