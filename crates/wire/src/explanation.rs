//! Why something is not further, as a document.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tasker_core::explain::{Explained, StepExplanation, TaskExplanation};
use tasker_core::ids::TaskId;
use tasker_core::names::StepName;
use tasker_core::state::{StepState, TaskState};

/// A reason, in fields and in words. Besides these fields it has those that belong to its code, such as `steps` of
/// `waiting_for_steps`, or `until`, `attempts`, `retry_limit` and `error` of `backing_off`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExplanationDocument {
    /// Stable code: `waiting_for_steps`, `backing_off`, `no_worker`, `running`, `not_before`, `waiting_for_turn`,
    /// `waiting_for_slot`, `exhausted`, `permanent_failure`, `blocked_by_step`, `blocked_by_failures`, `cancelled`,
    /// `task_ended`, `done`, `inconsistent`.
    pub code: String,
    /// In words.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The command that does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What belongs to the code.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::HashMap<String, Value>))]
    pub details: Map<String, Value>,
}

/// Why a task stands where it stands.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskExplanationDocument {
    /// The task.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub task_id: TaskId,
    /// Its state.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::State))]
    pub status: TaskState,
    /// The one reason that matters most.
    pub summary: ExplanationDocument,
    /// Every step that is not done, in document order.
    pub steps: Vec<StepExplanationDocument>,
}

/// Why a step stands where it stands.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepExplanationDocument {
    /// The step.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub step_name: StepName,
    /// Its position in the definition, from 0.
    pub ordinal: u32,
    /// Its state.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::State))]
    pub current_state: StepState,
    /// Why.
    #[serde(flatten)]
    pub explained: ExplanationDocument,
}

impl From<&Explained> for ExplanationDocument {
    fn from(explained: &Explained) -> Self {
        let details = match serde_json::to_value(&explained.reason) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        let code = details.get("code").and_then(Value::as_str).unwrap_or_default().to_owned();
        Self {
            code,
            message: explained.message.clone(),
            help: explained.help.clone(),
            command: explained.command.clone(),
            details: details.into_iter().filter(|(key, _)| key != "code").collect(),
        }
    }
}

impl From<&StepExplanation> for StepExplanationDocument {
    fn from(explanation: &StepExplanation) -> Self {
        Self {
            step_name: explanation.step_name.clone(),
            ordinal: explanation.ordinal.0,
            current_state: explanation.current_state,
            explained: (&explanation.explained).into(),
        }
    }
}

impl From<&TaskExplanation> for TaskExplanationDocument {
    fn from(explanation: &TaskExplanation) -> Self {
        Self {
            task_id: explanation.task_id,
            status: explanation.status,
            summary: (&explanation.summary).into(),
            steps: explanation.steps.iter().map(Into::into).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tasker_core::explain::Reason;

    use super::*;

    #[test]
    fn a_document_has_the_fields_of_its_reason_and_is_read_back() {
        let explained = Explained {
            reason: Reason::WaitingForSteps { steps: vec![StepName::new("charge").unwrap()] },
            message: "waits for charge".into(),
            help: None,
            command: Some("tasker ...".into()),
        };
        let document = ExplanationDocument::from(&explained);
        let written = serde_json::to_value(&document).unwrap();
        assert_eq!(
            written,
            json!({"code": "waiting_for_steps", "message": "waits for charge", "command": "tasker ...", "steps": ["charge"]})
        );
        assert_eq!(serde_json::from_value::<ExplanationDocument>(written).unwrap(), document);
    }
}
