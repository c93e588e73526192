//! Text becomes a tree: YAML 1.2 or JSON, within limits that no input can get around.

use saphyr_parser::{Parser, ScanError};
use serde_json::Value;

use super::assembly::Assembly;
use super::json_text::JsonText;
use super::problem::{Problem, Report};
use super::tree::{Kind, Node, Path, Position};

/// Largest text in bytes.
pub const MAX_SOURCE_BYTES: usize = 8 * 1024 * 1024;

/// Deepest nesting.
pub(super) const MAX_DEPTH: usize = 64;

/// Reads one document. What makes reading on impossible is reported and gives `None`.
pub(super) fn parse(text: &str, report: &mut Report) -> Option<Node> {
    match read(text, report) {
        Ok(node) => Some(node),
        Err(problem) => {
            report.push(problem);
            None
        }
    }
}

/// Takes a document that was made in code, within the limits that hold for text.
pub(super) fn adopt(document: &Value, report: &mut Report) -> Option<Node> {
    if depth_exceeds(document, MAX_DEPTH) {
        report.push(too_deep(Position::default()));
        return None;
    }
    refuse_nul(document, &Path::Root, report);
    mapping_root(Some(Node::from_value(document))).map_err(|problem| report.push(problem)).ok()
}

fn refuse_nul(value: &Value, path: &Path<'_>, report: &mut Report) {
    let check = |text: &str, path: &Path<'_>, report: &mut Report| {
        if text.contains('\0') {
            report.error("invalid_text", Position::default(), path, NUL_IN_TEXT);
        }
    };
    match value {
        Value::String(text) => check(text, path, report),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| refuse_nul(item, &Path::Index(path, i), report));
        }
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            let path = Path::Key(path, key);
            check(key, &path, report);
            refuse_nul(value, &path, report);
        }),
        _ => {}
    }
}

fn depth_exceeds(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(|item| depth_exceeds(item, levels - 1)),
        Value::Object(fields) => levels == 0 || fields.values().any(|field| depth_exceeds(field, levels - 1)),
        _ => false,
    }
}

/// What a text that databases cannot store is told.
pub(super) const NUL_IN_TEXT: &str = "a text holds a NUL character, which databases cannot store";

/// A problem that ends the reading.
pub(super) type Fatal = Problem;

fn read(text: &str, report: &mut Report) -> Result<Node, Fatal> {
    if text.len() > MAX_SOURCE_BYTES {
        let message = format!("{} bytes are more than the {MAX_SOURCE_BYTES} allowed", text.len());
        return Err(Problem::error("document_too_large", Position { line: 1, column: 1 }, "", message));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(index) = text.find('\0') {
        let message = "the text holds a NUL character, which databases cannot store";
        return Err(Problem::error("invalid_text", place(text, index), "", message));
    }
    let json = JsonText::new(text).map_err(|lone| {
        Problem::error("invalid_text", lone.0, "", "half of a surrogate pair stands alone in a string")
    })?;
    let mut assembly = Assembly::new(report);
    let mut parser = Parser::new_from_str(&json.text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| syntax(&error, &json))?;
        assembly.take(event, json.original(position(&span.start)))?;
    }
    mapping_root(assembly.root())
}

fn mapping_root(root: Option<Node>) -> Result<Node, Fatal> {
    let start = root.as_ref().map_or(Position { line: 1, column: 1 }, |root| root.at);
    let not_a_mapping = |at, what: &str| {
        Problem::error(
            "not_a_mapping",
            at,
            "",
            format!("a definition is a mapping with keys, but this is {what}"),
        )
    };
    match root {
        Some(Node { kind: Kind::Scalar(Value::Null), .. }) | None => Err(not_a_mapping(start, "empty")),
        Some(Node { kind: Kind::List(_), at }) => Err(not_a_mapping(at, "a list")),
        Some(Node { kind: Kind::Scalar(_), at }) => Err(not_a_mapping(at, "a single value")),
        Some(root) => Ok(root),
    }
}

fn syntax(error: &ScanError, json: &JsonText<'_>) -> Fatal {
    let at = json.original(position(error.marker()));
    // The parser keeps its own count of brackets, which it reads ahead of the events it hands out.
    if error.info() == "recursion limit exceeded" {
        return too_deep(at);
    }
    let message = format!("not valid YAML: {}", error.info());
    match tab_near(&json.text, at.line) {
        Some(tab) => Problem::error("yaml_syntax", tab, "", format!("{message} (a tab indents this line)"))
            .help("indent with spaces, not with tabs"),
        None => Problem::error("yaml_syntax", at, "", message),
    }
}

/// A tab that indents the line of a fault or the one after it: the parser notices only later, or earlier, that the
/// line is not where it seems to be. In JSON tabs do no harm.
fn tab_near(text: &str, line: u32) -> Option<Position> {
    if text.starts_with('{') {
        return None;
    }
    let lines = (1u32..).zip(text.lines()).skip(line.saturating_sub(1) as usize).take(2);
    lines.filter(|(_, text)| !text.trim().is_empty()).find_map(|(line, text)| {
        let column = text.chars().take_while(|c| c.is_whitespace()).position(|c| c == '\t')?;
        Some(Position { line, column: column as u32 + 1 })
    })
}

pub(super) fn too_deep(at: Position) -> Fatal {
    Problem::error("too_deep", at, "", format!("nested deeper than {MAX_DEPTH} levels"))
}

fn position(marker: &saphyr_parser::Marker) -> Position {
    Position { line: marker.line() as u32, column: marker.col() as u32 + 1 }
}

fn place(text: &str, index: usize) -> Position {
    let before = &text[..index];
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    Position {
        line: before.matches('\n').count() as u32 + 1,
        column: before[line_start..].chars().count() as u32 + 1,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::json;

    use super::*;

    fn value(text: &str) -> Value {
        let mut report = Report::default();
        let node = parse(text, &mut report);
        assert_eq!(report.finish(), [], "{text}");
        node.unwrap().to_value()
    }

    fn problems(text: &str) -> Vec<(&'static str, u32, u32)> {
        let mut report = Report::default();
        parse(text, &mut report);
        report.finish().iter().map(|p| (p.code, p.line.unwrap(), p.column.unwrap())).collect()
    }

    #[test]
    fn yaml_and_json_give_the_same_value() {
        let expected = json!({"a": [1, "1", null, true], "b": {"c": 1.5, "404": "x"}});
        assert_eq!(value("a: [1, '1', ~, true]\nb:\n  c: 1.5\n  404: x\n"), expected);
        assert_eq!(value(&expected.to_string()), expected);
        assert_eq!(value("\u{feff}a: 1"), json!({"a": 1}));
        assert_eq!(value("{\n\t\"a\":1,\n\t\"b\":[]\n}"), json!({"a": 1, "b": []}));
    }

    #[test]
    fn json_escapes_are_read_surrogate_pairs_included() {
        let text = r#"{"a": "\u00e4\/\ud83d\ude00\n\"", "b": 1E2}"#;
        assert_eq!(value(text), json!({"a": "\u{e4}/\u{1f600}\n\"", "b": 100.0}));
        assert_eq!(problems(r#"{"a": "\ud83d"}"#), [("invalid_text", 1, 8)]);
    }

    #[test]
    fn blocks_of_text_and_long_lines_are_read() {
        assert_eq!(value("a: |\n  one\n  two\nb: >-\n  x\n  y\n"), json!({"a": "one\ntwo\n", "b": "x y"}));
        let long = "x".repeat(5_000);
        assert_eq!(value(&format!("{{\"{long}\": \"{long}\"}}")), json!({&long: &long}));
    }

    #[test]
    fn as_6_what_is_no_mapping_or_no_yaml_says_where() {
        assert_eq!(problems(""), [("not_a_mapping", 1, 1)]);
        assert_eq!(problems("# nothing\n"), [("not_a_mapping", 1, 1)]);
        assert_eq!(problems("~"), [("not_a_mapping", 1, 1)]);
        assert_eq!(problems("\n- a\n"), [("not_a_mapping", 2, 1)]);
        assert_eq!(problems("text"), [("not_a_mapping", 1, 1)]);
        let tab = problems("a:\n  b: 1\n\tc: 2\n");
        assert_eq!((tab[0].0, tab[0].1), ("yaml_syntax", 3));
        assert_eq!(problems("a: 1\nb: 2\na: 3\n"), [("duplicate_key", 3, 1)]);
        assert_eq!(problems(r#"{"a": 1, "a": 2}"#), [("duplicate_key", 1, 10)]);
        assert_eq!(problems("a: 1\n---\nb: 2\n"), [("several_documents", 2, 1)]);
        assert_eq!(problems("a: [1, 2"), [("yaml_syntax", 2, 1)]);
        assert_eq!(problems("? [a]\n: 1"), [("yaml_syntax", 1, 3)]);
    }

    #[test]
    fn texts_and_numbers_that_cannot_be_stored_are_refused() {
        assert_eq!(problems("a: 1\nb: x\0y"), [("invalid_text", 2, 5)]);
        assert_eq!(problems("a: \"x\\0y\""), [("invalid_text", 1, 4)]);
        assert_eq!(problems("a: 99999999999999999999"), [("number_out_of_range", 1, 4)]);
        assert_eq!(problems("a: .inf"), [("number_out_of_range", 1, 4)]);
        assert_eq!(problems("a: !ruby/symbol x"), [("unsupported_tag", 1, 4)]);
        assert_eq!(value("a: !!str 1\nb: !!float 1"), json!({"a": "1", "b": 1.0}));
    }

    #[test]
    fn aliases_and_merge_keys_are_expanded() {
        let text = "base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\nuse:\n  <<: [*b, *o]\n  x: 9\ncopy: *b\n";
        assert_eq!(
            value(text),
            json!({"base": {"x": 1, "y": 2}, "other": {"y": 3, "z": 4}, "use": {"x": 9, "y": 2, "z": 4}, "copy": {"x": 1, "y": 2}})
        );
        assert_eq!(value("{\"<<\": {\"a\": 1}}"), json!({"<<": {"a": 1}}));
        assert_eq!(problems("a: &a [*a]"), [("yaml_syntax", 1, 8)]);
        assert_eq!(problems("a: {<<: 1}"), [("wrong_type", 1, 5)]);
    }

    #[test]
    fn bombs_end_quickly() {
        let start = Instant::now();
        let mut laughs = String::from("l0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
        for i in 1..40 {
            let again = vec![format!("*l{}", i - 1); 10].join(", ");
            laughs.push_str(&format!("l{i}: &l{i} [{again}]\n"));
        }
        assert_eq!(problems(&laughs)[0].0, "document_too_large");
        let text = "x".repeat(1_000_000);
        let copies = vec!["*t"; 1_000].join(", ");
        assert_eq!(problems(&format!("t: &t {text}\nu: [{copies}]"))[0].0, "document_too_large");
        for opening in ["[", "{a: ", "- ", "? ", "{\"a\": [", "&a [", "[[], "] {
            let code = problems(&format!("a:\n  {}", opening.repeat(100_000)))[0].0;
            assert!(["too_deep", "yaml_syntax"].contains(&code), "{opening}: {code}");
        }
        assert_eq!(problems(&format!("a: {}", "[".repeat(100_000)))[0].0, "too_deep");
        assert_eq!(problems(&"[".repeat(100_000))[0].0, "too_deep");
        assert_eq!(problems(&" ".repeat(MAX_SOURCE_BYTES + 1)), [("document_too_large", 1, 1)]);
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }

    #[test]
    fn nesting_is_counted_through_aliases() {
        let nested = |n: usize| format!("a: {}{}", "[".repeat(n), "]".repeat(n));
        assert_eq!(problems(&nested(MAX_DEPTH - 1)), []);
        assert_eq!(problems(&nested(MAX_DEPTH))[0].0, "too_deep");
        let text =
            format!("a: &a {}{}\nb: {}*a{}", "[".repeat(40), "]".repeat(40), "[".repeat(40), "]".repeat(40));
        assert_eq!(problems(&text)[0].0, "too_deep");
    }
}
