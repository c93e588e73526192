//! Retiring versions of definitions: what is asked and what is answered.

use serde::{Deserialize, Serialize};
use tasker_core::request::{Fields, RequestProblem};

use crate::request::RequestDocument;

/// Lets no new task use a version, or allows it again.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RetireDefinitionRequest {
    /// Whether it is retired; true if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub retired: Option<bool>,
}

impl RetireDefinitionRequest {
    /// Whether the version is to be retired.
    pub fn retired(&self) -> bool {
        self.retired.unwrap_or(true)
    }
}

impl RequestDocument for RetireDefinitionRequest {
    const FIELDS: &'static [&'static str] = &["retired"];
    type Read = Self;

    fn read(mut fields: Fields) -> Result<Self, Vec<RequestProblem>> {
        let request = Self { retired: fields.flag("retired") };
        fields.finish(request)
    }
}

/// A version of a definition was retired, or taken into use again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RetiredReply {
    /// `namespace.name@version`.
    pub full_name: String,
    /// Whether no new task may use it.
    pub retired: bool,
}
