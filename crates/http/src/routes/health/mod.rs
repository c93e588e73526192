//! `/health`: whether a server lives, and whether it can do its work.

pub(crate) mod live;
pub(crate) mod ready;

pub(crate) use ready::Readiness;
