//! The settings of the `command` handler as types.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::settings::{
    SettingProblem, Settings, backoff_problems, count, flag, kind, limit_problem, number, present,
    scalar_text,
};

/// Settings of one program, rendered. The meaning of each is told in [`crate::command`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandConfig {
    /// What to run.
    pub program: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Option<Vec<Value>>,
    /// Variables; null removes one.
    #[serde(default)]
    pub env: Option<Map<String, Value>>,
    /// Working directory.
    #[serde(default)]
    pub cwd: Option<String>,
    /// Standard input.
    #[serde(default, deserialize_with = "present")]
    pub stdin: Option<Value>,
    /// What standard output is.
    #[serde(default)]
    pub output: OutputKind,
    /// Statuses that are permanent.
    #[serde(default)]
    pub permanent_exit_codes: Option<Vec<i32>>,
    /// Limit in seconds.
    #[serde(default, alias = "timeout", deserialize_with = "number")]
    pub timeout_seconds: Option<f64>,
    /// Largest output.
    #[serde(default, deserialize_with = "count")]
    pub max_output_bytes: Option<u64>,
    /// Read by the engine.
    #[serde(default, deserialize_with = "flag")]
    pub enable_exponential_backoff: Option<bool>,
    /// Read by the engine.
    #[serde(default, deserialize_with = "number")]
    pub retry_delay: Option<f64>,
    /// Read by the engine.
    #[serde(default, deserialize_with = "number")]
    pub jitter_factor: Option<f64>,
    /// Another name of the step's `default_retry_limit`.
    #[serde(default, deserialize_with = "count")]
    pub retries: Option<u64>,
}

/// What a program writes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputKind {
    /// One JSON value.
    #[default]
    Json,
    /// Text.
    Text,
    /// Text, line by line.
    Lines,
}

impl CommandConfig {
    /// The arguments as texts.
    pub fn arguments(&self) -> Vec<String> {
        self.args.iter().flatten().filter_map(scalar_text).collect()
    }

    /// The variables to set; `None` removes one.
    pub fn variables(&self) -> BTreeMap<String, Option<String>> {
        self.env.iter().flatten().map(|(name, value)| (name.clone(), scalar_text(value))).collect()
    }

    /// The limit of one run; `None` is the attempt's.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout_seconds.map(Duration::from_secs_f64)
    }
}

impl Settings for CommandConfig {
    const KEYS: &'static [&'static str] = &[
        "program",
        "args",
        "env",
        "cwd",
        "stdin",
        "output",
        "permanent_exit_codes",
        "timeout_seconds",
        "timeout",
        "max_output_bytes",
        "enable_exponential_backoff",
        "retry_delay",
        "jitter_factor",
        "retries",
    ];

    const NESTED: &'static [(&'static str, &'static [&'static str])] = &[];

    fn required() -> &'static [(&'static str, &'static str)] {
        &[("program", "true")]
    }

    fn problems(&self) -> Vec<SettingProblem> {
        let mut problems = backoff_problems(self.retry_delay, self.jitter_factor);
        problems.extend(limit_problem("timeout_seconds", self.timeout_seconds));
        if self.program.trim().is_empty() || self.program.contains('\0') {
            problems.push(SettingProblem::at("/program", "must be a path or a name to be found in PATH"));
        }
        for (index, value) in self.args.iter().flatten().enumerate() {
            if scalar_text(value).is_none_or(|text| text.contains('\0')) {
                let message = format!(
                    "must be a text or a number, found {}; write a value with `| tojson`",
                    kind(value)
                );
                problems.push(SettingProblem::at(format!("/args/{index}"), message));
            }
        }
        for (name, value) in self.env.iter().flatten() {
            if name.is_empty() || name.contains(['=', '\0']) {
                problems.push(SettingProblem::at(format!("/env/{name}"), "is no name of a variable"));
            } else if !value.is_null() && scalar_text(value).is_none_or(|text| text.contains('\0')) {
                let message = format!("must be a text, a number or null, found {}", kind(value));
                problems.push(SettingProblem::at(format!("/env/{name}"), message));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(config: Value) -> Vec<(String, String)> {
        CommandConfig::check(&config).into_iter().map(|p| (p.pointer, p.message)).collect()
    }

    #[test]
    fn sound_settings_have_no_problems() {
        assert_eq!(
            problems(json!({ "program": "wc", "args": ["-l", "{{ context.file }}", 1], "output": "text" })),
            []
        );
        let config = json!({
            "program": "{{ context.p }}", "env": { "A": 1, "B": null }, "cwd": "/tmp", "stdin": null,
            "permanent_exit_codes": [2, 64], "timeout": "{{ context.t }}", "max_output_bytes": 10, "retries": 2,
        });
        assert_eq!(problems(config), []);
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let found = problems(
            json!({ "args": [{}], "env": { "A=B": "x", "C": [] }, "output": "xml", "timeout_seconds": -1 }),
        );
        let found: Vec<_> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
        assert_eq!(found, ["/output", "/timeout_seconds", "/args/0", "/env/A=B", "/env/C"]);
    }
}
