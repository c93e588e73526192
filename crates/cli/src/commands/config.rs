//! `tasker config ...`.

use std::process::ExitCode;

use serde_json::{Value, json};
use tasker_config::{Configuration, Entry};

use crate::args::{ConfigCommand, Globals, Output};
use crate::exit::Status;
use crate::output::Printer;
use crate::session;

/// Looks at the configuration.
pub fn run(command: ConfigCommand, globals: &Globals, printer: &Printer) -> anyhow::Result<ExitCode> {
    let configuration = session::configuration(globals)?;
    if printer.output() == Output::Text {
        for notice in &configuration.notices {
            printer.warn(&format!("{}: {} [{}]", notice.source, notice.message, notice.code));
        }
    }
    match command {
        ConfigCommand::Check => check(&configuration, printer),
        ConfigCommand::Show => show(&configuration, printer),
    }
    Ok(Status::Ok.into())
}

fn check(configuration: &Configuration, printer: &Printer) {
    let files: Vec<String> = configuration.files.iter().map(|path| path.display().to_string()).collect();
    let document = json!({"valid": true, "files": files, "warnings": configuration.notices});
    printer.result(&document, || match files.as_slice() {
        [] => "valid: no file, only defaults, environment and flags".into(),
        files => format!("valid: {}", files.join(", ")),
    });
}

fn show(configuration: &Configuration, printer: &Printer) {
    let document = json!({"settings": configuration.entries, "warnings": configuration.notices});
    printer.result(&document, || {
        let style = printer.style();
        let line = |entry: &Entry| {
            format!(
                "{} = {}  {}\n",
                entry.key,
                value(&entry.value),
                style.dim(&format!("# {}", entry.source))
            )
        };
        configuration.entries.iter().map(line).collect()
    });
}

fn value(value: &Value) -> String {
    if value.is_null() { "(unset)".into() } else { value.to_string() }
}
