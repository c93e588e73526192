//! All layers together: which value wins, what contradicts what, and where each value comes from.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value as Json;
use tasker_core::names::HandlerName;

use crate::error::{ConfigError, ConfigProblem};
use crate::kind::Value;
use crate::layer::Layer;
use crate::settings::Settings;
use crate::source::{Origin, Sources};
use crate::table::{SETTINGS, Setting};

/// Name of configuration files.
const FILE_NAME: &str = "tasker.toml";

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// What was set, typed.
    pub settings: Settings,
    /// Every setting with its value and where it was said, sorted by key, secrets masked.
    pub entries: Vec<Entry>,
    /// What works, though perhaps not as meant.
    pub notices: Vec<Notice>,
    /// The files that were read, the first one the weakest.
    pub files: Vec<PathBuf>,
}

/// One setting, as people see it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Entry {
    /// Its name.
    pub key: &'static str,
    /// Its value; `null` if unset. Secrets are masked.
    pub value: Json,
    /// Where it was said.
    pub source: Origin,
    /// What it does.
    pub about: &'static str,
}

/// Something that works, though perhaps not as meant.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Notice {
    /// Stable code: `setting_without_effect`, `unknown_variable`.
    pub code: &'static str,
    /// The setting or variable.
    pub key: String,
    /// Where it was said.
    pub source: Origin,
    /// What about it.
    pub message: String,
}

/// Reads all layers.
///
/// # Errors
/// Everything that is wrong with any of them, and what contradicts each other.
pub fn load(sources: &Sources) -> Result<Configuration, ConfigError> {
    let files = files(sources);
    let mut layers: Vec<Layer> =
        files.iter().map(|path| Layer::of_file(path, &sources.environment)).collect();
    layers.push(Layer::of_environment(&sources.environment));
    layers.push(Layer::of_flags(&sources.flags));
    let mut resolved = Resolved::defaults();
    let (mut problems, mut notices) = (Vec::new(), Vec::new());
    for layer in layers {
        for (setting, value, origin) in layer.values {
            resolved.0.insert(setting.key, (value, origin));
        }
        problems.extend(layer.problems);
        notices.extend(layer.notices);
    }
    let settings = Settings::of(&resolved);
    problems.extend(contradictions(&settings, &resolved));
    if !problems.is_empty() {
        return Err(ConfigError(problems));
    }
    let entries = SETTINGS.iter().map(|setting| resolved.entry(setting)).collect();
    Ok(Configuration { settings, entries, notices, files })
}

fn files(sources: &Sources) -> Vec<PathBuf> {
    if let Some(file) = &sources.explicit {
        return vec![file.clone()];
    }
    let user = sources.user_directory.iter().map(|folder| folder.join(FILE_NAME));
    user.chain([sources.working_directory.join(FILE_NAME)]).filter(|path| path.exists()).collect()
}

/// What was set, by key; a key that is not there is unset.
pub(crate) struct Resolved(BTreeMap<&'static str, (Value, Origin)>);

impl Resolved {
    fn defaults() -> Self {
        let read = |setting: &Setting| {
            let value = setting
                .kind
                .read_text(setting.default?)
                .expect("the table's defaults are valid, see its test");
            Some((setting.key, (value, Origin::Default)))
        };
        Self(SETTINGS.iter().filter_map(read).collect())
    }

    pub(crate) fn value(&self, key: &str) -> Option<&Value> {
        self.0.get(key).map(|(value, _)| value)
    }

    pub(crate) fn text(&self, key: &str) -> Option<String> {
        match self.value(key)? {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    pub(crate) fn texts(&self, key: &str) -> Vec<String> {
        match self.value(key) {
            Some(Value::Texts(list)) => list.clone(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        matches!(self.value(key), Some(Value::Flag(true)))
    }

    pub(crate) fn number(&self, key: &str) -> f64 {
        match self.value(key) {
            Some(Value::Number(number)) => *number,
            _ => 0.0,
        }
    }

    pub(crate) fn size(&self, key: &str) -> usize {
        match self.value(key) {
            Some(Value::Count(n)) => usize::try_from(*n).unwrap_or(usize::MAX),
            _ => 0,
        }
    }

    pub(crate) fn span(&self, key: &str) -> Duration {
        match self.value(key) {
            Some(Value::Span(span)) => *span,
            _ => Duration::ZERO,
        }
    }

    fn origin(&self, key: &str) -> Origin {
        self.0.get(key).map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    fn entry(&self, setting: &Setting) -> Entry {
        let value = self.value(setting.key).map_or(Json::Null, Value::show);
        let value = if setting.key == "database.url" { without_password(value) } else { value };
        Entry { key: setting.key, value, source: self.origin(setting.key), about: setting.about }
    }
}

/// What each setting allows by itself, but not together.
fn contradictions(settings: &Settings, resolved: &Resolved) -> Vec<ConfigProblem> {
    let mut found = Vec::new();
    let mut complain = |code, key: &str, message: String| {
        found.push(ConfigProblem::new(code, &resolved.origin(key), message).of(key));
    };
    let e = &settings.execution;
    if e.max_in_flight < e.max_concurrent_steps {
        let message = format!(
            "is {}, but must be at least execution.max_concurrent_steps, which is {}",
            e.max_in_flight, e.max_concurrent_steps
        );
        complain("contradiction", "execution.max_in_flight", message);
    }
    if e.lease < e.heartbeat_interval * 3 {
        let message = "must be at least three times execution.heartbeat_interval".to_owned();
        complain("contradiction", "execution.lease", message);
    }
    if resolved.text("engine.identity_strategy").as_deref() == Some("custom") {
        let message =
            "`custom` needs a program that embeds the engine and brings the strategy; use `hash`".to_owned();
        complain("out_of_range", "engine.identity_strategy", message);
    }
    if let Some(Value::CountsByName(limits)) = resolved.value("execution.handler_limits") {
        for invalid in limits.keys().filter_map(|name| HandlerName::new(name).err()) {
            complain("out_of_range", "execution.handler_limits", invalid.to_string());
        }
    }
    for invalid in settings.analysis_weights.validate().err().unwrap_or_default() {
        let key = format!("dependency_graph.{}", invalid.setting);
        complain("contradiction", &key, format!("is {}, but must be {}", invalid.value, invalid.rule));
    }
    for invalid in settings.backoff.validate().err().unwrap_or_default() {
        let key = format!("backoff.{}", invalid.setting);
        complain("out_of_range", &key, format!("is {}, but must be {}", invalid.value, invalid.rule));
    }
    found
}

/// A database address without its password.
fn without_password(url: Json) -> Json {
    let Some(text) = url.as_str() else { return url };
    let Some((scheme, rest)) = text.split_once("://") else { return url };
    let (authority, path) = rest.split_once('/').map_or((rest, String::new()), |(a, p)| (a, format!("/{p}")));
    let shown = match authority.rsplit_once('@').map(|(user, host)| (user.split_once(':'), host)) {
        Some((Some((user, _)), host)) => format!("{scheme}://{user}:[FILTERED]@{host}"),
        _ => format!("{scheme}://{authority}"),
    };
    let path = match path.split_once('?') {
        Some((path, query)) if query.contains("password") => format!("{path}?[FILTERED]"),
        _ => path,
    };
    Json::from(shown + &path)
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
