//! What the API wraps documents in.

use serde::{Deserialize, Serialize};

use crate::annotation::AnnotationDocument;
use crate::explanation::{StepExplanationDocument, TaskExplanationDocument};
use crate::page::Pagination;
use crate::step::StepDocument;
use crate::task::TaskDocument;
use crate::transition::TransitionDocument;

/// One task.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskReply {
    /// The task.
    pub task: TaskDocument,
}

/// One step.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepReply {
    /// The step.
    pub step: StepDocument,
}

/// A page of the steps of a task.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepList {
    /// The steps.
    pub steps: Vec<StepDocument>,
    /// Where the page stands.
    pub pagination: Pagination,
}

/// A page of the history of a task or of a step.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TransitionList {
    /// The changes, oldest first.
    pub transitions: Vec<TransitionDocument>,
    /// Where the page stands.
    pub pagination: Pagination,
}

/// One annotation.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnnotationReply {
    /// The annotation.
    pub annotation: AnnotationDocument,
}

/// The types of annotations there are.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnnotationTypeList {
    /// The types, by name.
    pub annotation_types: Vec<AnnotationTypeDocument>,
}

/// A type of annotations.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnnotationTypeDocument {
    /// Its name.
    pub name: String,
}

/// A page of the annotations of a task.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnnotationList {
    /// The annotations, oldest first.
    pub annotations: Vec<AnnotationDocument>,
    /// Where the page stands.
    pub pagination: Pagination,
}

/// Something is cancelled now.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Cancelled {
    /// Always true.
    pub cancelled: bool,
}

/// Why a task is not further.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskExplanationReply {
    /// Why.
    pub explanation: TaskExplanationDocument,
}

/// Why a step is not further.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepExplanationReply {
    /// Why.
    pub explanation: StepExplanationDocument,
}
