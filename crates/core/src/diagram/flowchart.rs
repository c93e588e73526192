//! The model that all pictures are made of: nodes and edges with labels (`spec/api.md` 8.2). Its JSON form is a
//! contract: what is unset is left out, what is empty is kept.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A chart.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Flowchart {
    /// The nodes, in the order in which they are written.
    pub nodes: Vec<Node>,
    /// The edges, in the order in which they are written.
    pub edges: Vec<Edge>,
    /// Where edges lead.
    pub direction: Direction,
    /// What it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whatever else belongs to it.
    pub attributes: Map<String, Value>,
}

/// Something that is drawn as a box or the like.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Node {
    /// Identity within the chart.
    pub id: String,
    /// Its text, lines parted by line breaks.
    pub label: String,
    /// Its outline.
    pub shape: Shape,
    /// CSS declarations: `fill`, `color` (of the text), `stroke`, `stroke-width`, `stroke-dasharray`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<String>,
    /// What it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Whatever else belongs to it.
    pub attributes: Map<String, Value>,
}

/// A line from one node to another.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Edge {
    /// The node where it begins.
    pub source_id: String,
    /// The node where it ends.
    pub target_id: String,
    /// Its text.
    pub label: String,
    /// How it is drawn.
    #[serde(rename = "type")]
    pub kind: EdgeKind,
    /// Which of its ends have arrows.
    pub direction: EdgeDirection,
    /// Whatever else belongs to it.
    pub attributes: Map<String, Value>,
}

/// Outline of a node.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A rectangle.
    #[default]
    Box,
    /// A rectangle with round corners.
    Round,
    /// A circle.
    Circle,
    /// A rhombus.
    Diamond,
    /// A hexagon.
    Hexagon,
}

/// How an edge is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeKind {
    /// A line.
    #[default]
    Solid,
    /// A line of dashes.
    Dashed,
    /// A thick line.
    Thick,
    /// A line of dots.
    Dotted,
}

/// Which ends of an edge have arrows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeDirection {
    /// The target.
    #[default]
    Forward,
    /// The source.
    Back,
    /// Both.
    Both,
    /// Neither.
    None,
}

/// Where the edges of a chart lead.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Direction {
    /// Down.
    #[default]
    #[serde(rename = "TD")]
    Down,
    /// To the right.
    #[serde(rename = "LR")]
    Right,
    /// To the left.
    #[serde(rename = "RL")]
    Left,
    /// Up.
    #[serde(rename = "BT")]
    Up,
}

/// Which edges of a node are meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EdgesOf {
    /// Those that end there.
    Incoming,
    /// Those that begin there.
    Outgoing,
    /// Both.
    Both,
}

/// No such direction.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is no direction; choose TD, LR, RL or BT")]
pub struct UnknownDirection(pub String);

impl Flowchart {
    /// The node of an id.
    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// The edges of a node, in their order.
    pub fn edges_of(&self, id: &str, which: EdgesOf) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| match which {
            EdgesOf::Incoming => edge.target_id == id,
            EdgesOf::Outgoing => edge.source_id == id,
            EdgesOf::Both => edge.source_id == id || edge.target_id == id,
        })
    }
}

impl Node {
    /// The declarations of its style: property and value.
    pub(super) fn declarations(&self) -> impl Iterator<Item = (&str, &str)> {
        let declarations = self.style.as_deref().unwrap_or_default().split(';');
        declarations.filter_map(|one| one.split_once(':')).map(|(name, value)| (name.trim(), value.trim()))
    }

    /// The value of a property of its style.
    pub(super) fn declared(&self, property: &str) -> Option<&str> {
        self.declarations().find(|(name, _)| *name == property).map(|(_, value)| value)
    }
}

impl Edge {
    /// The node where its line begins and the one where it leads: an edge that points back is drawn the other way round.
    pub(super) fn ends(&self) -> (&str, &str) {
        match self.direction {
            EdgeDirection::Back => (&self.target_id, &self.source_id),
            _ => (&self.source_id, &self.target_id),
        }
    }
}

impl Direction {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Down, Self::Right, Self::Left, Self::Up];

    /// The two letters that stand for it: `TD` for "top down".
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Down => "TD",
            Self::Right => "LR",
            Self::Left => "RL",
            Self::Up => "BT",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Direction {
    type Err = UnknownDirection;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|direction| direction.as_str() == text);
        found.ok_or_else(|| UnknownDirection(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn edge(source: &str, target: &str) -> Edge {
        Edge { source_id: source.into(), target_id: target.into(), ..Edge::default() }
    }

    #[test]
    fn what_is_unset_is_left_out_and_what_is_empty_is_kept() {
        let chart = Flowchart {
            nodes: vec![Node { id: "a".into(), ..Node::default() }],
            edges: vec![edge("a", "a")],
            ..Flowchart::default()
        };
        let document = json!({
            "nodes": [{"id": "a", "label": "", "shape": "box", "attributes": {}}],
            "edges": [{
                "source_id": "a", "target_id": "a", "label": "", "type": "solid", "direction": "forward",
                "attributes": {},
            }],
            "direction": "TD",
            "attributes": {},
        });
        assert_eq!(serde_json::to_value(&chart).unwrap(), document);
        assert_eq!(serde_json::from_value::<Flowchart>(document).unwrap(), chart);
    }

    #[test]
    fn nodes_and_edges_are_found() {
        let node = |id: &str| Node { id: id.into(), ..Node::default() };
        let chart = Flowchart {
            nodes: vec![node("a"), node("b"), node("c")],
            edges: vec![edge("a", "b"), edge("b", "c"), edge("a", "c")],
            ..Flowchart::default()
        };
        assert_eq!(chart.node("b").map(|node| node.id.as_str()), Some("b"));
        assert_eq!(chart.node("d"), None);
        let found =
            |which| -> Vec<&str> { chart.edges_of("b", which).map(|edge| edge.source_id.as_str()).collect() };
        assert_eq!(found(EdgesOf::Incoming), ["a"]);
        assert_eq!(found(EdgesOf::Outgoing), ["b"]);
        assert_eq!(found(EdgesOf::Both), ["a", "b"]);
    }

    #[test]
    fn directions_have_names() {
        for direction in Direction::ALL {
            assert_eq!(direction.as_str().parse(), Ok(direction));
            assert_eq!(serde_json::to_value(direction).unwrap(), json!(direction.as_str()));
        }
        assert_eq!("UP".parse::<Direction>(), Err(UnknownDirection("UP".into())));
    }
}
