//! The graph of a definition as a JSON document: `spec/authoring.md` 4.1. Pictures of it are in
//! [`crate::diagram`].

use serde_json::{Value, json};

use crate::definition::StepTemplate;
use crate::plan::Plan;

/// Nodes, edges and metadata of a definition's graph: nodes in document order, edges by child, then as listed.
pub fn graph_document(plan: &Plan) -> Value {
    let definition = &plan.definition;
    let nodes: Vec<_> =
        definition.steps.iter().zip(plan.graph.levels()).map(|(step, level)| node(step, level)).collect();
    let edges: Vec<_> = definition.steps.iter().flat_map(edges).collect();
    let metadata = json!({
        "graph_type": "template",
        "handler_name": definition.name,
        "total_nodes": nodes.len(),
        "total_edges": edges.len(),
        "additional_data": {"namespace": definition.namespace, "version": definition.version},
    });
    json!({"nodes": nodes, "edges": edges, "metadata": metadata})
}

fn node(step: &StepTemplate, level: u32) -> Value {
    json!({
        "id": step.name,
        "name": step.name,
        "type": "step_template",
        "metadata": {
            "handler": step.handler,
            "description": step.description,
            "dependent_system": step.dependent_system,
            "level": level,
            "retryable": step.retryable,
            "retry_limit": step.retry_limit,
            "skippable": step.skippable,
        },
    })
}

/// The dependencies of a step.
fn edges(step: &StepTemplate) -> impl Iterator<Item = Value> {
    let edge = |from| json!({"from": from, "to": step.name, "relationship": "prerequisite", "metadata": {}});
    step.depends_on.iter().map(edge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::lend_artifact;

    #[test]
    fn as_70_json_shows_6_nodes_and_8_edges() {
        let value = graph_document(&lend_artifact());
        assert_eq!(value["nodes"].as_array().unwrap().len(), 6);
        assert_eq!(value["edges"].as_array().unwrap().len(), 8);
        assert_eq!(
            value["metadata"],
            json!({
                "graph_type": "template",
                "handler_name": "lend_artifact",
                "total_nodes": 6,
                "total_edges": 8,
                "additional_data": {"namespace": "museum", "version": "2.1.0"},
            })
        );
        assert_eq!(value["nodes"][5]["metadata"]["level"], 3);
        let edge = json!({"from": "load_artifact", "to": "check_condition", "relationship": "prerequisite", "metadata": {}});
        assert_eq!(value["edges"][0], edge);
    }
}
