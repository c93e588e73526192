//! The diagram of a task: the task, its steps with their states, and who waits for whom.

use super::flowchart::{Edge, Flowchart, Node};
use super::step::{self, DiagramStep, StepStatus};
use super::{Diagram, DiagramOptions, theme};
use crate::plan::Plan;
use crate::record::{StepDetail, TaskRecord};

/// Errors with more characters than this are cut.
const MOST_ERROR_CHARS: usize = 30;

/// So many characters are left of them, three dots besides.
const KEPT_ERROR_CHARS: usize = 28;

/// Draws a task from its row and those of all its steps, in document order.
pub fn task_diagram(
    plan: &Plan,
    task: &TaskRecord,
    steps: &[StepDetail],
    options: &DiagramOptions,
) -> Diagram {
    let order = step::in_order(plan);
    let ordered: Vec<DiagramStep> = order
        .iter()
        .map(|(step, level)| {
            let status = steps.get(step.index()).map(StepStatus::of);
            DiagramStep::new(plan, *step, *level, status)
        })
        .collect();
    let step_node = |(place, drawn): (usize, &DiagramStep)| Node {
        id: step::node_id(&drawn.name),
        label: label(drawn),
        shape: step::shape(plan.step(order[place].0)),
        style: drawn.status.as_ref().map(|status| theme::style_of(status.state).to_owned()),
        url: options.links.as_ref().map(|base| base.step(task.id, &drawn.name)),
        ..Node::default()
    };
    let name = &plan.definition.name;
    let head = Node {
        id: format!("task_{}", task.id),
        label: format!("Task: {name}\nID: {}\nStatus: {}", task.id, task.state),
        ..Node::default()
    };
    let roots = order.iter().filter(|(step, _)| plan.graph.parents(*step).is_empty());
    let to_root = |(root, _): &(_, u32)| Edge {
        source_id: head.id.clone(),
        target_id: step::node_id(plan.name(*root)),
        ..Edge::default()
    };
    let edges = roots.map(to_root).chain(step::edges(plan, &order)).collect();
    let nodes = std::iter::once(head.clone()).chain(ordered.iter().enumerate().map(step_node)).collect();
    Diagram {
        chart: Flowchart {
            nodes,
            edges,
            direction: options.direction,
            title: Some(format!("Task {}: {name}", task.id)),
            ..Flowchart::default()
        },
        heading: format!("task {} of {} is {}", task.id, plan.definition.full_name(), task.state),
        facts: vec![
            ("Task", task.id.to_string()),
            ("Definition", plan.definition.full_name()),
            ("Status", task.state.to_string()),
            ("Created", task.created_at.to_string()),
        ],
        steps: ordered,
        theme: options.theme,
    }
}

fn label(drawn: &DiagramStep) -> String {
    let mut label = format!("Step: {}", drawn.name);
    if let Some(status) = &drawn.status {
        label.push_str(&format!("\nStatus: {}\nAttempts: {}", status.state, status.attempts));
        if let Some(error) = &status.error {
            label.push_str(&format!("\nError: {}", shortened(error)));
        }
    }
    label
}

fn shortened(error: &str) -> String {
    if error.chars().count() <= MOST_ERROR_CHARS {
        return error.to_owned();
    }
    error.chars().take(KEPT_ERROR_CHARS).chain("...".chars()).collect()
}
