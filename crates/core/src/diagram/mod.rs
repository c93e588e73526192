//! Pictures of tasks and definitions: one model ([`Flowchart`]), written as Mermaid, dot, SVG, a page of HTML, JSON or
//! text for a terminal (`spec/api.md` 8).
//!
//! What is drawn is the same in every form and the same each time: the task (if it is one) first, then its steps by
//! level and position; edges by their source, then by their target.

mod definition;
mod dot;
mod flowchart;
mod html;
mod link;
mod markup;
mod mermaid;
mod step;
mod svg;
mod task;
mod text;
mod theme;

use std::fmt;
use std::str::FromStr;

pub use definition::definition_diagram;
pub use flowchart::{
    Direction, Edge, EdgeDirection, EdgeKind, EdgesOf, Flowchart, Node, Shape, UnknownDirection,
};
pub use html::CONTENT_SECURITY_POLICY;
pub use link::{InvalidLinkBase, LinkBase};
pub use markup::escaped;
pub use step::{DiagramStep, StepStatus};
pub use svg::{MAX_DRAWN_EDGES, MAX_DRAWN_NODES};
pub use task::task_diagram;
pub use theme::{Theme, UnknownTheme};

/// A picture of a task or a definition, and what it shows in words.
#[derive(Clone, PartialEq, Debug)]
pub struct Diagram {
    /// The picture.
    pub chart: Flowchart,
    /// What it shows, in one line.
    pub heading: String,
    /// Facts about it: name and value.
    pub facts: Vec<(&'static str, String)>,
    /// Its steps, in the order of the nodes.
    pub steps: Vec<DiagramStep>,
    /// Colours of the background and of lines.
    pub theme: Theme,
}

/// How a diagram is made.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DiagramOptions {
    /// Where edges lead.
    pub direction: Direction,
    /// Colours of the background and of lines.
    pub theme: Theme,
    /// Where the steps of a task can be looked at: nodes lead there.
    pub links: Option<LinkBase>,
}

/// A way to write a diagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DiagramFormat {
    /// Steps by level, for a terminal.
    #[default]
    Text,
    /// Mermaid.
    Mermaid,
    /// The language of Graphviz.
    Dot,
    /// A drawing.
    Svg,
    /// A page with a drawing, a table of the steps, and the Mermaid text; needs nothing from elsewhere.
    Html,
    /// The model.
    Json,
}

/// No such format.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is no format of a diagram; choose text, mermaid, dot, svg, html or json")]
pub struct UnknownDiagramFormat(pub String);

impl Diagram {
    /// Writes it. The text ends with a line break.
    pub fn render(&self, format: DiagramFormat) -> String {
        match format {
            DiagramFormat::Text => text::write(self),
            DiagramFormat::Mermaid => mermaid::write(&self.chart),
            DiagramFormat::Dot => dot::write(&self.chart, self.theme),
            DiagramFormat::Svg => svg::write(&self.chart, self.theme),
            DiagramFormat::Html => html::write(self),
            DiagramFormat::Json => {
                let text = serde_json::to_string_pretty(&self.chart);
                text.expect("a chart has only text keys and finite numbers") + "\n"
            }
        }
    }
}

impl DiagramFormat {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Text, Self::Mermaid, Self::Dot, Self::Svg, Self::Html, Self::Json];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Mermaid => "mermaid",
            Self::Dot => "dot",
            Self::Svg => "svg",
            Self::Html => "html",
            Self::Json => "json",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; charset=utf-8",
            Self::Mermaid => "text/vnd.mermaid; charset=utf-8",
            Self::Dot => "text/vnd.graphviz; charset=utf-8",
            Self::Svg => "image/svg+xml",
            Self::Html => "text/html; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

impl fmt::Display for DiagramFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for DiagramFormat {
    type Err = UnknownDiagramFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|format| format.as_str() == text);
        found.ok_or_else(|| UnknownDiagramFormat(text.into()))
    }
}

#[cfg(test)]
mod tests;
