//! `/definitions`: registering definitions, and each version by its address.

pub(crate) mod register;
pub(crate) mod show;
