//! What a command works with: flags, settings, and where its output goes.

use tasker_config::{Configuration, Settings, Sources};

use crate::args::Globals;
use crate::logging;
use crate::output::Printer;

/// What a command works with.
pub struct Session {
    /// The flags.
    pub globals: Globals,
    /// All settings, flags included.
    pub settings: Settings,
    /// Where output goes.
    pub printer: Printer,
}

impl Session {
    /// Reads the configuration, begins to log, and tells about settings that are not what they seem.
    pub fn start(globals: Globals, printer: Printer) -> anyhow::Result<Self> {
        let configuration = configuration(&globals)?;
        logging::start(&globals, &configuration.settings, &printer)?;
        for notice in &configuration.notices {
            printer.warn(&format!("{}: {} [{}]", notice.source, notice.message, notice.code));
        }
        Ok(Self { globals, settings: configuration.settings, printer })
    }

    /// The environment of definitions.
    pub fn environment(&self) -> &str {
        self.settings.environment.as_deref().unwrap_or("development")
    }
}

/// The configuration of files, environment and these flags.
pub fn configuration(globals: &Globals) -> anyhow::Result<Configuration> {
    let mut sources = Sources::of_process();
    sources.explicit = globals.config.clone();
    let flags = [
        ("--env", "environment", globals.env.clone()),
        ("--database-url", "database.url", globals.database_url.clone()),
        ("--server", "server.url", globals.server.clone()),
        ("--data-dir", "data_dir", globals.data_dir.as_ref().map(|path| path.display().to_string())),
        ("--log-level", "telemetry.log_level", globals.log_level.clone()),
        ("--log-format", "telemetry.log_format", globals.log_format.clone()),
    ];
    sources.flags = flags.into_iter().filter_map(|(flag, key, text)| Some((flag, key, text?))).collect();
    Ok(tasker_config::load(&sources)?)
}
