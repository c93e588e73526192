//! What is told of many tasks together, counted row by row: the other stores' statements are compared with this.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use tasker_core::record::Change;
use tasker_core::state::{StepState, TaskState};
use tasker_core::survey::{
    Executions, FailureCount, Glance, LongStep, LongTask, MOST_FAILURES, Population, Spans, Spread, Stage,
    Standing, Steps, Tallies, Traffic,
};
use tasker_core::time::Timestamp;

use super::tasks::Task;
use super::{MemoryStore, Tables};
use crate::StoreError;
use crate::survey::{Scope, SurveyStore};

#[async_trait]
impl SurveyStore for MemoryStore {
    async fn standing(&self, scope: &Scope, since: Timestamp) -> Result<Standing, StoreError> {
        Ok(self.tables().standing(scope, since))
    }

    async fn traffic(&self, scope: &Scope, since: Timestamp) -> Result<Traffic, StoreError> {
        Ok(self.tables().traffic(scope, since))
    }

    async fn population(&self, scope: &Scope, since: Timestamp) -> Result<Population, StoreError> {
        Ok(self.tables().population(scope, since))
    }

    async fn step_tallies(&self, scope: &Scope, since: Timestamp) -> Result<Tallies, StoreError> {
        Ok(self.tables().step_tallies(scope, since, self.time()))
    }

    async fn failures(&self, scope: &Scope, since: Timestamp) -> Result<Vec<FailureCount>, StoreError> {
        Ok(self.tables().failures(scope, since))
    }

    async fn long_tasks(
        &self,
        scope: &Scope,
        since: Timestamp,
        stage: Stage,
        limit: usize,
    ) -> Result<Vec<LongTask>, StoreError> {
        let now = self.time();
        let tables = self.tables();
        let of_stage = tables
            .created(scope, since)
            .filter(|task| stage.states().contains(&task.record.state))
            .map(|task| task.long_task(now));
        let mut found: Vec<LongTask> = of_stage.collect();
        found.sort_by_key(|row| (Reverse(row.span), row.task_id));
        found.truncate(limit);
        Ok(found)
    }

    async fn long_steps(
        &self,
        scope: &Scope,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<LongStep>, StoreError> {
        let tables = self.tables();
        let mut found: Vec<LongStep> = tables.created(scope, since).flat_map(Task::long_steps).collect();
        found.sort_by_key(|row| (Reverse(row.span), row.task_id, row.ordinal));
        found.truncate(limit);
        Ok(found)
    }
}

impl Tables {
    fn counted(&self, scope: &Scope) -> impl Iterator<Item = &Task> {
        self.tasks.values().filter(|task| {
            let definition = &task.plan.definition;
            scope.holds(&definition.namespace, &definition.name, &definition.version)
        })
    }

    fn created(&self, scope: &Scope, since: Timestamp) -> impl Iterator<Item = &Task> {
        self.counted(scope).filter(move |task| task.record.created_at > since)
    }

    fn standing(&self, scope: &Scope, since: Timestamp) -> Standing {
        let ended = |state| {
            self.counted(scope).filter(|task| task.record.state == state && task.ended_after(since)).count()
                as u64
        };
        let namespaces: BTreeSet<_> =
            self.counted(scope).map(|task| &task.plan.definition.namespace).collect();
        Standing {
            active: self.counted(scope).filter(|task| task.record.state.is_open()).count() as u64,
            namespaces: namespaces.len() as u64,
            task_types: task_types(self.counted(scope)),
            complete: ended(TaskState::Complete),
            in_error: ended(TaskState::Error),
        }
    }

    fn traffic(&self, scope: &Scope, since: Timestamp) -> Traffic {
        let ended = || self.counted(scope).filter(|task| task.ended_after(since));
        let mut steps = Executions::default();
        for task in self.counted(scope) {
            steps.add(&task.glances().of(task), since);
        }
        Traffic {
            created: self.created(scope, since).count() as u64,
            in_error: ended().filter(|task| task.record.state == TaskState::Error).count() as u64,
            complete: spread_of_complete(ended()),
            steps,
        }
    }

    fn population(&self, scope: &Scope, since: Timestamp) -> Population {
        let created = || self.created(scope, since);
        Population {
            tasks: created().count() as u64,
            task_types: task_types(created()),
            in_error: created().filter(|task| task.record.state == TaskState::Error).count() as u64,
            complete: spread_of_complete(created()),
        }
    }

    fn step_tallies(&self, scope: &Scope, since: Timestamp, now: Timestamp) -> Tallies {
        let mut tallies = Tallies::default();
        for task in self.created(scope, since) {
            tallies.add(&task.glances().of(task), task.record.state, now);
        }
        tallies
    }

    fn failures(&self, scope: &Scope, since: Timestamp) -> Vec<FailureCount> {
        let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
        for entry in self.created(scope, since).flat_map(|task| &task.log) {
            let failed = matches!(entry.change, Change::Step { to: StepState::Error, .. });
            let Some(metadata) = entry.metadata.as_ref().filter(|_| failed) else { continue };
            let note: serde_json::Value = serde_json::from_str(metadata).expect("notes are JSON");
            let text = |name: &str| Some(note.get("error")?.get(name)?.as_str()?.to_owned());
            if let (Some(code), Some(class)) = (text("code"), text("class")) {
                *counts.entry((code, class)).or_default() += 1;
            }
        }
        let rows = counts.into_iter().map(|((code, class), count)| FailureCount { code, class, count });
        let mut rows: Vec<FailureCount> = rows.collect();
        rows.sort_by_key(|row| Reverse(row.count));
        rows.truncate(MOST_FAILURES);
        rows
    }
}

fn task_types<'a>(tasks: impl Iterator<Item = &'a Task>) -> u64 {
    let types: BTreeSet<_> =
        tasks.map(|task| (&task.plan.definition.namespace, &task.plan.definition.name)).collect();
    types.len() as u64
}

fn spread_of_complete<'a>(tasks: impl Iterator<Item = &'a Task>) -> Spread {
    let mut spans = Spans::default();
    for task in tasks.filter(|task| task.record.state == TaskState::Complete) {
        if let Some(ended_at) = task.record.ended_at {
            spans.add(ended_at.since(task.record.created_at));
        }
    }
    spans.spread()
}

/// The steps of a task as surveys look at them.
struct Glances(Vec<Glance>);

impl Glances {
    fn of<'a>(&'a self, task: &'a Task) -> Steps<'a> {
        Steps { plan: &task.plan, created_at: task.record.created_at, steps: &self.0 }
    }
}

impl Task {
    fn ended_after(&self, since: Timestamp) -> bool {
        self.record.ended_at.is_some_and(|at| at > since)
    }

    fn glances(&self) -> Glances {
        Glances(self.steps.iter().map(|step| Glance::from(&step.record)).collect())
    }

    fn long_task(&self, now: Timestamp) -> LongTask {
        let (record, definition) = (&self.record, &self.plan.definition);
        let count = |counts: fn(StepState) -> bool| {
            self.steps.iter().filter(|step| counts(step.record.state)).count() as u64
        };
        LongTask {
            task_id: record.id,
            namespace: definition.namespace.clone(),
            name: definition.name.clone(),
            version: definition.version.clone(),
            state: record.state,
            span: record.ended_at.unwrap_or(now).since(record.created_at),
            steps: self.steps.len() as u64,
            done: count(StepState::is_done),
            in_error: count(|state| state == StepState::Error),
            created_at: record.created_at,
            ended_at: record.ended_at,
            initiator: self.input.initiator.clone(),
            source_system: self.input.source_system.clone(),
        }
    }

    fn long_steps(&self) -> Vec<LongStep> {
        let glances = self.glances();
        let task = glances.of(self);
        let definition = &self.plan.definition;
        let rows = self.steps.iter().zip(&glances.0).filter_map(|(step, glance)| {
            let (span, queued) = task.executed(glance)?;
            Some(LongStep {
                task_id: self.record.id,
                step: self.plan.name(glance.ordinal).clone(),
                ordinal: glance.ordinal,
                namespace: definition.namespace.clone(),
                name: definition.name.clone(),
                version: definition.version.clone(),
                span,
                queued,
                attempts: glance.attempts,
                retryable: step.record.retryable,
                created_at: self.record.created_at,
                completed_at: glance.processed_at?,
            })
        });
        rows.collect()
    }
}
