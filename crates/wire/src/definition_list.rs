//! Lists of definitions as documents.

use serde::{Deserialize, Serialize};
use tasker_core::names::{DefinitionName, Namespace, Version};
use tasker_core::record::DefinitionRow;

use crate::instant::Instant;

/// Every version of every definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DefinitionList {
    /// The versions, by namespace and name.
    pub definitions: Vec<DefinitionSummary>,
}

/// One version of a definition, as lists show it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DefinitionSummary {
    /// Namespace.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub namespace: Namespace,
    /// Name.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: DefinitionName,
    /// Version.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub version: Version,
    /// What it is for.
    pub description: Option<String>,
    /// Number of steps.
    pub steps: u32,
    /// Identity of its content, as hex.
    pub digest: String,
    /// Whether new tasks get a warning.
    pub deprecated: bool,
    /// Whether no new task may use it.
    pub retired: bool,
    /// When this content was stored.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub registered_at: Instant,
}

impl DefinitionList {
    /// The list of these versions.
    pub fn new(rows: impl IntoIterator<Item = DefinitionRow>) -> Self {
        Self { definitions: rows.into_iter().map(DefinitionSummary::from).collect() }
    }
}

impl From<DefinitionRow> for DefinitionSummary {
    fn from(row: DefinitionRow) -> Self {
        Self {
            namespace: row.namespace,
            name: row.name,
            version: row.version,
            description: row.description,
            steps: row.steps,
            digest: row.digest,
            deprecated: row.deprecated,
            retired: row.retired,
            registered_at: row.registered_at.into(),
        }
    }
}
