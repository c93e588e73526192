//! How old an answer is that is used again.

use serde::{Deserialize, Serialize};

/// How old a document is.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CacheInfo {
    /// Whether it was found for somebody who asked before.
    pub cached: bool,
    /// Seconds since it was found; 0 if it was found now.
    pub age_seconds: f64,
    /// How long it is used, in seconds, from when it was found.
    pub ttl_seconds: f64,
}
