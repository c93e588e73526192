//! `/tasks/{task_id}/workflow_steps`: what is done with the steps of a task.

pub(crate) mod cancel;
pub(crate) mod explain;
pub(crate) mod list;
mod parts;
pub(crate) mod resolve;
pub(crate) mod retry;
pub(crate) mod show;
pub(crate) mod transitions;
pub(crate) mod update;
