//! Definition files: what is accepted is the same after it was stored, can be planned, analysed and drawn; what is
//! refused says where.

use std::collections::BTreeSet;

use serde_json::Value;
use tasker_core::definition::{
    ContextSchema, Definition, LoadOptions, Loaded, MAX_PROBLEMS, Problem, Severity, load, load_value,
    names_in, substitute,
};
use tasker_core::diagram::{DiagramFormat, DiagramOptions, definition_diagram};
use tasker_core::graph::analysis::Analysis;
use tasker_core::graph::document::graph_document;
use tasker_core::plan::Plan;

use crate::text;

/// Elements that pages and drawings consist of. Another one would have come from the file.
const ELEMENTS: [&str; 37] = [
    "!DOCTYPE", "a", "body", "circle", "dd", "defs", "details", "dl", "dt", "ellipse", "figure", "g", "h1",
    "h2", "head", "header", "html", "line", "main", "marker", "meta", "path", "polygon", "polyline", "pre",
    "rect", "style", "summary", "svg", "table", "tbody", "td", "text", "th", "thead", "title", "tr",
];

/// Checks a file.
pub fn check(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let options = LoadOptions { all_environments: true, ..LoadOptions::default() };
    let loaded = load(text, &options);
    assert_eq!(loaded, load(text, &options), "the same file, loaded twice");
    problems_are_sound(text, &loaded);
    let Some(definition) = loaded.definition else { return };
    survives_storing(&definition);
    is_the_same_as_a_value(text, &definition, &options);
    variables_are_found(&definition);
    assert!(ContextSchema::compile(&definition).is_ok(), "an accepted schema compiles");
    let plan = Plan::new(definition);
    graph_is_sound(&plan);
    drawings_are_sound(&plan);
}

fn problems_are_sound(text: &str, loaded: &Loaded) {
    let is_refused = loaded.problems.iter().any(|problem| problem.severity == Severity::Error);
    assert_eq!(is_refused, loaded.definition.is_none(), "refused if and only if a problem is an error");
    assert!(loaded.problems.len() <= MAX_PROBLEMS + 1);
    let lines = 1 + text.matches(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
    let columns = text.chars().count() + 2;
    for Problem { line, column, code, message, .. } in &loaded.problems {
        assert!(!code.is_empty() && !message.is_empty());
        assert!(line.is_none_or(|line| (1..=lines + 1).contains(&(line as usize))), "{code}: line {line:?}");
        assert!(column.is_none_or(|column| (1..=columns).contains(&(column as usize))), "{code}: {column:?}");
    }
}

fn survives_storing(definition: &Definition) {
    let document = definition.document();
    let again = Definition::from_document(&document).expect("a stored definition can be read");
    assert_eq!(&again, definition, "a definition is the same after it was stored");
    assert_eq!(again.digest(), definition.digest());
    assert_eq!(again.document(), document);
}

/// A JSON file and the value that it holds are one definition.
fn is_the_same_as_a_value(text: &str, definition: &Definition, options: &LoadOptions<'_>) {
    let Ok(value) = serde_json::from_str::<Value>(text) else { return };
    let loaded = load_value(&value, options);
    assert_eq!(loaded.definition.as_ref(), Some(definition), "read by another parser: {:?}", loaded.problems);
}

fn variables_are_found(definition: &Definition) {
    for step in &definition.steps {
        let names = names_in(&step.handler_config);
        let known = |name: &str| names.iter().any(|known| known == name).then(|| "value".to_owned());
        let resolved = substitute(&step.handler_config, &known);
        assert!(resolved.is_ok(), "a variable that is not among {names:?}: {resolved:?}");
    }
}

fn graph_is_sound(plan: &Plan) {
    let (graph, levels) = (&plan.graph, plan.graph.levels());
    assert_eq!(graph.n_steps(), plan.definition.steps.len());
    for step in graph.steps() {
        assert_eq!(plan.position(plan.name(step).as_str()), Some(step));
        for parent in graph.parents(step) {
            assert!(levels[parent.index()] < levels[step.index()], "a step comes after what it waits for");
            assert!(plan.reads[step.index()].contains(parent), "the results of parents come with the claim");
        }
    }
    let document = graph_document(plan);
    assert_eq!(document["metadata"]["total_edges"], graph.n_edges());
    let analysis = Analysis::of(&plan.definition);
    assert_eq!(analysis, Analysis::of(&plan.definition));
}

fn drawings_are_sound(plan: &Plan) {
    let diagram = definition_diagram(plan, &DiagramOptions::default());
    assert_eq!(diagram.chart.nodes.len(), plan.graph.n_steps());
    assert_eq!(diagram.chart.edges.len(), plan.graph.n_edges());
    for format in DiagramFormat::ALL {
        let drawn = diagram.render(format);
        assert!(drawn.ends_with('\n'), "{format} ends with a line break");
        if matches!(format, DiagramFormat::Svg | DiagramFormat::Html) {
            let foreign: BTreeSet<&str> = elements(&drawn).filter(|name| !ELEMENTS.contains(name)).collect();
            assert!(foreign.is_empty(), "{format} holds markup of the file: {foreign:?}");
        }
    }
}

/// The names of the elements that open or close.
fn elements(markup: &str) -> impl Iterator<Item = &str> {
    markup.split('<').skip(1).map(|rest| {
        let name = rest.trim_start_matches('/');
        name.split(|c: char| !(c.is_alphanumeric() || c == '!')).next().unwrap_or_default()
    })
}
