//! The HTTP API of Tasker: reads requests, calls one use case of the engine, writes what came of it. It holds no rule.
//!
//! ```text
//!  connection ──> layers (request id, panic, deadline, CORS) ──> router ──> gate of the route ──> handler ──> engine
//!   server.rs                    layers/                        routes/        gate/             routes/
//! ```
//!
//! [`routes`] holds the one table of all routes: method, path, what is required of the caller, what a call costs, how it is
//! described. The router, the gates before the handlers and the OpenAPI document are made from it, so a route cannot
//! be reached without its requirement and is never missing in the document. Folders below [`routes`] mirror the paths,
//! with one file per action.

pub mod auth;
mod call;
mod docs_page;
mod events;
pub mod figures;
mod gate;
mod layers;
mod limits;
mod observe;
mod openapi;
mod operation;
mod options;
mod reply;
mod request;
mod reused;
mod route;
pub mod routes;
mod server;
mod state;

pub use crate::limits::{Bucket, Limiter, Rate, Rates, TokenBuckets, Unlimited, Verdict};
pub use crate::observe::{Answered, ApiObserver, MetricsForm, MetricsOptions, MetricsSource, Unobserved};
pub use crate::operation::{Kind, Operation, Parameter};
pub use crate::options::{ApiOptions, Authorization, EventStreamOptions, HealthOptions, InvalidOptions};
pub use crate::route::{Cost, Requirement, Route};
pub use crate::server::Api;
