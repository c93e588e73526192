//! Explanations for people.

use tasker_wire::{ExplanationDocument, StepExplanationDocument, TaskExplanationDocument};

use super::{Style, clean};

/// Most steps that are listed one by one.
const MOST_STEPS: usize = 50;

/// Why a task is not further.
pub fn task(explanation: &TaskExplanationDocument, style: Style) -> String {
    let status = style.state(explanation.status.as_str());
    let mut text =
        format!("task {} is {status}: {}\n", explanation.task_id, clean(&explanation.summary.message));
    text.push_str(&advice(&explanation.summary));
    if !explanation.steps.is_empty() {
        text.push('\n');
    }
    for step in explanation.steps.iter().take(MOST_STEPS) {
        text.push_str(&line(step, style));
        if let Some(command) = &step.explained.command {
            text.push_str(&format!("    {command}\n"));
        }
    }
    if explanation.steps.len() > MOST_STEPS {
        let more = explanation.steps.len() - MOST_STEPS;
        text.push_str(&format!("... and {more} more steps that are not done; --output json lists all\n"));
    }
    text
}

/// Why a step is not further.
pub fn step(explanation: &StepExplanationDocument, style: Style) -> String {
    line(explanation, style) + &advice(&explanation.explained)
}

fn line(step: &StepExplanationDocument, style: Style) -> String {
    let status = style.state(step.current_state.as_str());
    format!("  {} is {status}: {}\n", step.step_name, clean(&step.explained.message))
}

fn advice(explained: &ExplanationDocument) -> String {
    let mut text = String::new();
    if let Some(help) = &explained.help {
        text.push_str(&format!("  help: {help}\n"));
    }
    if let Some(command) = &explained.command {
        text.push_str(&format!("  command: {command}\n"));
    }
    text
}
