//! `tasker version`.

use std::process::ExitCode;

use serde_json::json;

use crate::exit::Status;
use crate::output::Printer;

/// Shows the version.
pub fn run(printer: &Printer) -> anyhow::Result<ExitCode> {
    let version = env!("CARGO_PKG_VERSION");
    printer.result(&json!({"name": "tasker", "version": version}), || format!("tasker {version}"));
    Ok(Status::Ok.into())
}
