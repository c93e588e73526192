//! The diagram of a definition: its steps and who waits for whom, without states.

use super::flowchart::{Flowchart, Node};
use super::step::{self, DiagramStep};
use super::{Diagram, DiagramOptions};
use crate::definition::StepTemplate;
use crate::plan::Plan;

/// Draws a definition.
pub fn definition_diagram(plan: &Plan, options: &DiagramOptions) -> Diagram {
    let order = step::in_order(plan);
    let node = |template: &StepTemplate| Node {
        id: step::node_id(&template.name),
        label: format!("Step: {}\nHandler: {}", template.name, template.handler),
        shape: step::shape(template),
        ..Node::default()
    };
    let name = plan.definition.full_name();
    Diagram {
        chart: Flowchart {
            nodes: order.iter().map(|(step, _)| node(plan.step(*step))).collect(),
            edges: step::edges(plan, &order),
            direction: options.direction,
            title: Some(name.clone()),
            ..Flowchart::default()
        },
        facts: vec![
            ("Definition", name.clone()),
            ("Description", plan.definition.description.clone().unwrap_or_default()),
        ],
        heading: name,
        steps: order.iter().map(|(step, level)| DiagramStep::new(plan, *step, *level, None)).collect(),
        theme: options.theme,
    }
}
