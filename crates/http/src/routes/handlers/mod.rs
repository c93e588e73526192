//! `/handlers`: the definitions that are registered.

pub(crate) mod diagram;
pub(crate) mod list;
pub(crate) mod namespace;
pub(crate) mod parts;
pub(crate) mod show;
