//! `/definitions`: listing and registering definitions, and each version by its address.

pub(crate) mod list;
pub(crate) mod register;
pub(crate) mod show;
