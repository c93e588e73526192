//! What the API is asked, read strictly.

mod annotations;
mod bulk;
mod selection;
mod steps;
mod tasks;

pub use annotations::CreateAnnotationRequest;
pub use bulk::{BulkAction, BulkActionRequest, BulkCreateRequest, BulkCreation, MOST_ITEMS, MOST_TASK_IDS};
pub use selection::TaskSelection;
pub use steps::{CancelStepRequest, ResolveStepRequest, RetryStepRequest, UpdateStepRequest};
pub use tasks::{
    CancelTaskRequest, CreateTaskRequest, ResolveTaskRequest, ResumeTaskRequest, RetryTaskRequest,
    UpdateTaskRequest,
};

use tasker_core::payload::Payload;
use tasker_core::request::{Fields, RequestProblem};

/// The body of a request. It may stand in an object of its own name (`{"task": {...}}`) or by itself.
pub trait RequestDocument: Sized {
    /// What it may be wrapped in.
    const WRAPPER: Option<&'static str> = None;

    /// Its fields.
    const FIELDS: &'static [&'static str];

    /// What its JSON Schema says besides what it says of each field: a JSON object.
    const RULES: &'static str = "{}";

    /// What is read.
    type Read;

    /// Reads the fields.
    ///
    /// # Errors
    /// Everything wrong with them.
    fn read(fields: Fields) -> Result<Self::Read, Vec<RequestProblem>>;

    /// Reads an object. Pointers of problems begin at the fields, wrapped or not.
    ///
    /// # Errors
    /// Everything wrong with it; `invalid_json` if it is no object.
    fn read_object(object: &Payload) -> Result<Self::Read, Vec<RequestProblem>> {
        let parse =
            |object: &Payload| Fields::parse(object.as_str(), Self::FIELDS).map_err(|problem| vec![problem]);
        let fields = parse(object)?;
        match Self::WRAPPER.and_then(|wrapper| fields.unwrapped(wrapper)) {
            Some(inside) => Self::read(parse(inside)?),
            None => Self::read(fields),
        }
    }
}
