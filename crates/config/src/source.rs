//! Where settings come from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Serialize, Serializer};

/// Where to look for settings. Nothing else is looked at, so that tests own their world.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The one file to read instead of the usual ones; it must exist.
    pub explicit: Option<PathBuf>,
    /// Folder whose `tasker.toml` is read, if there is one.
    pub working_directory: PathBuf,
    /// Folder of the user's `tasker.toml`: `$XDG_CONFIG_HOME/tasker` or `~/.config/tasker`.
    pub user_directory: Option<PathBuf>,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
    /// Settings given as flags: name of the flag, key, text.
    pub flags: Vec<(&'static str, &'static str, String)>,
}

impl Sources {
    /// The sources of this process.
    pub fn of_process() -> Self {
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self {
            explicit: None,
            working_directory: std::env::current_dir().unwrap_or_default(),
            user_directory: user_directory(&environment),
            environment,
            flags: Vec::new(),
        }
    }
}

fn user_directory(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    let base = match set("XDG_CONFIG_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(set("HOME")?).join(".config"),
    };
    Some(base.join("tasker"))
}

/// Where one setting was said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Nowhere: it is the default.
    Default,
    /// In a file.
    File {
        /// Which.
        path: PathBuf,
        /// Line, from 1; `None` for the file as a whole.
        line: Option<usize>,
    },
    /// In an environment variable.
    Environment(String),
    /// As a flag.
    Flag(&'static str),
}

impl Origin {
    /// The line, where it is in a file.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::File { line, .. } => *line,
            _ => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line: Some(line) } => write!(f, "{}:{line}", path.display()),
            Self::File { path, line: None } => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
