//! Requests, read strictly: what is not understood is refused, everything wrong at once.

pub(crate) mod body;
pub(crate) mod path;
pub(crate) mod query;
