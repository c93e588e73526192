//! The JSON form of a request, read field by field, so that everything wrong with it is told at once.

use std::fmt;
use std::str::FromStr;

use serde::Deserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::{RequestProblem, TaskRequest};
use crate::ids::TaskId;
use crate::names::{DefinitionName, Namespace, Version};
use crate::nearest::nearest;
use crate::payload::Payload;
use crate::pointer::pointer_to;
use crate::time::Timestamp;

const FIELDS: [&str; 14] = [
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

/// Reads a whole document.
pub(super) fn parse(text: &str) -> Result<TaskRequest, Vec<RequestProblem>> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let request = deserialize(&mut deserializer).and_then(|request| deserializer.end().map(|()| request));
    request.unwrap_or_else(|error| {
        Err(vec![RequestProblem::new("invalid_json", "", format!("not a valid request: {error}"))])
    })
}

/// Reads an object. The outer error is that of the format: not JSON, not an object, a key that stands twice.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Result<TaskRequest, Vec<RequestProblem>>, D::Error> {
    let given = deserializer.deserialize_map(Members)?;
    Ok(Reader { given, problems: Vec::new() }.read())
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, Payload)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a request for a task, a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Self::Value = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, Payload>()? {
            if members.iter().any(|(known, _)| *known == key) {
                return Err(A::Error::custom(format!("the field {key:?} stands twice")));
            }
            members.push((key, value));
        }
        Ok(members)
    }
}

struct Reader {
    given: Vec<(String, Payload)>,
    problems: Vec<RequestProblem>,
}

impl Reader {
    fn read(mut self) -> Result<TaskRequest, Vec<RequestProblem>> {
        self.unknown_fields();
        let name = self.required_name();
        let namespace = self.parsed("namespace", "invalid_name", Namespace::from_str);
        let request = TaskRequest {
            version: self.version(),
            context: self.context(),
            initiator: self.text("initiator"),
            source_system: self.text("source_system"),
            reason: self.text("reason"),
            tags: self.texts("tags"),
            bypass_steps: self.texts("bypass_steps"),
            priority: self.priority(),
            not_before: self.time("not_before"),
            requested_at: self.time("requested_at"),
            correlation_id: self.text("correlation_id"),
            id: self.id(),
            ..TaskRequest::new(namespace.unwrap_or_default(), name.unwrap_or_else(placeholder))
        };
        if self.problems.is_empty() { Ok(request) } else { Err(self.problems) }
    }

    fn fail(&mut self, code: &'static str, field: &str, message: impl Into<String>) {
        self.problems.push(RequestProblem::new(code, format!("/{field}"), message));
    }

    fn unknown_fields(&mut self) {
        for (key, _) in &self.given {
            if !FIELDS.contains(&key.as_str()) {
                let problem = RequestProblem::new(
                    "unknown_field",
                    pointer_to("", key),
                    format!("there is no field {key:?}"),
                );
                self.problems.push(match nearest(key, FIELDS) {
                    Some(known) => problem.did_you_mean(Some(known)),
                    None => problem.help(format!("the fields are {}", FIELDS.join(", "))),
                });
            }
        }
    }

    /// The value of a field; `null` is the same as absent.
    fn get(&self, field: &str) -> Option<&Payload> {
        let value = self.given.iter().find(|(key, _)| key == field).map(|(_, value)| value);
        value.filter(|value| value.as_str() != "null")
    }

    fn required_name(&mut self) -> Option<DefinitionName> {
        if self.get("name").is_none_or(|name| name.as_str() == "\"\"") {
            self.fail("blank", "name", "a request must name its definition");
            return None;
        }
        self.parsed("name", "invalid_name", DefinitionName::from_str)
    }

    fn version(&mut self) -> Option<Version> {
        if self.get("version").is_some_and(|version| version.as_str() == "\"latest\"") {
            return None;
        }
        self.parsed("version", "invalid_version", Version::from_str)
    }

    /// Present, and an object; that it is one is checked with the other rules of contexts.
    fn context(&mut self) -> Payload {
        match self.given.iter().find(|(key, _)| key == "context") {
            Some((_, context)) => context.clone(),
            None => {
                self.fail("blank", "context", "a request must have a context, a JSON object; it may be {}");
                Payload::empty_object()
            }
        }
    }

    fn parsed<T, E: fmt::Display>(
        &mut self,
        field: &str,
        code: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(field)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.fail(code, field, error.to_string());
                None
            }
        }
    }

    fn id(&mut self) -> Option<TaskId> {
        let parse = |text: &str| TaskId::from_str(text).map_err(|_| format!("{text:?} is not a UUID"));
        self.parsed("id", "invalid_id", parse)
    }

    fn time(&mut self, field: &str) -> Option<Timestamp> {
        let parse = |text: &str| {
            Timestamp::parse(text)
                .ok_or_else(|| format!("{text:?} is not an RFC 3339 time, such as 2026-01-31T09:00:00Z"))
        };
        self.parsed(field, "invalid_time", parse)
    }

    fn text(&mut self, field: &str) -> Option<String> {
        match self.get(field)?.to_value() {
            Value::String(text) => Some(text),
            other => {
                self.fail("wrong_type", field, format!("must be text, but is {}", kind(&other)));
                None
            }
        }
    }

    fn priority(&mut self) -> Option<u8> {
        let value = self.get("priority")?.to_value();
        let Some(number) = value.as_i64() else {
            self.fail("wrong_type", "priority", format!("must be a whole number, but is {value}"));
            return None;
        };
        let fits = u8::try_from(number).ok();
        if fits.is_none() {
            self.fail(
                "out_of_range",
                "priority",
                format!("a priority is 0 to 9, lower first, but is {number}"),
            );
        }
        fits
    }

    fn texts(&mut self, field: &str) -> Vec<String> {
        match self.get(field).map(Payload::to_value) {
            None => Vec::new(),
            Some(Value::Array(items)) => self.items(field, items),
            Some(other) => {
                self.fail("wrong_type", field, format!("must be a list of text, but is {}", kind(&other)));
                Vec::new()
            }
        }
    }

    fn items(&mut self, field: &str, items: Vec<Value>) -> Vec<String> {
        let mut texts = Vec::with_capacity(items.len());
        for (i, item) in items.into_iter().enumerate() {
            match item {
                Value::String(text) => texts.push(text),
                other => self.fail(
                    "wrong_type",
                    &format!("{field}/{i}"),
                    format!("must be text, but is {}", kind(&other)),
                ),
            }
        }
        texts
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Stands for a name that is missing; the request is refused anyway.
fn placeholder() -> DefinitionName {
    DefinitionName::new("unknown").expect("the literal keeps the rule")
}
