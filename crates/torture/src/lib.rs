//! What `tasker torture` and the fault drills are made of: random workflows, an outside ledger of what was executed, nodes
//! that are processes, things that are done to them, and a model that says what must have come of it all.

pub mod chance;
mod error;
pub mod fault;
mod feed;
mod finding;
pub mod history;
mod ledger;
mod model;
mod nodes;
mod process;
pub mod recorder;
mod recovery;
mod relay;
mod report;
mod round;
mod run;
mod verdict;
mod workflow;
mod world;

pub use crate::error::TortureError;
pub use crate::feed::{Load, PATIENCE};
pub use crate::finding::{Finding, Kind};
pub use crate::nodes::{Launch, Node, Nodes};
pub use crate::process::{Finished, Running};
pub use crate::recovery::Moments;
pub use crate::relay::{Address, Relay};
pub use crate::report::TortureReport;
pub use crate::round::{Round, table};
pub use crate::run::{Host, News, Opener, TortureOptions, torture, worker_options};
pub use crate::workflow::Workflow;
pub use crate::world::{Proof, Scene, World};
