//! What goes back: documents, problems, versions, positions in lists.

pub(crate) mod codes;
pub(crate) mod etag;
mod failure;
mod json;
pub(crate) mod problem;

pub(crate) use json::{json, json_with};
pub(crate) use problem::Problem;
