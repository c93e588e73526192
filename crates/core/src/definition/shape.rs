//! The top-level keys of a document (`spec/authoring.md` 1.2).

use serde_json::{Map, Value};

use super::annotations;
use super::events::Events;
use super::model::{AnnotationRule, Definition, MAX_STEPS, Priority};
use super::problem::{Problem, Report};
use super::reader::Reader;
use super::step_shape::{self, Inherited, StepDraft};
use super::tree::{Kind, Node, Path, Position};
use crate::names::{DefinitionName, Namespace, Version};

const KEYS: &[&str] = &[
    "name",
    "namespace_name",
    "version",
    "description",
    "module_namespace",
    "task_handler",
    "task_handler_class",
    "concurrent",
    "priority",
    "deprecated",
    "default_dependent_system",
    "named_steps",
    "schema",
    "context_strict",
    "handler_config",
    "configuration",
    "custom_events",
    "annotations",
    "step_templates",
    "environments",
];

const SYNONYMS: &[(&str, &str)] = &[
    ("namespace", "namespace_name"),
    ("steps", "step_templates"),
    ("step", "step_templates"),
    ("templates", "step_templates"),
    ("env", "environments"),
    ("events", "custom_events"),
    ("config", "configuration"),
    ("input_schema", "schema"),
    ("context_schema", "schema"),
    ("strict", "context_strict"),
];

/// Default of `default_dependent_system`.
const NO_SYSTEM: &str = "unknown";

/// A document whose keys have been read. Parts that were wrong are missing.
pub(super) struct Draft<'a> {
    name: Option<DefinitionName>,
    namespace: Namespace,
    version: Version,
    description: Option<String>,
    concurrent: bool,
    priority: Priority,
    /// The context schema.
    pub(super) schema: Option<&'a Node>,
    /// Whether undeclared properties are refused.
    pub(super) context_strict: bool,
    deprecated: bool,
    /// The hooks object, and where it is named.
    pub(super) task_handler: Option<(&'a str, &'static str, Position)>,
    /// The code name space of reference files, and where it stands.
    pub(super) module_namespace: Option<(&'a str, Position)>,
    configuration: Value,
    annotations: Vec<AnnotationRule>,
    events: Events,
    /// `named_steps`: each name with its place.
    pub(super) named_steps: Option<Vec<(usize, &'a str, Position)>>,
    /// The steps in document order.
    pub(super) steps: Vec<StepDraft<'a>>,
    extensions: Value,
}

/// Reads a document, after the environment merge.
pub(super) fn read<'a>(root: &'a Node, report: &mut Report) -> Option<Draft<'a>> {
    let mut reader = Reader::new(root, "a definition", Path::Root, report)?;
    reader.unknown_keys(KEYS, SYNONYMS);
    if reader.get("name").is_none() {
        reader.missing("name", "give the workflow a name, such as `name: process_order`");
    }
    let mut events = Events::default();
    if let Some(list) = reader.get("custom_events") {
        events.declare(list, Path::Key(&Path::Root, "custom_events"), None, reader.report);
    }
    let steps = read_steps(&mut reader, &mut events);
    let annotations = annotations::read(&mut reader, &steps);
    Some(Draft {
        name: reader.name("name", 64, DefinitionName::new),
        namespace: reader.name("namespace_name", 64, Namespace::new).unwrap_or_default(),
        version: version(&mut reader),
        description: reader.short_text("description", 255).map(str::to_owned),
        concurrent: reader.boolean("concurrent", true),
        priority: priority(&mut reader),
        schema: reader.mapping("schema"),
        context_strict: reader.boolean("context_strict", false),
        deprecated: reader.boolean("deprecated", false),
        task_handler: task_handler(&mut reader),
        module_namespace: module_namespace(&mut reader),
        configuration: configuration(&mut reader),
        annotations,
        events,
        named_steps: reader.texts("named_steps"),
        steps,
        extensions: reader.extensions(),
    })
}

impl Draft<'_> {
    /// The definition. `None` if something that every definition has was wrong.
    pub(super) fn finish(self) -> Option<Definition> {
        Some(Definition {
            namespace: self.namespace,
            name: self.name?,
            version: self.version,
            description: self.description,
            concurrent: self.concurrent,
            priority: self.priority,
            schema: self.schema.map(Node::to_value),
            context_strict: self.context_strict,
            deprecated: self.deprecated,
            task_handler: self.task_handler.map(|(name, ..)| name.to_owned()),
            module_namespace: self.module_namespace.map(|(name, _)| name.to_owned()),
            configuration: self.configuration,
            annotations: self.annotations,
            custom_events: self.events.finish(),
            steps: self.steps.into_iter().map(|step| step.template).collect::<Option<_>>()?,
            extensions: self.extensions,
        })
    }
}

fn read_steps<'a>(reader: &mut Reader<'a, '_>, events: &mut Events) -> Vec<StepDraft<'a>> {
    let system = system(reader);
    let handler_config = reader.mapping("handler_config");
    if reader.get("step_templates").is_none() {
        reader.missing("step_templates", "list the steps of the workflow under `step_templates`");
    }
    let Some(list) = reader.list("step_templates") else { return Vec::new() };
    if list.is_empty() {
        reader.refuse::<()>("no_steps", "step_templates", "a definition has at least one step");
    }
    if list.len() > MAX_STEPS {
        let message = format!("{} steps are more than the {MAX_STEPS} allowed", list.len());
        reader.refuse::<()>("too_many_steps", "step_templates", message);
        return Vec::new();
    }
    let inherited = Inherited { system, handler_config };
    if !inherited.fits(list.len()) {
        let message = "`handler_config` is laid under every step's own, which makes too much of it";
        reader.refuse::<()>("document_too_large", "handler_config", message);
        return Vec::new();
    }
    let path = Path::Key(&Path::Root, "step_templates");
    let steps = list.iter().enumerate();
    steps
        .map(|(i, node)| step_shape::read(node, i, Path::Index(&path, i), &inherited, events, reader.report))
        .collect()
}

fn system<'a>(reader: &mut Reader<'a, '_>) -> &'a str {
    match reader.short_text("default_dependent_system", 64) {
        Some("") => {
            let message = "`default_dependent_system` must not be empty";
            reader.refuse::<()>("invalid_name", "default_dependent_system", message);
            NO_SYSTEM
        }
        system => system.unwrap_or(NO_SYSTEM),
    }
}

fn version(reader: &mut Reader<'_, '_>) -> Version {
    let Some(node) = reader.get("version") else { return Version::default() };
    if let Kind::Scalar(Value::Number(number)) = &node.kind {
        let message = format!("`version` must be text, but {number} without quotes is a number");
        let problem = Problem::error("invalid_version", node.at, Path::Key(&Path::Root, "version"), message);
        reader.report.push(problem.help("put the version in quotes, such as version: \"1.0.0\""));
        return Version::default();
    }
    let Some(text) = reader.text("version") else { return Version::default() };
    Version::new(text).unwrap_or_else(|error| {
        reader.refuse::<()>("invalid_version", "version", format!("`version`: {error}"));
        Version::default()
    })
}

fn priority(reader: &mut Reader<'_, '_>) -> Priority {
    let default = Priority::default();
    let number = reader.integer("priority", default.get().into(), 0, Priority::MAX.into());
    u8::try_from(number).ok().and_then(Priority::new).unwrap_or(default)
}

fn task_handler<'a>(reader: &mut Reader<'a, '_>) -> Option<(&'a str, &'static str, Position)> {
    reader.only_one("task_handler", "task_handler_class");
    ["task_handler", "task_handler_class"].into_iter().find_map(|key| {
        let at = reader.get(key)?.at;
        reader.short_text(key, 200).map(|name| (name, key, at))
    })
}

fn module_namespace<'a>(reader: &mut Reader<'a, '_>) -> Option<(&'a str, Position)> {
    let at = reader.get("module_namespace")?.at;
    reader.short_text("module_namespace", 200).map(|name| (name, at))
}

fn configuration(reader: &mut Reader<'_, '_>) -> Value {
    reader.mapping("configuration").map_or_else(|| Value::Object(Map::new()), Node::to_value)
}
