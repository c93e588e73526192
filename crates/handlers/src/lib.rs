//! The step handlers that ship with Tasker, so that a workflow needs no code.
//!
//! | handler | does | result |
//! |---|---|---|
//! | [`http`] | one HTTP request | `{status, headers, body}` |
//! | [`command`] | runs one local program; off unless allowed | what the program writes |
//!
//! The settings of both may be templates ([`tasker_core::template`]). What a step says about them is checked when its
//! definition is loaded ([`ShippedCatalog`]).

pub mod catalog;
pub mod command;
pub mod http;
mod rendering;
mod settings;

pub use catalog::ShippedCatalog;
pub use command::{CommandHandler, CommandPolicy};
pub use http::{HttpHandler, HttpPolicy};

use tasker_core::names::HandlerName;
use tasker_engine::handler::Handlers;

/// Name of the HTTP handler.
pub const HTTP: &str = "http";

/// Name of the command handler.
pub const COMMAND: &str = "command";

/// What the shipped handlers may do.
#[derive(Clone, Default, Debug)]
pub struct ShippedOptions {
    /// Where `http` may connect to.
    pub http: HttpPolicy,
    /// Whether `command` may run programs.
    pub command: CommandPolicy,
}

/// The handlers that ship. `command` is always among them: while it is not allowed, its steps fail and say so.
pub fn shipped(options: ShippedOptions) -> Handlers {
    let name = |text| HandlerName::new(text).expect("a valid handler name");
    Handlers::new()
        .with(name(HTTP), HttpHandler::new(options.http))
        .with(name(COMMAND), CommandHandler::new(options.command))
}
