//! A chart in the language of Mermaid.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::flowchart::{Edge, EdgeDirection, EdgeKind, Flowchart, Node, Shape};
use super::link::percent_encoded;

/// Writes a chart as Mermaid text.
pub(super) fn write(chart: &Flowchart) -> String {
    let ids = Ids::of(chart);
    let mut text = format!("graph {}\n", chart.direction);
    let indent = if chart.title.is_some() { "  " } else { "" };
    if let Some(title) = &chart.title {
        push(&mut text, "", &format!("subgraph \"{}\"", escaped(title)));
    }
    for node in &chart.nodes {
        write_node(&mut text, indent, node, ids.of_node(&node.id));
    }
    for edge in &chart.edges {
        push(&mut text, indent, &edge_line(edge, &ids));
    }
    if chart.title.is_some() {
        push(&mut text, "", "end");
    }
    text
}

fn write_node(text: &mut String, indent: &str, node: &Node, id: &str) {
    let (open, close) = match node.shape {
        Shape::Box => ("[", "]"),
        Shape::Round => ("(", ")"),
        Shape::Circle => ("((", "))"),
        Shape::Diamond => ("{", "}"),
        Shape::Hexagon => ("{{", "}}"),
    };
    let lines: Vec<String> = node.label.split('\n').map(escaped).collect();
    push(text, indent, &format!("{id}{open}\"{}\"{close}", lines.join("<br/>")));
    if let Some(url) = &node.url {
        push(text, indent, &format!("click {id} \"{}\"", percent_encoded(url)));
    }
    let declarations: Vec<String> =
        node.declarations().map(|(property, value)| format!("{property}:{value}")).collect();
    if !declarations.is_empty() {
        push(text, indent, &format!("style {id} {};", declarations.join(",")));
    }
}

fn edge_line(edge: &Edge, ids: &Ids<'_>) -> String {
    let (from, to) = edge.ends();
    let arrow = match (edge.kind, edge.direction) {
        (EdgeKind::Solid, EdgeDirection::None) => "---",
        (EdgeKind::Solid, EdgeDirection::Both) => "<-->",
        (EdgeKind::Solid, _) => "-->",
        (EdgeKind::Dashed | EdgeKind::Dotted, EdgeDirection::None) => "-.-",
        (EdgeKind::Dashed | EdgeKind::Dotted, EdgeDirection::Both) => "<-.->",
        (EdgeKind::Dashed | EdgeKind::Dotted, _) => "-.->",
        (EdgeKind::Thick, EdgeDirection::None) => "===",
        (EdgeKind::Thick, EdgeDirection::Both) => "<==>",
        (EdgeKind::Thick, _) => "==>",
    };
    let (from, to) = (ids.of_node(from), ids.of_node(to));
    match edge.label.as_str() {
        "" => format!("{from} {arrow} {to}"),
        label => format!("{from} {arrow}|\"{}\"| {to}", escaped(label)),
    }
}

/// How nodes are called in the text: by their own ids, if all of them can stand there, else by numbers.
enum Ids<'a> {
    Own,
    Numbers(HashMap<&'a str, String>),
}

impl<'a> Ids<'a> {
    fn of(chart: &'a Flowchart) -> Self {
        let mut ends = chart.edges.iter().flat_map(|edge| [&edge.source_id, &edge.target_id]);
        if chart.nodes.iter().all(|node| is_plain(&node.id)) && ends.all(|id| is_plain(id)) {
            return Self::Own;
        }
        let numbered = |(place, node): (usize, &'a Node)| (node.id.as_str(), format!("node_{place}"));
        Self::Numbers(chart.nodes.iter().enumerate().map(numbered).collect())
    }

    fn of_node<'b>(&'b self, id: &'b str) -> &'b str {
        match self {
            Self::Own => id,
            // A node that the chart does not have: Mermaid draws an empty box for it.
            Self::Numbers(numbers) => numbers.get(id).map_or("node", String::as_str),
        }
    }
}

/// Whether an id means itself: it is made of words, with single dashes or dots between them, and no keyword, because
/// it holds a `_`.
fn is_plain(id: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    id.contains('_') && id.split(['-', '.']).all(is_word)
}

/// The text with entity codes for everything that may mean something to Mermaid, or to the HTML it makes.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || " _-.,:/".contains(c) || (!c.is_ascii() && !c.is_control()) {
            safe.push(c);
        } else {
            write!(safe, "#{};", u32::from(c)).expect("writing to a string cannot fail");
        }
    }
    safe
}

fn push(text: &mut String, indent: &str, line: &str) {
    writeln!(text, "{indent}{line}").expect("writing to a string cannot fail");
}
