//! What can be done with an engine: one file per kind of thing. Every caller goes through these, so none can do what
//! another cannot.

mod analysis;
mod analytics;
pub(crate) mod count;
mod definitions;
mod health;
mod history;
mod keys;
mod maintenance;
mod operate;
mod read;
mod readers;
pub(crate) mod resolutions;
mod resume;
pub(crate) mod schemas;
mod submit;
mod submit_together;
mod survey;

pub use count::Counted;
pub use health::HealthReport;
pub use history::HistoryPage;
pub use keys::{MintedApiKey, NewApiKey};
pub use operate::{Operation, Operator};
pub use resume::may_resume;
pub use submit::SubmittedTask;
pub use submit_together::Together;
pub use tasker_store::read::TaskView;
