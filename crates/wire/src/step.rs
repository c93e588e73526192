//! Steps of a task as documents.

use serde::Serialize;
use tasker_core::ids::TaskId;
use tasker_core::names::{HandlerName, StepName};
use tasker_core::outcome::StepError;
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::StepDetail;
use tasker_core::state::StepState;

use crate::instant::Instant;

/// A step of a task.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct StepDocument {
    /// The task.
    pub task_id: TaskId,
    /// Name; addresses the step within its task.
    pub name: StepName,
    /// Position in the definition, from 0.
    pub ordinal: u32,
    /// State.
    pub status: StepState,
    /// What runs it.
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
    pub parents: Vec<StepName>,
    /// The steps that wait for it.
    pub children: Vec<StepName>,
    /// Its own inputs, if an operator edited them; `null`: the task's context.
    pub inputs: Option<Payload>,
    /// Its output.
    pub results: Option<Payload>,
    /// Its last failure.
    pub error: Option<StepError>,
    /// When the last execution ended.
    pub last_attempted_at: Option<Instant>,
    /// The wait after the last failure.
    pub backoff_request_seconds: Option<u32>,
    /// When a failed step is due again.
    pub next_retry_at: Option<Instant>,
    /// When it last began to run.
    pub started_at: Option<Instant>,
    /// When it became done.
    pub processed_at: Option<Instant>,
    /// When it last changed.
    pub updated_at: Instant,
}

impl StepDocument {
    /// The document of a step.
    pub fn new(task_id: TaskId, plan: &Plan, detail: &StepDetail) -> Self {
        let record = &detail.record;
        let template = plan.step(record.ordinal);
        let names =
            |list: &[tasker_core::ids::Ordinal]| list.iter().map(|step| plan.name(*step).clone()).collect();
        Self {
            task_id,
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
            inputs: detail.inputs.clone(),
            results: detail.results.clone(),
            error: detail.error.clone(),
            last_attempted_at: record.last_attempted_at.map(Instant),
            backoff_request_seconds: record.backoff_seconds,
            next_retry_at: record.next_retry_at().map(Instant),
            started_at: record.started_at.map(Instant),
            processed_at: record.processed_at.map(Instant),
            updated_at: record.updated_at.into(),
        }
    }
}
