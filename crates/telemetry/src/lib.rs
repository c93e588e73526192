//! Logs (lines about what the program does, on standard error, as text or as JSON) and [`metrics`].

pub mod metrics;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How log lines are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Format {
    /// For people: time, level, place, words, fields.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogOptions {
    /// Directives as in `RUST_LOG`, such as `warn,tasker=info`.
    pub directives: String,
    /// How.
    pub format: Format,
    /// Whether text is coloured.
    pub color: bool,
}

/// Logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The directives cannot be read.
    #[error(
        "{directives:?} does not say what to log; write a level such as info, or targets with levels such as warn,tasker=debug"
    )]
    Directives {
        /// What was given.
        directives: String,
        /// Why it cannot be read.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// Something else logs already.
    #[error("logging is set up already")]
    AlreadySet(#[source] tracing_subscriber::util::TryInitError),
}

/// Starts logging for the whole process. `writer` gives what each line is written to; it must never panic.
///
/// # Errors
/// The directives cannot be read, or logging is set up already.
pub fn init<W>(options: &LogOptions, writer: W) -> Result<(), LogError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder()
        .parse(&options.directives)
        .map_err(|source| LogError::Directives { directives: options.directives.clone(), source })?;
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(options.color);
    match options.format {
        Format::Text => builder.finish().try_init(),
        Format::Json => builder.json().flatten_event(true).with_current_span(true).finish().try_init(),
    }
    .map_err(LogError::AlreadySet)
}

/// The directives of a level: this program's own lines from that level on, others' only from `warn` on.
pub fn directives_of(level: &str) -> String {
    match level {
        "off" | "error" | "warn" => level.into(),
        "trace" => "trace".into(),
        _ => format!("warn,tasker={level}"),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn levels_become_directives_that_can_be_read() {
        for (level, directives) in [
            ("off", "off"),
            ("warn", "warn"),
            ("info", "warn,tasker=info"),
            ("debug", "warn,tasker=debug"),
            ("trace", "trace"),
        ] {
            assert_eq!(directives_of(level), directives);
            assert!(EnvFilter::builder().parse(directives).is_ok());
        }
    }

    #[test]
    fn directives_that_cannot_be_read_are_refused() {
        let options = LogOptions { directives: "tasker=loud".into(), format: Format::Text, color: false };
        let error = init(&options, io::stderr).unwrap_err();
        assert!(error.to_string().starts_with("\"tasker=loud\" does not say what to log"), "{error}");
    }
}
