//! Settings whose templates are parsed once and rendered many times.

use std::collections::BTreeSet;
use std::io;

use minijinja::{Environment, ErrorKind, Expression};
use serde::Serialize;
use serde_json::{Map, Value};

use super::environment::ENVIRONMENT;
use super::inspect::syntax;
use super::json::{Budget, Unfit, to_json};
use super::scan::{self, Path};
use super::{TemplateError, is_template};
use crate::nearest::nearest;
use crate::pointer::pointer_to;

/// Settings, their templates parsed.
#[derive(Debug)]
pub struct CompiledConfig {
    root: Node,
    texts: Environment<'static>,
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
    Expression(Template<Expression<'static, 'static>>),
    /// The parsed text is in the environment under its pointer.
    Text(Template<()>),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

#[derive(Debug)]
struct Template<T> {
    pointer: String,
    paths: Vec<Path>,
    parsed: T,
}

impl CompiledConfig {
    /// Parses the templates of settings.
    ///
    /// # Errors
    /// [`TemplateError::Syntax`] for the first template that cannot be parsed.
    pub fn new(config: &Value) -> Result<Self, TemplateError> {
        let mut compiled = Self {
            root: Node::Literal(Value::Null),
            texts: ENVIRONMENT.clone(),
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
        let mut rendering = Rendering { config: self, scope, values, budget: Budget::new() };
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
        let refused = |reason: String| TemplateError::Syntax { pointer: pointer.into(), reason };
        let wrong = |error: minijinja::Error| refused(syntax(&error));
        if let Some(excess) = scan::excess(text) {
            return Err(refused(excess));
        }
        let paths = scan::paths(text);
        for path in &paths {
            self.roots.insert(path.root.clone());
            match path.keys.first() {
                Some(step) if path.root == "results" => drop(self.results.insert(step.clone())),
                None if path.root == "results" => self.all_results = true,
                _ => {}
            }
        }
        let pointer = pointer.to_owned();
        if let Some(code) = scan::single_expression(text) {
            let parsed = ENVIRONMENT.compile_expression_owned(code.to_owned()).map_err(wrong)?;
            return Ok(Node::Expression(Template { pointer, paths, parsed }));
        }
        self.texts.add_template_owned(pointer.clone(), text.to_owned()).map_err(wrong)?;
        Ok(Node::Text(Template { pointer, paths, parsed: () }))
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
    config: &'a CompiledConfig,
    scope: &'a Scope<'a>,
    values: minijinja::Value,
    budget: Budget,
}

impl Rendering<'_> {
    fn node(&mut self, node: &Node) -> Result<Value, TemplateError> {
        match node {
            Node::Literal(value) => Ok(value.clone()),
            Node::Expression(template) => self.expression(template),
            Node::Text(template) => self.text(template),
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

    fn expression(&mut self, template: &Template<Expression<'_, '_>>) -> Result<Value, TemplateError> {
        let value =
            template.parsed.eval(self.values.clone()).map_err(|error| self.failed(template, &error))?;
        to_json(&value, &mut self.budget).map_err(|unfit| self.unfit(template, unfit))
    }

    fn text(&mut self, template: &Template<()>) -> Result<Value, TemplateError> {
        let mut out = Limited { text: Vec::new(), left: self.budget.left() };
        let parsed = self.config.texts.get_template(&template.pointer).expect("it was added when compiled");
        match parsed.render_captured_to(self.values.clone(), &mut out) {
            Ok(_) => {}
            Err(_) if out.left == 0 => {
                return Err(TemplateError::TooLarge { pointer: template.pointer.clone() });
            }
            Err(error) => return Err(self.failed(template, &error)),
        }
        self.budget.spend(out.text.len()).map_err(|unfit| self.unfit(template, unfit))?;
        Ok(Value::String(String::from_utf8(out.text).expect("templates write UTF-8")))
    }

    fn failed<T>(&self, template: &Template<T>, error: &minijinja::Error) -> TemplateError {
        let pointer = template.pointer.clone();
        match error.kind() {
            ErrorKind::OutOfFuel => TemplateError::OutOfFuel { pointer },
            ErrorKind::UndefinedError => self.undefined(template),
            _ => TemplateError::Failed { pointer, reason: syntax(error) },
        }
    }

    fn unfit<T>(&self, template: &Template<T>, unfit: Unfit) -> TemplateError {
        let pointer = template.pointer.clone();
        match unfit {
            Unfit::Undefined => self.undefined(template),
            Unfit::TooLarge => TemplateError::TooLarge { pointer },
            Unfit::Other(reason) => TemplateError::Failed { pointer, reason },
        }
    }

    /// Names the first path of the template that leads nowhere. Its source is not shown: it may hold resolved secrets.
    fn undefined<T>(&self, template: &Template<T>) -> TemplateError {
        let pointer = template.pointer.clone();
        match template.paths.iter().find_map(|path| self.dead_end(path)) {
            Some((expression, nearest)) => TemplateError::Undefined { pointer, expression, nearest },
            None => TemplateError::Undefined { pointer, expression: "a value".into(), nearest: None },
        }
    }

    fn dead_end(&self, path: &Path) -> Option<(String, Option<String>)> {
        let whole = Value::Object(self.scope.results.clone());
        let mut value = match path.root.as_str() {
            "context" => self.scope.context,
            "inputs" => self.scope.inputs,
            "results" => &whole,
            _ => return None,
        };
        let mut way = path.root.clone();
        for key in &path.keys {
            let next = match value {
                Value::Array(items) => key.parse::<usize>().ok().and_then(|index| items.get(index)),
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
}

fn step_down(way: &str, key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { format!("{way}.{key}") } else { format!("{way}['{key}']") }
}

/// Takes bytes up to a limit; at the limit nothing is left and writing fails.
struct Limited {
    text: Vec<u8>,
    left: usize,
}

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() >= self.left {
            self.left = 0;
            return Err(io::Error::other("too large"));
        }
        self.left -= bytes.len();
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rendered(config: Value) -> Result<Value, TemplateError> {
        let context = json!({
            "order_id": 7, "big": u64::MAX, "half": 0.5, "name": "a<b>&\"c", "list": [1, {"x": null}], "none": null,
            "yes": true, "deep": { "order": { "total": 3 } },
        });
        let results = json!({ "reserve_stock": { "body": { "total": 12.5 } }, "my-step": [1, 2] });
        let scope = Scope {
            context: &context,
            inputs: &json!({ "edited": 1 }),
            results: results.as_object().unwrap(),
            step: StepFacts { name: "s", attempt: 2, task_id: "t", idempotency_key: "t/s" },
        };
        super::super::render(&config, &scope)
    }

    fn check(template: &str, expected: Value) {
        assert_eq!(rendered(json!({ "v": [template] })).unwrap()["v"][0], expected, "{template}");
    }

    #[test]
    fn one_expression_keeps_its_type() {
        check("{{ context.order_id }}", json!(7));
        check("{{ context.big }}", json!(u64::MAX));
        check(" {{- context.half -}}\n", json!(0.5));
        check("{{ context.none }}", json!(null));
        check("{{ context.yes and not false }}", json!(true));
        check("{{ context.list }}", json!([1, { "x": null }]));
        check("{{ context.deep }}", json!({ "order": { "total": 3 } }));
        check("{{ results.reserve_stock.body.total }}", json!(12.5));
        check("{{ results['my-step'][1] }}", json!(2));
        check("{{ step }}", json!({ "name": "s", "attempt": 2, "task_id": "t", "idempotency_key": "t/s" }));
        check("{{ inputs.edited + 1 }}", json!(2));
        check("{{ {'a': [context.order_id]} }}", json!({ "a": [7] }));
        check("{{ context.missing | default('x') }}", json!("x"));
        check("{{ range(3) }}", json!([0, 1, 2]));
    }

    #[test]
    fn what_nests_as_deep_as_it_may_is_no_danger() {
        let most = scan::MAX_TOKENS;
        let branches = "{% elif context.yes %}".repeat(scan::MAX_STATEMENTS - 2);
        for template in [
            format!("{{{{ {}1 }}}}", "-".repeat(most - 1)),
            format!("{{{{ {}1 }}}}", "not ".repeat(most - 1)),
            format!("{{{{ 1{} }}}}", "~1".repeat(most / 2 - 1)),
            format!("{{{{ 1{} }}}}", "|abs".repeat(most / 2 - 1)),
            format!("{{{{ context{} }}}}", "()".repeat(most / 2 - 1)),
            format!("{{{{ context{} }}}}", ".deep".repeat(most / 2 - 1)),
            format!("{{{{ [1]{} }}}}", "|batch(1)".repeat(most / 5 - 1)),
            format!("{{% if false %}}{branches}{{% endif %}}"),
            format!("{{% set x = 1 %}}{}{{{{ x }}}}", "{% set x = [x] %}".repeat(scan::MAX_STATEMENTS - 1)),
            format!("{{% set x = [1] %}}{}{{{{ x }}}}", "{% set x = x + x %}".repeat(scan::MAX_SUMS)),
        ] {
            let compiled = CompiledConfig::new(&json!([template]));
            assert!(compiled.is_ok(), "{compiled:?}");
            drop(rendered(json!([template])));
        }
        assert_eq!(
            rendered(json!(["{{ -".to_owned() + &"-".repeat(most) + "1 }}"])).unwrap_err().code(),
            "invalid_template"
        );
        check_failed(&format!("{{{{ [1]{} }}}}", "|batch(1)".repeat(70)), "nested deeper than 64 levels");
    }

    fn check_failed(template: &str, expected: &str) {
        let error = rendered(json!([template])).unwrap_err();
        assert_eq!(error.to_string(), format!("the template at /0 failed: {expected}"));
    }

    #[test]
    fn anything_else_is_text_without_escaping() {
        check("#{{ context.order_id }}", json!("#7"));
        check("{{ context.name }}|", json!("a<b>&\"c|"));
        check("{{ context.none }}/{{ context.yes }}/{{ context.list }}", json!("null/true/[1,{\"x\":null}]"));
        check("{% for i in results['my-step'] %}{{ i }},{% endfor %}", json!("1,2,"));
        check("{{ 'a b/c' | urlencode }}!", json!("a%20b/c!"));
        check("no template, ${VAR}, {field}", json!("no template, ${VAR}, {field}"));
        check("x{{ 'y' if false }}", json!("x"));
    }

    #[test]
    fn keys_and_other_values_stay_as_they_are() {
        let config = json!({ "{{ key }}": 1, "b": [true, null, 1.5], "page.html": "{{ context.name }}." });
        let expected = json!({ "{{ key }}": 1, "b": [true, null, 1.5], "page.html": "a<b>&\"c." });
        assert_eq!(rendered(config).unwrap(), expected);
    }

    fn fails(template: &str, code: &str, message: &str) {
        let error = rendered(json!({ "json": { "v": template } })).unwrap_err();
        assert_eq!((error.code(), error.pointer()), (code, "/json/v"), "{template}");
        assert_eq!(error.to_string(), message, "{template}");
    }

    #[test]
    fn undefined_values_are_named_with_what_was_meant() {
        let code = "template_undefined";
        fails(
            "{{ context.oder_id }}",
            code,
            "the template at /json/v uses context.oder_id, which is not defined; did you mean context.order_id?",
        );
        fails(
            "x{{ context.deep.ordr.total }}",
            code,
            "the template at /json/v uses context.deep.ordr, which is not defined; did you mean context.deep.order?",
        );
        fails(
            "{{ results['my-stp'] }}",
            code,
            "the template at /json/v uses results['my-stp'], which is not defined; did you mean results['my-step']?",
        );
        fails("{{ context.zzz }}", code, "the template at /json/v uses context.zzz, which is not defined");
        fails("{{ [context.zzz] }}", code, "the template at /json/v uses context.zzz, which is not defined");
        fails("{{ 'a' if false }}", code, "the template at /json/v uses a value, which is not defined");
    }

    #[test]
    fn work_and_size_are_limited() {
        let endless = "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}";
        assert_eq!(
            rendered(json!({ "a": endless })).unwrap_err(),
            TemplateError::OutOfFuel { pointer: "/a".into() }
        );
        let large = format!("{{% for i in range(5000) %}}{}{{% endfor %}}", "x".repeat(1000));
        assert_eq!(
            rendered(json!({ "a": large })).unwrap_err(),
            TemplateError::TooLarge { pointer: "/a".into() }
        );
        let large = "{{ 'x' * 5000000 }}";
        assert_eq!(
            rendered(json!({ "a": large })).unwrap_err(),
            TemplateError::TooLarge { pointer: "/a".into() }
        );
        let error = rendered(json!({ "a": "{{ 'x' * 500000000 }}" })).unwrap_err();
        assert_eq!(error.code(), "template_fuel");
    }

    #[test]
    fn what_cannot_be_done_fails_with_its_reason() {
        assert_eq!(rendered(json!({ "a": "{{ 1 + {} }}" })).unwrap_err().code(), "template_failed");
        assert_eq!(rendered(json!({ "a": "{{ 1 | nope }}" })).unwrap_err().code(), "template_failed");
        assert_eq!(rendered(json!({ "a": "{{ 1 +" })).unwrap_err().code(), "invalid_template");
    }

    #[test]
    fn it_is_known_which_names_are_used() {
        let compiled = CompiledConfig::new(&json!({ "a": "{{ results.x }}", "b": "context" })).unwrap();
        assert!(compiled.uses("results") && compiled.reads("x"));
        assert!(!compiled.uses("context") && !compiled.reads("y"));
        assert!(CompiledConfig::new(&json!(["{{ results | length }}!"])).unwrap().reads("y"));
    }
}
