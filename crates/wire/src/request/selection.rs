//! Tasks that are not named, but described.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tasker_core::names::{DefinitionName, Namespace, Version};
use tasker_core::payload::Payload;
use tasker_core::request::{Fields, RequestProblem, text_problem};
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;

use super::RequestDocument;
use crate::instant::Instant;

/// Most states, labels or annotations of a selection.
const MOST_WORDS: usize = 32;

/// Which tasks are meant: those of which everything that is given is true, as in lists. At least one field must be there.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TaskSelection {
    /// Only of this namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Option<String>, nullable = false, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]*$")
    )]
    pub namespace: Option<Namespace>,
    /// Only of definitions of this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Option<String>, nullable = false, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_/.-]*$")
    )]
    pub name: Option<DefinitionName>,
    /// Only of this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Option<String>, nullable = false, max_length = 32, pattern = "^(0|[1-9][0-9]{0,8})[.](0|[1-9][0-9]{0,8})[.](0|[1-9][0-9]{0,8})(-[a-z]+)?$")
    )]
    pub version: Option<Version>,
    /// Only in one of these states.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Vec<crate::schema::State>, required = false, min_items = 1, max_items = 32)
    )]
    pub status: Vec<TaskState>,
    /// Only asked for by this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 128))]
    pub initiator: Option<String>,
    /// Only from this system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 128))]
    pub source_system: Option<String>,
    /// Only for exactly this reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 128))]
    pub reason: Option<String>,
    /// Only with this correlation id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 128))]
    pub correlation_id: Option<String>,
    /// Only of this urgency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, minimum = 0, maximum = 9))]
    pub priority: Option<u8>,
    /// Only with all of these labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false, min_items = 1, max_items = 32))]
    pub tags: Vec<String>,
    /// Only with a context that contains all of this: its keys with these values, items of lists in any order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>, nullable = false))]
    pub context: Option<Payload>,
    /// Only accepted at or after this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, nullable = false, format = DateTime))]
    pub created_after: Option<Instant>,
    /// Only accepted before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, nullable = false, format = DateTime))]
    pub created_before: Option<Instant>,
    /// Only last changed at or after this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, nullable = false, format = DateTime))]
    pub updated_after: Option<Instant>,
    /// Only last changed before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, nullable = false, format = DateTime))]
    pub updated_before: Option<Instant>,
}

impl TaskSelection {
    /// Most bytes of [`TaskSelection::context`].
    pub const MAX_CONTEXT: usize = 4_096;
}

impl RequestDocument for TaskSelection {
    const FIELDS: &'static [&'static str] = &[
        "namespace",
        "name",
        "version",
        "status",
        "initiator",
        "source_system",
        "reason",
        "correlation_id",
        "priority",
        "tags",
        "context",
        "created_after",
        "created_before",
        "updated_after",
        "updated_before",
    ];
    type Read = Self;

    fn read(mut fields: Fields) -> Result<Self, Vec<RequestProblem>> {
        if Self::FIELDS.iter().all(|field| fields.value(field).is_none()) {
            fields.fail_whole("blank", "say which tasks are meant: one condition at least");
        }
        let selection = Self {
            namespace: fields.parsed("namespace", "invalid_name", str::parse::<Namespace>),
            name: fields.parsed("name", "invalid_name", str::parse::<DefinitionName>),
            version: fields.parsed("version", "invalid_version", str::parse::<Version>),
            status: states(&mut fields),
            initiator: text(&mut fields, "initiator"),
            source_system: text(&mut fields, "source_system"),
            reason: text(&mut fields, "reason"),
            correlation_id: text(&mut fields, "correlation_id"),
            priority: fields.count("priority", 0..=9).and_then(|urgency| u8::try_from(urgency).ok()),
            tags: tags(&mut fields),
            context: context(&mut fields),
            created_after: instant(&mut fields, "created_after"),
            created_before: instant(&mut fields, "created_before"),
            updated_after: instant(&mut fields, "updated_after"),
            updated_before: instant(&mut fields, "updated_before"),
        };
        fields.finish(selection)
    }
}

/// One to [`MOST_WORDS`] words, if there are any.
fn words(fields: &mut Fields, field: &str) -> Vec<String> {
    let Some(words) = fields.texts(field) else { return Vec::new() };
    if words.is_empty() || words.len() > MOST_WORDS {
        let message = format!("give 1 to {MOST_WORDS}, or leave it out; there are {}", words.len());
        fields.fail("out_of_range", field, message);
    }
    words
}

/// Text that a task can have.
fn text(fields: &mut Fields, field: &str) -> Option<String> {
    let text = fields.text(field)?;
    let problem = text_problem("", &text);
    fields.fail_within(field, problem.into_iter().collect());
    Some(text)
}

/// Labels that a task can have.
fn tags(fields: &mut Fields) -> Vec<String> {
    let tags = words(fields, "tags");
    for (i, tag) in tags.iter().enumerate() {
        fields.fail_within(&format!("tags/{i}"), text_problem("", tag).into_iter().collect());
    }
    tags
}

fn states(fields: &mut Fields) -> Vec<TaskState> {
    let mut states = Vec::new();
    for (i, word) in words(fields, "status").into_iter().enumerate() {
        match TaskState::from_name(&word) {
            Some(state) => states.push(state),
            None => {
                let all = TaskState::ALL.map(TaskState::as_str).join(", ");
                fields.fail(
                    "unknown_state",
                    &format!("status/{i}"),
                    format!("must be one of {all}, but is {word:?}"),
                );
            }
        }
    }
    states
}

fn context(fields: &mut Fields) -> Option<Payload> {
    let context = fields.object("context")?;
    let (n, most) = (context.as_str().len(), TaskSelection::MAX_CONTEXT);
    if n > most {
        fields.fail("too_large", "context", format!("must have at most {most} bytes, but has {n}"));
    }
    Some(context)
}

fn instant(fields: &mut Fields, field: &str) -> Option<Instant> {
    let parse = |text: &str| {
        Timestamp::parse(text)
            .ok_or_else(|| format!("{} is no instant: write it as 2026-01-31T09:00:00Z", Value::from(text)))
    };
    fields.parsed(field, "invalid_time", parse).map(Instant::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<TaskSelection, Vec<String>> {
        let object = Payload::object(text, usize::MAX).unwrap();
        TaskSelection::read_object(&object)
            .map_err(|problems| problems.into_iter().map(|problem| problem.pointer).collect())
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let text = concat!(
            r#"{"namespace":"shop","name":"order","version":"1.2.0","status":["error","pending"],"initiator":"ops","#,
            r#""source_system":"erp","reason":"new","correlation_id":"c-1","priority":3,"tags":["vip"],"context":{"id":7},"#,
            r#""created_after":"2026-01-31T09:00:00.000Z","created_before":"2026-02-01T09:00:00.000Z","#,
            r#""updated_after":"2026-01-31T10:00:00.000Z","updated_before":"2026-02-01T10:00:00.000Z"}"#
        );
        assert_eq!(serde_json::to_string(&read(text).unwrap()).unwrap(), text);
    }

    #[test]
    fn a_selection_of_everything_is_none() {
        assert_eq!(read("{}").unwrap_err(), [""]);
        assert_eq!(read(r#"{"name":null}"#).unwrap_err(), [""]);
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let wrong = concat!(
            r#"{"state":1,"namespace":"a b","version":"1","status":["error","done"],"priority":10,"tags":[],"#,
            r#""context":7,"created_after":"yesterday"}"#
        );
        assert_eq!(
            read(wrong).unwrap_err(),
            [
                "/state",
                "/namespace",
                "/version",
                "/status/1",
                "/priority",
                "/tags",
                "/context",
                "/created_after"
            ]
        );
        let texts = format!(r#"{{"reason":"{0}","tags":["vip","{0}"]}}"#, "x".repeat(129));
        assert_eq!(read(&texts).unwrap_err(), ["/reason", "/tags/1"]);
        let large = format!(r#"{{"context":{{"a":"{}"}}}}"#, "x".repeat(4_096));
        assert_eq!(read(&large).unwrap_err(), ["/context"]);
    }
}
