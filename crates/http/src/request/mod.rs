//! Requests, read strictly: what is not understood is refused, everything wrong at once.

pub(crate) mod accept;
pub(crate) mod body;
pub(crate) mod definition_source;
pub(crate) mod forms;
pub(crate) mod path;
pub(crate) mod query;
