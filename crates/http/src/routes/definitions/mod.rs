//! `/definitions`: listing and registering definitions; showing and retiring each version by its address.

pub(crate) mod list;
pub(crate) mod register;
pub(crate) mod retire;
pub(crate) mod show;
