//! Rows to write, turned into columns: each statement that writes takes one array per column.

use std::sync::Arc;

use tasker_core::decide::{QueueChange, StepChange};
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::plan::Plan;
use tasker_core::record::{Change, QueueRow, TaskInput, TaskRecord, Transition};
use uuid::Uuid;

use crate::rows::{At, handler_id, revision_id};
use crate::session::Query;

/// Rows of `task`.
#[derive(Default)]
pub(crate) struct Tasks {
    ids: Vec<Uuid>,
    states: Vec<i16>,
    active: Vec<i32>,
    remaining: Vec<i32>,
    log_seqs: Vec<i64>,
    log_xids: Vec<i64>,
    updated_at: Vec<At>,
    ended_at: Vec<Option<At>>,
    revisions: Vec<Uuid>,
    priorities: Vec<i16>,
    created_at: Vec<At>,
    arrivals: Vec<i64>,
}

impl Tasks {
    pub(crate) fn push(&mut self, task: &TaskRecord, log_xid: i64, arrival: i64) {
        self.ids.push(task.id.0);
        self.states.push(i16::from(task.state.code()));
        self.active.push(small(task.active));
        self.remaining.push(small(task.remaining));
        self.log_seqs.push(large(task.log_seq));
        self.log_xids.push(log_xid);
        self.updated_at.push(At(task.updated_at));
        self.ended_at.push(task.ended_at.map(At));
        self.revisions.push(revision_id(task.revision));
        self.priorities.push(i16::from(task.priority.get()));
        self.created_at.push(At(task.created_at));
        self.arrivals.push(arrival);
    }

    /// Binds the eight columns that change.
    pub(crate) fn bind(&self, query: Query) -> Query {
        query
            .bind(&self.ids)
            .bind(&self.states)
            .bind(&self.active)
            .bind(&self.remaining)
            .bind(&self.log_seqs)
            .bind(&self.log_xids)
            .bind(&self.updated_at)
            .bind(&self.ended_at)
    }

    /// Binds the four columns that never change.
    pub(crate) fn bind_fixed(&self, query: Query) -> Query {
        query.bind(&self.revisions).bind(&self.priorities).bind(&self.created_at).bind(&self.arrivals)
    }
}

/// Rows of `task_input`.
#[derive(Default)]
pub(crate) struct Inputs {
    tasks: Vec<Uuid>,
    requested_at: Vec<At>,
    contents: Vec<Vec<u8>>,
    initiators: Vec<String>,
    source_systems: Vec<String>,
    reasons: Vec<String>,
    correlation_ids: Vec<Option<String>>,
    identities: Vec<Option<String>>,
    contexts: Vec<String>,
    tags: Vec<String>,
    bypass_steps: Vec<String>,
    created_by: Vec<Option<String>>,
}

impl Inputs {
    pub(crate) fn push(&mut self, task: TaskId, input: &TaskInput) {
        self.tasks.push(task.0);
        self.requested_at.push(At(input.requested_at));
        self.contents.push(input.content.0.to_vec());
        self.initiators.push(input.initiator.clone());
        self.source_systems.push(input.source_system.clone());
        self.reasons.push(input.reason.clone());
        self.correlation_ids.push(input.correlation_id.clone());
        self.identities.push(input.identity.clone());
        self.contexts.push(input.context.as_str().to_owned());
        self.tags.push(json_text(&input.tags));
        self.bypass_steps.push(json_text(&input.bypass_steps));
        self.created_by.push(input.created_by.clone());
    }

    pub(crate) fn bind(&self, query: Query) -> Query {
        query
            .bind(&self.tasks)
            .bind(&self.requested_at)
            .bind(&self.contents)
            .bind(&self.initiators)
            .bind(&self.source_systems)
            .bind(&self.reasons)
            .bind(&self.correlation_ids)
            .bind(&self.identities)
            .bind(&self.contexts)
            .bind(&self.tags)
            .bind(&self.bypass_steps)
            .bind(&self.created_by)
    }
}

/// Rows of `step`.
#[derive(Default)]
pub(crate) struct Steps {
    tasks: Vec<Uuid>,
    ordinals: Vec<i32>,
    states: Vec<i16>,
    waits: Vec<i32>,
    attempts: Vec<i32>,
    retry_limits: Vec<i32>,
    retryable: Vec<bool>,
    fences: Vec<i64>,
    settled_fences: Vec<i64>,
    lease_expiries: Vec<i32>,
    key_generations: Vec<i32>,
    last_attempted_at: Vec<Option<At>>,
    backoff_seconds: Vec<Option<i32>>,
    started_at: Vec<Option<At>>,
    processed_at: Vec<Option<At>>,
    updated_at: Vec<At>,
    inputs: Vec<Option<String>>,
    results: Vec<Option<String>>,
    errors: Vec<Option<String>>,
    sets_error: Vec<bool>,
}

impl Steps {
    pub(crate) fn push(&mut self, task: TaskId, step: &StepChange) {
        let record = &step.record;
        self.tasks.push(task.0);
        self.ordinals.push(small(record.ordinal.0));
        self.states.push(i16::from(record.state.code()));
        self.waits.push(small(record.waits));
        self.attempts.push(small(record.attempts));
        self.retry_limits.push(small(record.retry_limit));
        self.retryable.push(record.retryable);
        self.fences.push(large(record.fence.0));
        self.settled_fences.push(large(record.settled_fence.0));
        self.lease_expiries.push(small(record.lease_expiries));
        self.key_generations.push(small(record.key_generation));
        self.last_attempted_at.push(record.last_attempted_at.map(At));
        self.backoff_seconds.push(record.backoff_seconds.map(small));
        self.started_at.push(record.started_at.map(At));
        self.processed_at.push(record.processed_at.map(At));
        self.updated_at.push(At(record.updated_at));
        self.inputs.push(step.inputs.as_ref().map(|inputs| inputs.as_str().to_owned()));
        self.results.push(step.results.as_ref().map(|results| results.as_str().to_owned()));
        self.errors.push(error_text(step));
        self.sets_error.push(step.error.is_some());
    }

    pub(crate) fn bind(&self, query: Query) -> Query {
        query
            .bind(&self.tasks)
            .bind(&self.ordinals)
            .bind(&self.states)
            .bind(&self.waits)
            .bind(&self.attempts)
            .bind(&self.retry_limits)
            .bind(&self.retryable)
            .bind(&self.fences)
            .bind(&self.settled_fences)
            .bind(&self.lease_expiries)
            .bind(&self.key_generations)
            .bind(&self.last_attempted_at)
            .bind(&self.backoff_seconds)
            .bind(&self.started_at)
            .bind(&self.processed_at)
            .bind(&self.updated_at)
            .bind(&self.inputs)
            .bind(&self.results)
            .bind(&self.errors)
            .bind(&self.sets_error)
    }
}

/// Rows of `queue`: changed ones, deleted ones and new ones.
#[derive(Default)]
pub(crate) struct Queue {
    changed: QueueRows,
    deleted_tasks: Vec<Uuid>,
    deleted_ordinals: Vec<i32>,
    new: QueueRows,
    new_arrivals: Vec<i64>,
    new_handlers: Vec<i64>,
    new_priorities: Vec<i16>,
}

#[derive(Default)]
struct QueueRows {
    tasks: Vec<Uuid>,
    ordinals: Vec<i32>,
    run_at: Vec<At>,
    workers: Vec<Option<Uuid>>,
    fences: Vec<i64>,
}

impl Queue {
    pub(crate) fn push(&mut self, task: TaskId, arrival: i64, plan: &Plan, change: &QueueChange) {
        match change {
            QueueChange::Update(row) => self.changed.push(task, row),
            QueueChange::Delete(Ordinal(ordinal)) => {
                self.deleted_tasks.push(task.0);
                self.deleted_ordinals.push(small(*ordinal));
            }
            QueueChange::Insert(row) => {
                self.new.push(task, row);
                self.new_arrivals.push(arrival);
                self.new_handlers.push(handler_id(&plan.step(row.ordinal).handler));
                self.new_priorities.push(i16::from(row.priority.get()));
            }
        }
    }

    /// Binds changed and deleted rows.
    pub(crate) fn bind_old(&self, query: Query) -> Query {
        self.changed.bind(query).bind(&self.deleted_tasks).bind(&self.deleted_ordinals)
    }

    /// Binds new rows.
    pub(crate) fn bind_new(&self, query: Query) -> Query {
        self.new.bind(query).bind(&self.new_arrivals).bind(&self.new_handlers).bind(&self.new_priorities)
    }
}

impl QueueRows {
    fn push(&mut self, task: TaskId, row: &QueueRow) {
        self.tasks.push(task.0);
        self.ordinals.push(small(row.ordinal.0));
        self.run_at.push(At(row.run_at));
        self.workers.push(row.worker.map(|worker| worker.0));
        self.fences.push(large(row.fence.0));
    }

    fn bind(&self, query: Query) -> Query {
        query.bind(&self.tasks).bind(&self.ordinals).bind(&self.run_at).bind(&self.workers).bind(&self.fences)
    }
}

/// Rows of `transition`.
#[derive(Default)]
pub(crate) struct Log {
    tasks: Vec<Uuid>,
    seqs: Vec<i64>,
    xids: Vec<i64>,
    ordinals: Vec<Option<i32>>,
    from_states: Vec<Option<i16>>,
    to_states: Vec<i16>,
    at: Vec<At>,
    actors: Vec<String>,
    metadata: Vec<Option<String>>,
}

impl Log {
    pub(crate) fn extend(&mut self, task: TaskId, xid: i64, entries: &[Transition]) {
        entries.iter().for_each(|entry| self.push(task, xid, entry));
    }

    fn push(&mut self, task: TaskId, xid: i64, entry: &Transition) {
        let (ordinal, from, to) = match entry.change {
            Change::Task { from, to } => (None, from.map(|state| state.code()), to.code()),
            Change::Step { ordinal, from, to } => {
                (Some(ordinal.0), from.map(|state| state.code()), to.code())
            }
        };
        self.tasks.push(task.0);
        self.seqs.push(large(entry.seq));
        self.xids.push(xid);
        self.ordinals.push(ordinal.map(small));
        self.from_states.push(from.map(i16::from));
        self.to_states.push(i16::from(to));
        self.at.push(At(entry.at));
        self.actors.push(entry.actor.clone());
        self.metadata.push(entry.metadata.clone());
    }

    pub(crate) fn bind(&self, query: Query) -> Query {
        query
            .bind(&self.tasks)
            .bind(&self.seqs)
            .bind(&self.xids)
            .bind(&self.ordinals)
            .bind(&self.from_states)
            .bind(&self.to_states)
            .bind(&self.at)
            .bind(&self.actors)
            .bind(&self.metadata)
    }
}

/// Positions of steps: two columns.
#[derive(Default)]
pub(crate) struct Places {
    tasks: Vec<Uuid>,
    ordinals: Vec<i32>,
}

impl Places {
    pub(crate) fn push(&mut self, task: TaskId, ordinal: Ordinal) {
        self.tasks.push(task.0);
        self.ordinals.push(small(ordinal.0));
    }

    pub(crate) fn bind(&self, query: Query) -> Query {
        query.bind(&self.tasks).bind(&self.ordinals)
    }
}

impl FromIterator<(TaskId, Ordinal)> for Places {
    fn from_iter<I: IntoIterator<Item = (TaskId, Ordinal)>>(places: I) -> Self {
        let mut all = Self::default();
        places.into_iter().for_each(|(task, ordinal)| all.push(task, ordinal));
        all
    }
}

/// Steps and edges of a definition.
pub(crate) struct Parts {
    pub(crate) names: Vec<String>,
    pub(crate) handlers: Vec<String>,
    pub(crate) handler_ids: Vec<i64>,
    pub(crate) systems: Vec<String>,
    pub(crate) parents: Vec<i32>,
    pub(crate) children: Vec<i32>,
}

impl Parts {
    pub(crate) fn of(plan: &Arc<Plan>) -> Self {
        let steps = || plan.definition.steps.iter();
        let edges = plan.graph.steps().flat_map(|parent| {
            plan.graph.children(parent).iter().map(move |child| (small(parent.0), small(child.0)))
        });
        let (parents, children) = edges.unzip();
        Self {
            names: steps().map(|step| step.name.to_string()).collect(),
            handlers: steps().map(|step| step.handler.to_string()).collect(),
            handler_ids: steps().map(|step| handler_id(&step.handler)).collect(),
            systems: steps().map(|step| step.dependent_system.clone()).collect(),
            parents,
            children,
        }
    }
}

/// Bounded by the rules: 20,000 steps, limits of executions, seconds of a day.
pub(crate) fn small(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// Counts that would take centuries to grow so large.
pub(crate) fn large(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn error_text(step: &StepChange) -> Option<String> {
    let error = step.error.as_ref()?.as_ref()?;
    Some(serde_json::to_string(error).expect("an error has text keys and finite numbers"))
}

fn json_text(list: &[impl std::fmt::Display]) -> String {
    let texts: Vec<String> = list.iter().map(ToString::to_string).collect();
    serde_json::to_string(&texts).expect("a list of texts is JSON")
}
