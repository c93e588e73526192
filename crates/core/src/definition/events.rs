//! Custom events (`spec/authoring.md` 1.6): names, and who publishes what.

use std::collections::{HashMap, HashSet};

use super::model::CustomEvent;
use super::problem::{Problem, Report};
use super::reader::{Reader, wrong_type};
use super::tree::{Node, Path, Position};
use crate::names::HandlerName;

/// First segments of names that only the engine publishes.
const RESERVED: [&str; 8] =
    ["task", "step", "workflow", "observability", "test", "tasker", "registry", "metrics"];

const TASK_EVENTS: &str = "initialize_requested start_requested completed failed retry_requested cancelled \
    resolved_manually before_transition";
const STEP_EVENTS: &str = "initialize_requested completed failed retry_requested cancelled resolved_manually \
    before_transition execution_requested before_handle handle";
const WORKFLOW_EVENTS: &str = "task_started task_completed task_failed step_completed step_failed \
    viable_steps_discovered no_viable_steps orchestration_requested task_finalization_started \
    task_finalization_completed task_reenqueue_started task_reenqueue_requested task_reenqueue_failed \
    task_reenqueue_delayed task_state_unclear step_execution_failed viable_steps_batch_ready \
    steps_execution_started steps_execution_completed";
const OBSERVABILITY_EVENTS: &str = "task.handle task.enqueue task.finalize step.handle step.find_viable \
    step.backoff step.skip step.max_retries_reached";

/// The events that a definition declares, each name once.
#[derive(Default)]
pub(super) struct Events {
    list: Vec<Declared>,
    index: HashMap<String, usize>,
    /// Who is known to publish which event of the list.
    publishers: HashSet<(usize, HandlerName)>,
}

struct Declared {
    name: String,
    description: Option<String>,
    fired_by: Vec<String>,
}

impl Events {
    /// Takes a list of declarations. `handler` is what runs the step they stand in; `None` at the top level, where
    /// they say nothing about who publishes.
    pub(super) fn declare(
        &mut self,
        list: &Node,
        path: Path<'_>,
        handler: Option<&HandlerName>,
        report: &mut Report,
    ) {
        let Some(items) = list.list() else {
            report.push(wrong_type("custom_events", "a list", list, path));
            return;
        };
        for (i, item) in items.iter().enumerate() {
            let path = Path::Index(&path, i);
            let Some(mut reader) = Reader::new(item, "a custom event", path, report) else { continue };
            reader.unknown_keys(&["name", "description"], &[]);
            let Some(name) = name(&mut reader) else { continue };
            let description = reader.text("description");
            self.add(name, description, handler, item.at, path, report);
        }
    }

    /// The events, in order of their first declaration.
    pub(super) fn finish(self) -> Vec<CustomEvent> {
        let finish = |event: Declared| {
            let publisher = event.fired_by.first().map_or("the workflow", String::as_str);
            let description = event.description.unwrap_or_else(|| format!("Custom event from {publisher}"));
            CustomEvent { name: event.name, description, fired_by: event.fired_by }
        };
        self.list.into_iter().map(finish).collect()
    }

    fn add(
        &mut self,
        name: &str,
        description: Option<&str>,
        handler: Option<&HandlerName>,
        at: Position,
        path: Path<'_>,
        report: &mut Report,
    ) {
        let position = *self.index.entry(name.to_owned()).or_insert(self.list.len());
        if position == self.list.len() {
            self.list.push(Declared { name: name.to_owned(), description: None, fired_by: Vec::new() });
        }
        let event = &mut self.list[position];
        match (&event.description, description) {
            (None, Some(text)) => event.description = Some(text.to_owned()),
            (Some(first), Some(text)) if first != text => {
                let message =
                    format!("the event `{name}` has two descriptions; the first one, {first:?}, is kept");
                report.push(Problem::warning("event_description_differs", at, path, message));
            }
            _ => {}
        }
        if let Some(handler) = handler.filter(|h| self.publishers.insert((position, (*h).clone()))) {
            event.fired_by.push(handler.to_string());
        }
    }
}

/// The name of a declared event, if it keeps the rules.
fn name<'a>(reader: &mut Reader<'a, '_>) -> Option<&'a str> {
    let Some(node) = reader.get("name") else {
        return reader.refuse("invalid_custom_event", "name", "a custom event has a name");
    };
    let Some(name) = node.text() else {
        return reader.refuse("invalid_custom_event", "name", "the name of a custom event is text");
    };
    let well_formed =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control());
    let Some((space, _)) = name.split_once('.').filter(|(a, b)| well_formed(a) && well_formed(b)) else {
        let message = format!("the event {name:?} has no namespace: its name must be `domain.action`");
        return reader.refuse("invalid_custom_event", "name", message);
    };
    if name.chars().count() > 128 {
        return reader.refuse("too_long", "name", "the name of an event has at most 128 characters");
    }
    if is_system_event(name) {
        return reader.refuse("event_conflict", "name", format!("`{name}` is an event of the engine"));
    }
    if RESERVED.contains(&&*space.to_lowercase()) {
        let message =
            format!("the event `{name}` stands in the namespace `{space}`, which belongs to the engine");
        return reader.refuse("reserved_event_namespace", "name", message);
    }
    Some(name)
}

fn is_system_event(name: &str) -> bool {
    let lists = [
        ("task", TASK_EVENTS),
        ("step", STEP_EVENTS),
        ("workflow", WORKFLOW_EVENTS),
        ("observability", OBSERVABILITY_EVENTS),
    ];
    let Some((space, action)) = name.split_once('.') else { return false };
    lists.iter().any(|(known, actions)| *known == space && actions.split_whitespace().any(|a| a == action))
}
