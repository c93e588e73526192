//! Annotation rules (`spec/authoring.md` 1.8).

use std::collections::HashSet;

use super::model::{AnnotationRule, AnnotationValue};
use super::reader::{Reader, described};
use super::step_shape::StepDraft;
use super::tree::{Kind, Node, Path};
use crate::names::StepName;
use crate::nearest::{nearest, proposal};

const KEYS: &[&str] = &["type", "from_step", "value"];
const SYNONYMS: &[(&str, &str)] = &[("name", "type"), ("step", "from_step"), ("pointer", "value")];

/// Reads the rules. Those that are wrong are reported and left out.
pub(super) fn read(reader: &mut Reader<'_, '_>, steps: &[StepDraft<'_>]) -> Vec<AnnotationRule> {
    let Some(items) = reader.list("annotations") else { return Vec::new() };
    let path = Path::Key(&Path::Root, "annotations");
    let names: HashSet<&str> = steps.iter().filter_map(|step| step.name).collect();
    let mut rules = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        let path = Path::Index(&path, i);
        let Some(mut reader) = Reader::new(item, "an annotation rule", path, reader.report) else { continue };
        reader.unknown_keys(KEYS, SYNONYMS);
        let (kind, from_step, value) =
            (kind(&mut reader), from_step(&mut reader, &names), value(&mut reader));
        if let (Some(kind), Some(from_step), Some(value)) = (kind, from_step, value) {
            rules.push(AnnotationRule { kind, from_step, value });
        }
    }
    rules
}

fn kind(reader: &mut Reader<'_, '_>) -> Option<String> {
    if reader.get("type").is_none() {
        reader.missing("type", "`type` names what the annotation is about");
    }
    match reader.short_text("type", 64)? {
        "" => reader.refuse("invalid_name", "type", "the type of an annotation must not be empty"),
        kind => Some(kind.to_owned()),
    }
}

fn from_step(reader: &mut Reader<'_, '_>, names: &HashSet<&str>) -> Option<StepName> {
    if reader.get("from_step").is_none() {
        reader.missing("from_step", "`from_step` names the step whose result is annotated");
    }
    let name = reader.text("from_step")?;
    if names.contains(name) {
        return StepName::new(name).ok();
    }
    let near = if reader.report.is_crowded() { None } else { nearest(name, names.iter().copied()) };
    let message =
        format!("the annotation is taken from `{name}`, but there is no such step{}", proposal(near));
    reader.refuse("unknown_annotation_step", "from_step", message)
}

fn value(reader: &mut Reader<'_, '_>) -> Option<AnnotationValue> {
    let Some(node) = reader.get("value") else {
        reader.missing("value", "`value` is a JSON pointer into the result of the step, or a mapping");
        return None;
    };
    match (&node.kind, node.text()) {
        (Kind::Map(_), _) => match node.to_value() {
            serde_json::Value::Object(fields) => Some(AnnotationValue::Literal(fields)),
            _ => None,
        },
        (_, Some(pointer)) if is_pointer(pointer) => Some(AnnotationValue::Pointer(pointer.to_owned())),
        (_, Some(text)) => {
            let message =
                format!("{text:?} is not a JSON pointer: it begins with `/`, as in /premium or /items/0/id");
            reader.refuse("invalid_pointer", "value", message)
        }
        _ => wrong(reader, node),
    }
}

fn wrong<T>(reader: &mut Reader<'_, '_>, node: &Node) -> Option<T> {
    let message = format!("`value` must be a JSON pointer or a mapping, not {}", described(node));
    reader.refuse("wrong_type", "value", message)
}

/// RFC 6901: empty, or segments that begin with `/`, with `~` only in `~0` and `~1`.
fn is_pointer(text: &str) -> bool {
    let escapes_fit = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/')) && escapes_fit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_follow_rfc_6901() {
        for pointer in ["", "/", "/a/0", "/a~1b/~0"] {
            assert!(is_pointer(pointer), "{pointer}");
        }
        for text in ["a", "#/a", "/a~", "/a~2"] {
            assert!(!is_pointer(text), "{text}");
        }
    }
}
