//! Failures as documents.

use serde::Serialize;
use serde_json::Value;

/// A failure.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ErrorDocument {
    /// What failed.
    pub error: ErrorBody,
}

/// What failed, and what to do.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ErrorBody {
    /// Stable code.
    pub code: String,
    /// In words: what was tried, on what, and why it failed.
    pub message: String,
    /// What to do; `null` where that is plain.
    pub help: Option<String>,
    /// Every single problem, where there are several: objects with at least `code` and `message`.
    pub errors: Vec<Value>,
}
