//! Requests about many tasks at once.

use serde::{Deserialize, Serialize};
use tasker_core::ids::TaskId;
use tasker_core::payload::Payload;
use tasker_core::request::{Fields, RequestProblem, TaskRequest, text_problem};

use super::{CreateTaskRequest, RequestDocument, TaskSelection};

/// Most tasks that one request creates.
pub const MOST_ITEMS: usize = 100;

/// Most tasks that one request acts on.
pub const MOST_TASK_IDS: usize = 500;

/// Asks for several tasks.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BulkCreateRequest {
    /// The requests.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 100))]
    pub tasks: Vec<CreateTaskRequest>,
    /// Whether all of them are created or none; otherwise what is wrong with one keeps no other from being created.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub atomic: bool,
}

/// What a [`BulkCreateRequest`] asks for.
#[derive(Clone, PartialEq, Debug)]
pub struct BulkCreation {
    /// The requests, or what is wrong with them.
    pub tasks: Vec<Result<TaskRequest, Vec<RequestProblem>>>,
    /// Whether all of them are created or none.
    pub atomic: bool,
}

impl RequestDocument for BulkCreateRequest {
    const FIELDS: &'static [&'static str] = &["tasks", "atomic"];
    type Read = BulkCreation;

    fn read(mut fields: Fields) -> Result<Self::Read, Vec<RequestProblem>> {
        let items = listed::<Payload>(&mut fields, "tasks", MOST_ITEMS, |item| Ok(item.clone()));
        let tasks = items.iter().map(CreateTaskRequest::read_object).collect();
        let atomic = fields.flag("atomic").unwrap_or(false);
        fields.finish(BulkCreation { tasks, atomic })
    }
}

/// What is done with several tasks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BulkAction {
    /// They are cancelled.
    Cancel,
    /// What failed of them is tried again.
    Retry,
    /// The workers are told of them.
    Resume,
    /// They are declared done.
    Resolve,
}

impl BulkAction {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            "cancel" => Self::Cancel,
            "retry" => Self::Retry,
            "resume" => Self::Resume,
            "resolve" => Self::Resolve,
            _ => return Err(format!("must be cancel, retry, resume or resolve, but is {text:?}")),
        })
    }
}

/// Does the same with several tasks, with each by itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct BulkActionRequest {
    /// What.
    pub action: BulkAction,
    /// With which, each named once; or `filter` says which.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(
        feature = "openapi",
        schema(value_type = Vec<String>, required = false, min_items = 1, max_items = 500)
    )]
    pub task_ids: Vec<TaskId>,
    /// Which are meant, instead of `task_ids`: the 500 oldest of those that match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub filter: Option<TaskSelection>,
    /// `next_cursor` of the answer before, with the same `filter`: goes on after the tasks of that answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 1_200))]
    pub cursor: Option<String>,
    /// Whether nothing is done, and it is only told what would come of it.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub dry_run: bool,
    /// Why; kept in the history. `resolve` needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 128))]
    pub reason: Option<String>,
}

impl RequestDocument for BulkActionRequest {
    const FIELDS: &'static [&'static str] = &["action", "task_ids", "filter", "cursor", "dry_run", "reason"];
    const RULES: &'static str = r#"{
        "properties": {
            "task_ids": {"uniqueItems": true, "items": {"format": "uuid"}},
            "filter": {"minProperties": 1, "properties": {"tags": {"items": {"maxLength": 128}}}}
        },
        "oneOf": [
            {
                "required": ["task_ids"],
                "properties": {"task_ids": {"type": "array"}, "filter": {"type": "null"}, "cursor": {"type": "null"}}
            },
            {
                "required": ["filter"],
                "properties": {"filter": {"type": "object"}, "task_ids": {"type": "null"}}
            }
        ],
        "anyOf": [
            {"properties": {"action": {"enum": ["cancel", "retry", "resume"]}}},
            {"required": ["reason"], "properties": {"reason": {"type": "string", "minLength": 1}}}
        ]
    }"#;
    type Read = Self;

    fn read(mut fields: Fields) -> Result<Self, Vec<RequestProblem>> {
        if fields.value("action").is_none() {
            fields.fail("blank", "action", "say what is to be done: cancel, retry, resume or resolve");
        }
        let action = fields.parsed("action", "invalid_action", BulkAction::parse);
        let filter = filter(&mut fields);
        let task_ids = if filter.is_some() { Vec::new() } else { task_ids(&mut fields) };
        let cursor = fields.text("cursor");
        let (dry_run, reason) = (fields.flag("dry_run").unwrap_or(false), fields.text("reason"));
        // Told once, not for each task, and whether there are such tasks or not.
        if let Some(problem) = reason.as_ref().and_then(|reason| text_problem("/reason", reason)) {
            fields.fail(problem.code, "reason", problem.message);
        }
        if action == Some(BulkAction::Resolve) && reason.as_ref().is_none_or(String::is_empty) {
            fields.fail("blank", "reason", "say why the tasks count as done");
        }
        let action = action.unwrap_or(BulkAction::Resume);
        fields.finish(Self { action, task_ids, filter, cursor, dry_run, reason })
    }
}

/// The tasks that are described, if they are.
fn filter(fields: &mut Fields) -> Option<TaskSelection> {
    let Some(object) = fields.value("filter").cloned() else {
        if fields.value("cursor").is_some() {
            fields.fail("contradiction", "cursor", "goes with filter only");
        }
        return None;
    };
    if fields.value("task_ids").is_some() {
        fields.fail("contradiction", "filter", "give task_ids or filter, not both");
    }
    match TaskSelection::read_object(&object) {
        Ok(filter) => Some(filter),
        Err(problems) => {
            fields.fail_within("filter", problems);
            Some(TaskSelection::default())
        }
    }
}

/// The tasks that are named.
fn task_ids(fields: &mut Fields) -> Vec<TaskId> {
    let task_ids: Vec<TaskId> = listed(fields, "task_ids", MOST_TASK_IDS, |item| {
        serde_json::from_str(item.as_str()).map_err(|_| "must be a UUID".to_owned())
    });
    for (i, id) in task_ids.iter().enumerate() {
        if task_ids[..i].contains(id) {
            fields.fail("taken", &format!("task_ids/{i}"), format!("{id} is named twice"));
        }
    }
    task_ids
}

/// The items of a list that must be there, with at least one and not too many.
fn listed<T>(
    fields: &mut Fields,
    field: &str,
    most: usize,
    read: impl Fn(&Payload) -> Result<T, String>,
) -> Vec<T> {
    if fields.value(field).is_none() {
        fields.fail("blank", field, format!("give 1 to {most}"));
    }
    let Some(items) = fields.list(field) else { return Vec::new() };
    if items.is_empty() {
        fields.fail("blank", field, format!("give 1 to {most}"));
    } else if items.len() > most {
        fields.fail("too_many", field, format!("at most {most} are allowed, but there are {}", items.len()));
        return Vec::new();
    }
    let mut all = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        match read(item) {
            Ok(item) => all.push(item),
            Err(message) => fields.fail("wrong_type", &format!("{field}/{i}"), message),
        }
    }
    all
}
