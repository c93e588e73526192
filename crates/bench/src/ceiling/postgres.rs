//! The ceiling on PostgreSQL: one statement of data-modifying CTEs per transaction, on one connection.

use std::time::Instant;

use sqlx::postgres::PgArguments;
use sqlx::{PgConnection, Postgres, Row};
use tasker_core::decide::{QueueChange, TaskChange};
use tasker_core::record::{Change, QueueRow};
use tasker_core::state::StepState;
use uuid::Uuid;

use super::{BATCH, Plain, Round, Script};
use crate::error::{BenchError, Trying};
use crate::workload;

const REVISION: &str = include_str!("../../sql/postgres/revision.sql");
const ARRIVALS: &str = include_str!("../../sql/postgres/arrivals.sql");
const NEW_TASKS: &str = include_str!("../../sql/postgres/new_tasks.sql");
const CHANGES: &str = include_str!("../../sql/postgres/changes.sql");

type Query<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

/// Writes tasks, `BATCH` after `BATCH` from submission to end.
pub(crate) async fn write(
    connection: &mut PgConnection,
    script: &Script,
    tasks: usize,
) -> Result<Plain, BenchError> {
    let mut writer = Writer::new(connection, script, tasks).await.trying("preparing to write tasks")?;
    let start = Instant::now();
    let mut left = tasks;
    while left > 0 {
        let group = left.min(BATCH);
        writer.group(group).await.trying("writing tasks")?;
        left -= group;
    }
    Ok(Plain { elapsed: start.elapsed(), commits: writer.commits })
}

struct Writer<'a> {
    connection: &'a mut PgConnection,
    script: &'a Script,
    revision_id: Uuid,
    handler_id: i64,
    last_arrival: i64,
    commits: u64,
}

/// A task that is written.
#[derive(Clone, Copy)]
struct Task {
    id: Uuid,
    arrival: i64,
}

impl<'a> Writer<'a> {
    async fn new(connection: &'a mut PgConnection, script: &'a Script, tasks: usize) -> sqlx::Result<Self> {
        let digest = script.plan.digest.0.to_vec();
        let handler = workload::handler_name().as_str().to_owned();
        let row = sqlx::query(REVISION).bind(digest).bind(handler).fetch_one(&mut *connection).await?;
        let arrivals = sqlx::query(ARRIVALS).bind(tasks as i64).fetch_one(&mut *connection).await?;
        Ok(Self {
            revision_id: row.try_get(0)?,
            handler_id: row.try_get(1)?,
            last_arrival: arrivals.try_get(0)?,
            connection,
            script,
            commits: 0,
        })
    }

    async fn group(&mut self, n_tasks: usize) -> sqlx::Result<()> {
        let arrivals = (self.last_arrival + 1..).take(n_tasks);
        let tasks: Vec<Task> = arrivals.map(|arrival| Task { id: Uuid::now_v7(), arrival }).collect();
        self.last_arrival += n_tasks as i64;
        self.submit(&tasks).await?;
        let script = self.script;
        for round in &script.rounds {
            for tasks in tasks.chunks(Script::tasks_at_once(round)) {
                self.go_on(tasks, round).await?;
            }
        }
        Ok(())
    }

    async fn submit(&mut self, tasks: &[Task]) -> sqlx::Result<()> {
        let change = &self.script.new.change;
        let query = tasks_and_requests(sqlx::query(NEW_TASKS), self.script, self.revision_id, tasks);
        let query = new_steps(query, tasks, change).bind(self.handler_id);
        let query = log(inserted(query, tasks, change), tasks, change);
        self.execute(query).await
    }

    async fn go_on(&mut self, tasks: &[Task], round: &Round) -> sqlx::Result<()> {
        let change = &round.change;
        let query = changed_steps(changed_tasks(sqlx::query(CHANGES), tasks, change), tasks, change);
        let query = deleted(updated(query, tasks, change), tasks, change).bind(self.handler_id);
        let query = log(inserted(query, tasks, change), tasks, change);
        self.execute(query).await
    }

    async fn execute(&mut self, query: Query<'_>) -> sqlx::Result<()> {
        query.execute(&mut *self.connection).await?;
        self.commits += 1;
        Ok(())
    }
}

/// One value for each row of each task: a column.
fn column<'r, T, C>(tasks: &[Task], rows: &'r [T], value: impl Fn(Task, &'r T) -> C) -> Vec<C> {
    tasks
        .iter()
        .flat_map(|&task| rows.iter().map(move |row| (task, row)))
        .map(|(task, row)| value(task, row))
        .collect()
}

fn tasks_and_requests<'q>(
    query: Query<'q>,
    script: &'q Script,
    revision_id: Uuid,
    tasks: &[Task],
) -> Query<'q> {
    let row = script.new.change.task.as_ref().expect("a new task has its row");
    let input = &script.new.input;
    let n = tasks.len();
    query
        .bind(tasks.iter().map(|task| task.id).collect::<Vec<_>>())
        .bind(tasks.iter().map(|task| task.arrival).collect::<Vec<_>>())
        .bind(revision_id)
        .bind(vec![row.log_seq as i64; n])
        .bind(vec![row.active.cast_signed(); n])
        .bind(vec![row.remaining.cast_signed(); n])
        .bind(vec![i16::from(row.state.code()); n])
        .bind(vec![i16::from(row.priority.get()); n])
        .bind(vec![input.content.0.to_vec(); n])
        .bind(vec![input.initiator.as_str(); n])
        .bind(vec![input.source_system.as_str(); n])
        .bind(vec![input.reason.as_str(); n])
        .bind(vec![input.context.as_str(); n])
}

fn new_steps<'q>(query: Query<'q>, tasks: &[Task], change: &'q TaskChange) -> Query<'q> {
    let steps = &change.steps;
    query
        .bind(column(tasks, steps, |task, _| task.id))
        .bind(column(tasks, steps, |_, step| step.record.ordinal.0.cast_signed()))
        .bind(column(tasks, steps, |_, step| step.record.waits.cast_signed()))
        .bind(column(tasks, steps, |_, step| step.record.retry_limit.cast_signed()))
        .bind(column(tasks, steps, |_, step| step.record.retryable))
        .bind(column(tasks, steps, |_, step| i16::from(step.record.state.code())))
}

fn changed_tasks<'q>(query: Query<'q>, tasks: &[Task], change: &'q TaskChange) -> Query<'q> {
    let rows = change.task.as_slice();
    query
        .bind(column(tasks, rows, |task, _| task.id))
        .bind(column(tasks, rows, |_, row| i16::from(row.state.code())))
        .bind(column(tasks, rows, |_, row| row.active.cast_signed()))
        .bind(column(tasks, rows, |_, row| row.remaining.cast_signed()))
        .bind(column(tasks, rows, |_, row| row.log_seq as i64))
        .bind(column(tasks, rows, |_, row| row.ended_at.is_some()))
}

fn changed_steps<'q>(query: Query<'q>, tasks: &[Task], change: &'q TaskChange) -> Query<'q> {
    let steps = &change.steps;
    query
        .bind(column(tasks, steps, |task, _| task.id))
        .bind(column(tasks, steps, |_, step| step.record.ordinal.0.cast_signed()))
        .bind(column(tasks, steps, |_, step| i16::from(step.record.state.code())))
        .bind(column(tasks, steps, |_, step| step.record.waits.cast_signed()))
        .bind(column(tasks, steps, |_, step| step.record.attempts.cast_signed()))
        .bind(column(tasks, steps, |_, step| step.record.fence.0 as i64))
        .bind(column(tasks, steps, |_, step| step.record.settled_fence.0 as i64))
        .bind(column(tasks, steps, |_, step| step.record.state == StepState::InProgress))
        .bind(column(tasks, steps, |_, step| step.record.state == StepState::Complete))
        .bind(column(tasks, steps, |_, step| step.results.as_ref().map(|results| results.as_str())))
}

fn updated<'q>(query: Query<'q>, tasks: &[Task], change: &'q TaskChange) -> Query<'q> {
    let rows = rows_that(change, |change| match change {
        QueueChange::Update(row) => Some(row),
        _ => None,
    });
    query
        .bind(column(tasks, &rows, |task, _| task.id))
        .bind(column(tasks, &rows, |_, row| row.ordinal.0.cast_signed()))
        .bind(column(tasks, &rows, |_, row| row.fence.0 as i64))
        .bind(column(tasks, &rows, |_, row| row.worker.map(|worker| worker.0)))
}

fn deleted<'q>(query: Query<'q>, tasks: &[Task], change: &'q TaskChange) -> Query<'q> {
    let steps: Vec<i32> = change
        .queue
        .iter()
        .filter_map(|change| match change {
            QueueChange::Delete(step) => Some(step.0.cast_signed()),
            _ => None,
        })
        .collect();
    query.bind(column(tasks, &steps, |task, _| task.id)).bind(column(tasks, &steps, |_, step| *step))
}

fn inserted<'q>(query: Query<'q>, tasks: &[Task], change: &'q TaskChange) -> Query<'q> {
    let rows = rows_that(change, |change| match change {
        QueueChange::Insert(row) => Some(row),
        _ => None,
    });
    query
        .bind(column(tasks, &rows, |task, _| task.id))
        .bind(column(tasks, &rows, |task, _| task.arrival))
        .bind(column(tasks, &rows, |_, row| row.ordinal.0.cast_signed()))
        .bind(column(tasks, &rows, |_, row| i16::from(row.priority.get())))
        .bind(column(tasks, &rows, |_, row| row.fence.0 as i64))
        .bind(column(tasks, &rows, |_, row| row.worker.map(|worker| worker.0)))
}

fn rows_that<'q>(
    change: &'q TaskChange,
    row: impl Fn(&'q QueueChange) -> Option<&'q QueueRow>,
) -> Vec<&'q QueueRow> {
    change.queue.iter().filter_map(row).collect()
}

fn log<'q>(query: Query<'q>, tasks: &[Task], change: &'q TaskChange) -> Query<'q> {
    let entries = &change.log;
    let states = |change: Change| match change {
        Change::Task { from, to } => (from.map(|state| state.code()), to.code()),
        Change::Step { from, to, .. } => (from.map(|state| state.code()), to.code()),
    };
    let ordinal = |change: Change| match change {
        Change::Task { .. } => None,
        Change::Step { ordinal, .. } => Some(ordinal.0.cast_signed()),
    };
    query
        .bind(column(tasks, entries, |task, _| task.id))
        .bind(column(tasks, entries, |_, entry| entry.seq as i64))
        .bind(column(tasks, entries, |_, entry| ordinal(entry.change)))
        .bind(column(tasks, entries, |_, entry| states(entry.change).0.map(i16::from)))
        .bind(column(tasks, entries, |_, entry| i16::from(states(entry.change).1)))
        .bind(column(tasks, entries, |_, entry| entry.actor.as_str()))
        .bind(column(tasks, entries, |_, entry| entry.metadata.as_deref()))
}
