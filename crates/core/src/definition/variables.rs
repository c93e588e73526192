//! `${NAME}` and `${NAME:-default}` in handler settings. The stored definition keeps them; workers resolve them at
//! each attempt, from their own environment.
//!
//! A name is `[A-Za-z_][A-Za-z0-9_]*`. The default is taken when the variable is unset or empty, and reaches to the
//! next `}`. `$${NAME}` stands for the text `${NAME}`. Anything else that has a `$` means itself.

use serde_json::Value;

use super::tree::Path;

/// Looks a variable up.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable that is not set and has no default.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the environment variable {name} is not set")]
pub struct MissingVariable {
    /// Its name.
    pub name: String,
    /// JSON pointer of the text that names it.
    pub pointer: String,
}

/// The value with all variables replaced in its texts; keys stay as they are.
///
/// # Errors
/// The first variable that `lookup` does not have and that has no default.
pub fn substitute(value: &Value, lookup: Lookup<'_>) -> Result<Value, MissingVariable> {
    substitute_at(value, lookup, &Path::Root)
}

/// The variables that the texts of a value name, each once, in order of appearance.
pub fn names_in(value: &Value) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    each_text(value, &mut |text| {
        for name in variables(text).map(|variable| variable.name) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    });
    names
}

/// The variables of one text that `lookup` does not have and that have no default.
pub(super) fn missing_in<'t>(text: &'t str, lookup: Lookup<'_>) -> Vec<&'t str> {
    let missing = |variable: &Variable<'_>| variable.default.is_none() && lookup(variable.name).is_none();
    variables(text).filter(missing).map(|variable| variable.name).collect()
}

fn substitute_at(value: &Value, lookup: Lookup<'_>, path: &Path<'_>) -> Result<Value, MissingVariable> {
    Ok(match value {
        Value::String(text) => Value::String(resolve(text, lookup, path)?),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items
                .map(|(i, item)| substitute_at(item, lookup, &Path::Index(path, i)))
                .collect::<Result<_, _>>()?
        }
        Value::Object(fields) => {
            let fields = fields.iter();
            let replaced = fields
                .map(|(key, value)| Ok((key.clone(), substitute_at(value, lookup, &Path::Key(path, key))?)));
            Value::Object(replaced.collect::<Result<_, _>>()?)
        }
        other => other.clone(),
    })
}

fn resolve(text: &str, lookup: Lookup<'_>, path: &Path<'_>) -> Result<String, MissingVariable> {
    let mut resolved = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => resolved.push_str(text),
            Piece::Variable(Variable { name, default }) => match (lookup(name), default) {
                (Some(value), None) => resolved.push_str(&value),
                (Some(value), Some(_)) if !value.is_empty() => resolved.push_str(&value),
                (_, Some(default)) => resolved.push_str(default),
                (None, None) => {
                    return Err(MissingVariable { name: name.to_owned(), pointer: path.to_string() });
                }
            },
        }
    }
    Ok(resolved)
}

fn each_text(value: &Value, f: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => f(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, f)),
        Value::Object(fields) => fields.values().for_each(|field| each_text(field, f)),
        _ => {}
    }
}

#[derive(Debug, PartialEq)]
enum Piece<'t> {
    Text(&'t str),
    Variable(Variable<'t>),
}

#[derive(Debug, PartialEq)]
struct Variable<'t> {
    name: &'t str,
    default: Option<&'t str>,
}

fn variables(text: &str) -> impl Iterator<Item = Variable<'_>> {
    pieces(text).filter_map(|piece| match piece {
        Piece::Variable(variable) => Some(variable),
        Piece::Text(_) => None,
    })
}

fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    let last_brace = text.rfind('}');
    std::iter::from_fn(move || {
        // Where no brace follows, no variable does; knowing this keeps the search linear.
        let may_close = last_brace.is_some_and(|i| i >= text.len() - rest.len());
        let (piece, tail) = next_piece(rest, may_close)?;
        rest = tail;
        Some(piece)
    })
}

fn next_piece(rest: &str, may_close: bool) -> Option<(Piece<'_>, &str)> {
    if let Some(tail) = rest.strip_prefix("$${") {
        return Some((Piece::Text("${"), tail));
    }
    if may_close && let Some((variable, tail)) = variable(rest) {
        return Some((Piece::Variable(variable), tail));
    }
    if rest.is_empty() {
        return None;
    }
    let next_dollar = rest.char_indices().skip(1).find(|(_, c)| *c == '$').map(|(i, _)| i);
    let (piece, tail) = rest.split_at(next_dollar.unwrap_or(rest.len()));
    Some((Piece::Text(piece), tail))
}

/// The variable that the text begins with, and what follows it.
fn variable(text: &str) -> Option<(Variable<'_>, &str)> {
    let body = text.strip_prefix("${")?;
    let end = body.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(body.len());
    let (name, rest) = body.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Some(tail) = rest.strip_prefix('}') {
        return Some((Variable { name, default: None }, tail));
    }
    let (default, tail) = rest.strip_prefix(":-")?.split_once('}')?;
    Some((Variable { name, default: Some(default) }, tail))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "A" => Some("alpha".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn variables_are_replaced_in_all_texts() {
        for (text, expected) in [
            ("${A}", "alpha"),
            ("x${A}y${A}", "xalphayalpha"),
            ("${B:-beta}", "beta"),
            ("${EMPTY:-beta}", "beta"),
            ("${EMPTY}", ""),
            ("${B:-}", ""),
            ("$${A}", "${A}"),
            ("$${A} ${A}", "${A} alpha"),
            ("$A $ {A} ${1A} ${A", "$A $ {A} ${1A} ${A"),
            ("\u{e4}${A}\u{e4}$", "\u{e4}alpha\u{e4}$"),
            ("{{ context.x }}", "{{ context.x }}"),
            ("$$", "$$"),
            ("", ""),
        ] {
            assert_eq!(substitute(&json!(text), &lookup), Ok(json!(expected)), "{text}");
        }
        let value = json!({"${A}": [1, {"x": "${A}"}]});
        assert_eq!(substitute(&value, &lookup), Ok(json!({"${A}": [1, {"x": "alpha"}]})));
    }

    #[test]
    fn as_4_a_missing_variable_is_named_with_its_place() {
        let error = substitute(&json!({"headers": {"a/b": "Bearer ${TOKEN}"}}), &lookup).unwrap_err();
        assert_eq!(error, MissingVariable { name: "TOKEN".into(), pointer: "/headers/a~1b".into() });
        assert_eq!(error.to_string(), "the environment variable TOKEN is not set");
    }

    #[test]
    fn names_come_once_in_order() {
        let value = json!(["${B:-x} ${A}", {"k": "${A} ${C} $${D}"}]);
        assert_eq!(names_in(&value), ["B", "A", "C"]);
        assert_eq!(missing_in("${B:-x} ${A} ${C}", &lookup), ["C"]);
    }
}
