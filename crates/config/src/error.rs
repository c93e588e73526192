//! What can be wrong with a configuration.

use std::fmt;

use serde::Serialize;

use crate::source::Origin;

/// One thing wrong with a configuration.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ConfigProblem {
    /// Stable code: `config_unreadable`, `config_syntax`, `unknown_setting`, `wrong_type`, `out_of_range`,
    /// `missing_env_var`, `contradiction`.
    pub code: &'static str,
    /// The setting, where the problem belongs to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Where it was said.
    pub source: Origin,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// A configuration that cannot be used, with everything that is wrong with it.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("the configuration is not valid:{}", lines(.0))]
pub struct ConfigError(pub Vec<ConfigProblem>);

impl ConfigProblem {
    pub(crate) fn new(code: &'static str, source: &Origin, message: impl Into<String>) -> Self {
        Self { code, key: None, source: source.clone(), message: message.into(), help: None }
    }

    pub(crate) fn of(mut self, key: &str) -> Self {
        self.key = Some(key.into());
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.source)?;
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        write!(f, "{} [{}]", self.message, self.code)?;
        self.help.iter().try_for_each(|help| write!(f, "; {help}"))
    }
}

fn lines(problems: &[ConfigProblem]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}
