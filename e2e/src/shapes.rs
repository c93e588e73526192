//! Definitions of the standard shapes, each step a call of the test's server, which tells the task's number, the step
//! and the attempt.

use std::fmt::Write;

use tasker_core::graph::shapes::{self, Shape};

/// Executions that each step has: enough for steps that fail now and then and lose their worker.
const LIMIT: u32 = 12;

/// The shapes of `spec/domain.md` 12 that all tests of nodes use, with the names of their definitions.
pub fn all() -> [(&'static str, Shape); 5] {
    [
        ("linear", shapes::linear()),
        ("diamond", shapes::diamond()),
        ("parallel_merge", shapes::parallel_merge()),
        ("tree", shapes::tree()),
        ("mixed", shapes::mixed()),
    ]
}

/// The file of a definition.
pub fn definition(name: &str, shape: &Shape) -> String {
    let mut text = format!(
        "name: {name}\nversion: \"1.0.0\"\nhandler_config:\n  url: \"{{{{ context.url }}}}/{{{{ step.name }}}}\"\n  \
         json: {{ number: \"{{{{ context.number }}}}\", attempt: \"{{{{ step.attempt }}}}\" }}\nstep_templates:\n"
    );
    for (step, parents) in shape.steps() {
        let _ = write!(text, "  - {{ name: {step}, handler: http, default_retry_limit: {LIMIT}");
        if !parents.is_empty() {
            let _ = write!(text, ", depends_on_steps: [{}]", parents.join(", "));
        }
        text.push_str(" }\n");
    }
    text
}
