//! Definitions: what a workflow is made of, how a file becomes one, and everything that can be wrong with it.
//!
//! A document goes through `source` (text to tree), `merge` (overrides of an environment), `shape` and `step_shape`
//! (keys and types), and then the checks that look at the whole: names, graph, templates, handlers, variables,
//! context schema. All of them write into one report; [`load`] runs them in order.

mod annotations;
mod assembly;
mod builder;
mod context;
mod events;
mod graph_check;
mod handlers;
mod json_text;
mod load;
mod merge;
mod model;
mod problem;
mod reader;
mod scalar;
mod shape;
mod source;
mod step_names;
mod step_shape;
mod template_check;
mod tree;
mod variables;

pub use builder::{DefinitionBuilder, StepBuilder};
pub use context::{ContextSchema, Violation, check_context, check_object};
pub use handlers::{ConfigProblem, HandlerCatalog, NoHandlers, Unserved};
pub use load::{LoadOptions, Loaded, load, load_value};
pub use model::{
    AnnotationRule, AnnotationValue, CustomEvent, Definition, MAX_EDGES, MAX_STEPS, Priority, StepTemplate,
};
pub use problem::{MAX_PROBLEMS, Problem, Severity};
pub use source::MAX_SOURCE_BYTES;
pub use variables::{Lookup, MissingVariable, names_in, substitute};
