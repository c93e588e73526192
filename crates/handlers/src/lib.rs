//! The step handlers that ship with Tasker, so that a workflow needs no code.
//!
//! | handler | does | result |
//! |---|---|---|
//! | [`http`] | one HTTP request | `{status, headers, body}` |
//! | [`command`] | runs one local program; served only where it is allowed | what the program writes |
//!
//! The settings of both may be templates ([`tasker_core::template`]). What a step says about them is checked when its
//! definition is loaded ([`ShippedCatalog`]).

pub mod catalog;
pub mod command;
pub mod http;
mod rendering;
mod settings;

pub use catalog::ShippedCatalog;
pub use command::CommandHandler;
pub use http::{HttpHandler, HttpPolicy};

use tasker_core::names::HandlerName;
pub use tasker_core::names::{COMMAND, HTTP};
use tasker_engine::handler::Handlers;

/// What the shipped handlers may do.
#[derive(Clone, Default, Debug)]
pub struct ShippedOptions {
    /// Where `http` may connect to.
    pub http: HttpPolicy,
    /// Whether `command` may run programs. Off unless somebody who may decide it for this machine says otherwise.
    pub allow_commands: bool,
}

/// The handlers that ship. `command` is among them only where it is allowed: a worker that may not run programs does
/// not take such steps, and they wait for one that may.
pub fn shipped(options: ShippedOptions) -> Handlers {
    let name = |text| HandlerName::new(text).expect("a valid handler name");
    let handlers = Handlers::new().with(name(HTTP), HttpHandler::new(options.http));
    if options.allow_commands { handlers.with(name(COMMAND), CommandHandler::default()) } else { handlers }
}
