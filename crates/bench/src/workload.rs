//! The tasks that are run: their shape, their definition, their requests.

use serde::{Deserialize, Serialize};
use tasker_core::definition::{Definition, DefinitionBuilder, StepBuilder};
use tasker_core::graph::shapes::{self, Shape};
use tasker_core::ids::Ordinal;
use tasker_core::names::{DefinitionName, HandlerName, Namespace};
use tasker_core::payload::{DEFAULT_MAX_BYTES, Payload};
use tasker_core::request::TaskRequest;

/// The handler of every step.
const HANDLER: &str = "bench_step";

/// Shapes of tasks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShapeKind {
    /// One step after the other.
    Linear,
    /// Diamonds of two branches in a row.
    Diamond,
    /// A step, many beside each other, a step after all of them.
    FanOut,
    /// A binary tree, and a step after all its leaves.
    Tree,
    /// Two roots, a merge, a side branch, two leaves; several of these in a row.
    Mixed,
    /// Layers of steps, each of which waits for two of the layer before.
    Layered,
}

impl ShapeKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Linear, Self::Diamond, Self::FanOut, Self::Tree, Self::Mixed, Self::Layered];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Diamond => "diamond",
            Self::FanOut => "fan-out",
            Self::Tree => "tree",
            Self::Mixed => "mixed",
            Self::Layered => "layered",
        }
    }

    /// The shape of its name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// A shape of about so many steps: as many as its pattern allows.
    pub(crate) fn shape(self, steps: Option<usize>) -> Shape {
        match self {
            Self::Linear => shapes::chain(steps.unwrap_or(5).max(1)),
            Self::Diamond => shapes::diamonds((steps.unwrap_or(7).saturating_sub(1) / 3).max(1)),
            Self::FanOut => shapes::fan_out(steps.unwrap_or(22).saturating_sub(2).max(1)),
            Self::Tree => tree(steps.unwrap_or(8).max(2)),
            Self::Mixed => in_a_row(&shapes::mixed(), (steps.unwrap_or(9) / 9).max(1)),
            Self::Layered => {
                let steps = steps.unwrap_or(30).max(1);
                let depth = steps.isqrt().clamp(1, 3.max(steps / 10));
                shapes::layered((steps / depth).max(1), depth, 2)
            }
        }
    }
}

/// A binary tree of `n - 1` steps, and a step after its leaves.
fn tree(n: usize) -> Shape {
    let nodes = n - 1;
    let place = |i: usize| Ordinal(u32::try_from(i).expect("a task has at most 20,000 steps"));
    let mut names: Vec<String> = (1..=nodes).map(|i| format!("node_{i}")).collect();
    let mut parents: Vec<Vec<Ordinal>> =
        (0..nodes).map(|i| if i == 0 { Vec::new() } else { vec![place((i - 1) / 2)] }).collect();
    names.push("gather".into());
    parents.push((0..nodes).filter(|i| 2 * i + 1 >= nodes).map(place).collect());
    Shape { names, parents }
}

/// Copies of a shape, the roots of each after the last step of the one before.
fn in_a_row(shape: &Shape, copies: usize) -> Shape {
    let n = shape.names.len();
    let mut row = Shape { names: Vec::new(), parents: Vec::new() };
    for copy in 0..copies {
        let shift = u32::try_from(copy * n).expect("a task has at most 20,000 steps");
        for (name, parents) in shape.names.iter().zip(&shape.parents) {
            let mut parents: Vec<Ordinal> = parents.iter().map(|parent| Ordinal(parent.0 + shift)).collect();
            if parents.is_empty() && copy > 0 {
                parents.push(Ordinal(shift - 1));
            }
            row.names.push(format!("{name}_{}", copy + 1));
            row.parents.push(parents);
        }
    }
    row
}

/// Tasks of one shape.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) kind: ShapeKind,
    pub(crate) shape: Shape,
    pub(crate) payload_bytes: usize,
    name: DefinitionName,
}

impl Workload {
    pub(crate) fn new(kind: ShapeKind, steps: Option<usize>, payload_bytes: usize) -> Self {
        let name = DefinitionName::new(&format!("bench_{}", kind.as_str().replace('-', "_")));
        let name = name.expect("names of shapes are names of definitions");
        Self { kind, shape: kind.shape(steps), payload_bytes, name }
    }

    /// Steps of a task.
    pub(crate) fn n_steps(&self) -> usize {
        self.shape.names.len()
    }

    /// Steps on the longest way through a task.
    pub(crate) fn depth(&self) -> usize {
        let mut depths: Vec<usize> = Vec::with_capacity(self.n_steps());
        for parents in &self.shape.parents {
            let above = parents.iter().map(|parent| depths[parent.index()]).max().unwrap_or(0);
            depths.push(above + 1);
        }
        depths.into_iter().max().unwrap_or(0)
    }

    pub(crate) fn definition(&self) -> Definition {
        let builder = DefinitionBuilder::new(self.name.as_str()).version("1.0.0");
        let steps = self.shape.steps().map(|(name, parents)| {
            let step = StepBuilder::new(name, HANDLER);
            if parents.is_empty() { step } else { step.depends_on(parents) }
        });
        let built = steps.fold(builder, DefinitionBuilder::step).build();
        built.unwrap_or_else(|problems| {
            panic!("a shape of at most 20,000 steps is a valid definition: {problems:?}")
        })
    }

    /// The request for the `n`-th task.
    pub(crate) fn request(&self, n: usize) -> TaskRequest {
        let context = Payload::object(&self.context(n), DEFAULT_MAX_BYTES.max(2 * self.payload_bytes));
        let context = context.expect("a number and letters are a context");
        TaskRequest { context, ..TaskRequest::new(Namespace::default(), self.name.clone()) }
    }

    fn context(&self, n: usize) -> String {
        format!("{{\"n\":{n},\"data\":\"{}\"}}", "x".repeat(self.payload_bytes))
    }
}

/// The result of every step.
pub(crate) fn result(payload_bytes: usize) -> serde_json::Value {
    serde_json::json!({"data": "x".repeat(payload_bytes)})
}

/// The name of the handler of every step.
pub(crate) fn handler_name() -> HandlerName {
    HandlerName::new(HANDLER).expect("a literal that is a handler's name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_have_about_the_steps_that_are_asked_for() {
        for (kind, steps, n_steps, depth) in [
            (ShapeKind::Linear, None, 5, 5),
            (ShapeKind::Linear, Some(40), 40, 40),
            (ShapeKind::Diamond, None, 7, 5),
            (ShapeKind::Diamond, Some(4), 4, 3),
            (ShapeKind::FanOut, None, 22, 3),
            (ShapeKind::FanOut, Some(102), 102, 3),
            (ShapeKind::Tree, None, 8, 4),
            (ShapeKind::Tree, Some(2), 2, 2),
            (ShapeKind::Mixed, None, 9, 5),
            (ShapeKind::Mixed, Some(20), 18, 10),
            (ShapeKind::Layered, None, 30, 3),
            (ShapeKind::Layered, Some(1), 1, 1),
        ] {
            let workload = Workload::new(kind, steps, 10);
            assert_eq!((workload.n_steps(), workload.depth()), (n_steps, depth), "{kind:?} {steps:?}");
            assert_eq!(workload.definition().steps.len(), n_steps);
        }
    }

    #[test]
    fn names_lead_to_shapes() {
        assert!(ShapeKind::ALL.iter().all(|kind| ShapeKind::from_name(kind.as_str()) == Some(*kind)));
        assert_eq!(ShapeKind::from_name("round"), None);
    }

    #[test]
    fn a_context_holds_the_payload() {
        let workload = Workload::new(ShapeKind::Linear, None, 3);
        assert_eq!(workload.request(7).context.as_str(), r#"{"n":7,"data":"xxx"}"#);
    }
}
