//! A chart as a drawing that needs nothing from elsewhere: no script, no fonts, no program that lays it out.

mod layers;
mod layout;

use std::collections::HashMap;
use std::fmt::Write as _;

use self::layout::{Layout, Point, Rectangle, lay_out};
use super::flowchart::{Direction, Edge, EdgeDirection, EdgeKind, Flowchart, Node, Shape};
use super::link::{is_web_address, percent_encoded};
use super::markup::escaped;
use super::theme::{Palette, Theme};

/// Most nodes of a chart that is drawn.
pub const MAX_DRAWN_NODES: usize = 2_000;

/// Most edges of a chart that is drawn.
pub const MAX_DRAWN_EDGES: usize = 10_000;

/// Most characters of a line; the whole label appears when one points at the node.
const MOST_CHARS: usize = 44;

/// Width of a character.
const CHAR: f64 = 7.3;

/// Height of a line.
const LINE: f64 = 17.0;

/// Room around text, and around everything.
const MARGIN: f64 = 12.0;

/// Height of the line with the title.
const TITLE: f64 = 28.0;

/// Writes a chart as an SVG document. One that is too large to be looked at says so instead.
pub(super) fn write(chart: &Flowchart, theme: Theme) -> String {
    let palette = theme.palette();
    let title = chart.title.as_deref().unwrap_or_default();
    let mut drawing = Drawing { text: String::new(), palette };
    let (width, height) =
        if is_too_large(chart) { drawing.note(&too_large(chart)) } else { drawing.chart(chart) };
    let title_width = width_of(title) + 2.0 * MARGIN;
    let (width, height) = ((width + 2.0 * MARGIN).max(title_width), height + TITLE + 2.0 * MARGIN);
    let Palette { background, foreground, .. } = palette;
    let title = escaped(title);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"{role}\" \
         font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"12\">\n\
         <title>{title}</title>\n{marker}\n\
         <rect width=\"100%\" height=\"100%\" fill=\"{background}\"/>\n\
         <text x=\"{MARGIN}\" y=\"{TITLE}\" fill=\"{foreground}\" font-weight=\"bold\">{title}</text>\n\
         <g transform=\"translate({MARGIN} {top})\">\n{body}</g>\n</svg>\n",
        // An image has no inside: whoever cannot see it would never find the links.
        role = if chart.nodes.iter().any(|node| node.url.is_some()) { "group" } else { "img" },
        marker = marker(foreground),
        top = TITLE + MARGIN,
        body = drawing.text,
    )
}

/// The head of an arrow.
fn marker(colour: &str) -> String {
    format!(
        "<defs><marker id=\"arrow\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"8\" markerHeight=\"8\" \
         orient=\"auto-start-reverse\"><path d=\"M0 0 10 5 0 10z\" fill=\"{colour}\"/></marker></defs>"
    )
}

/// Whether nobody could look at a drawing of it.
pub(super) fn is_too_large(chart: &Flowchart) -> bool {
    chart.nodes.len() > MAX_DRAWN_NODES || chart.edges.len() > MAX_DRAWN_EDGES
}

fn too_large(chart: &Flowchart) -> String {
    format!(
        "{} nodes and {} edges are too many to be drawn here (at most {MAX_DRAWN_NODES} and {MAX_DRAWN_EDGES}); use the format dot",
        chart.nodes.len(),
        chart.edges.len()
    )
}

/// The inside of the document.
struct Drawing {
    text: String,
    palette: Palette,
}

impl Drawing {
    /// Draws a sentence; its width and height.
    fn note(&mut self, sentence: &str) -> (f64, f64) {
        let colour = self.palette.foreground;
        self.push(&format!("<text y=\"{LINE}\" fill=\"{colour}\">{}</text>", escaped(sentence)));
        (width_of(sentence), LINE)
    }

    /// Draws nodes and edges; their width and height.
    fn chart(&mut self, chart: &Flowchart) -> (f64, f64) {
        let places: HashMap<&str, usize> =
            chart.nodes.iter().enumerate().map(|(place, node)| (node.id.as_str(), place)).collect();
        let ends = |edge: &Edge| {
            let (from, to) = edge.ends();
            Some((*places.get(from)?, *places.get(to)?))
        };
        let (edges, pairs): (Vec<&Edge>, Vec<(usize, usize)>) =
            chart.edges.iter().filter_map(|edge| Some((edge, ends(edge)?))).unzip();
        let sizes: Vec<(f64, f64)> = chart.nodes.iter().map(size_of).collect();
        let layout: Layout = lay_out(&sizes, &pairs, chart.direction);
        // Edges first, so that they lie behind the nodes.
        for (edge, route) in edges.iter().zip(&layout.routes) {
            self.edge(edge, route, chart.direction);
        }
        for (node, place) in chart.nodes.iter().zip(&layout.boxes) {
            self.node(node, place);
        }
        (layout.width, layout.height)
    }

    fn edge(&mut self, edge: &Edge, route: &[Point], direction: Direction) {
        let line = match edge.kind {
            EdgeKind::Solid => "",
            EdgeKind::Dashed => " stroke-dasharray=\"6 4\"",
            EdgeKind::Dotted => " stroke-dasharray=\"2 3\"",
            EdgeKind::Thick => " stroke-width=\"3\"",
        };
        let arrows = match edge.direction {
            EdgeDirection::Forward | EdgeDirection::Back => " marker-end=\"url(#arrow)\"",
            EdgeDirection::Both => " marker-start=\"url(#arrow)\" marker-end=\"url(#arrow)\"",
            EdgeDirection::None => "",
        };
        let (path, colour) = (path(route, direction), self.palette.foreground);
        let label = match edge.label.as_str() {
            "" => String::new(),
            label => format!("<title>{}</title>", escaped(label)),
        };
        self.push(&format!(
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\"{line}{arrows}>{label}</path>"
        ));
    }

    fn node(&mut self, node: &Node, place: &Rectangle) {
        let link = node.url.as_deref().filter(|url| is_web_address(url));
        match link {
            Some(url) => self.push(&format!("<a href=\"{}\">", escaped(&percent_encoded(url)))),
            None => self.push("<g>"),
        }
        self.push(&format!("<title>{}</title>", escaped(&node.label)));
        let outline = outline(node.shape, place);
        let style = [
            ("fill", self.palette.node),
            ("stroke", self.palette.foreground),
            ("stroke-width", ""),
            ("stroke-dasharray", ""),
        ]
        .map(|(property, default)| (property, node.declared(property).unwrap_or(default)))
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(property, value)| format!(" {property}=\"{}\"", escaped(value)))
        .collect::<String>();
        self.push(&format!("<{outline}{style}/>"));
        let colour = escaped(node.declared("color").unwrap_or(self.palette.foreground));
        let decoration = if link.is_some() { " text-decoration=\"underline\"" } else { "" };
        let first =
            place.y + place.height / 2.0 - LINE * (node.label.split('\n').count() as f64 / 2.0 - 0.75);
        for (i, line) in node.label.split('\n').enumerate() {
            let (x, y) = (place.x + place.width / 2.0, first + LINE * i as f64);
            let decoration = if i == 0 { decoration } else { "" };
            self.push(&format!(
                "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" fill=\"{colour}\"{decoration}>{}</text>",
                escaped(&shortened(line))
            ));
        }
        self.push(if link.is_some() { "</a>" } else { "</g>" });
    }

    fn push(&mut self, line: &str) {
        writeln!(self.text, "{line}").expect("writing to a string cannot fail");
    }
}

/// How much room a node needs.
fn size_of(node: &Node) -> (f64, f64) {
    let widest = node.label.split('\n').map(|line| width_of(&shortened(line))).fold(0.0, f64::max);
    let height = node.label.split('\n').count() as f64 * LINE;
    let (width, height) = (widest + 2.0 * MARGIN, height + MARGIN);
    match node.shape {
        Shape::Box | Shape::Round => (width, height),
        Shape::Hexagon => (width + height, height),
        Shape::Circle => (width.max(height), width.max(height)),
        Shape::Diamond => (2.0 * width, 2.0 * height),
    }
}

fn width_of(line: &str) -> f64 {
    // Other scripts may need twice the room of Latin letters.
    line.chars().map(|c| if c.is_ascii() { CHAR } else { 2.0 * CHAR }).sum()
}

fn shortened(line: &str) -> String {
    if line.chars().count() <= MOST_CHARS {
        return line.to_owned();
    }
    line.chars().take(MOST_CHARS - 1).chain(['…']).collect()
}

/// The element that draws an outline, without style.
fn outline(shape: Shape, place: &Rectangle) -> String {
    let Rectangle { x, y, width, height } = *place;
    let (middle_x, middle_y) = (x + width / 2.0, y + height / 2.0);
    let (right, bottom) = (x + width, y + height);
    let rectangle = |radius: f64| {
        format!(
            "rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"{radius:.0}\""
        )
    };
    match shape {
        Shape::Box => rectangle(2.0),
        Shape::Round => rectangle(height / 3.0),
        Shape::Circle => {
            format!("circle cx=\"{middle_x:.1}\" cy=\"{middle_y:.1}\" r=\"{:.1}\"", width / 2.0)
        }
        Shape::Diamond => format!(
            "polygon points=\"{middle_x:.1},{y:.1} {right:.1},{middle_y:.1} {middle_x:.1},{bottom:.1} {x:.1},{middle_y:.1}\""
        ),
        Shape::Hexagon => {
            let (left, end) = (x + height / 2.0, right - height / 2.0);
            format!(
                "polygon points=\"{left:.1},{y:.1} {end:.1},{y:.1} {right:.1},{middle_y:.1} {end:.1},{bottom:.1} \
                 {left:.1},{bottom:.1} {x:.1},{middle_y:.1}\""
            )
        }
    }
}

/// The line of an edge: curves between layers, straight within them.
fn path(route: &[Point], direction: Direction) -> String {
    let mut path = String::new();
    let mut write =
        |text: std::fmt::Arguments<'_>| path.write_fmt(text).expect("writing to a string cannot fail");
    for (i, pair) in route.windows(2).enumerate() {
        let [from, to] = pair else { continue };
        if i == 0 {
            write(format_args!("M{:.1} {:.1}", from.x, from.y));
        }
        if i % 2 == 1 {
            write(format_args!("L{:.1} {:.1}", to.x, to.y));
            continue;
        }
        let (half_x, half_y) = ((from.x + to.x) / 2.0, (from.y + to.y) / 2.0);
        let (first, second) = match direction {
            Direction::Down | Direction::Up => ((from.x, half_y), (to.x, half_y)),
            Direction::Right | Direction::Left => ((half_x, from.y), (half_x, to.y)),
        };
        write(format_args!(
            "C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
            first.0, first.1, second.0, second.1, to.x, to.y
        ));
    }
    path
}
