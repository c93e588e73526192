//! All tasks together, for people.

use std::time::Duration;

use tasker_wire::analytics::{SlowestStep, SlowestTask, SystemCounts, SystemMetrics};

use super::table::{Table, facts};
use super::{Style, time};

/// Counts of tasks and steps, one below the other.
pub fn health(counts: &SystemCounts, style: Style) -> String {
    let mut table = Table::new(&["STATUS", "TASKS", "STEPS"]);
    for (state, tasks, steps) in [
        ("pending", counts.pending_tasks, counts.pending_steps),
        ("in_progress", counts.in_progress_tasks, counts.in_progress_steps),
        ("complete", counts.complete_tasks, counts.complete_steps),
        ("error", counts.error_tasks, counts.error_steps),
        ("cancelled", counts.cancelled_tasks, counts.cancelled_steps),
        ("resolved_manually", counts.resolved_manually_tasks, counts.resolved_manually_steps),
        ("all", counts.total_tasks, counts.total_steps),
    ] {
        table.row([state.to_owned(), tasks.to_string(), steps.to_string()]);
    }
    let pairs = [
        ("will be retried", format!("{} failed steps", counts.retryable_error_steps)),
        ("in backoff", format!("{} of them", counts.in_backoff_steps)),
        ("exhausted", format!("{} failed steps", counts.exhausted_retry_steps)),
        ("connections", format!("{} active, {} at most", counts.active_connections, counts.max_connections)),
    ];
    table.render(style) + "\n" + &facts(&pairs, style)
}

/// How it went lately.
pub fn metrics(metrics: &SystemMetrics, style: Style) -> String {
    let pairs = [
        ("since", time::local(metrics.analysis_period_start.timestamp())),
        ("tasks created", metrics.task_throughput.to_string()),
        ("complete", format!("{} ({} %)", metrics.completion_count, metrics.completion_rate)),
        ("in error", format!("{} ({} %)", metrics.error_count, metrics.error_rate)),
        ("steps completed", metrics.step_throughput.to_string()),
        ("mean task", span(metrics.avg_task_duration)),
        ("mean step", span(metrics.avg_step_duration)),
        ("not ended now", format!("{} tasks", metrics.active_tasks_count)),
        (
            "kinds of tasks",
            format!("{} in {} namespaces", metrics.unique_task_types_count, metrics.total_namespaces_count),
        ),
        ("health score", format!("{} (tasks of the last hour)", metrics.system_health_score)),
    ];
    facts(&pairs, style)
}

/// The tasks that took longest.
pub fn slow_tasks(tasks: &[SlowestTask], style: Style) -> String {
    if tasks.is_empty() {
        return "no tasks\n".to_owned();
    }
    let mut table = Table::new(&["TOOK", "TASK", "DEFINITION", "DONE", "FAILED", "CREATED"]);
    for task in tasks {
        table.row([
            span(task.duration_seconds),
            task.task_id.to_string(),
            format!("{}.{}@{}", task.namespace_name, task.task_name, task.version),
            format!("{}/{}", task.completed_steps, task.step_count),
            task.error_steps.to_string(),
            time::local(task.created_at.timestamp()),
        ]);
    }
    table.render(style)
}

/// The steps that took longest.
pub fn slow_steps(steps: &[SlowestStep], style: Style) -> String {
    if steps.is_empty() {
        return "no steps\n".to_owned();
    }
    let mut table = Table::new(&["TOOK", "STEP", "TASK", "DEFINITION", "ATTEMPTS", "COMPLETED"]);
    for step in steps {
        table.row([
            span(step.duration_seconds),
            step.step_name.to_string(),
            step.task_id.to_string(),
            format!("{}.{}@{}", step.namespace_name, step.task_name, step.version),
            step.attempts.to_string(),
            time::local(step.completed_at.timestamp()),
        ]);
    }
    table.render(style)
}

fn span(seconds: f64) -> String {
    time::span(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}
