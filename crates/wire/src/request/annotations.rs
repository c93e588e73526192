//! Requests about annotations.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tasker_core::request::{Fields, RequestProblem};

use super::RequestDocument;

/// Adds an annotation to a task.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateAnnotationRequest {
    /// What it is about.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 64))]
    pub kind: String,
    /// Any JSON but `null`.
    pub value: Value,
}

impl RequestDocument for CreateAnnotationRequest {
    const WRAPPER: Option<&'static str> = Some("annotation");
    const FIELDS: &'static [&'static str] = &["type", "value"];
    const RULES: &'static str = r#"{"properties": {"value": {"not": {"type": "null"}}}}"#;
    type Read = Self;

    fn read(mut fields: Fields) -> Result<Self, Vec<RequestProblem>> {
        let kind = fields.required_text("type", "say what the annotation is about");
        let value = fields.value("value").map(tasker_core::payload::Payload::to_value);
        if value.is_none() {
            fields.fail("blank", "value", "say what is to be noted: any JSON but null");
        }
        fields.finish(Self { kind, value: value.unwrap_or_default() })
    }
}
