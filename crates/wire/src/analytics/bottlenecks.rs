//! What took long, failed and waits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tasker_core::ids::TaskId;
use tasker_core::names::{DefinitionName, Namespace, StepName, Version};
use tasker_core::state::{StepState, TaskState};
use tasker_core::survey::figures::seconds;
use tasker_core::survey::spread::BUCKETS;
use tasker_core::survey::{
    self, Advice, FailureCount, LongStep, LongTask, Population, Recommendation, Spread, StepTotals,
};

use super::{AnalyticsScope, Percentiles, failures};
use crate::cache_info::CacheInfo;
use crate::instant::Instant;

/// What took long, failed and waits, of the tasks created in a period.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Bottlenecks {
    /// The tasks.
    pub scope_summary: Option<ScopeSummary>,
    /// What took long, failed and waits.
    pub bottleneck_analysis: BottleneckAnalysis,
    /// How long complete tasks took, from creation to completion.
    pub performance_distribution: Option<PerformanceDistribution>,
    /// What may be worth a look; empty if nothing is.
    pub recommendations: Vec<RecommendationDocument>,
    /// Which tasks were looked at.
    pub scope: AnalyticsScope,
    /// How far it was looked back, in hours.
    pub analysis_period_hours: u64,
    /// What could not be found out: the names of those parts above that are `null`.
    pub partial_failures: Vec<String>,
    /// When this was found out.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub generated_at: Instant,
    /// How fresh it is.
    pub cache_info: CacheInfo,
}

/// The tasks that were looked at.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScopeSummary {
    /// How many they are.
    pub total_tasks: u64,
    /// Names of their definitions, with namespaces.
    pub unique_task_types: u64,
    /// How far it was looked back, in hours.
    pub time_span_hours: f64,
}

/// What took long, failed and waits.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BottleneckAnalysis {
    /// Complete and failed tasks, the slowest first.
    pub slowest_tasks: Option<Vec<SlowTaskDocument>>,
    /// Tasks under way, the oldest first.
    pub longest_running: Option<Vec<SlowTaskDocument>>,
    /// Complete steps, the slowest first.
    pub slowest_steps: Option<Vec<SlowStepDocument>>,
    /// What failed.
    pub error_patterns: Option<ErrorPatterns>,
    /// What waits.
    pub dependency_bottlenecks: Option<DependencyBottlenecks>,
}

/// A task that took long, or takes long.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SlowTaskDocument {
    /// The task.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub task_id: TaskId,
    /// Name of its definition.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub task_name: DefinitionName,
    /// Namespace of its definition.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub namespace_name: Namespace,
    /// Version of its definition.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub version: Version,
    /// State.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::State))]
    pub status: TaskState,
    /// Seconds from its creation to its end, or until now; three decimals.
    pub duration_seconds: f64,
    /// All of its steps.
    pub step_count: u64,
    /// Those that are done.
    pub completed_steps: u64,
    /// Those in error.
    pub error_steps: u64,
    /// When it was accepted.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Instant,
    /// When it ended; `null` if it has not.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub completed_at: Option<Instant>,
    /// Who asked for it.
    pub initiator: String,
    /// From which system.
    pub source_system: String,
}

/// A step that took long.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SlowStepDocument {
    /// The task.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub task_id: TaskId,
    /// Name; addresses the step within its task.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub step_name: StepName,
    /// Name of the task's definition.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub task_name: DefinitionName,
    /// Namespace of the task's definition.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub namespace_name: Namespace,
    /// Version of the task's definition.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub version: Version,
    /// Seconds from the start of its last execution to its completion, three decimals.
    pub duration_seconds: f64,
    /// Seconds that it had waited before: from the end of its last parent, or the creation of its task, to the start of its
    /// last execution; three decimals. Earlier executions, and the waits between them, are part of it.
    pub queue_seconds: f64,
    /// Executions.
    pub attempts: u32,
    /// When it was created, with its task.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Instant,
    /// When it became complete.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub completed_at: Instant,
    /// Whether it may be executed more than once.
    pub retryable: bool,
    /// State.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::State))]
    pub step_status: StepState,
}

/// What failed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorPatterns {
    /// Tasks in error.
    pub total_errors: u64,
    /// The same in percent of all tasks, one decimal; 0 if there are none.
    pub recent_error_rate: f64,
    /// The commonest kinds of failures, at most five: of all executions that failed, those of steps that recovered included.
    pub common_error_types: Vec<ErrorType>,
    /// Complete steps in percent of those that were executed more than once, one decimal; 0 if none was.
    pub retry_success_rate: f64,
}

/// A kind of failure.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorType {
    /// Stable code.
    pub code: String,
    /// Kind of error.
    pub class: String,
    /// Executions that failed so.
    pub count: u64,
}

/// What waits, of tasks that are open or in error.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DependencyBottlenecks {
    /// Pending steps that wait for other steps.
    pub blocking_dependencies: u64,
    /// Mean seconds that pending steps have waited, one decimal: since the last of their parents was done, or, where none is,
    /// since their tasks were created. 0 if there are none.
    pub avg_wait_time: f64,
    /// The names that most of the steps have that wait for others, at most three.
    pub most_blocked_steps: Vec<BlockedStep>,
}

/// Steps of one name that wait for others.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlockedStep {
    /// The name.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub step_name: StepName,
    /// How many they are.
    pub count: u64,
}

/// How long complete tasks took.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PerformanceDistribution {
    /// What so many of them did not exceed.
    pub percentiles: Percentiles,
    /// How many took how long.
    pub distribution_buckets: Vec<DistributionBucket>,
}

/// How many tasks took so long.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DistributionBucket {
    /// How long, in seconds: `0-10s`, `10-30s`, `30s+`. The end of one belongs to the next.
    pub range: String,
    /// How many.
    pub count: u64,
}

/// Something that may be worth a look.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecommendationDocument {
    /// What.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::Advice))]
    pub code: Advice,
    /// In words.
    pub message: String,
    /// The numbers that it follows from; their names say the units.
    pub evidence: BTreeMap<String, f64>,
}

impl Bottlenecks {
    /// The document.
    pub fn new(
        found: &survey::Bottlenecks,
        scope: AnalyticsScope,
        period_hours: u64,
        generated_at: Instant,
    ) -> Self {
        let tasks = |rows: &Option<Vec<LongTask>>| Some(rows.as_ref()?.iter().map(slow_task).collect());
        let analysis = BottleneckAnalysis {
            slowest_tasks: tasks(&found.slowest_tasks),
            longest_running: tasks(&found.longest_running),
            slowest_steps: found.slowest_steps.as_ref().map(|rows| rows.iter().map(slow_step).collect()),
            error_patterns: error_patterns(found),
            dependency_bottlenecks: found.steps.as_ref().map(DependencyBottlenecks::from),
        };
        let population = found.population.as_ref();
        let partial_failures = failures([
            ("scope_summary", population.is_some()),
            ("slowest_tasks", analysis.slowest_tasks.is_some()),
            ("longest_running", analysis.longest_running.is_some()),
            ("slowest_steps", analysis.slowest_steps.is_some()),
            ("error_patterns", analysis.error_patterns.is_some()),
            ("dependency_bottlenecks", analysis.dependency_bottlenecks.is_some()),
            ("performance_distribution", population.is_some()),
        ]);
        let recommendations = survey::recommendations(population, found.steps.as_ref());
        Self {
            scope_summary: population.map(|population| summary(population, period_hours)),
            bottleneck_analysis: analysis,
            performance_distribution: population
                .map(|population| PerformanceDistribution::from(&population.complete)),
            recommendations: recommendations.into_iter().map(RecommendationDocument::from).collect(),
            scope,
            analysis_period_hours: period_hours,
            partial_failures,
            generated_at,
            cache_info: CacheInfo::default(),
        }
    }
}

fn summary(population: &Population, period_hours: u64) -> ScopeSummary {
    ScopeSummary {
        total_tasks: population.tasks,
        unique_task_types: population.task_types,
        time_span_hours: period_hours as f64,
    }
}

/// All of it, or nothing: a part of the truth about errors looks like the whole.
fn error_patterns(found: &survey::Bottlenecks) -> Option<ErrorPatterns> {
    let (population, steps) = (found.population.as_ref()?, found.steps.as_ref()?);
    let kind = |FailureCount { code, class, count }: &FailureCount| ErrorType {
        code: code.clone(),
        class: class.clone(),
        count: *count,
    };
    Some(ErrorPatterns {
        total_errors: population.in_error,
        recent_error_rate: population.error_rate(),
        common_error_types: found.failures.as_ref()?.iter().map(kind).collect(),
        retry_success_rate: steps.retry_success_rate(),
    })
}

fn slow_task(row: &LongTask) -> SlowTaskDocument {
    SlowTaskDocument {
        task_id: row.task_id,
        task_name: row.name.clone(),
        namespace_name: row.namespace.clone(),
        version: row.version.clone(),
        status: row.state,
        duration_seconds: seconds(row.span),
        step_count: row.steps,
        completed_steps: row.done,
        error_steps: row.in_error,
        created_at: row.created_at.into(),
        completed_at: row.ended_at.map(Instant::from),
        initiator: row.initiator.clone(),
        source_system: row.source_system.clone(),
    }
}

fn slow_step(row: &LongStep) -> SlowStepDocument {
    SlowStepDocument {
        task_id: row.task_id,
        step_name: row.step.clone(),
        task_name: row.name.clone(),
        namespace_name: row.namespace.clone(),
        version: row.version.clone(),
        duration_seconds: seconds(row.span),
        queue_seconds: seconds(row.queued),
        attempts: row.attempts,
        created_at: row.created_at.into(),
        completed_at: row.completed_at.into(),
        retryable: row.retryable,
        step_status: StepState::Complete,
    }
}

impl From<&StepTotals> for DependencyBottlenecks {
    fn from(steps: &StepTotals) -> Self {
        let blocked = |(step_name, count): &(StepName, u64)| BlockedStep {
            step_name: step_name.clone(),
            count: *count,
        };
        Self {
            blocking_dependencies: steps.all.blocked,
            avg_wait_time: steps.mean_wait(),
            most_blocked_steps: steps.most_blocked.iter().map(blocked).collect(),
        }
    }
}

impl From<&Spread> for PerformanceDistribution {
    fn from(spread: &Spread) -> Self {
        let bucket = |(range, count): (&str, u64)| DistributionBucket { range: range.into(), count };
        Self {
            percentiles: Percentiles::from(spread),
            distribution_buckets: BUCKETS.into_iter().zip(spread.buckets).map(bucket).collect(),
        }
    }
}

impl From<Recommendation> for RecommendationDocument {
    fn from(found: Recommendation) -> Self {
        let Recommendation { code, message, evidence } = found;
        let evidence = evidence.into_iter().map(|(name, number)| (name.to_owned(), number)).collect();
        Self { code, message, evidence }
    }
}
