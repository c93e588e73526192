//! What is told of all tasks together, counted row by row: the other stores' statements are compared with this.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tasker_core::names::Namespace;
use tasker_core::record::StepRecord;
use tasker_core::state::{StepState, TaskState};
use tasker_core::survey::figures::{micros, seconds};
use tasker_core::time::Timestamp;

use super::Tables;
use super::tasks::Task;
use crate::analytics::{
    AnalyticsMetrics, Census, NamespaceCounts, SCORE_SPAN, SlowStep, SlowTask, SlowestQuery, Tally,
    VitalSigns,
};

impl Tables {
    pub(super) fn census(&self, now: Timestamp) -> Census {
        let mut found: BTreeMap<&Namespace, NamespaceCounts> = BTreeMap::new();
        for task in self.tasks.values() {
            let namespace = &task.plan.definition.namespace;
            let counts = found.entry(namespace).or_insert_with(|| NamespaceCounts::none(namespace.clone()));
            counts.tasks[usize::from(task.record.state.code())] += 1;
            task.steps.iter().for_each(|step| counts.add_step(&step.record, now));
        }
        Census { namespaces: found.into_values().collect(), active_connections: 1, max_connections: 1 }
    }

    pub(super) fn vital_signs(&self, since: Timestamp) -> VitalSigns {
        let mut signs = VitalSigns::default();
        self.tasks.values().for_each(|task| signs.add(task, since));
        signs
    }

    pub(super) fn analytics(&self, since: Timestamp, now: Timestamp) -> AnalyticsMetrics {
        let mut tally = Tally::default();
        let (mut namespaces, mut types) = (BTreeSet::new(), BTreeSet::new());
        for task in self.tasks.values() {
            let definition = &task.plan.definition;
            namespaces.insert(&definition.namespace);
            types.insert((&definition.namespace, &definition.name));
            tally.add(task, since, now);
        }
        tally.namespaces = namespaces.len() as u64;
        tally.task_types = types.len() as u64;
        tally.metrics(since, now)
    }

    pub(super) fn slowest_tasks(&self, query: &SlowestQuery) -> Vec<SlowTask> {
        let mut found: Vec<(Duration, SlowTask)> =
            self.tasks.values().filter(|task| task.is_asked_for(query)).filter_map(Task::slow_task).collect();
        found.sort_by_key(|(span, row)| (Reverse(*span), row.task_id));
        found.into_iter().map(|(_, row)| row).take(query.rows()).collect()
    }

    pub(super) fn slowest_steps(&self, query: &SlowestQuery) -> Vec<SlowStep> {
        let tasks = self.tasks.values().filter(|task| task.is_asked_for(query));
        let mut found: Vec<(Duration, SlowStep)> = tasks.flat_map(Task::slow_steps).collect();
        found.sort_by_key(|(span, row)| (Reverse(*span), row.task_id, row.ordinal));
        found.into_iter().map(|(_, row)| row).take(query.rows()).collect()
    }
}

impl NamespaceCounts {
    fn add_step(&mut self, step: &StepRecord, now: Timestamp) {
        self.steps[usize::from(step.state.code())] += 1;
        if step.state == StepState::Error {
            let retryable = step.wants_queue_row();
            self.retryable_errors += u64::from(retryable);
            self.exhausted_retries += u64::from(step.attempts >= step.retry_limit);
            let waits = step.next_retry_at().is_some_and(|at| at > now);
            self.in_backoff += u64::from(retryable && waits);
        }
    }
}

impl VitalSigns {
    fn add(&mut self, task: &Task, since: Timestamp) {
        let record = &task.record;
        let (is_open, ended) =
            (record.state.is_open(), record.ended_at.is_some_and(|ended_at| ended_at > since));
        let failed = record.state == TaskState::Error;
        if ended && (failed || record.state == TaskState::Complete) {
            self.ended_tasks += 1;
            self.failed_tasks += u64::from(failed);
        }
        self.stuck_tasks += u64::from(is_open && task.steps.iter().all(|step| step.queue.is_none()));
        if !is_open && !ended {
            return;
        }
        for step in task.steps.iter().map(|step| &step.record) {
            let failed = step.state == StepState::Error;
            let lately = step.last_attempted_at.is_some_and(|at| at > since);
            if lately && (failed || step.state == StepState::Complete) {
                self.executed_steps += 1;
                self.failed_steps += u64::from(failed);
            }
        }
    }
}

impl Tally {
    fn add(&mut self, task: &Task, since: Timestamp, now: Timestamp) {
        let record = &task.record;
        let (complete, in_error) = (record.state == TaskState::Complete, record.state == TaskState::Error);
        self.active_tasks += u64::from(record.state.is_open());
        if record.created_at > now.minus(SCORE_SPAN) {
            self.lately_complete += u64::from(complete);
            self.lately_in_error += u64::from(in_error);
        }
        if record.created_at > since {
            self.created += 1;
            self.complete += u64::from(complete);
            self.in_error += u64::from(in_error);
            if let Some(ended_at) = record.ended_at.filter(|_| complete) {
                self.task_micros += micros(ended_at.since(record.created_at));
            }
        }
        for (span, at) in task.steps.iter().filter_map(|step| last_execution(&step.record)) {
            if at > since {
                self.steps += 1;
                self.step_micros += micros(span);
            }
        }
    }
}

impl Task {
    fn is_asked_for(&self, query: &SlowestQuery) -> bool {
        let definition = &self.plan.definition;
        self.record.created_at > query.since
            && query.namespace.as_ref().is_none_or(|namespace| definition.namespace == *namespace)
            && query.name.as_ref().is_none_or(|name| definition.name == *name)
            && query.version.as_ref().is_none_or(|version| definition.version == *version)
    }

    fn slow_task(&self) -> Option<(Duration, SlowTask)> {
        let steps = || self.steps.iter().map(|step| &step.record);
        let completed_at = steps().filter_map(finished_at).max()?;
        let (record, definition) = (&self.record, &self.plan.definition);
        let span = completed_at.since(record.created_at);
        let row = SlowTask {
            task_id: record.id,
            task_name: definition.name.clone(),
            namespace_name: definition.namespace.clone(),
            version: definition.version.clone(),
            duration_seconds: seconds(span),
            step_count: self.steps.len() as u64,
            completed_steps: steps().filter(|step| step.state.is_done()).count() as u64,
            error_steps: steps().filter(|step| step.state == StepState::Error).count() as u64,
            created_at: record.created_at,
            completed_at,
            initiator: self.input.initiator.clone(),
            source_system: self.input.source_system.clone(),
        };
        Some((span, row))
    }

    fn slow_steps(&self) -> Vec<(Duration, SlowStep)> {
        let executed =
            self.steps.iter().filter_map(|step| Some((&step.record, last_execution(&step.record)?)));
        let slow = executed.filter(|(_, (span, _))| !span.is_zero());
        slow.map(|(step, (span, at))| (span, self.slow_step(step, span, at))).collect()
    }

    fn slow_step(&self, step: &StepRecord, span: Duration, completed_at: Timestamp) -> SlowStep {
        let definition = &self.plan.definition;
        SlowStep {
            task_id: self.record.id,
            step_name: self.plan.name(step.ordinal).clone(),
            ordinal: step.ordinal,
            task_name: definition.name.clone(),
            namespace_name: definition.namespace.clone(),
            version: definition.version.clone(),
            duration_seconds: seconds(span),
            attempts: step.attempts,
            created_at: self.record.created_at,
            completed_at,
            retryable: step.retryable,
            step_status: step.state,
        }
    }
}

/// When a step became done, or failed.
fn finished_at(step: &StepRecord) -> Option<Timestamp> {
    match step.state {
        StepState::Complete | StepState::ResolvedManually => step.processed_at,
        StepState::Error => step.last_attempted_at,
        StepState::Pending | StepState::InProgress | StepState::Cancelled => None,
    }
}

/// How long the execution took that completed a step, and when it ended.
fn last_execution(step: &StepRecord) -> Option<(Duration, Timestamp)> {
    if step.state != StepState::Complete {
        return None;
    }
    let at = step.processed_at?;
    Some((at.since(step.started_at?), at))
}
