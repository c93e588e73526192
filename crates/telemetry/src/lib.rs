//! Logs (lines about what the program does, on standard error, as text or as JSON) and [`metrics`].

pub mod metrics;
mod redaction;

use tasker_core::masking::Masking;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::debug_fn;
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
    /// Which fields are secret, and what takes their place. Credentials inside of texts are masked besides.
    pub masking: Masking,
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
    subscriber(options, writer)?.try_init().map_err(LogError::AlreadySet)
}

/// What writes log lines: [`init`] makes it the one of the process.
///
/// # Errors
/// The directives cannot be read.
pub fn subscriber<W>(options: &LogOptions, writer: W) -> Result<Box<dyn Subscriber + Send + Sync>, LogError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder()
        .parse(&options.directives)
        .map_err(|source| LogError::Directives { directives: options.directives.clone(), source })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(options.color);
    let masking = options.masking.clone();
    Ok(match options.format {
        Format::Text => {
            let fields =
                debug_fn(move |writer, field, value| redaction::field(&masking, writer, field, value));
            Box::new(builder.fmt_fields(fields.delimited(" ")).with_writer(writer).finish())
        }
        Format::Json => {
            let writer = redaction::MaskedLines::new(writer, masking);
            Box::new(builder.json().flatten_event(true).with_current_span(true).with_writer(writer).finish())
        }
    })
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
        let options = LogOptions {
            directives: "tasker=loud".into(),
            format: Format::Text,
            color: false,
            masking: Masking::default(),
        };
        let error = init(&options, io::stderr).unwrap_err();
        assert!(error.to_string().starts_with("\"tasker=loud\" does not say what to log"), "{error}");
    }
}
