//! Tasks and steps for people.

use tasker_core::state::StepState;
use tasker_core::time::Timestamp;
use tasker_engine::use_cases::TaskView;
use tasker_wire::{AnnotationDocument, StepDocument, TaskDocument, TaskList, TransitionDocument};

use super::table::{Table, facts};
use super::{Style, shorten, time};

/// Most steps of a task that are listed when it has just ended.
const MOST_STEPS: usize = 50;

/// The document of a task and its steps.
pub fn document(view: &TaskView, now: Timestamp) -> TaskDocument {
    let detail = &view.detail;
    TaskDocument::new(&detail.record, &detail.input, &detail.plan, &detail.annotations, &view.steps, now)
}

/// A list of tasks.
pub fn list(page: &TaskList, style: Style) -> String {
    let mut table = Table::new(&["TASK", "DEFINITION", "STATUS", "DONE", "CREATED", "TAGS"]);
    for task in &page.tasks {
        table.row([
            task.task_id.to_string(),
            task.full_name.clone(),
            task.status.to_string(),
            format!("{}/{}", task.total_steps - task.remaining_steps.min(task.total_steps), task.total_steps),
            time::local(task.created_at.timestamp()),
            task.tags.join(","),
        ]);
    }
    let mut text = if page.tasks.is_empty() { "no tasks\n".to_owned() } else { table.render(style) };
    if let Some(total) = page.pagination.total_count {
        text.push_str(&format!("{total} in all\n"));
    }
    if let Some(cursor) = &page.pagination.next_cursor {
        text.push_str(&format!("more: --cursor {cursor}\n"));
    }
    text
}

/// A task with all of its steps.
pub fn one(task: &TaskDocument, style: Style) -> String {
    let mut pairs = standing(task);
    pairs.extend(request(task));
    facts(&pairs, style) + "\n" + &steps(steps_of(task), style)
}

/// A task that has just ended: all of its steps, if they are few, else those that failed.
pub fn ended(task: &TaskDocument, style: Style) -> String {
    let mut text = facts(&standing(task), style) + "\n";
    if steps_of(task).len() <= MOST_STEPS {
        text.push_str(&steps(steps_of(task), style));
    } else {
        let failed: Vec<StepDocument> = steps_of(task)
            .iter()
            .filter(|step| step.status == StepState::Error)
            .take(MOST_STEPS)
            .cloned()
            .collect();
        if !failed.is_empty() {
            text.push_str(&steps(&failed, style));
        }
    }
    text
}

/// What is noted about a task, oldest first.
pub fn annotations(noted: &[AnnotationDocument], style: Style) -> String {
    if noted.is_empty() {
        return "nothing is noted\n".to_owned();
    }
    let mut table = Table::new(&["TYPE", "VALUE"]);
    for annotation in noted {
        table.row([annotation.kind.clone(), shorten(annotation.value.as_str(), 200)]);
    }
    table.render(style)
}

fn steps_of(task: &TaskDocument) -> &[StepDocument] {
    task.steps.as_deref().unwrap_or_default()
}

fn standing(task: &TaskDocument) -> Vec<(&'static str, String)> {
    let took = task.completed_at.map(|end| time::span(end.timestamp().since(task.created_at.timestamp())));
    let steps = steps_of(task);
    let n_done = steps.iter().filter(|step| step.processed).count();
    let done = format!("{n_done}/{} steps done", steps.len());
    vec![
        ("task", task.task_id.to_string()),
        ("definition", task.full_name.clone()),
        ("status", task.status.to_string()),
        ("progress", done),
        ("created", time::local(task.created_at.timestamp())),
        ("ended", task.completed_at.map(|at| time::local(at.timestamp())).unwrap_or_default()),
        ("took", took.unwrap_or_default()),
    ]
}

fn request(task: &TaskDocument) -> Vec<(&'static str, String)> {
    let told = |text: &str| if text == "unknown" { String::new() } else { text.to_owned() };
    let bypassed: Vec<&str> = task.bypass_steps.iter().map(|step| step.as_str()).collect();
    vec![
        ("priority", task.priority.to_string()),
        ("initiator", told(&task.initiator)),
        ("source", told(&task.source_system)),
        ("reason", told(&task.reason)),
        ("tags", task.tags.join(", ")),
        ("bypassed", bypassed.join(", ")),
        ("correlation", task.correlation_id.clone().unwrap_or_default()),
        ("context", task.context.as_ref().map(|context| shorten(context.as_str(), 200)).unwrap_or_default()),
    ]
}

fn steps(steps: &[StepDocument], style: Style) -> String {
    let mut table = Table::new(&["STEP", "STATUS", "ATTEMPTS", "TOOK", "RESULT OR ERROR"]);
    for step in steps {
        table.row([
            step.name.to_string(),
            step.status.to_string(),
            format!("{}/{}", step.attempts, step.retry_limit),
            took(step).unwrap_or_default(),
            told(step),
        ]);
    }
    table.render(style)
}

fn took(step: &StepDocument) -> Option<String> {
    let end = step.last_attempted_at.or(step.processed_at)?;
    (step.attempts > 0).then(|| time::span(end.timestamp().since(step.started_at.unwrap_or(end).timestamp())))
}

fn told(step: &StepDocument) -> String {
    match (&step.error, &step.results, step.next_retry_at) {
        (Some(error), _, Some(at)) => shorten(
            &format!("again at {}: {}: {}", time::local(at.timestamp()), error.code, error.message),
            90,
        ),
        (Some(error), _, None) => shorten(&format!("{}: {}", error.code, error.message), 90),
        (None, Some(results), _) => shorten(results.as_str(), 90),
        (None, None, _) => String::new(),
    }
}

/// One step.
pub fn step(step: &StepDocument, style: Style) -> String {
    let names = |list: &[tasker_core::names::StepName]| {
        list.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let error =
        step.error.as_ref().map(|error| format!("{} ({}): {}", error.code, error.class, error.message));
    facts(
        &[
            ("step", step.name.to_string()),
            ("task", step.task_id.to_string()),
            ("status", step.status.to_string()),
            ("handler", step.handler.to_string()),
            ("attempts", format!("{} of {}", step.attempts, step.retry_limit)),
            ("after", names(&step.parents)),
            ("before", names(&step.children)),
            ("started", step.started_at.map(|at| time::local(at.timestamp())).unwrap_or_default()),
            (
                "last attempt",
                step.last_attempted_at.map(|at| time::local(at.timestamp())).unwrap_or_default(),
            ),
            ("next attempt", step.next_retry_at.map(|at| time::local(at.timestamp())).unwrap_or_default()),
            ("done", step.processed_at.map(|at| time::local(at.timestamp())).unwrap_or_default()),
            ("error", error.unwrap_or_default()),
            (
                "error context",
                step.error
                    .as_ref()
                    .and_then(|e| e.context.as_ref())
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            ),
            ("inputs", step.inputs.as_ref().map(|inputs| inputs.as_str().to_owned()).unwrap_or_default()),
            ("results", step.results.as_ref().map(|results| results.as_str().to_owned()).unwrap_or_default()),
        ],
        style,
    )
}

/// The history of a task.
pub fn events(events: &[TransitionDocument], style: Style) -> String {
    let mut table = Table::new(&["SEQ", "AT", "STEP", "FROM", "STATUS", "BY", "DETAILS"]);
    for event in events {
        table.row([
            event.seq.to_string(),
            time::local(event.at.timestamp()),
            event.step_name.as_ref().map(ToString::to_string).unwrap_or_else(|| "(task)".into()),
            event.from.clone().unwrap_or_else(|| "-".into()),
            event.to.clone(),
            event.actor.clone(),
            event.metadata.as_ref().map(|metadata| shorten(&metadata.to_string(), 90)).unwrap_or_default(),
        ]);
    }
    table.render(style)
}
