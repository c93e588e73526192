//! Reads the keys of one mapping: each getter reports what is wrong with its key and gives what is right.

use serde_json::Value;

use super::problem::{Problem, Report};
use super::tree::{Entry, Kind, Mapping, Node, Path, Position};
use crate::names::InvalidName;
use crate::nearest::{nearest, proposal};

/// A mapping that is being read.
pub(super) struct Reader<'a, 'r> {
    map: &'a Mapping,
    at: Position,
    /// The way to it.
    pub(super) path: Path<'r>,
    /// Where problems go.
    pub(super) report: &'r mut Report,
}

impl<'a, 'r> Reader<'a, 'r> {
    /// A reader, if the node is a mapping; otherwise a problem.
    pub(super) fn new(node: &'a Node, what: &str, path: Path<'r>, report: &'r mut Report) -> Option<Self> {
        match node.mapping() {
            Some(map) => Some(Self { map, at: node.at, path, report }),
            None => {
                report.error(
                    "wrong_type",
                    node.at,
                    path,
                    format!("{what} must be a mapping, not {}", described(node)),
                );
                None
            }
        }
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.map.get(key)
    }

    /// Reports that a key that must be there is not.
    pub(super) fn missing(&mut self, key: &str, help: &str) {
        let problem =
            Problem::error("missing_key", self.at, self.path, format!("the key `{key}` is missing"));
        self.report.push(problem.help(help));
    }

    /// Text.
    pub(super) fn text(&mut self, key: &str) -> Option<&'a str> {
        let node = self.get(key)?;
        node.text().or_else(|| self.wrong(key, "text", node))
    }

    /// Text of limited length, in characters.
    pub(super) fn short_text(&mut self, key: &str, max: usize) -> Option<&'a str> {
        let text = self.text(key)?;
        self.fits(key, text, max).then_some(text)
    }

    /// A name that keeps a rule of its own.
    pub(super) fn name<T>(
        &mut self,
        key: &str,
        max: usize,
        make: fn(&str) -> Result<T, InvalidName>,
    ) -> Option<T> {
        let text = self.text(key)?;
        if !self.fits(key, text, max) {
            return None;
        }
        match make(text) {
            Ok(name) => Some(name),
            Err(error) => self.refuse("invalid_name", key, format!("`{key}`: {error}")),
        }
    }

    /// True or false; `default` if absent.
    pub(super) fn boolean(&mut self, key: &str, default: bool) -> bool {
        let Some(node) = self.get(key) else { return default };
        match node.kind {
            Kind::Scalar(Value::Bool(value)) => value,
            _ => self.wrong(key, "true or false", node).unwrap_or(default),
        }
    }

    /// An integer of a range; `default` if absent.
    pub(super) fn integer(&mut self, key: &str, default: u32, min: u32, max: u32) -> u32 {
        self.get(key).and_then(|node| self.integer_of(key, node, min, max)).unwrap_or(default)
    }

    /// A node as an integer of a range.
    pub(super) fn integer_of(&mut self, key: &str, node: &'a Node, min: u32, max: u32) -> Option<u32> {
        let number = match &node.kind {
            Kind::Scalar(Value::Number(number)) if !number.is_f64() => number,
            _ => return self.wrong(key, "a whole number", node),
        };
        let value = number.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| (min..=max).contains(n));
        if value.is_none() {
            let message = format!("`{key}` must be {min} to {max}, not {number}");
            self.report.error("out_of_range", node.at, Path::Key(&self.path, key), message);
        }
        value
    }

    /// A mapping.
    pub(super) fn mapping(&mut self, key: &str) -> Option<&'a Node> {
        let node = self.get(key)?;
        if node.mapping().is_some() { Some(node) } else { self.wrong(key, "a mapping", node) }
    }

    /// A list.
    pub(super) fn list(&mut self, key: &str) -> Option<&'a [Node]> {
        let node = self.get(key)?;
        node.list().or_else(|| self.wrong(key, "a list", node))
    }

    /// A list of texts; items that are none are reported and left out. Each with its number in the list.
    pub(super) fn texts(&mut self, key: &str) -> Option<Vec<(usize, &'a str, Position)>> {
        let items = self.list(key)?;
        let mut texts = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            match item.text() {
                Some(text) => texts.push((i, text, item.at)),
                None => {
                    let list = Path::Key(&self.path, key);
                    let message = format!("`{key}` must be a list of texts, but holds {}", described(item));
                    self.report.error("wrong_type", item.at, Path::Index(&list, i), message);
                }
            }
        }
        Some(texts)
    }

    /// Reports a key with a code.
    pub(super) fn refuse<T>(
        &mut self,
        code: &'static str,
        key: &str,
        message: impl Into<String>,
    ) -> Option<T> {
        let at = self.get(key).map_or(self.at, |node| node.at);
        self.report.error(code, at, Path::Key(&self.path, key), message);
        None
    }

    /// Reports two keys that say the same, if both are there.
    pub(super) fn only_one(&mut self, first: &str, second: &str) {
        if self.get(first).is_some() && self.get(second).is_some() {
            let message =
                format!("`{first}` and `{second}` are the same setting; only one of them may be given");
            self.refuse::<()>("conflicting_keys", second, message);
        }
    }

    /// The keys that begin with `x-`, as an object.
    pub(super) fn extensions(&self) -> Value {
        let free = self.map.entries().iter().filter(|entry| is_free(&entry.key));
        Value::Object(free.map(|entry| (entry.key.to_string(), entry.value.to_value())).collect())
    }

    /// Reports keys that are not known here. `synonyms` are words people use for known keys.
    pub(super) fn unknown_keys(&mut self, known: &[&str], synonyms: &[(&str, &str)]) {
        for Entry { key, key_at, .. } in self.map.entries() {
            if known.contains(&&**key) || is_free(key) {
                continue;
            }
            let synonym = synonyms.iter().find(|(word, _)| *word == &**key).map(|(_, meant)| *meant);
            let near = || if self.report.is_crowded() { None } else { nearest(key, known.iter().copied()) };
            let meant = synonym.or_else(near);
            let message = format!("unknown key `{key}`{}", proposal(meant));
            let problem = Problem::error("unknown_key", *key_at, Path::Key(&self.path, key), message);
            self.report.push(match meant {
                Some(_) => problem,
                None => {
                    problem.help(format!("known here are {}, and keys that begin with x-", known.join(", ")))
                }
            });
        }
    }

    fn fits(&mut self, key: &str, text: &str, max: usize) -> bool {
        let n = text.chars().count();
        if n > max {
            self.refuse::<()>(
                "too_long",
                key,
                format!("`{key}` has {n} characters, at most {max} are allowed"),
            );
        }
        n <= max
    }

    fn wrong<T>(&mut self, key: &str, expected: &str, node: &Node) -> Option<T> {
        self.report.push(wrong_type(key, expected, node, Path::Key(&self.path, key)));
        None
    }
}

/// A value of another type than its key wants.
pub(super) fn wrong_type(key: &str, expected: &str, node: &Node, path: Path<'_>) -> Problem {
    let message = format!("`{key}` must be {expected}, not {}", described(node));
    let problem = Problem::error("wrong_type", node.at, path, message);
    match advice(expected, node) {
        Some(advice) => problem.help(advice),
        None => problem,
    }
}

fn advice(expected: &str, node: &Node) -> Option<&'static str> {
    match &node.kind {
        Kind::Scalar(Value::Null) => Some("leave the key out, or give it a value"),
        Kind::Scalar(Value::String(text)) if expected == "true or false" => {
            let is_old = matches!(&*text.to_lowercase(), "yes" | "no" | "on" | "off" | "y" | "n");
            is_old.then_some("write true or false: yes, no, on and off are texts in YAML 1.2")
        }
        Kind::Scalar(Value::String(text)) if expected == "a whole number" => {
            text.parse::<i64>().is_ok().then_some("remove the quotes")
        }
        Kind::Scalar(_) if expected == "text" => Some("put it in quotes"),
        _ => None,
    }
}

/// What a node is, in words.
pub(super) fn described(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar(Value::Null) => "null".to_owned(),
        Kind::Scalar(Value::Bool(value)) => value.to_string(),
        Kind::Scalar(Value::Number(number)) => format!("the number {number}"),
        Kind::Scalar(value) => {
            let text = value.as_str().unwrap_or_default();
            let start: String = text.chars().take(40).collect();
            if start.len() < text.len() {
                format!("the text {start:?}...")
            } else {
                format!("the text {text:?}")
            }
        }
        Kind::List(_) => "a list".to_owned(),
        Kind::Map(_) => "a mapping".to_owned(),
    }
}

fn is_free(key: &str) -> bool {
    key.starts_with("x-")
}
