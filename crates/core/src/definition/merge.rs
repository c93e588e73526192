//! Environment overrides laid over the base of a document (`spec/authoring.md` 1.5).

use std::collections::HashMap;
use std::rc::Rc;

use super::problem::{Problem, Report};
use super::reader::{described, wrong_type};
use super::tree::{Entry, Kind, Mapping, Node, Path, Position};
use crate::nearest::{nearest, proposal};

/// Most environments of one definition.
const MAX_ENVIRONMENTS: usize = 100;

/// The names of the environments a document has overrides for.
pub(super) fn environments(root: &Node) -> Vec<String> {
    let overrides = root.mapping().and_then(|map| map.get("environments")).and_then(Node::mapping);
    overrides.iter().flat_map(|map| map.entries()).map(|entry| entry.key.to_string()).collect()
}

/// The document as it is in an environment, without `environments`. Values keep the place they were written at.
pub(super) fn for_environment(root: &Node, environment: &str, report: &mut Report) -> Node {
    let Some(map) = root.mapping() else { return root.clone() };
    let base: Mapping = map.entries().iter().filter(|entry| &*entry.key != "environments").cloned().collect();
    let merged = match find_override(map, environment, report) {
        Some((over, path)) => Merge { path: &path, report }.document(&base, over),
        None => base,
    };
    Node { at: root.at, kind: Kind::Map(Rc::new(merged)) }
}

const ENVIRONMENTS: Path<'static> = Path::Key(&Path::Root, "environments");

/// The override of an environment, if there is one and it is a mapping.
fn find_override<'a>(
    root: &'a Mapping,
    environment: &'a str,
    report: &mut Report,
) -> Option<(&'a Mapping, Path<'a>)> {
    let all = root.get("environments")?;
    let Some(map) = all.mapping() else {
        report.push(wrong_type("environments", "a mapping of environments", all, ENVIRONMENTS));
        return None;
    };
    if map.entries().len() > MAX_ENVIRONMENTS {
        let message = format!("more than {MAX_ENVIRONMENTS} environments");
        report.error("too_many_environments", all.at, ENVIRONMENTS, message);
        return None;
    }
    let over = map.get(environment)?;
    let path = Path::Key(&ENVIRONMENTS, environment);
    match over.mapping() {
        Some(map) => Some((map, path)),
        None => {
            report.push(wrong_type(environment, "a mapping of overrides", over, path));
            None
        }
    }
}

struct Merge<'p, 'r> {
    path: &'p Path<'p>,
    report: &'r mut Report,
}

impl Merge<'_, '_> {
    fn document(&mut self, base: &Mapping, over: &Mapping) -> Mapping {
        if let Some(nested) = over.entry("environments") {
            let message = "unknown key `environments`: an environment cannot hold environments";
            let path = Path::Key(self.path, "environments");
            self.report.error("unknown_key", nested.key_at, path, message);
        }
        let over: Mapping = over.entries().iter().filter(|e| &*e.key != "environments").cloned().collect();
        if let (None, Some(entry)) = (base.get("step_templates"), over.entry("step_templates")) {
            // Without steps in the base every override is one of an unknown step.
            let none = Node { at: entry.value.at, kind: Kind::List(Rc::default()) };
            self.steps(&none, &entry.value);
        }
        base.overlaid(&over, |key, old, new| match key {
            "step_templates" => self.steps(old, new),
            _ => old.overlaid(new),
        })
    }

    fn steps(&mut self, base: &Node, over: &Node) -> Node {
        let (Some(steps), Some(overrides)) = (base.list(), over.list()) else { return over.clone() };
        let path = Path::Key(self.path, "step_templates");
        let mut found: HashMap<&str, usize> = HashMap::new();
        for (i, step) in steps.iter().enumerate() {
            if let Some(name) = name_of(step) {
                found.entry(name).or_insert(i);
            }
        }
        let mut merged: Vec<Option<Node>> = vec![None; steps.len()];
        for (i, step) in overrides.iter().enumerate() {
            let path = Path::Index(&path, i);
            let Some((name, at)) = self.override_name(step, path) else { continue };
            let Some(&target) = found.get(name) else {
                let near = if self.report.is_crowded() { None } else { nearest(name, found.keys().copied()) };
                let message = format!("the base has no step `{name}` to override{}", proposal(near));
                self.report.error("unknown_environment_step", at, path, message);
                continue;
            };
            if merged[target].is_some() {
                self.report.error("duplicate_step", at, path, format!("step `{name}` is overridden twice"));
            }
            merged[target] = Some(merged[target].as_ref().unwrap_or(&steps[target]).overlaid(step));
        }
        let steps = steps.iter().zip(merged).map(|(step, merged)| merged.unwrap_or_else(|| step.clone()));
        Node { at: base.at, kind: Kind::List(Rc::new(steps.collect())) }
    }

    fn override_name<'a>(&mut self, step: &'a Node, path: Path<'_>) -> Option<(&'a str, Position)> {
        let Some(map) = step.mapping() else {
            self.report.push(wrong_type("step_templates", "a list of mappings", step, path));
            return None;
        };
        match map.entry("name").map(|Entry { value, .. }| (value, value.text())) {
            Some((node, Some(name))) => return Some((name, node.at)),
            Some((node, None)) => {
                let message = format!("`name` must be the name of a step, not {}", described(node));
                self.report.error("wrong_type", node.at, Path::Key(&path, "name"), message);
            }
            None => self.report.push(
                Problem::error("missing_key", step.at, path, "the key `name` is missing")
                    .help("`name` tells which step of the base is overridden"),
            ),
        }
        None
    }
}

fn name_of(step: &Node) -> Option<&str> {
    step.mapping()?.get("name")?.text()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::source::parse;
    use super::*;

    fn merged(text: &str, environment: &str) -> (Value, Vec<(&'static str, String)>) {
        let mut report = Report::default();
        let root = parse(text, &mut report).unwrap();
        let node = for_environment(&root, environment, &mut report);
        let problems = report.finish().into_iter().map(|p| (p.code, p.pointer)).collect();
        (node.to_value(), problems)
    }

    const BASE: &str = "
name: n
schema: {required: [a, b], type: object}
step_templates:
  - {name: one, handler_config: {url: base, headers: {A: '1'}}, depends_on_steps: [x, y]}
  - {name: two}
environments:
  test:
    schema: {required: [c]}
    description: null
    step_templates:
      - {name: two, default_retry_limit: 1}
      - {name: one, handler_config: {url: test}, depends_on_steps: [z]}
  staging: {step_templates: [{name: ghost}, {name: tow}, {}, 7, {name: 1}]}
  broken: [1]
";

    #[test]
    fn dom_15_mappings_merge_lists_are_replaced_and_steps_keep_their_order() {
        let (value, problems) = merged(BASE, "test");
        assert_eq!(problems, []);
        assert_eq!(
            value,
            json!({
                "name": "n",
                "schema": {"required": ["c"], "type": "object"},
                "step_templates": [
                    {"name": "one", "handler_config": {"url": "test", "headers": {"A": "1"}}, "depends_on_steps": ["z"]},
                    {"name": "two", "default_retry_limit": 1}
                ],
                "description": null
            })
        );
        assert_eq!(value["step_templates"][0]["name"], "one");
    }

    #[test]
    fn without_an_entry_the_base_stands() {
        let (value, problems) = merged(BASE, "development");
        assert_eq!(problems, []);
        assert_eq!(value["step_templates"][0]["handler_config"]["url"], "base");
        assert!(value.get("environments").is_none());
    }

    #[test]
    fn overrides_that_fit_nothing_are_reported() {
        let (_, problems) = merged(BASE, "staging");
        let path = |rest: &str| format!("/environments/staging/step_templates/{rest}");
        assert_eq!(
            problems,
            [
                ("unknown_environment_step", path("0")),
                ("unknown_environment_step", path("1")),
                ("missing_key", path("2")),
                ("wrong_type", path("3")),
                ("wrong_type", path("4/name")),
            ]
        );
        assert_eq!(merged(BASE, "broken").1, [("wrong_type", "/environments/broken".to_owned())]);
        assert_eq!(merged("environments: []", "x").1, [("wrong_type", "/environments".to_owned())]);
    }

    #[test]
    fn places_of_overriding_values_are_kept() {
        let mut report = Report::default();
        let root = parse(BASE, &mut report).unwrap();
        let node = for_environment(&root, "test", &mut report);
        let place = |pointer: &str| node.find(pointer).unwrap().at.line;
        assert_eq!(place("/step_templates/0/handler_config/url"), 13);
        assert_eq!(place("/step_templates/0/handler_config/headers"), 5);
    }
}
