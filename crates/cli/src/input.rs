//! What is read from files and standard input: contexts, other JSON, definitions. Nothing is read further than its limit.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::json;
use tasker_core::payload::{Payload, PayloadError};

use crate::args::ContextSource;
use crate::exit::{Failure, Status};

/// Reads a context: a JSON object. Without a source it is empty.
///
/// # Errors
/// It cannot be read, is larger than `limit`, or is no JSON object: all of them wrong usage.
pub fn context(source: Option<&ContextSource>, limit: usize) -> Result<Payload, Failure> {
    let Some(source) = source else { return Ok(Payload::empty_object()) };
    let text = json_text(source, "context", limit)?;
    Payload::object(&text, limit).map_err(|error| malformed("context", source, &error))
}

/// Reads any JSON.
///
/// # Errors
/// As [`context`], but it may be any value.
pub fn json(source: &ContextSource, what: &str, limit: usize) -> Result<Payload, Failure> {
    let text = json_text(source, what, limit)?;
    Payload::parse(&text, limit).map_err(|error| malformed(what, source, &error))
}

fn json_text(source: &ContextSource, what: &str, limit: usize) -> Result<String, Failure> {
    let read = match source {
        ContextSource::Inline(text) => Ok(Some(text.clone())),
        ContextSource::File(path) => File::open(path).and_then(|file| text_of(file, limit)),
        ContextSource::Stdin => text_of(io::stdin().lock(), limit),
    };
    match read {
        Ok(Some(text)) => Ok(text),
        Ok(None) => Err(too_large(what, source, limit)),
        Err(error) => {
            let message = format!("the {what} cannot be read from {}: {error}", place(source));
            Err(Failure::new(Status::Usage, "io_error", message))
        }
    }
}

fn too_large(what: &str, source: &ContextSource, limit: usize) -> Failure {
    let message = format!("the {what} in {} is larger than the {limit} bytes allowed", place(source));
    Failure::new(Status::Usage, "too_large", message).help(format!(
        "store large data elsewhere and pass a reference to it, or raise limits.max_{}_bytes",
        if what == "context" { "context" } else { "result" }
    ))
}

fn malformed(what: &str, source: &ContextSource, error: &PayloadError) -> Failure {
    let message = format!("the {what} in {} cannot be used: {error}", place(source));
    let errors =
        vec![json!({"code": error.code(), "pointer": format!("/{what}"), "message": error.to_string()})];
    Failure::new(Status::Usage, error.code(), message).errors(errors)
}

fn place(source: &ContextSource) -> String {
    match source {
        ContextSource::Inline(_) => "the command line".into(),
        ContextSource::File(path) => path.display().to_string(),
        ContextSource::Stdin => "standard input".into(),
    }
}

/// Most bytes of a list.
const MOST_LIST_BYTES: usize = 64 * 1024 * 1024;

/// The lines of a list, numbered from 1, without empty ones; `-` is standard input.
///
/// # Errors
/// It cannot be read, or is larger than 64 MiB: wrong usage.
pub fn lines(path: &Path, what: &str) -> Result<Vec<(usize, String)>, Failure> {
    let read = if path == Path::new("-") {
        text_of(io::stdin().lock(), MOST_LIST_BYTES)
    } else {
        File::open(path).and_then(|file| text_of(file, MOST_LIST_BYTES))
    };
    let text = match read {
        Ok(Some(text)) => text,
        Ok(None) => {
            let message =
                format!("the {what} in {} is larger than the {MOST_LIST_BYTES} bytes allowed", name_of(path));
            return Err(Failure::new(Status::Usage, "too_large", message).help("split it"));
        }
        Err(error) => {
            let message = format!("the {what} cannot be read from {}: {error}", name_of(path));
            return Err(Failure::new(Status::Usage, "io_error", message));
        }
    };
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.to_owned()));
    Ok(lines.filter(|(_, line)| !line.trim().is_empty()).collect())
}

/// What a file is called in messages.
pub fn name_of(path: &Path) -> String {
    if path == Path::new("-") { "standard input".into() } else { path.display().to_string() }
}

/// A definition file as text, with its name for messages.
pub struct Source {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: Result<String, Unreadable>,
}

/// Why a definition file could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unreadable {
    /// Stable code: `io_error` or `document_too_large`.
    pub code: &'static str,
    /// In words.
    pub message: String,
}

/// Reads a definition file; `-` is standard input.
pub fn definition(path: &Path) -> Source {
    let limit = tasker_core::definition::MAX_SOURCE_BYTES;
    let is_stdin = path == Path::new("-");
    let read = if is_stdin {
        text_of(io::stdin().lock(), limit)
    } else {
        File::open(path).and_then(|f| text_of(f, limit))
    };
    let text = match read {
        Ok(Some(text)) => Ok(text),
        Ok(None) => Err(Unreadable {
            code: "document_too_large",
            message: format!("larger than the {limit} bytes allowed"),
        }),
        Err(error) => Err(Unreadable { code: "io_error", message: format!("cannot be read: {error}") }),
    };
    Source { name: name_of(path), text }
}

/// The definition files that paths mean: files as they are, folders searched for YAML files, sorted.
pub fn definition_files(paths: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut found = Vec::new();
            search(path, &mut found)?;
            found.sort();
            files.extend(found);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn search(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            search(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            found.push(path);
        }
    }
    Ok(())
}

/// All of a reader as text; `None` if it is longer than `limit`, which is found out without reading on.
fn text_of(reader: impl Read, limit: usize) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    reader.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Ok(None);
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))?;
    Ok(Some(text))
}
