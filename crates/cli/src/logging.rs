//! Which log lines are written, and where they meet the progress on a terminal.

use std::io::{self, Write};

use anyhow::Context as _;
use tasker_config::{LogFormat, Settings};
use tasker_core::masking::Masking;
use tasker_telemetry::{Format, LogOptions, directives_of, init};

use crate::args::Globals;
use crate::output::Printer;
use crate::progress::terminal;

/// Begins to log to standard error.
pub fn start(globals: &Globals, settings: &Settings, printer: &Printer) -> anyhow::Result<()> {
    let options = LogOptions {
        directives: directives(globals, settings),
        format: match settings.log.format {
            LogFormat::Text => Format::Text,
            LogFormat::Json => Format::Json,
        },
        color: printer.colors_messages(),
        masking: Masking::new(
            settings.log.filter_parameters.iter().map(String::as_str),
            &settings.log.filter_mask,
        ),
    };
    init(&options, || AboveProgress).context("setting up the log")
}

/// Flags first, then `RUST_LOG`, then the configuration.
fn directives(globals: &Globals, settings: &Settings) -> String {
    match (globals.verbose, &globals.log_level, std::env::var("RUST_LOG")) {
        (1, ..) => directives_of("info"),
        (2, ..) => directives_of("debug"),
        (3.., ..) => directives_of("trace"),
        (0, Some(level), _) => directives_of(level),
        (0, None, Ok(directives)) if !directives.trim().is_empty() => directives,
        _ => directives_of(settings.log.level.as_str()),
    }
}

/// Writes log lines above what is drawn as progress.
struct AboveProgress;

impl Write for AboveProgress {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        terminal().suspend(|| {
            // A closed standard error must not end the work.
            let _ = io::stderr().write_all(line);
        });
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
