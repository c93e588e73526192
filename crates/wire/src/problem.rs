//! Why the API refused or failed: RFC 9457, `application/problem+json`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What went wrong. Besides these fields it has those that belong to its code, such as `task_id` of `DUPLICATE_TASK` or
/// `permission` of `AUTHORIZATION_FAILED`.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProblemDocument {
    /// `urn:tasker:problem:` and the code in lower case.
    #[serde(rename = "type")]
    pub kind: String,
    /// What kind of problem it is, the same for every problem of this code.
    pub title: String,
    /// The HTTP status.
    #[cfg_attr(feature = "openapi", schema(minimum = 400, maximum = 599))]
    pub status: u16,
    /// What was tried, on what, and why it cannot be.
    pub detail: String,
    /// Stable code.
    pub code: String,
    /// Every single problem with the request; absent if the request is not to blame.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub errors: Vec<ProblemEntry>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Names this request in the log of the server.
    pub request_id: String,
    /// What belongs to the code.
    #[serde(flatten)]
    #[cfg_attr(feature = "openapi", schema(value_type = std::collections::HashMap<String, Value>))]
    pub members: Map<String, Value>,
}

/// One problem with a request.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProblemEntry {
    /// Stable code, such as `blank`, `wrong_type`, `unknown_field`, `out_of_range`, `schema`.
    pub code: String,
    /// Where in the body, as a JSON Pointer: `/context/order_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Which parameter of the query or path, or which header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}
