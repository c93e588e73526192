//! Requests about steps.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tasker_core::decide::{MAX_RETRY_LIMIT, NewLimit};
use tasker_core::request::{Fields, RequestProblem};

use super::RequestDocument;
use super::tasks::{limit_of, read_limit};

/// What a step may be wrapped in.
const WRAPPER: &str = "workflow_step";

/// Changes a step that is not done. At least one field must be there.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateStepRequest {
    /// New limit of executions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, minimum = 1, maximum = 100))]
    pub retry_limit: Option<u32>,
    /// New inputs, instead of the task's context: an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>, nullable = false))]
    pub inputs: Option<Value>,
}

impl RequestDocument for UpdateStepRequest {
    const WRAPPER: Option<&'static str> = Some(WRAPPER);
    const FIELDS: &'static [&'static str] = &["retry_limit", "inputs"];
    const RULES: &'static str = r#"{"anyOf": [
        {"required": ["retry_limit"], "properties": {"retry_limit": {"type": "integer"}}},
        {"required": ["inputs"], "properties": {"inputs": {"type": "object"}}}
    ]}"#;
    type Read = Self;

    fn read(mut fields: Fields) -> Result<Self, Vec<RequestProblem>> {
        let retry_limit = fields.count("retry_limit", 1..=MAX_RETRY_LIMIT);
        let inputs = fields.object("inputs").map(|inputs| inputs.to_value());
        if Self::FIELDS.iter().all(|field| fields.value(field).is_none()) {
            fields.fail_whole("blank", "say what is to be changed: retry_limit, inputs");
        }
        fields.finish(Self { retry_limit, inputs })
    }
}

/// Cancels a step.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CancelStepRequest {
    /// Why; kept in the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 128))]
    pub reason: Option<String>,
}

impl RequestDocument for CancelStepRequest {
    const FIELDS: &'static [&'static str] = &["reason"];
    type Read = Self;

    fn read(mut fields: Fields) -> Result<Self, Vec<RequestProblem>> {
        let request = Self { reason: fields.text("reason") };
        fields.finish(request)
    }
}

/// Tries a failed step again.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RetryStepRequest {
    /// New limit of executions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, minimum = 1, maximum = 1_000_000))]
    pub retry_limit: Option<u32>,
    /// So many executions more, where that is needed; not together with `retry_limit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, minimum = 1, maximum = 1_000_000))]
    pub more: Option<u32>,
    /// Whether the handler gets a new idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub new_idempotency_key: Option<bool>,
    /// Why; kept in the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false, max_length = 128))]
    pub reason: Option<String>,
}

impl RetryStepRequest {
    /// What it does to the limit of executions.
    pub fn limit(&self) -> NewLimit {
        limit_of(self.retry_limit, self.more)
    }
}

impl RequestDocument for RetryStepRequest {
    const FIELDS: &'static [&'static str] = &["retry_limit", "more", "new_idempotency_key", "reason"];
    const RULES: &'static str = r#"{"anyOf": [
        {"properties": {"retry_limit": {"type": "null"}}},
        {"properties": {"more": {"type": "null"}}}
    ]}"#;
    type Read = Self;

    fn read(mut fields: Fields) -> Result<Self, Vec<RequestProblem>> {
        let (retry_limit, more) = read_limit(&mut fields);
        let new_idempotency_key = fields.flag("new_idempotency_key");
        let request = Self { retry_limit, more, new_idempotency_key, reason: fields.text("reason") };
        fields.finish(request)
    }
}

/// Declares a step done.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ResolveStepRequest {
    /// Why; kept in the history.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 128))]
    pub reason: String,
    /// What its dependents see as its result: an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>, nullable = false))]
    pub results: Option<Value>,
}

impl RequestDocument for ResolveStepRequest {
    const FIELDS: &'static [&'static str] = &["reason", "results"];
    type Read = Self;

    fn read(mut fields: Fields) -> Result<Self, Vec<RequestProblem>> {
        let reason = fields.required_text("reason", "say why the step counts as done");
        let results = fields.object("results").map(|results| results.to_value());
        fields.finish(Self { reason, results })
    }
}
