//! Steps of a task as documents.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tasker_core::graph::Siblings;
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::names::{HandlerName, StepName};
use tasker_core::outcome::StepError;
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::readiness::{BlockingReason, StepReadiness, readiness_of};
use tasker_core::record::{StepDetail, TaskRecord};
use tasker_core::state::StepState;
use tasker_core::time::Timestamp;

use crate::instant::Instant;

/// Most siblings that are named: in a wide graph every step would name all others.
const MOST_SIBLINGS: usize = 100;

/// A step of a task.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepDocument {
    /// The task.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub task_id: TaskId,
    /// Name; addresses the step within its task.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: StepName,
    /// Position in the definition, from 0.
    pub ordinal: u32,
    /// State.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::schema::State))]
    pub status: StepState,
    /// What runs it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub handler: HandlerName,
    /// Executions so far.
    pub attempts: u32,
    /// Most executions in all.
    pub retry_limit: u32,
    /// Whether another execution is allowed, attempts permitting.
    pub retryable: bool,
    /// Whether a request could have left it out.
    pub skippable: bool,
    /// Whether it is done.
    pub processed: bool,
    /// Whether it runs.
    pub in_process: bool,
    /// The steps it waits for.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub parents: Vec<StepName>,
    /// The steps that wait for it.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub children: Vec<StepName>,
    /// The other steps that wait for exactly the same steps, at most 100. A step that waits for none has none.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub siblings: Vec<StepName>,
    /// How many steps it waits for.
    pub total_parents: u32,
    /// How many of these are done.
    pub completed_parents: u32,
    /// Whether all of these are done.
    pub dependencies_satisfied: bool,
    /// Whether another execution is allowed: below the limit, and retryable or never tried.
    pub retry_eligible: bool,
    /// Whether it may start now.
    pub ready_for_execution: bool,
    /// Why it may not: `dependencies_not_satisfied`, `retry_not_eligible`, `invalid_state`, `in_backoff`, or `unknown`
    /// where only its task keeps it; `null` if it may.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub blocking_reason: Option<BlockingReason>,
    /// Its own inputs, if an operator edited them; `null`: the task's context.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Value>))]
    pub inputs: Option<Payload>,
    /// Its output.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Value>))]
    pub results: Option<Payload>,
    /// Its last failure.
    pub error: Option<StepErrorDocument>,
    /// When the last execution ended.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub last_attempted_at: Option<Instant>,
    /// The wait after the last failure.
    pub backoff_request_seconds: Option<u32>,
    /// When a failed step is due again.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub next_retry_at: Option<Instant>,
    /// When it last began to run.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub started_at: Option<Instant>,
    /// When it became done.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub processed_at: Option<Instant>,
    /// When it was made: with its task.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub created_at: Instant,
    /// When it last changed.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub updated_at: Instant,
    /// Version: grows with every change of it. `If-Match` compares with it.
    pub lock_version: i64,
}

/// The last failure of a step.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StepErrorDocument {
    /// Kind of error in CamelCase.
    pub class: String,
    /// Stable code.
    pub code: String,
    /// What went wrong.
    pub message: String,
    /// Whether this failure allows another execution, attempts permitting.
    pub retryable: bool,
    /// Whatever helps to understand it, secrets masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
}

impl StepDocument {
    /// The document of one step, as it is at an instant.
    pub fn new(task: &TaskRecord, plan: &Plan, detail: &StepDetail, now: Timestamp) -> Self {
        let siblings = plan.graph.siblings(detail.record.ordinal);
        Self::with_siblings(task, plan, detail, &siblings, now)
    }

    /// The documents of many steps of a task.
    pub fn list<'a>(
        task: &TaskRecord,
        plan: &Plan,
        details: impl IntoIterator<Item = &'a StepDetail>,
        now: Timestamp,
    ) -> Vec<Self> {
        let siblings = Siblings::of(&plan.graph);
        let document = |detail: &StepDetail| {
            let step = detail.record.ordinal;
            let others: Vec<Ordinal> = siblings.of_step(step).take(MOST_SIBLINGS).collect();
            Self::with_siblings(task, plan, detail, &others, now)
        };
        details.into_iter().map(document).collect()
    }

    fn with_siblings(
        task: &TaskRecord,
        plan: &Plan,
        detail: &StepDetail,
        siblings: &[Ordinal],
        now: Timestamp,
    ) -> Self {
        let record = &detail.record;
        let template = plan.step(record.ordinal);
        let names = |list: &[Ordinal]| list.iter().map(|step| plan.name(*step).clone()).collect();
        let readiness: StepReadiness = readiness_of(plan, task, record, now);
        Self {
            task_id: task.id,
            name: template.name.clone(),
            ordinal: record.ordinal.0,
            status: record.state,
            handler: template.handler.clone(),
            attempts: record.attempts,
            retry_limit: record.retry_limit,
            retryable: record.retryable,
            skippable: template.skippable,
            processed: record.state.is_done(),
            in_process: record.state == StepState::InProgress,
            parents: names(plan.graph.parents(record.ordinal)),
            children: names(plan.graph.children(record.ordinal)),
            siblings: names(&siblings[..siblings.len().min(MOST_SIBLINGS)]),
            total_parents: readiness.total_parents,
            completed_parents: readiness.completed_parents,
            dependencies_satisfied: readiness.dependencies_satisfied,
            retry_eligible: readiness.retry_eligible,
            ready_for_execution: readiness.ready_for_execution,
            blocking_reason: readiness.blocking_reason,
            inputs: detail.inputs.clone(),
            results: detail.results.clone(),
            error: detail.error.as_ref().map(Into::into),
            last_attempted_at: record.last_attempted_at.map(Into::into),
            backoff_request_seconds: record.backoff_seconds,
            next_retry_at: record.next_retry_at().map(Into::into),
            started_at: record.started_at.map(Into::into),
            processed_at: record.processed_at.map(Into::into),
            created_at: task.created_at.into(),
            updated_at: record.updated_at.into(),
            lock_version: record.version().0,
        }
    }
}

impl From<&StepError> for StepErrorDocument {
    fn from(error: &StepError) -> Self {
        Self {
            class: error.class.clone(),
            code: error.code.clone(),
            message: error.message.clone(),
            retryable: error.retryable,
            context: error.context.clone(),
        }
    }
}
