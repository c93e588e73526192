//! A chart in the language of Graphviz.

use std::fmt::Write as _;

use super::flowchart::{Direction, Edge, EdgeDirection, EdgeKind, Flowchart, Node, Shape};
use super::link::percent_encoded;
use super::theme::Theme;

/// Writes a chart as dot text.
pub(super) fn write(chart: &Flowchart, theme: Theme) -> String {
    let title = chart.title.as_deref().unwrap_or_default();
    let palette = theme.palette();
    let (background, foreground, fill) = (palette.background, palette.foreground, palette.node);
    let rank = match chart.direction {
        Direction::Down => "TB",
        other => other.as_str(),
    };
    let mut text = format!("digraph {} {{\n", quoted(title));
    for line in [
        format!("rankdir={rank};"),
        format!("graph [label={}, labelloc=t, bgcolor=\"{background}\", fontcolor=\"{foreground}\"];", quoted(title)),
        format!("node [shape=box, style=filled, fillcolor=\"{fill}\", color=\"{foreground}\", fontcolor=\"{foreground}\"];"),
        format!("edge [color=\"{foreground}\", fontcolor=\"{foreground}\"];"),
    ]
    .into_iter()
    .chain(chart.nodes.iter().map(node_line))
    .chain(chart.edges.iter().map(edge_line))
    {
        writeln!(text, "  {line}").expect("writing to a string cannot fail");
    }
    text.push_str("}\n");
    text
}

fn node_line(node: &Node) -> String {
    let mut attributes = vec![("label", node.label.clone())];
    match node.shape {
        Shape::Box | Shape::Round => {}
        Shape::Circle => attributes.push(("shape", "circle".into())),
        Shape::Diamond => attributes.push(("shape", "diamond".into())),
        Shape::Hexagon => attributes.push(("shape", "hexagon".into())),
    }
    let is_dashed = node.declared("stroke-dasharray").is_some();
    match (node.shape == Shape::Round, is_dashed) {
        (false, false) => {}
        (true, false) => attributes.push(("style", "filled,rounded".into())),
        (false, true) => attributes.push(("style", "filled,dashed".into())),
        (true, true) => attributes.push(("style", "filled,rounded,dashed".into())),
    }
    for (attribute, property) in [("fillcolor", "fill"), ("fontcolor", "color"), ("color", "stroke")] {
        attributes.extend(node.declared(property).map(|value| (attribute, value.to_owned())));
    }
    let width = node.declared("stroke-width").map(|width| width.trim_end_matches("px").to_owned());
    attributes.extend(width.map(|width| ("penwidth", width)));
    attributes.extend(node.url.as_deref().map(|url| ("URL", percent_encoded(url))));
    format!("{} [{}];", quoted(&node.id), listed(&attributes))
}

fn edge_line(edge: &Edge) -> String {
    let mut attributes = Vec::new();
    if !edge.label.is_empty() {
        attributes.push(("label", edge.label.clone()));
    }
    match edge.kind {
        EdgeKind::Solid => {}
        EdgeKind::Dashed => attributes.push(("style", "dashed".into())),
        EdgeKind::Thick => attributes.push(("style", "bold".into())),
        EdgeKind::Dotted => attributes.push(("style", "dotted".into())),
    }
    match edge.direction {
        EdgeDirection::Forward | EdgeDirection::Back => {}
        EdgeDirection::Both => attributes.push(("dir", "both".into())),
        EdgeDirection::None => attributes.push(("dir", "none".into())),
    }
    let (from, to) = edge.ends();
    let line = format!("{} -> {}", quoted(from), quoted(to));
    if attributes.is_empty() { line + ";" } else { format!("{line} [{}];", listed(&attributes)) }
}

fn listed(attributes: &[(&str, String)]) -> String {
    let attributes: Vec<String> =
        attributes.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
    attributes.join(", ")
}

/// A quoted text of the dot language, line breaks as `\n`, other control characters as U+FFFD.
fn quoted(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 2);
    safe.push('"');
    for c in text.chars() {
        match c {
            '\\' => safe.push_str("\\\\"),
            '"' => safe.push_str("\\\""),
            '\n' => safe.push_str("\\n"),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe.push('"');
    safe
}
