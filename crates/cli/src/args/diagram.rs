//! Flags of all commands that draw.

use clap::{Args, ValueEnum};
use tasker_core::diagram::{DiagramFormat, DiagramOptions, Direction, Theme};

use super::Output;

/// How something is drawn.
#[derive(Args, Clone, Debug)]
pub struct DrawingArgs {
    /// What is written [default: text; json with --output json]
    #[arg(long, short, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Where arrows lead: TD (down), LR (right), RL (left), BT (up)
    #[arg(long, value_name = "DIRECTION", default_value_t = Direction::Down)]
    pub direction: Direction,
    /// Colours of svg, html and dot around the steps: light, dark
    #[arg(long, value_name = "THEME", default_value_t = Theme::Light)]
    pub theme: Theme,
}

/// What is written.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Steps by level
    Text,
    /// Mermaid flow chart
    Mermaid,
    /// Graphviz
    Dot,
    /// Drawing
    Svg,
    /// Page with the drawing and a table of the steps, complete in itself
    Html,
    /// Nodes and edges
    Json,
}

impl DrawingArgs {
    /// What is written, if the output of commands is this.
    pub fn format(&self, output: Output) -> DiagramFormat {
        match (self.format, output) {
            (Some(Format::Text), _) | (None, Output::Text) => DiagramFormat::Text,
            (Some(Format::Mermaid), _) => DiagramFormat::Mermaid,
            (Some(Format::Dot), _) => DiagramFormat::Dot,
            (Some(Format::Svg), _) => DiagramFormat::Svg,
            (Some(Format::Html), _) => DiagramFormat::Html,
            (Some(Format::Json), _) | (None, Output::Json) => DiagramFormat::Json,
        }
    }

    /// How it is drawn, without links.
    pub fn options(&self) -> DiagramOptions {
        DiagramOptions { direction: self.direction, theme: self.theme, links: None }
    }
}
