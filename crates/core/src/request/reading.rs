//! The JSON form of a request for a task.

use std::str::FromStr;

use super::fields::Fields;
use super::{RequestProblem, TaskRequest};
use crate::ids::TaskId;
use crate::names::{DefinitionName, Namespace, Version};
use crate::payload::Payload;
use crate::time::Timestamp;

/// All fields.
pub(super) const FIELDS: &[&str] = &[
    "name",
    "namespace",
    "version",
    "context",
    "initiator",
    "source_system",
    "reason",
    "tags",
    "bypass_steps",
    "priority",
    "not_before",
    "requested_at",
    "correlation_id",
    "id",
];

/// Reads an object.
///
/// # Errors
/// Everything wrong with it.
pub(super) fn read(mut fields: Fields) -> Result<TaskRequest, Vec<RequestProblem>> {
    let name = required_name(&mut fields);
    let namespace = fields.parsed("namespace", "invalid_name", Namespace::from_str);
    let request = TaskRequest {
        version: version(&mut fields),
        context: context(&mut fields),
        initiator: fields.text("initiator"),
        source_system: fields.text("source_system"),
        reason: fields.text("reason"),
        tags: fields.texts("tags").unwrap_or_default(),
        bypass_steps: fields.texts("bypass_steps").unwrap_or_default(),
        priority: priority(&mut fields),
        not_before: time(&mut fields, "not_before"),
        requested_at: time(&mut fields, "requested_at"),
        correlation_id: fields.text("correlation_id"),
        id: id(&mut fields),
        ..TaskRequest::new(namespace.unwrap_or_default(), name.unwrap_or_else(placeholder))
    };
    fields.finish(request)
}

fn required_name(fields: &mut Fields) -> Option<DefinitionName> {
    if fields.value("name").is_none_or(|name| name.as_str() == "\"\"") {
        fields.fail("blank", "name", "a request must name its definition");
        return None;
    }
    fields.parsed("name", "invalid_name", DefinitionName::from_str)
}

fn version(fields: &mut Fields) -> Option<Version> {
    if fields.value("version").is_some_and(|version| version.as_str() == "\"latest\"") {
        return None;
    }
    fields.parsed("version", "invalid_version", Version::from_str)
}

/// Present, and an object; that it is one is checked with the other rules of contexts.
fn context(fields: &mut Fields) -> Payload {
    match fields.raw("context").cloned() {
        Some(context) => context,
        None => {
            fields.fail("blank", "context", "a request must have a context, a JSON object; it may be {}");
            Payload::empty_object()
        }
    }
}

fn id(fields: &mut Fields) -> Option<TaskId> {
    let parse = |text: &str| TaskId::from_str(text).map_err(|_| format!("{text:?} is not a UUID"));
    fields.parsed("id", "invalid_id", parse)
}

fn time(fields: &mut Fields, field: &str) -> Option<Timestamp> {
    let parse = |text: &str| {
        Timestamp::parse(text)
            .ok_or_else(|| format!("{text:?} is not an RFC 3339 time, such as 2026-01-31T09:00:00Z"))
    };
    fields.parsed(field, "invalid_time", parse)
}

/// What fits a byte is left to the rule of priorities, which is checked along with the other rules.
fn priority(fields: &mut Fields) -> Option<u8> {
    let asked = fields.value("priority")?.to_value();
    if asked.as_i64().is_some_and(|number| u8::try_from(number).is_err()) {
        fields.fail("out_of_range", "priority", format!("a priority is 0 to 9, lower first, but is {asked}"));
        return None;
    }
    fields.count("priority", 0..=u32::from(u8::MAX)).and_then(|number| u8::try_from(number).ok())
}

/// Stands for a name that is missing; the request is refused anyway.
fn placeholder() -> DefinitionName {
    DefinitionName::new("unknown").expect("the literal keeps the rule")
}
