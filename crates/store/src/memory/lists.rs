//! Reads: tasks and the queue.

use std::collections::BTreeMap;

use serde_json::Value;
use tasker_core::ids::TaskId;
use tasker_core::names::HandlerName;
use tasker_core::record::{Annotation, QueueRow};
use tasker_core::time::Timestamp;

use super::Tables;
use super::tasks::Task;
use crate::read::{QueueDepth, TaskDetail, TaskFilter, TaskPage, TaskRow};

impl Tables {
    pub(super) fn task_detail(&self, id: TaskId) -> Option<TaskDetail> {
        let task = self.tasks.get(&id)?;
        Some(TaskDetail {
            record: task.record.clone(),
            input: task.input.clone(),
            plan: task.plan.clone(),
            annotations: task.annotations.clone(),
        })
    }

    pub(super) fn task_page(&self, filter: &TaskFilter) -> TaskPage {
        let matching = || self.tasks.values().rev().filter(|task| task.matches(filter));
        let after = |task: &&Task| filter.after.is_none_or(|after| task.record.id < after);
        let mut rows = matching().filter(after);
        let tasks: Vec<TaskRow> = rows.by_ref().take(filter.limit).map(Task::row).collect();
        TaskPage {
            tasks,
            has_more: rows.next().is_some(),
            total: filter.count_all.then(|| matching().count() as u64),
        }
    }

    pub(super) fn queue_depths(&self, now: Timestamp) -> Vec<QueueDepth> {
        let mut depths: BTreeMap<HandlerName, QueueDepth> = BTreeMap::new();
        for task in self.tasks.values() {
            for row in task.steps.iter().filter_map(|step| step.queue.as_ref()) {
                let handler = &task.plan.step(row.ordinal).handler;
                depths.entry(handler.clone()).or_insert_with(|| empty(handler)).count(row, now);
            }
        }
        depths.into_values().collect()
    }
}

fn empty(handler: &HandlerName) -> QueueDepth {
    QueueDepth { handler: handler.clone(), due: 0, later: 0, running: 0, next_due_at: None }
}

impl QueueDepth {
    fn count(&mut self, row: &QueueRow, now: Timestamp) {
        match row.worker {
            Some(_) => self.running += 1,
            None if row.run_at <= now => self.due += 1,
            None => self.later += 1,
        }
        if row.worker.is_none() {
            self.next_due_at = Some(self.next_due_at.map_or(row.run_at, |at| at.min(row.run_at)));
        }
    }
}

impl Task {
    fn matches(&self, filter: &TaskFilter) -> bool {
        let definition = &self.plan.definition;
        let annotated = |(kind, key, text): &(String, String, String)| {
            self.annotations.iter().any(|annotation| says(annotation, kind, key, text))
        };
        filter.namespace.as_ref().is_none_or(|namespace| definition.namespace == *namespace)
            && filter.name.as_ref().is_none_or(|name| definition.name == *name)
            && filter.version.as_ref().is_none_or(|version| definition.version == *version)
            && (filter.states.is_empty() || filter.states.contains(&self.record.state))
            && filter.tag.as_ref().is_none_or(|tag| self.input.tags.contains(tag))
            && filter.annotation.as_ref().is_none_or(annotated)
            && filter.created_after.is_none_or(|after| self.record.created_at > after)
    }

    fn row(&self) -> TaskRow {
        let (record, input, definition) = (&self.record, &self.input, &self.plan.definition);
        TaskRow {
            task_id: record.id,
            namespace: definition.namespace.clone(),
            name: definition.name.clone(),
            version: definition.version.clone(),
            status: record.state,
            total_steps: self.steps.len() as u32,
            remaining_steps: record.remaining,
            priority: record.priority.get(),
            initiator: input.initiator.clone(),
            source_system: input.source_system.clone(),
            reason: input.reason.clone(),
            tags: input.tags.clone(),
            created_at: record.created_at,
            updated_at: record.updated_at,
            completed_at: record.ended_at,
        }
    }
}

/// Whether an annotation of this type has this text at a top-level key. Text stands for itself, anything else for its
/// JSON.
fn says(annotation: &Annotation, kind: &str, key: &str, text: &str) -> bool {
    annotation.kind == kind
        && match annotation.value.to_value().get(key) {
            Some(Value::String(value)) => value == text,
            Some(value) => {
                let json = value.to_string();
                json == text
            }
            None => false,
        }
}
