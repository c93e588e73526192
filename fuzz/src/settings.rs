//! Settings: a configuration that is shown can be set again and is the same; passwords are not shown; what is refused
//! says where.
//!
//! An input is a configuration file; after a line `---` may follow lines `NAME=VALUE`, the environment.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tasker_config::table::find;
use tasker_config::{Configuration, Entry, Origin, Sources, load, span};
use tempfile::TempDir;

use crate::text;

thread_local! {
    static FOLDER: TempDir = tempfile::tempdir().expect("a folder for configuration files can be made");
}

/// Checks a configuration.
pub fn check(input: &[u8]) {
    let Some(text) = text(input) else { return };
    span_is_the_same_again(text);
    let (file, variables) = text.split_once("\n---\n").unwrap_or((text, ""));
    let environment: BTreeMap<String, String> = variables
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    FOLDER.with(|folder| checked(folder.path(), file, environment));
}

fn checked(folder: &Path, file: &str, environment: BTreeMap<String, String>) {
    let path = folder.join("tasker.toml");
    fs::write(&path, file).expect("the file can be written");
    let sources = Sources { explicit: Some(path.clone()), environment, ..Sources::default() };
    match load(&sources) {
        Err(error) => {
            assert!(!error.0.is_empty(), "refused without a reason");
            for problem in &error.0 {
                let line = problem.source.line().unwrap_or(1);
                assert!((1..=1 + file.matches('\n').count()).contains(&line), "{problem}");
            }
        }
        Ok(configuration) => {
            let shown = shown_as_file(&configuration.entries);
            if shown.contains("${") {
                // A value with a variable in it, such as one that a variable brought in, would be filled in again.
                return;
            }
            fs::write(&path, &shown).expect("the file can be written");
            let again = load(&Sources { explicit: Some(path), ..Sources::default() });
            let again = again.unwrap_or_else(|error| panic!("{error}\n{shown}"));
            is_the_same(&configuration, &again);
        }
    }
}

/// A file with everything that was set, as it is shown.
fn shown_as_file(entries: &[Entry]) -> String {
    let mut file = String::new();
    for Entry { key, value, source, .. } in entries {
        if *source != Origin::Default && !value.is_null() && *key != "database.url" {
            assert!(find(key).is_some(), "{key} is a setting");
            writeln!(file, "{key} = {}", as_toml(value)).expect("writing to a string cannot fail");
        }
    }
    file
}

fn as_toml(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let entries: Vec<String> =
                fields.iter().map(|(key, value)| format!("{} = {}", as_text(key), as_toml(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(as_toml).collect::<Vec<_>>().join(", ")),
        Value::String(text) => as_text(text),
        other => other.to_string(),
    }
}

/// A basic string of TOML.
fn as_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                write!(quoted, "\\U{:08X}", c as u32).expect("writing to a string cannot fail")
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

fn is_the_same(configuration: &Configuration, again: &Configuration) {
    for (one, other) in configuration.entries.iter().zip(&again.entries) {
        if one.key != "database.url" {
            assert_eq!((one.key, &one.value), (other.key, &other.value));
        }
    }
}

fn span_is_the_same_again(text: &str) {
    let Ok(length) = span::parse(text) else { return };
    let again = span::parse(&span::format(length)).expect("a span that is shown can be read");
    assert!(length.abs_diff(again) < Duration::from_millis(1), "{length:?} / {again:?}");
}
