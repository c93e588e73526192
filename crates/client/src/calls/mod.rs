//! What can be asked: one file per group of routes.

mod analytics;
mod annotations;
mod bulk;
mod definitions;
mod diagrams;
mod history;
mod server;
mod step_actions;
mod steps;
mod task_actions;
mod task_query;
mod tasks;

pub use analytics::SlowestQuery;
pub use diagrams::DiagramQuery;
pub use steps::StepQuery;
pub use task_query::TaskQuery;
pub use tasks::Accepted;
