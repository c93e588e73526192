//! Documents that Tasker hands out and takes in: what the command line prints as JSON and the API answers.
//!
//! Field names are a contract. Times are RFC 3339 in UTC with milliseconds. Requests for tasks are
//! [`tasker_core::request::TaskRequest`].

mod definition;
mod error;
mod instant;
mod page;
mod step;
mod task;
mod transition;

pub use definition::{DefinitionDocument, StepTemplateDocument};
pub use error::{ErrorBody, ErrorDocument};
pub use instant::Instant;
pub use page::{Pagination, TaskList};
pub use step::StepDocument;
pub use task::{TaskCreated, TaskDocument, TaskSummary};
pub use transition::TransitionDocument;
