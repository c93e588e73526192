//! One layer of settings: a file, the environment, or flags, as keys with values and the places they stand at.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value as Json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::ConfigProblem;
use crate::kind::{Kind, Misfit, Value};
use crate::resolve::Notice;
use crate::source::Origin;
use crate::table::{self, Setting};
use crate::{inert, table::SETTINGS};
use tasker_core::nearest::nearest;

/// What was said, and what is wrong with it.
#[derive(Default)]
pub(crate) struct Layer {
    pub(crate) values: Vec<(&'static Setting, Value, Origin)>,
    pub(crate) problems: Vec<ConfigProblem>,
    pub(crate) notices: Vec<Notice>,
}

impl Layer {
    /// Reads a file.
    pub(crate) fn of_file(path: &Path, environment: &BTreeMap<String, String>) -> Self {
        let whole = Origin::File { path: path.into(), line: None };
        let mut layer = Self::default();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                layer.problems.push(ConfigProblem::new(
                    "config_unreadable",
                    &whole,
                    format!("cannot be read: {error}"),
                ));
                return layer;
            }
        };
        let (table, errors) = DeTable::parse_recoverable(&text);
        let at = |offset: usize| Origin::File { path: path.into(), line: Some(line_of(&text, offset)) };
        for error in &errors {
            let origin = error.span().map_or(whole.clone(), |span| at(span.start));
            layer.problems.push(ConfigProblem::new("config_syntax", &origin, error.message()));
        }
        if errors.is_empty() {
            Walk { layer: &mut layer, at: &at, environment }.table("", table.get_ref());
        }
        // Tables are sorted by key; people read files from top to bottom.
        layer.problems.sort_by_key(|problem| problem.source.line());
        layer.notices.sort_by_key(|notice| notice.source.line());
        layer
    }

    /// Reads environment variables.
    pub(crate) fn of_environment(environment: &BTreeMap<String, String>) -> Self {
        let mut layer = Self::default();
        for (name, text) in environment.iter().filter(|(name, _)| name.starts_with("TASKER_")) {
            match table::of_variable(name) {
                Some(_) if text.is_empty() => {}
                Some(setting) => {
                    layer.say(setting, Origin::Environment(name.clone()), |kind| kind.read_text(text))
                }
                None => layer.notices.extend(misspelt_variable(name)),
            }
        }
        layer
    }

    /// Reads flags.
    pub(crate) fn of_flags(flags: &[(&'static str, &'static str, String)]) -> Self {
        let mut layer = Self::default();
        for (flag, key, text) in flags {
            let setting = table::find(key).expect("flags are made for settings of the table");
            layer.say(setting, Origin::Flag(flag), |kind| kind.read_text(text));
        }
        layer
    }

    fn say(
        &mut self,
        setting: &'static Setting,
        origin: Origin,
        read: impl Fn(&Kind) -> Result<Value, Misfit>,
    ) {
        match read(&setting.kind) {
            Ok(value) => self.values.push((setting, value, origin)),
            Err((code, message)) => {
                self.problems.push(ConfigProblem::new(code, &origin, message).of(setting.key))
            }
        }
    }
}

/// A variable that looks like a setting but is none. No error: workflows may use variables of their own.
fn misspelt_variable(name: &str) -> Option<Notice> {
    if table::OTHER_VARIABLES.contains(&name) {
        return None;
    }
    let variables: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
    let near = nearest(name, variables.iter().map(String::as_str))
        .filter(|near| near.len().abs_diff(name.len()) < 4)?;
    Some(Notice {
        code: "unknown_variable",
        key: name.into(),
        source: Origin::Environment(name.into()),
        message: format!("{name} is no setting; did you mean {near}?"),
    })
}

struct Walk<'a> {
    layer: &'a mut Layer,
    at: &'a dyn Fn(usize) -> Origin,
    environment: &'a BTreeMap<String, String>,
}

impl Walk<'_> {
    fn table(&mut self, section: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let key = if section.is_empty() {
                name.get_ref().to_string()
            } else {
                format!("{section}.{}", name.get_ref())
            };
            self.entry(&key, (self.at)(name.span().start), value);
        }
    }

    fn entry(&mut self, key: &str, origin: Origin, value: &Spanned<DeValue<'_>>) {
        if let Some(setting) = table::find(key) {
            match self.plain(value.get_ref()) {
                Ok(raw) => self.layer.say(setting, origin, |kind| kind.read(&raw)),
                Err(missing) => self.missing_variable(key, &origin, &missing),
            }
        } else if let Some(reason) = inert::reason(key) {
            let message = format!("{key} has no effect: {reason}");
            self.layer.notices.push(Notice {
                code: "setting_without_effect",
                key: key.into(),
                source: origin,
                message,
            });
        } else if let (DeValue::Table(table), true) = (value.get_ref(), is_section(key)) {
            self.table(key, table);
        } else {
            self.layer.problems.push(unknown(key, &origin));
        }
    }

    fn missing_variable(&mut self, key: &str, origin: &Origin, name: &str) {
        let message = format!("needs the environment variable {name}, which is not set");
        self.layer.problems.push(ConfigProblem::new("missing_env_var", origin, message).of(key));
    }

    /// The value as JSON, `${VAR}` replaced. The error is the name of a variable that is not set.
    fn plain(&self, value: &DeValue<'_>) -> Result<Json, String> {
        Ok(match value {
            DeValue::String(text) => Json::from(self.expand(text)?),
            DeValue::Integer(number) => integer(number.as_str(), number.radix()),
            DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Json::Null, Json::from),
            DeValue::Boolean(flag) => Json::from(*flag),
            DeValue::Datetime(time) => Json::from(time.to_string()),
            DeValue::Array(items) => {
                items.iter().map(|item| self.plain(item.get_ref())).collect::<Result<_, _>>()?
            }
            DeValue::Table(table) => {
                let mut map = Map::new();
                for (name, value) in table {
                    map.insert(name.get_ref().to_string(), self.plain(value.get_ref())?);
                }
                Json::Object(map)
            }
        })
    }

    fn expand(&self, text: &str) -> Result<String, String> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, tail)) = after.split_once('}') else { break };
            expanded.push_str(before);
            expanded.push_str(self.environment.get(name).ok_or(name)?);
            rest = tail;
        }
        expanded.push_str(rest);
        Ok(expanded)
    }
}

fn integer(digits: &str, radix: u32) -> Json {
    i128::from_str_radix(digits, radix)
        .ok()
        .and_then(|n| u64::try_from(n).map(Json::from).or_else(|_| i64::try_from(n).map(Json::from)).ok())
        .unwrap_or(Json::Null)
}

fn is_section(key: &str) -> bool {
    let known = SETTINGS.iter().map(|setting| setting.key).chain(inert::keys());
    known.into_iter().any(|k| k.strip_prefix(key).is_some_and(|rest| rest.starts_with('.')))
}

fn unknown(key: &str, origin: &Origin) -> ConfigProblem {
    let known = SETTINGS.iter().map(|setting| setting.key);
    let problem = ConfigProblem::new("unknown_setting", origin, "there is no such setting").of(key);
    // A right key in the wrong section is nearer than a like key of the same section.
    let last = key.rsplit('.').next().unwrap_or(key);
    let moved = known.clone().find(|k| k.rsplit('.').next() == Some(last));
    match moved.or_else(|| nearest(key, known.chain(inert::keys()))) {
        Some(near) => problem.help(format!("did you mean {near}?")),
        None => problem.help("`tasker config show` lists all settings"),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}
