//! Settings whose templates are parsed once and rendered many times.

use std::collections::BTreeSet;

use minijinja::ErrorKind;
use serde::Serialize;
use serde_json::{Map, Value};

use super::json::{Budget, Unfit, is_too_large, to_json};
use super::names::Path;
use super::program::{Outcome, Program, reason};
use super::{TemplateError, is_template};
use crate::nearest::nearest;
use crate::pointer::pointer_to;

/// Settings, their templates parsed.
#[derive(Debug)]
pub struct CompiledConfig {
    root: Node,
    roots: BTreeSet<String>,
    results: BTreeSet<String>,
    all_results: bool,
}

/// What templates see.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    /// `context`.
    pub context: &'a Value,
    /// `inputs`.
    pub inputs: &'a Value,
    /// `results`, by step name.
    pub results: &'a Map<String, Value>,
    /// `step`.
    pub step: StepFacts<'a>,
}

/// What templates know about the execution.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct StepFacts<'a> {
    /// The step's name.
    pub name: &'a str,
    /// Number of the execution, from 1.
    pub attempt: u32,
    /// The task.
    pub task_id: &'a str,
    /// The same for every execution of the step.
    pub idempotency_key: &'a str,
}

#[derive(Debug)]
enum Node {
    Literal(Value),
    Template(Template),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

#[derive(Debug)]
struct Template {
    pointer: String,
    program: Program,
}

impl CompiledConfig {
    /// Parses the templates of settings.
    ///
    /// # Errors
    /// [`TemplateError::Syntax`] for the first template that cannot be parsed.
    pub fn new(config: &Value) -> Result<Self, TemplateError> {
        let mut compiled = Self {
            root: Node::Literal(Value::Null),
            roots: BTreeSet::new(),
            results: BTreeSet::new(),
            all_results: false,
        };
        compiled.root = compiled.node(config, "")?;
        Ok(compiled)
    }

    /// Whether a template uses this name (`context`, `inputs`, `results`, `step`), so that its value must be given.
    pub fn uses(&self, name: &str) -> bool {
        self.roots.contains(name)
    }

    /// Whether a template may read the result of this step.
    pub fn reads(&self, step: &str) -> bool {
        self.all_results || self.results.contains(step)
    }

    /// Renders the settings.
    ///
    /// # Errors
    /// Every [`TemplateError`] but `Syntax`; all are permanent.
    pub fn render(&self, scope: &Scope<'_>) -> Result<Value, TemplateError> {
        let values = minijinja::Value::from_pairs(
            self.roots.iter().filter_map(|root| scope.value(root).map(|value| (root.clone(), value))),
        );
        let mut rendering = Rendering { scope, values, budget: Budget::new() };
        rendering.node(&self.root)
    }

    fn node(&mut self, value: &Value, pointer: &str) -> Result<Node, TemplateError> {
        Ok(match value {
            Value::String(text) if is_template(text) => self.template(text, pointer)?,
            Value::Array(items) => Node::List(
                items
                    .iter()
                    .enumerate()
                    .map(|(i, item)| self.node(item, &pointer_to(pointer, &i.to_string())))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(entries) => Node::Object(
                entries
                    .iter()
                    .map(|(key, item)| Ok((key.clone(), self.node(item, &pointer_to(pointer, key))?)))
                    .collect::<Result<_, _>>()?,
            ),
            other => Node::Literal(other.clone()),
        })
    }

    fn template(&mut self, text: &str, pointer: &str) -> Result<Node, TemplateError> {
        let program =
            Program::new(text).map_err(|reason| TemplateError::Syntax { pointer: pointer.into(), reason })?;
        for path in &program.names().paths {
            self.roots.insert(path.root.clone());
            match path.keys.first() {
                Some(step) if path.root == "results" => drop(self.results.insert(step.clone())),
                None if path.root == "results" => self.all_results = true,
                _ => {}
            }
        }
        Ok(Node::Template(Template { pointer: pointer.into(), program }))
    }
}

impl Scope<'_> {
    fn value(&self, root: &str) -> Option<minijinja::Value> {
        use minijinja::value::Serde;
        Some(match root {
            "context" => Serde(self.context).into(),
            "inputs" => Serde(self.inputs).into(),
            "results" => Serde(self.results).into(),
            "step" => Serde(&self.step).into(),
            _ => return None,
        })
    }
}

struct Rendering<'a> {
    scope: &'a Scope<'a>,
    values: minijinja::Value,
    budget: Budget,
}

impl Rendering<'_> {
    fn node(&mut self, node: &Node) -> Result<Value, TemplateError> {
        match node {
            Node::Literal(value) => Ok(value.clone()),
            Node::Template(template) => self.template(template),
            Node::List(items) => {
                items.iter().map(|item| self.node(item)).collect::<Result<_, _>>().map(Value::Array)
            }
            Node::Object(entries) => {
                let mut map = Map::with_capacity(entries.len());
                for (key, item) in entries {
                    map.insert(key.clone(), self.node(item)?);
                }
                Ok(Value::Object(map))
            }
        }
    }

    fn template(&mut self, template: &Template) -> Result<Value, TemplateError> {
        let outcome =
            template.program.run(self.values.clone()).map_err(|error| self.failed(template, &error))?;
        let value = match outcome {
            Outcome::Value(value) => to_json(&value, &mut self.budget),
            Outcome::Text(text) => self.budget.spend(text.len()).map(|()| Value::String(text)),
        };
        value.map_err(|unfit| self.unfit(template, unfit))
    }

    fn failed(&self, template: &Template, error: &minijinja::Error) -> TemplateError {
        let pointer = template.pointer.clone();
        match error.kind() {
            ErrorKind::OutOfFuel => TemplateError::OutOfFuel { pointer },
            ErrorKind::UndefinedError => self.undefined(template),
            _ if is_too_large(error) => TemplateError::TooLarge { pointer },
            _ => TemplateError::Failed { pointer, reason: reason(error) },
        }
    }

    fn unfit(&self, template: &Template, unfit: Unfit) -> TemplateError {
        let pointer = template.pointer.clone();
        match unfit {
            Unfit::Undefined => self.undefined(template),
            Unfit::TooLarge => TemplateError::TooLarge { pointer },
            Unfit::Other(reason) => TemplateError::Failed { pointer, reason },
        }
    }

    /// Names the first path of the template that leads nowhere. Its source is not shown: it may hold resolved secrets.
    fn undefined(&self, template: &Template) -> TemplateError {
        let pointer = template.pointer.clone();
        let results = Value::Object(self.scope.results.clone());
        let mut paths = template.program.names().paths.iter().filter(|path| !path.optional);
        let dead_end = paths.find_map(|path| match path.root.as_str() {
            "context" => dead_end(path, self.scope.context),
            "inputs" => dead_end(path, self.scope.inputs),
            "results" => dead_end(path, &results),
            _ => None,
        });
        match dead_end {
            Some((expression, nearest)) => TemplateError::Undefined { pointer, expression, nearest },
            None => TemplateError::Undefined { pointer, expression: "a value".into(), nearest: None },
        }
    }
}

/// Where a path ends too early, and what may have been meant there.
fn dead_end(path: &Path, root: &Value) -> Option<(String, Option<String>)> {
    let (mut value, mut way) = (root, path.root.clone());
    for key in &path.keys {
        let next = match value {
            Value::Array(items) => key.parse::<usize>().ok().and_then(|index| items.get(index)),
            Value::String(_) => return None,
            other => other.get(key),
        };
        let Some(next) = next else {
            let keys = value.as_object().into_iter().flat_map(|map| map.keys().map(String::as_str));
            return Some((step_down(&way, key), nearest(key, keys).map(|near| step_down(&way, near))));
        };
        way = step_down(&way, key);
        value = next;
    }
    None
}

fn step_down(way: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { format!("{way}.{key}") } else { format!("{way}['{key}']") }
}

#[cfg(test)]
mod tests;
