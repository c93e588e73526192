//! The way from a document to a definition: every check, in one pass, with everything that is wrong in one report.

use serde_json::Value;

use super::context::ContextSchema;
use super::handlers::{self, HandlerCatalog, NoHandlers, Unserved};
use super::model::Definition;
use super::problem::{Problem, Report};
use super::shape::{self, Draft};
use super::tree::{Node, Path};
use super::variables::{Lookup, missing_in};
use super::{graph_check, merge, source, step_names, template_check};

/// What a definition is checked against.
#[derive(Clone, Copy)]
pub struct LoadOptions<'a> {
    /// The environment whose overrides apply.
    pub environment: &'a str,
    /// Whether the overrides of every other environment are checked too.
    pub all_environments: bool,
    /// Looks up `${NAME}`; a variable it does not have is an error. `None`: variables are not looked at.
    pub variables: Option<Lookup<'a>>,
    /// Knows the handlers.
    pub handlers: &'a dyn HandlerCatalog,
    /// What a handler that nobody serves means.
    pub unserved: Unserved,
}

impl Default for LoadOptions<'_> {
    fn default() -> Self {
        Self {
            environment: "development",
            all_environments: false,
            variables: None,
            handlers: &NoHandlers,
            unserved: Unserved::Ignored,
        }
    }
}

/// What came out.
#[derive(Clone, PartialEq, Debug)]
pub struct Loaded {
    /// The definition; `None` if a problem is an error.
    pub definition: Option<Definition>,
    /// Everything that is wrong, in source order.
    pub problems: Vec<Problem>,
}

/// Loads a definition from YAML or JSON.
pub fn load(text: &str, options: &LoadOptions<'_>) -> Loaded {
    let mut report = Report::default();
    let root = source::parse(text, &mut report);
    check(root, options, report)
}

/// Loads a definition from a document that was made in code.
pub fn load_value(document: &Value, options: &LoadOptions<'_>) -> Loaded {
    let mut report = Report::default();
    let root = source::adopt(document, &mut report);
    check(root, options, report)
}

fn check(root: Option<Node>, options: &LoadOptions<'_>, mut report: Report) -> Loaded {
    let definition = root.and_then(|root| {
        let definition = check_environment(&root, options.environment, options, &mut report);
        if options.all_environments {
            check_other_environments(&root, options, &mut report);
        }
        definition
    });
    let definition = definition.filter(|_| !report.has_errors());
    Loaded { definition, problems: report.finish() }
}

fn check_other_environments(root: &Node, options: &LoadOptions<'_>, report: &mut Report) {
    // Variables of another environment are not those of this process.
    let options = LoadOptions { variables: None, ..*options };
    for name in merge::environments(root).iter().filter(|name| *name != options.environment) {
        report.enter_environment(name);
        check_environment(root, name, &options, report);
    }
}

fn check_environment(
    root: &Node,
    environment: &str,
    options: &LoadOptions<'_>,
    report: &mut Report,
) -> Option<Definition> {
    let merged = merge::for_environment(root, environment, report);
    let draft = shape::read(&merged, report)?;
    let names = step_names::index(&draft.steps, report);
    if let Some(list) = &draft.named_steps {
        step_names::check_list(list, &draft.steps, &names, report);
    }
    template_check::check_syntax(&draft.steps, report);
    if let Some(graph) = graph_check::check(&draft.steps, &names, report) {
        template_check::check_results(&draft.steps, &names, &graph, report);
    }
    handlers::check(&draft.steps, options.handlers, options.unserved, report);
    if let Some(lookup) = options.variables {
        check_variables(&draft, lookup, report);
    }
    check_schema(&draft, report);
    warn_of_what_has_no_effect(&merged, &draft, options, report);
    draft.finish()
}

fn check_variables(draft: &Draft<'_>, lookup: Lookup<'_>, report: &mut Report) {
    for step in &draft.steps {
        let Some(config) = &step.config else { continue };
        config.each_text(&Path::Root, &mut |node, text, path| {
            for name in missing_in(text, lookup) {
                let message = format!("the environment variable {name} is not set");
                let problem = Problem::error(
                    "missing_env_var",
                    node.at,
                    step.config_pointer(&path.to_string()),
                    message,
                );
                report.push(problem.help(format!("set it, or give a default: ${{{name}:-...}}")));
            }
        });
    }
}

fn check_schema(draft: &Draft<'_>, report: &mut Report) {
    let Some(schema) = draft.schema else { return };
    let value = schema.to_value();
    // The strict form is made from the plain one, so that places of errors are those of the plain one.
    let compiled =
        ContextSchema::of(&value, false).and_then(|_| ContextSchema::of(&value, draft.context_strict));
    let Err(error) = compiled else { return };
    let message = format!("the context schema is not valid: {}", error.message);
    let pointer = format!("/schema{}", error.pointer);
    let problem = Problem::error("invalid_context_schema", schema.place_of(&error.pointer), pointer, message);
    report.push(match error.help {
        Some(help) => problem.help(help),
        None => problem,
    });
}

/// Settings of the reference that mean nothing here, each with a warning of its own.
fn warn_of_what_has_no_effect(
    merged: &Node,
    draft: &Draft<'_>,
    options: &LoadOptions<'_>,
    report: &mut Report,
) {
    if let Some((name, key, at)) = draft.task_handler
        && !options.handlers.serves_hooks(name)
    {
        let message = format!("the hooks of `{name}` are not run: nothing serves this task handler");
        report.push(Problem::warning("hooks_not_served", at, Path::Key(&Path::Root, key), message));
    }
    if let Some((name, at)) = draft.module_namespace {
        let message =
            format!("`module_namespace: {name}` has no effect: handler names are taken as they are");
        let path = Path::Key(&Path::Root, "module_namespace");
        report.push(Problem::warning("module_namespace_not_used", at, path, message));
    }
    merged.each_text(&Path::Root, &mut |node, text, path| {
        if text.contains("<%") && text.contains("%>") {
            let message = "`<% %>` is not evaluated: the text stays as it is";
            let problem = Problem::warning("erb_not_evaluated", node.at, path, message);
            report.push(problem.help("use ${NAME} for environment variables"));
        }
    });
}
