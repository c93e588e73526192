//! The graph of a definition as something to look at.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::str::FromStr;

use serde_json::{Value, json};

use super::{Graph, ordinal};
use crate::definition::{Definition, StepTemplate};
use crate::ids::Ordinal;

/// A way to show a graph.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum GraphFormat {
    /// Steps by level, for people.
    #[default]
    Text,
    /// Graphviz.
    Dot,
    /// Mermaid flow chart.
    Mermaid,
    /// Nodes, edges and metadata.
    Json,
}

/// No such format.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is no graph format; choose text, dot, mermaid or json")]
pub struct UnknownGraphFormat(pub String);

impl FromStr for GraphFormat {
    type Err = UnknownGraphFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "dot" => Ok(Self::Dot),
            "mermaid" => Ok(Self::Mermaid),
            "json" => Ok(Self::Json),
            _ => Err(UnknownGraphFormat(text.into())),
        }
    }
}

/// Shows the graph of a definition. The text ends with a line break, but for JSON.
pub fn render(definition: &Definition, format: GraphFormat) -> String {
    let picture = Picture { definition, graph: &graph_of(definition) };
    match format {
        GraphFormat::Text => picture.text(),
        GraphFormat::Dot => picture.dot(),
        GraphFormat::Mermaid => picture.mermaid(),
        GraphFormat::Json => format!("{:#}", picture.json()),
    }
}

/// The JSON form, as a value.
pub fn to_json(definition: &Definition) -> Value {
    Picture { definition, graph: &graph_of(definition) }.json()
}

struct Picture<'a> {
    definition: &'a Definition,
    graph: &'a Graph,
}

impl Picture<'_> {
    fn text(&self) -> String {
        let levels = self.graph.levels();
        let n_levels = levels.iter().max().map_or(0, |highest| highest + 1);
        let mut text = format!(
            "{}: {} steps, {} dependencies, {} levels\n",
            self.definition.full_name(),
            self.graph.n_steps(),
            self.graph.n_edges(),
            n_levels
        );
        let width = self.definition.steps.iter().map(|step| step.name.as_str().len()).max().unwrap_or(0);
        let mut by_level: Vec<_> = levels.iter().zip(&self.definition.steps).collect();
        by_level.sort_by_key(|(level, _)| **level);
        let mut current = None;
        for (level, step) in by_level {
            if current.replace(*level) != Some(*level) {
                push_line(&mut text, &format!("\nlevel {level}"));
            }
            push_line(&mut text, &text_line(step, width));
        }
        text
    }

    fn dot(&self) -> String {
        let mut text = format!("digraph {} {{\n", quoted(&self.definition.full_name()));
        text.push_str("  rankdir=LR;\n  node [shape=box];\n");
        for step in &self.definition.steps {
            push_line(
                &mut text,
                &format!("  {} [tooltip={}];", quoted(step.name.as_str()), quoted(step.handler.as_str())),
            );
        }
        for (parent, child) in self.edges() {
            push_line(&mut text, &format!("  {} -> {};", quoted(parent), quoted(child)));
        }
        text.push_str("}\n");
        text
    }

    fn mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        for (i, step) in self.definition.steps.iter().enumerate() {
            push_line(&mut text, &format!("  s{i}[\"{}\"]", step.name));
        }
        for child in self.graph.steps() {
            for parent in self.graph.parents(child) {
                push_line(&mut text, &format!("  s{parent} --> s{child}"));
            }
        }
        text
    }

    fn json(&self) -> Value {
        let levels = self.graph.levels();
        let nodes: Vec<_> =
            self.definition.steps.iter().zip(&levels).map(|(s, level)| node(s, *level)).collect();
        let edge = |(from, to): (&str, &str)| json!({"from": from, "to": to, "relationship": "prerequisite", "metadata": {}});
        let edges: Vec<_> = self.edges().map(edge).collect();
        let metadata = json!({
            "graph_type": "template",
            "handler_name": self.definition.name,
            "total_nodes": nodes.len(),
            "total_edges": edges.len(),
            "additional_data": {"namespace": self.definition.namespace, "version": self.definition.version},
        });
        json!({"nodes": nodes, "edges": edges, "metadata": metadata})
    }

    /// Parent and child of each dependency, by name.
    fn edges(&self) -> impl Iterator<Item = (&str, &str)> {
        self.definition
            .steps
            .iter()
            .flat_map(|step| step.depends_on.iter().map(|parent| (parent.as_str(), step.name.as_str())))
    }
}

fn graph_of(definition: &Definition) -> Graph {
    let positions: HashMap<&str, Ordinal> =
        definition.steps.iter().enumerate().map(|(i, step)| (step.name.as_str(), ordinal(i))).collect();
    let parents = |step: &StepTemplate| step.depends_on.iter().map(|name| positions[name.as_str()]).collect();
    Graph::new(&definition.steps.iter().map(parents).collect::<Vec<_>>())
}

fn text_line(step: &StepTemplate, width: usize) -> String {
    if step.depends_on.is_empty() {
        return format!("  {}", step.name);
    }
    let parents: Vec<_> = step.depends_on.iter().map(|name| name.as_str()).collect();
    format!("  {:width$}  <- {}", step.name, parents.join(", "))
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

fn push_line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("writing to a string cannot fail");
}

/// A quoted identifier of the dot language.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lend_artifact() -> Definition {
        let step = |name: &str, parents: &[&str]| {
            json!({
                "name": name, "handler": format!("museum/{name}"), "description": null,
                "dependent_system": "collection_db", "retryable": true, "retry_limit": 3, "skippable": false,
                "timeout_seconds": 600, "depends_on": parents, "handler_config": null, "extensions": {},
            })
        };
        let document = json!({
            "namespace": "museum", "name": "lend_artifact", "version": "2.1.0", "description": null,
            "concurrent": true, "priority": 5, "schema": null, "context_strict": false, "deprecated": false,
            "task_handler": null, "module_namespace": null, "configuration": {}, "annotations": [],
            "custom_events": [], "extensions": {},
            "steps": [
                step("load_artifact", &[]),
                step("check_condition", &["load_artifact"]),
                step("quote_insurance", &["load_artifact"]),
                step("book_courier", &["check_condition", "quote_insurance"]),
                step("sign_contract", &["quote_insurance", "check_condition"]),
                step("notify_borrower", &["book_courier", "sign_contract"]),
            ],
        });
        Definition::from_document(&document.to_string()).unwrap()
    }

    #[test]
    fn as_70_mermaid_shows_6_nodes_and_8_edges() {
        let text = render(&lend_artifact(), GraphFormat::Mermaid);
        assert_eq!(text.lines().filter(|line| line.contains("[\"")).count(), 6);
        assert_eq!(text.lines().filter(|line| line.contains("-->")).count(), 8);
        assert!(text.starts_with("flowchart LR\n  s0[\"load_artifact\"]\n"), "{text}");
        assert!(text.ends_with("  s3 --> s5\n  s4 --> s5\n"), "{text}");
    }

    #[test]
    fn as_70_json_shows_6_nodes_and_8_edges() {
        let value: Value = serde_json::from_str(&render(&lend_artifact(), GraphFormat::Json)).unwrap();
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

    #[test]
    fn text_shows_the_steps_by_level() {
        let expected = "\
museum.lend_artifact@2.1.0: 6 steps, 8 dependencies, 4 levels

level 0
  load_artifact

level 1
  check_condition  <- load_artifact
  quote_insurance  <- load_artifact

level 2
  book_courier     <- check_condition, quote_insurance
  sign_contract    <- quote_insurance, check_condition

level 3
  notify_borrower  <- book_courier, sign_contract
";
        assert_eq!(render(&lend_artifact(), GraphFormat::Text), expected);
    }

    #[test]
    fn dot_quotes_what_needs_it() {
        let mut definition = lend_artifact();
        definition.steps.truncate(2);
        definition.steps[0].handler = crate::names::HandlerName::new(r#"a"b\c"#).unwrap();
        let expected = r#"digraph "museum.lend_artifact@2.1.0" {
  rankdir=LR;
  node [shape=box];
  "load_artifact" [tooltip="a\"b\\c"];
  "check_condition" [tooltip="museum/check_condition"];
  "load_artifact" -> "check_condition";
}
"#;
        assert_eq!(render(&definition, GraphFormat::Dot), expected);
    }

    #[test]
    fn formats_have_names() {
        assert_eq!("mermaid".parse(), Ok(GraphFormat::Mermaid));
        assert_eq!("svg".parse::<GraphFormat>(), Err(UnknownGraphFormat("svg".into())));
    }
}
