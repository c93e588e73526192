//! Documents that Tasker hands out and takes in: what the command line prints as JSON, what the API answers and what it is
//! asked. A client reads what a server writes with the same types.
//!
//! Field names are a contract. Times are RFC 3339 in UTC with milliseconds. With the feature `openapi` every document
//! has its JSON Schema. Requests are read strictly ([`request::RequestDocument`]): everything wrong is told at once.

pub mod analytics;
mod annotation;
mod api_key;
mod bulk;
mod cache_info;
mod definition;
mod definition_list;
mod diagram;
mod error;
mod event;
mod execution;
mod explanation;
mod handler;
mod handler_graph;
mod health;
mod health_status;
mod instant;
mod page;
mod principal;
mod problem;
mod replies;
pub mod request;
mod retirement;
#[cfg(feature = "openapi")]
mod schema;
mod step;
mod task;
mod transition;

pub use annotation::AnnotationDocument;
pub use api_key::{ApiKeyCreated, ApiKeyDocument, ApiKeyList, ApiKeyStatus};
pub use bulk::{BulkActed, BulkActedItem, BulkCreated, BulkCreatedItem};
pub use cache_info::CacheInfo;
pub use definition::{DefinitionDocument, IncoherentDefinition, StepTemplateDocument};
pub use definition_list::{DefinitionList, DefinitionSummary};
pub use diagram::DiagramDocument;
pub use error::{ErrorBody, ErrorDocument};
pub use event::{EventDocument, GapDocument};
pub use execution::ExecutionDocument;
pub use explanation::{ExplanationDocument, StepExplanationDocument, TaskExplanationDocument};
pub use handler::{
    DefinitionFile, DefinitionReply, HandlerDocument, HandlerList, HandlerReply, HandlerSummary,
    NamespaceDocument, NamespaceList, RegisteredReply, RegistrationOutcome,
};
pub use handler_graph::{DependencyKind, HandlerEdge, HandlerGraph, HandlerGraphSummary, HandlerNode};
pub use health::{Alive, CheckResult, CheckStatus, Ready};
pub use health_status::{
    DatabaseHealth, ErrorRate, ErrorRates, HealthMetrics, HealthReason, HealthStatus, HealthStatusDocument,
    IntegrityHealth, PoolHealth, QueueHealth, RetryCounts, StateCounts, WorkersHealth,
};
pub use instant::Instant;
pub use page::{Pagination, TaskList};
pub use principal::{MeReply, PrincipalDocument};
pub use problem::{ProblemDocument, ProblemEntry};
pub use replies::{
    AnnotationList, AnnotationReply, AnnotationTypeDocument, AnnotationTypeList, Cancelled,
    StepExplanationReply, StepList, StepReply, TaskExplanationReply, TaskReply, TransitionList,
};
pub use retirement::{RetireDefinitionRequest, RetiredReply};
pub use step::{StepDocument, StepErrorDocument};
pub use task::{Include, TaskCreated, TaskDocument, TaskSummary};
pub use transition::TransitionDocument;
