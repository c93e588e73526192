//! Details of log entries. Each note becomes the JSON object in a transition's metadata.

use serde::Serialize;

use crate::ids::WorkerId;
use crate::outcome::StepError;
use crate::time::Timestamp;

/// What a log entry tells besides the states.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Note<'a> {
    /// A step was claimed. By whom is told by the actor of the entry.
    Claimed { attempt: u32 },
    /// A step completed.
    Completed {
        attempt: u32,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        annotation_errors: Vec<String>,
    },
    /// A step failed.
    Failed {
        attempt: u32,
        error: &'a StepError,
        #[serde(skip_serializing_if = "Option::is_none")]
        backoff_seconds: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_retry_at: Option<Timestamp>,
    },
    /// A waiting step starts its next attempt.
    Retried { retry_attempt: u32 },
    /// A claim was returned.
    Released { released_by: WorkerId },
    /// A step was left out on request.
    Bypassed { bypassed: bool },
    /// A task ended with steps that are not done.
    Stuck { error_message: &'static str, remaining_steps: u32 },
    /// An operator acted.
    Operator {
        triggered_by: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        resolved_by: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_attempt: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
}

impl Note<'_> {
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).expect("a note has text keys and finite numbers")
    }
}
