//! What goes back: documents, problems, versions, positions in lists.

pub(crate) mod codes;
pub(crate) mod drawing;
pub(crate) mod etag;
mod failure;
mod json;
mod page;
pub(crate) mod problem;

pub(crate) use json::{json, json_with};
pub(crate) use page::page;
pub(crate) use problem::Problem;
