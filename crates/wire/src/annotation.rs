//! Annotations of tasks as documents.

use serde::{Deserialize, Serialize};
use tasker_core::payload::Payload;
use tasker_core::record::Annotation;

/// An annotation of a task.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnnotationDocument {
    /// Annotation type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Value: any JSON.
    #[cfg_attr(feature = "openapi", schema(value_type = serde_json::Value))]
    pub value: Payload,
}

impl From<&Annotation> for AnnotationDocument {
    fn from(annotation: &Annotation) -> Self {
        Self { kind: annotation.kind.clone(), value: annotation.value.clone() }
    }
}
