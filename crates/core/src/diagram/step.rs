//! The steps of a diagram: in which order they are drawn, and what is said of each.

use super::flowchart::{Edge, Shape};
use crate::definition::StepTemplate;
use crate::ids::Ordinal;
use crate::names::{HandlerName, StepName};
use crate::plan::Plan;
use crate::record::StepDetail;
use crate::state::StepState;

/// What is written at the line from a step to one that waits for it.
const PROVIDES: &str = "provides";

/// A step, in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DiagramStep {
    /// Its name.
    pub name: StepName,
    /// Longest distance from a root.
    pub level: u32,
    /// The steps that it waits for, as the definition lists them.
    pub parents: Vec<StepName>,
    /// What runs it.
    pub handler: HandlerName,
    /// How it stands, in a task.
    pub status: Option<StepStatus>,
}

/// How a step of a task stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepStatus {
    /// Its state.
    pub state: StepState,
    /// Executions so far.
    pub attempts: u32,
    /// Why it failed, if it is in error; in one line.
    pub error: Option<String>,
}

impl DiagramStep {
    pub(super) fn new(plan: &Plan, step: Ordinal, level: u32, status: Option<StepStatus>) -> Self {
        let template = plan.step(step);
        Self {
            name: template.name.clone(),
            level,
            parents: template.depends_on.clone(),
            handler: template.handler.clone(),
            status,
        }
    }
}

impl StepStatus {
    pub(super) fn of(detail: &StepDetail) -> Self {
        let record = &detail.record;
        let error = detail.error.as_ref().filter(|_| record.state == StepState::Error);
        Self {
            state: record.state,
            attempts: record.attempts,
            error: error.map(|error| one_line(&error.message)),
        }
    }
}

/// The steps by level, then by position, each with its level.
pub(super) fn in_order(plan: &Plan) -> Vec<(Ordinal, u32)> {
    let mut steps: Vec<_> = plan.graph.steps().zip(plan.graph.levels()).collect();
    steps.sort_by_key(|(step, level)| (*level, *step));
    steps
}

/// The id of a step's node.
pub(super) fn node_id(step: &StepName) -> String {
    format!("step_{step}")
}

/// Steps that a request may bypass are drawn round.
pub(super) fn shape(template: &StepTemplate) -> Shape {
    if template.skippable { Shape::Round } else { Shape::Box }
}

/// The dependencies, by parent in the order of the nodes, then by child in document order.
pub(super) fn edges(plan: &Plan, order: &[(Ordinal, u32)]) -> Vec<Edge> {
    let of_parent = |(parent, _): &(Ordinal, u32)| {
        let source = node_id(plan.name(*parent));
        plan.graph.children(*parent).iter().map(move |child| Edge {
            source_id: source.clone(),
            target_id: node_id(plan.name(*child)),
            label: PROVIDES.into(),
            ..Edge::default()
        })
    };
    order.iter().flat_map(of_parent).collect()
}

/// The text without line breaks and other control characters.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() || c.is_control() { ' ' } else { c }).collect()
}
