//! What the loader asks about handlers, which it does not know itself.

use std::collections::HashSet;

use serde_json::Value;

use super::model::StepTemplate;
use super::problem::{Problem, Report};
use super::step_shape::StepDraft;
use crate::names::{COMMAND, HandlerName};

/// Knows handlers: those of a node, of a cluster, or those that ship.
pub trait HandlerCatalog {
    /// Whether somebody serves this handler. `None`: it cannot be known here.
    fn serves(&self, handler: &HandlerName) -> Option<bool>;

    /// What is wrong with the settings of a step. `${NAME}` stands in them unresolved.
    fn check(&self, step: &StepTemplate, config: &Value) -> Vec<ConfigProblem>;

    /// Whether the hooks object of this name is run.
    fn serves_hooks(&self, task_handler: &str) -> bool {
        let _ = task_handler;
        false
    }
}

/// Something wrong with the settings of a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigProblem {
    /// Stable code, such as `invalid_handler_config`.
    pub code: &'static str,
    /// JSON pointer relative to `handler_config`; empty for the whole of it.
    pub pointer: String,
    /// What is wrong, in words.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// Knows no handler and has no objection.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHandlers;

impl HandlerCatalog for NoHandlers {
    fn serves(&self, _handler: &HandlerName) -> Option<bool> {
        None
    }

    fn check(&self, _step: &StepTemplate, _config: &Value) -> Vec<ConfigProblem> {
        Vec::new()
    }
}

/// What a handler that nobody serves means.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Unserved {
    /// Nothing.
    #[default]
    Ignored,
    /// The warning `handler_not_served`: such a step waits until a worker comes that serves it.
    Warning,
    /// The error `handler_not_found`.
    Error,
}

/// Asks the catalog about every step.
pub(super) fn check(
    steps: &[StepDraft<'_>],
    catalog: &dyn HandlerCatalog,
    unserved: Unserved,
    report: &mut Report,
) {
    let mut not_served = HashSet::new();
    for step in steps {
        let Some(template) = &step.template else { continue };
        if unserved != Unserved::Ignored
            && catalog.serves(&template.handler) == Some(false)
            && not_served.insert(&template.handler)
        {
            report.push(not_served_problem(step, &template.handler, unserved));
        }
        check_settings(step, catalog.check(template, &template.handler_config), report);
    }
}

/// Adds what the catalog found, but for places where the loader itself has found something.
fn check_settings(step: &StepDraft<'_>, found: Vec<ConfigProblem>, report: &mut Report) {
    let place = |problem: ConfigProblem| {
        let (at, pointer) = (step.config_place(&problem.pointer), step.config_pointer(&problem.pointer));
        Problem { help: problem.help, ..Problem::error(problem.code, at, pointer, problem.message) }
    };
    let mut found: Vec<Problem> = found.into_iter().map(place).collect();
    found.retain(|problem| !report.has_error_at(problem));
    found.into_iter().for_each(|problem| report.push(problem));
}

fn not_served_problem(step: &StepDraft<'_>, handler: &HandlerName, unserved: Unserved) -> Problem {
    let (pointer, at) = (step.handler_pointer(), step.handler_at);
    let label = step.label();
    match unserved {
        Unserved::Error => {
            let message = format!("nothing serves the handler `{handler}` of step {label}");
            let help = match handler.as_str() {
                COMMAND => {
                    "it runs local programs: if you trust the definition, allow it with --allow-commands"
                }
                _ => "register a handler of this name, or correct the name",
            };
            Problem::error("handler_not_found", at, pointer, message).help(help)
        }
        _ => {
            let message = format!("no live worker serves the handler `{handler}` of step {label}");
            Problem::warning("handler_not_served", at, pointer, message)
                .help("the step will wait until a worker serves it")
        }
    }
}
