//! `/health`: whether a server lives, whether it can do its work, and how the system is.

pub(crate) mod live;
mod parts;
pub(crate) mod ready;
pub(crate) mod status;

pub(crate) use ready::Readiness;
pub(crate) use status::Status;
