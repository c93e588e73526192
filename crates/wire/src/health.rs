//! How a server is, as documents.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::instant::Instant;

/// The process answers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Alive {
    /// Always true.
    pub alive: bool,
    /// When this was said.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub timestamp: Instant,
    /// `tasker`.
    pub service: String,
    /// Version of the program.
    pub version: String,
    /// This start of this server.
    pub instance_id: String,
    /// Whole seconds since it started.
    pub uptime_seconds: u64,
}

/// Whether a server can do its work.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ready {
    /// Whether nothing that it needs is unhealthy.
    pub ready: bool,
    /// What was looked at, by name.
    pub checks: BTreeMap<String, CheckResult>,
    /// The checks that keep it from being ready; absent if none does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(required = false))]
    pub failed_checks: Vec<String>,
    /// In words.
    pub message: String,
    /// When this was found.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub timestamp: Instant,
    /// How long the checks took, in seconds.
    pub check_duration: f64,
}

/// What came of one check.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckResult {
    /// How it is.
    pub status: CheckStatus,
    /// In words, without details that are nobody's business.
    pub message: String,
    /// How long it took, in milliseconds, two decimals; absent where nothing was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_time_ms: Option<f64>,
}

/// How a checked thing is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// As it should be.
    Healthy,
    /// Not as it should be.
    Unhealthy,
    /// It was not looked at.
    Skipped,
}
