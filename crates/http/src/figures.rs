//! What stores count, as documents: what the API answers, and what the command line shows of a database.

use tasker_core::time::Timestamp;
use tasker_store::analytics::{AnalyticsMetrics, HealthCounts, SlowStep, SlowTask};
use tasker_wire::analytics::{
    SlowestStep, SlowestSteps, SlowestTask, SlowestTasks, SystemCounts, SystemMetrics,
};

/// How many tasks and steps there are in each state.
pub fn counts(counts: &HealthCounts) -> SystemCounts {
    SystemCounts {
        total_tasks: counts.total_tasks,
        pending_tasks: counts.pending_tasks,
        in_progress_tasks: counts.in_progress_tasks,
        complete_tasks: counts.complete_tasks,
        error_tasks: counts.error_tasks,
        cancelled_tasks: counts.cancelled_tasks,
        resolved_manually_tasks: counts.resolved_manually_tasks,
        total_steps: counts.total_steps,
        pending_steps: counts.pending_steps,
        in_progress_steps: counts.in_progress_steps,
        complete_steps: counts.complete_steps,
        error_steps: counts.error_steps,
        cancelled_steps: counts.cancelled_steps,
        resolved_manually_steps: counts.resolved_manually_steps,
        retryable_error_steps: counts.retryable_error_steps,
        exhausted_retry_steps: counts.exhausted_retry_steps,
        in_backoff_steps: counts.in_backoff_steps,
        active_connections: counts.active_connections,
        max_connections: counts.max_connections,
    }
}

/// How it went since an instant.
pub fn metrics(metrics: &AnalyticsMetrics) -> SystemMetrics {
    SystemMetrics {
        active_tasks_count: metrics.active_tasks_count,
        total_namespaces_count: metrics.total_namespaces_count,
        unique_task_types_count: metrics.unique_task_types_count,
        system_health_score: metrics.system_health_score,
        task_throughput: metrics.task_throughput,
        completion_count: metrics.completion_count,
        error_count: metrics.error_count,
        completion_rate: metrics.completion_rate,
        error_rate: metrics.error_rate,
        avg_task_duration: metrics.avg_task_duration,
        avg_step_duration: metrics.avg_step_duration,
        step_throughput: metrics.step_throughput,
        analysis_period_start: metrics.analysis_period_start.into(),
        calculated_at: metrics.calculated_at.into(),
    }
}

/// The tasks that took longest, of those created after an instant.
pub fn slowest_tasks(since: Timestamp, tasks: Vec<SlowTask>) -> SlowestTasks {
    let one = |task: SlowTask| SlowestTask {
        task_id: task.task_id,
        task_name: task.task_name,
        namespace_name: task.namespace_name,
        version: task.version,
        duration_seconds: task.duration_seconds,
        step_count: task.step_count,
        completed_steps: task.completed_steps,
        error_steps: task.error_steps,
        created_at: task.created_at.into(),
        completed_at: task.completed_at.into(),
        initiator: task.initiator,
        source_system: task.source_system,
    };
    SlowestTasks { since: since.into(), tasks: tasks.into_iter().map(one).collect() }
}

/// The steps that took longest, of tasks created after an instant.
pub fn slowest_steps(since: Timestamp, steps: Vec<SlowStep>) -> SlowestSteps {
    let one = |step: SlowStep| SlowestStep {
        task_id: step.task_id,
        step_name: step.step_name,
        ordinal: step.ordinal,
        task_name: step.task_name,
        namespace_name: step.namespace_name,
        version: step.version,
        duration_seconds: step.duration_seconds,
        attempts: step.attempts,
        created_at: step.created_at.into(),
        completed_at: step.completed_at.into(),
        retryable: step.retryable,
        step_status: step.step_status,
    };
    SlowestSteps { since: since.into(), steps: steps.into_iter().map(one).collect() }
}
