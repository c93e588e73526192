//! Requests about tasks.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tasker_core::decide::NewLimit;
use tasker_core::request::{Fields, RequestProblem, TaskRequest};

use super::RequestDocument;

/// Highest number of executions that a request may ask for; what the engine allows may be less.
pub(super) const MOST_EXECUTIONS: u32 = 1_000_000;

/// A request for a task. The server says when it was asked for.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateTaskRequest {
    /// Name of the definition.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_/.-]*$"))]
    pub name: String,
    /// Its namespace; `default` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(nullable = false, min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]*$")
    )]
    pub namespace: Option<String>,
    /// An exact version, or `latest`; the latest if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, min_length = 1, max_length = 32))]
    pub version: Option<String>,
    /// What the task works on: an object that fits the schema of the definition.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub context: Value,
    /// Who asks; whoever is authenticated if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 128))]
    pub initiator: Option<String>,
    /// From which system; `unknown` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 128))]
    pub source_system: Option<String>,
    /// Why; `unknown` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 128))]
    pub reason: Option<String>,
    /// Labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false, max_items = 64))]
    pub tags: Vec<String>,
    /// Steps to leave out; each must be skippable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub bypass_steps: Vec<String>,
    /// Urgency, 0 to 9, lower first; the definition's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, minimum = 0, maximum = 9))]
    pub priority: Option<u8>,
    /// Not to start before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, format = DateTime))]
    pub not_before: Option<String>,
    /// What ties the task to whatever caused it; that of the request if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 128))]
    pub correlation_id: Option<String>,
    /// Identity of the task: the same request under the same id is accepted once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, format = "uuid"))]
    pub id: Option<String>,
}

impl RequestDocument for CreateTaskRequest {
    const WRAPPER: Option<&'static str> = Some("task");
    const FIELDS: &'static [&'static str] = &[
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
        "correlation_id",
        "id",
    ];
    const RULES: &'static str = r#"{"properties": {"tags": {"items": {"maxLength": 128}}}}"#;
    type Read = TaskRequest;

    fn read(fields: Fields) -> Result<TaskRequest, Vec<RequestProblem>> {
        TaskRequest::read(fields)
    }
}

/// Changes what is told about a task. At least one field must be there.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = UpdateTaskRequest))]
#[serde(deny_unknown_fields)]
pub struct UpdateTaskRequest {
    /// New reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 128))]
    pub reason: Option<String>,
    /// New labels, instead of all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_items = 64))]
    pub tags: Option<Vec<String>>,
}

impl RequestDocument for UpdateTaskRequest {
    const WRAPPER: Option<&'static str> = Some("task");
    const FIELDS: &'static [&'static str] = &["reason", "tags"];
    const RULES: &'static str = r#"{
        "properties": {"tags": {"items": {"maxLength": 128}}},
        "anyOf": [
            {"required": ["reason"], "properties": {"reason": {"type": "string"}}},
            {"required": ["tags"], "properties": {"tags": {"type": "array"}}}
        ]
    }"#;
    type Read = Self;

    fn read(mut fields: Fields) -> Result<Self, Vec<RequestProblem>> {
        let request = Self { reason: fields.text("reason"), tags: fields.texts("tags") };
        if Self::FIELDS.iter().all(|field| fields.value(field).is_none()) {
            fields.fail_whole("blank", "say what is to be changed: reason, tags");
        }
        fields.finish(request)
    }
}

/// Cancels a task.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CancelTaskRequest {
    /// Why; kept in the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 128))]
    pub reason: Option<String>,
    /// Whether a task that is complete or resolved is cancelled too; administrators only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub force: Option<bool>,
}

impl RequestDocument for CancelTaskRequest {
    const FIELDS: &'static [&'static str] = &["reason", "force"];
    type Read = Self;

    fn read(mut fields: Fields) -> Result<Self, Vec<RequestProblem>> {
        let request = Self { reason: fields.text("reason"), force: fields.flag("force") };
        fields.finish(request)
    }
}

/// Tries failed steps of a failed task again.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RetryTaskRequest {
    /// Which; all that failed if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub step_names: Option<Vec<String>>,
    /// New limit of executions for each of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, minimum = 1, maximum = 1_000_000))]
    pub retry_limit: Option<u32>,
    /// So many executions more for each of them, where that is needed; not together with `retry_limit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, minimum = 1, maximum = 1_000_000))]
    pub more: Option<u32>,
    /// Why; kept in the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 128))]
    pub reason: Option<String>,
}

impl RetryTaskRequest {
    /// What it does to the limit of executions.
    pub fn limit(&self) -> NewLimit {
        limit_of(self.retry_limit, self.more)
    }
}

impl RequestDocument for RetryTaskRequest {
    const FIELDS: &'static [&'static str] = &["step_names", "retry_limit", "more", "reason"];
    const RULES: &'static str = r#"{"anyOf": [
        {"properties": {"retry_limit": {"type": "null"}}},
        {"properties": {"more": {"type": "null"}}}
    ]}"#;
    type Read = Self;

    fn read(mut fields: Fields) -> Result<Self, Vec<RequestProblem>> {
        let (retry_limit, more) = read_limit(&mut fields);
        let request =
            Self { step_names: fields.texts("step_names"), retry_limit, more, reason: fields.text("reason") };
        fields.finish(request)
    }
}

/// Lets a task go on. It has no fields.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ResumeTaskRequest {}

impl RequestDocument for ResumeTaskRequest {
    const FIELDS: &'static [&'static str] = &[];
    type Read = Self;

    fn read(fields: Fields) -> Result<Self, Vec<RequestProblem>> {
        fields.finish(Self {})
    }
}

/// Declares a failed task done.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ResolveTaskRequest {
    /// Why; kept in the history.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 128))]
    pub reason: String,
}

impl RequestDocument for ResolveTaskRequest {
    const FIELDS: &'static [&'static str] = &["reason"];
    type Read = Self;

    fn read(mut fields: Fields) -> Result<Self, Vec<RequestProblem>> {
        let reason = fields.required_text("reason", "say why the task counts as done");
        fields.finish(Self { reason })
    }
}

/// The two ways to raise a limit, of which one can be chosen.
pub(super) fn read_limit(fields: &mut Fields) -> (Option<u32>, Option<u32>) {
    let limit = fields.count("retry_limit", 1..=MOST_EXECUTIONS);
    let more = fields.count("more", 1..=MOST_EXECUTIONS);
    if limit.is_some() && more.is_some() {
        fields.fail("contradiction", "more", "give retry_limit or more, not both");
    }
    (limit, more)
}

pub(super) fn limit_of(limit: Option<u32>, more: Option<u32>) -> NewLimit {
    match (limit, more) {
        (Some(limit), _) => NewLimit::Set(limit),
        (None, Some(more)) => NewLimit::More(more),
        (None, None) => NewLimit::Keep,
    }
}
