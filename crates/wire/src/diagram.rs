//! Diagrams as documents.

use serde::{Deserialize, Serialize};
use tasker_core::diagram::Flowchart;

/// A diagram: its nodes and edges, without their places on a page.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = Object))]
pub struct DiagramDocument(pub Flowchart);
