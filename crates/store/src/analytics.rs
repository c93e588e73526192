//! What is told of all tasks together: counts of everything, how it went lately, and what took longest
//! (`spec/domain.md` 4.7 to 4.10). The names of the fields are the names of the columns.

use std::time::Duration;

use serde::Serialize;
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::names::{DefinitionName, Namespace, StepName, Version};
use tasker_core::state::{StepState, TaskState};
use tasker_core::survey::figures::{mean, percent, share};
use tasker_core::time::Timestamp;

/// The span of the health score, whatever was asked for.
pub const SCORE_SPAN: Duration = Duration::from_secs(3600);

/// How many tasks and steps there are in each state, and how busy the database is.
///
/// Counting reads every step that is stored. The counts of all states add up to the totals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct HealthCounts {
    /// All tasks.
    pub total_tasks: u64,
    /// Tasks in state `pending`.
    pub pending_tasks: u64,
    /// Tasks in state `in_progress`.
    pub in_progress_tasks: u64,
    /// Tasks in state `complete`.
    pub complete_tasks: u64,
    /// Tasks in state `error`.
    pub error_tasks: u64,
    /// Tasks in state `cancelled`.
    pub cancelled_tasks: u64,
    /// Tasks in state `resolved_manually`.
    pub resolved_manually_tasks: u64,
    /// All steps.
    pub total_steps: u64,
    /// Steps in state `pending`.
    pub pending_steps: u64,
    /// Steps in state `in_progress`.
    pub in_progress_steps: u64,
    /// Steps in state `complete`.
    pub complete_steps: u64,
    /// Steps in state `error`.
    pub error_steps: u64,
    /// Steps in state `cancelled`.
    pub cancelled_steps: u64,
    /// Steps in state `resolved_manually`.
    pub resolved_manually_steps: u64,
    /// Steps in error that are retryable and have attempts left.
    pub retryable_error_steps: u64,
    /// Steps in error whose limit of attempts is reached.
    pub exhausted_retry_steps: u64,
    /// Retryable steps in error whose wait is not over.
    pub in_backoff_steps: u64,
    /// PostgreSQL: sessions of this database that execute a statement now, this one included, as far as the role may see
    /// them. SQLite: connections that this process holds. In memory: 1.
    pub active_connections: u64,
    /// PostgreSQL: the server's setting. SQLite: the limit of connections of this process, readers and one writer. In
    /// memory: 1.
    pub max_connections: u64,
}

/// [`HealthCounts`] namespace by namespace: of each in which there is a task, sorted by name.
///
/// Tasks whose definition is missing, and steps whose task is, are not among them: [`crate::integrity`] finds them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Census {
    /// The namespaces.
    pub namespaces: Vec<NamespaceCounts>,
    /// As [`HealthCounts::active_connections`].
    pub active_connections: u64,
    /// As [`HealthCounts::max_connections`].
    pub max_connections: u64,
}

/// How many tasks and steps of a namespace there are in each state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamespaceCounts {
    /// The namespace.
    pub namespace: Namespace,
    /// Tasks, by [`TaskState::code`].
    pub tasks: [u64; 6],
    /// Steps, by [`StepState::code`].
    pub steps: [u64; 6],
    /// As [`HealthCounts::retryable_error_steps`].
    pub retryable_errors: u64,
    /// As [`HealthCounts::exhausted_retry_steps`].
    pub exhausted_retries: u64,
    /// As [`HealthCounts::in_backoff_steps`].
    pub in_backoff: u64,
}

impl NamespaceCounts {
    /// No tasks and no steps.
    pub fn none(namespace: Namespace) -> Self {
        Self {
            namespace,
            tasks: [0; 6],
            steps: [0; 6],
            retryable_errors: 0,
            exhausted_retries: 0,
            in_backoff: 0,
        }
    }

    /// Tasks in each state.
    pub fn tasks(&self) -> impl Iterator<Item = (TaskState, u64)> {
        TaskState::ALL.into_iter().zip(self.tasks)
    }

    /// Steps in each state.
    pub fn steps(&self) -> impl Iterator<Item = (StepState, u64)> {
        StepState::ALL.into_iter().zip(self.steps)
    }
}

impl Census {
    /// All namespaces together.
    pub fn totals(&self) -> HealthCounts {
        let sum = |count: &dyn Fn(&NamespaceCounts) -> u64| self.namespaces.iter().map(count).sum::<u64>();
        let tasks = |state: TaskState| sum(&|counts| counts.tasks[usize::from(state.code())]);
        let steps = |state: StepState| sum(&|counts| counts.steps[usize::from(state.code())]);
        HealthCounts {
            total_tasks: TaskState::ALL.into_iter().map(tasks).sum(),
            pending_tasks: tasks(TaskState::Pending),
            in_progress_tasks: tasks(TaskState::InProgress),
            complete_tasks: tasks(TaskState::Complete),
            error_tasks: tasks(TaskState::Error),
            cancelled_tasks: tasks(TaskState::Cancelled),
            resolved_manually_tasks: tasks(TaskState::ResolvedManually),
            total_steps: StepState::ALL.into_iter().map(steps).sum(),
            pending_steps: steps(StepState::Pending),
            in_progress_steps: steps(StepState::InProgress),
            complete_steps: steps(StepState::Complete),
            error_steps: steps(StepState::Error),
            cancelled_steps: steps(StepState::Cancelled),
            resolved_manually_steps: steps(StepState::ResolvedManually),
            retryable_error_steps: sum(&|counts| counts.retryable_errors),
            exhausted_retry_steps: sum(&|counts| counts.exhausted_retries),
            in_backoff_steps: sum(&|counts| counts.in_backoff),
            active_connections: self.active_connections,
            max_connections: self.max_connections,
        }
    }
}

/// What says whether all goes well, read without reading every step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct VitalSigns {
    /// Tasks that ended after the instant and are complete or in error.
    pub ended_tasks: u64,
    /// Those of them that are in error.
    pub failed_tasks: u64,
    /// Steps whose last execution ended after the instant and that are complete or in error, of tasks that are open or ended
    /// after it.
    pub executed_steps: u64,
    /// Those of them that are in error.
    pub failed_steps: u64,
    /// Open tasks of which no step is scheduled or running: nothing will happen to them by itself.
    pub stuck_tasks: u64,
    /// Connections to the whole server, whoever made them, and how many it allows; `None` where none can run out, because the
    /// database is a file or memory.
    pub connections: Option<Connections>,
}

/// Connections to a database server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Connections {
    /// Those that there are.
    pub used: u64,
    /// Those that there may be.
    pub max: u64,
}

/// The connections that a store of this process keeps for its calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolUse {
    /// Most that it makes.
    pub size: u64,
    /// Those that are open and not in use.
    pub idle: u64,
    /// Those that are in use.
    pub in_use: u64,
    /// Calls that wait for one.
    pub waiting: u64,
}

/// How it went since an instant.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct AnalyticsMetrics {
    /// Tasks that are `pending` or `in_progress`.
    pub active_tasks_count: u64,
    /// Namespaces of which there is a task.
    pub total_namespaces_count: u64,
    /// Names of definitions, with their namespaces, of which there is a task.
    pub unique_task_types_count: u64,
    /// Of the tasks created within the last hour that are complete or in error: the share of complete ones, 0 to 1, three
    /// decimals; 1 if there are none.
    pub system_health_score: f64,
    /// Tasks created after the instant.
    pub task_throughput: u64,
    /// Those of them that are complete.
    pub completion_count: u64,
    /// Those of them that are in error.
    pub error_count: u64,
    /// Complete ones in percent, two decimals; 0 if none was created.
    pub completion_rate: f64,
    /// Those in error in percent, two decimals; 0 if none was created.
    pub error_rate: f64,
    /// Mean seconds from creation to completion, of the complete ones; three decimals, 0 if there are none.
    pub avg_task_duration: f64,
    /// Mean seconds from the start of the last execution to completion, of the steps completed after the instant; three
    /// decimals, 0 if there are none.
    pub avg_step_duration: f64,
    /// Steps completed after the instant.
    pub step_throughput: u64,
    /// The instant.
    pub analysis_period_start: Timestamp,
    /// The store's time when this was computed.
    pub calculated_at: Timestamp,
}

/// What [`AnalyticsMetrics`] is computed from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Tasks that are `pending` or `in_progress`.
    pub active_tasks: u64,
    /// Namespaces with tasks.
    pub namespaces: u64,
    /// Definitions with tasks, versions left aside.
    pub task_types: u64,
    /// Complete tasks among those created within [`SCORE_SPAN`].
    pub lately_complete: u64,
    /// Tasks in error among those created within [`SCORE_SPAN`].
    pub lately_in_error: u64,
    /// Tasks created after the instant.
    pub created: u64,
    /// Complete ones among them.
    pub complete: u64,
    /// Those of them that are in error.
    pub in_error: u64,
    /// Microseconds from creation to completion, of all complete ones together.
    pub task_micros: u64,
    /// Steps completed after the instant.
    pub steps: u64,
    /// Microseconds of their last executions together.
    pub step_micros: u64,
}

impl Tally {
    /// The metrics.
    pub fn metrics(&self, since: Timestamp, now: Timestamp) -> AnalyticsMetrics {
        let judged = self.lately_complete + self.lately_in_error;
        AnalyticsMetrics {
            active_tasks_count: self.active_tasks,
            total_namespaces_count: self.namespaces,
            unique_task_types_count: self.task_types,
            system_health_score: if judged == 0 {
                1.0
            } else {
                share(self.lately_complete, judged, 1000) / 1000.0
            },
            task_throughput: self.created,
            completion_count: self.complete,
            error_count: self.in_error,
            completion_rate: percent(self.complete, self.created, 2),
            error_rate: percent(self.in_error, self.created, 2),
            avg_task_duration: mean(self.task_micros, self.complete, 3),
            avg_step_duration: mean(self.step_micros, self.steps, 3),
            step_throughput: self.steps,
            analysis_period_start: since,
            calculated_at: now,
        }
    }
}

/// What to look for among the slowest.
#[derive(Clone, PartialEq, Debug)]
pub struct SlowestQuery {
    /// Only of tasks created after this.
    pub since: Timestamp,
    /// Most rows; less than 1 is 1, more than 100 is 100.
    pub limit: usize,
    /// Only in this namespace.
    pub namespace: Option<Namespace>,
    /// Only of this name.
    pub name: Option<DefinitionName>,
    /// Only of this version.
    pub version: Option<Version>,
}

impl SlowestQuery {
    /// Ten of all that were created after an instant.
    pub fn since(since: Timestamp) -> Self {
        Self { since, limit: 10, namespace: None, name: None, version: None }
    }

    /// Most rows: 1 to 100.
    pub fn rows(&self) -> usize {
        self.limit.clamp(1, 100)
    }
}

/// A task of which at least one step is done or failed. The slowest come first, equally slow ones by id.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SlowTask {
    /// The task.
    pub task_id: TaskId,
    /// Name of its definition.
    pub task_name: DefinitionName,
    /// Name space of its definition.
    pub namespace_name: Namespace,
    /// Version of its definition.
    pub version: Version,
    /// From `created_at` to `completed_at`, three decimals.
    pub duration_seconds: f64,
    /// All of its steps.
    pub step_count: u64,
    /// Those that are done: complete or resolved manually.
    pub completed_steps: u64,
    /// Those in error.
    pub error_steps: u64,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When the last of its steps became done or failed.
    pub completed_at: Timestamp,
    /// Who asked for it.
    pub initiator: String,
    /// From which system.
    pub source_system: String,
}

/// A complete step whose last execution took time. The slowest come first, equally slow ones by task and position.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SlowStep {
    /// The task.
    pub task_id: TaskId,
    /// The step.
    pub step_name: StepName,
    /// Its position in the definition.
    pub ordinal: Ordinal,
    /// Name of the task's definition.
    pub task_name: DefinitionName,
    /// Name space of the task's definition.
    pub namespace_name: Namespace,
    /// Version of the task's definition.
    pub version: Version,
    /// From the start of its last execution to its completion, three decimals.
    pub duration_seconds: f64,
    /// Executions.
    pub attempts: u32,
    /// When it was created, with its task.
    pub created_at: Timestamp,
    /// When it became complete.
    pub completed_at: Timestamp,
    /// Whether it may be executed more than once.
    pub retryable: bool,
    /// `complete`.
    pub step_status: StepState,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_tasks_all_is_well() {
        let metrics = Tally::default().metrics(Timestamp::from_micros(1), Timestamp::from_micros(2));
        let values = (metrics.system_health_score, metrics.completion_rate, metrics.error_rate);
        assert_eq!(values, (1.0, 0.0, 0.0));
        assert_eq!((metrics.avg_task_duration, metrics.avg_step_duration), (0.0, 0.0));
    }

    #[test]
    fn rates_and_means_are_rounded() {
        let tally = Tally {
            lately_complete: 2,
            lately_in_error: 1,
            created: 3,
            complete: 2,
            in_error: 1,
            task_micros: 3_000_999,
            steps: 8,
            step_micros: 4_000,
            ..Tally::default()
        };
        let metrics = tally.metrics(Timestamp::default(), Timestamp::default());
        assert_eq!(metrics.system_health_score, 0.667);
        assert_eq!((metrics.completion_rate, metrics.error_rate), (66.67, 33.33));
        // 1.5004995 s, and 0.0005 s: half is rounded up.
        assert_eq!((metrics.avg_task_duration, metrics.avg_step_duration), (1.5, 0.001));
    }
}
