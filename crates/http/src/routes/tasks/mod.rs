//! `/tasks`: what is done with tasks.

pub(crate) mod annotations;
pub(crate) mod bulk;
pub(crate) mod bulk_actions;
pub(crate) mod cancel;
pub(crate) mod create;
pub(crate) mod diagram;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod list;
pub(crate) mod parts;
pub(crate) mod resolve;
pub(crate) mod resume;
pub(crate) mod retry;
mod selection;
pub(crate) mod show;
pub(crate) mod transitions;
pub(crate) mod update;
