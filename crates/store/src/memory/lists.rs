//! Reads: tasks and the queue.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::Value;
use tasker_core::ids::TaskId;
use tasker_core::names::HandlerName;
use tasker_core::record::{Annotation, QueueRow};
use tasker_core::time::Timestamp;

use super::Tables;
use super::tasks::Task;
use crate::list::{Direction, Position, SortKey, TaskFilter, TaskPage, TaskRow};
use crate::read::{QueueDepth, TaskDetail};

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
        let matching = self.tasks.values().filter(|task| task.matches(filter)).map(Task::row);
        let mut places: Vec<(SortKey, TaskRow)> =
            matching.map(|row| (Position::of(&row, filter.sort).key, row)).collect();
        let total = filter.count_all.then_some(places.len() as u64);
        places.sort_by(|(key, row), (other_key, other)| {
            let upwards = (key, row.task_id).cmp(&(other_key, other.task_id));
            if filter.direction == Direction::Asc { upwards } else { upwards.reverse() }
        });
        places
            .retain(|(key, row)| filter.after.as_ref().is_none_or(|after| is_after(after, key, row, filter)));
        let has_more = filter.limit > 0 && places.len() > filter.limit;
        places.truncate(filter.limit);
        let tasks: Vec<TaskRow> = places.into_iter().map(|(_, row)| row).collect();
        let next = tasks.last().filter(|_| has_more).map(|row| Position::of(row, filter.sort));
        TaskPage { tasks, has_more, next, total }
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

fn is_after(after: &Position, key: &SortKey, row: &TaskRow, filter: &TaskFilter) -> bool {
    let order = (key, row.task_id).cmp(&(&after.key, after.id));
    order == if filter.direction == Direction::Asc { Ordering::Greater } else { Ordering::Less }
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
        let (record, input, definition) = (&self.record, &self.input, &self.plan.definition);
        let annotated = |(kind, key, text): &(String, String, String)| {
            self.annotations.iter().any(|annotation| says(annotation, kind, key, text))
        };
        let is = |wanted: &Option<String>, text: &str| wanted.as_ref().is_none_or(|wanted| wanted == text);
        filter.wants_definition(&definition.namespace, &definition.name, &definition.version)
            && filter.wanted_states().contains(&record.state)
            && filter
                .own
                .as_ref()
                .is_none_or(|own| own.holds(&definition.namespace, input.created_by.as_deref()))
            && is(&filter.initiator, &input.initiator)
            && is(&filter.source_system, &input.source_system)
            && is(&filter.reason, &input.reason)
            && filter.correlation_id.as_ref().is_none_or(|id| input.correlation_id.as_ref() == Some(id))
            && filter.priority.is_none_or(|priority| record.priority.get() == priority)
            && filter.tags.iter().all(|tag| input.tags.contains(tag))
            && filter.annotations.iter().all(annotated)
            && filter.context.as_ref().is_none_or(|wanted| input.context.contains(wanted))
            && filter.created.holds(Some(record.created_at))
            && filter.requested.holds(Some(input.requested_at))
            && filter.updated.holds(Some(record.updated_at))
            && filter.ended.holds(record.ended_at)
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
            requested_at: input.requested_at,
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
