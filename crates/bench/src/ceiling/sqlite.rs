//! The ceiling on SQLite: prepared statements on one connection, with the store's own settings.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{CachedStatement, Connection, params};
use tasker_core::decide::{QueueChange, StepChange, TaskChange};
use tasker_core::ids::{Ordinal, WorkerId};
use tasker_core::record::{Change, QueueRow, Transition};
use tasker_core::state::StepState;
use uuid::Uuid;

use super::{BATCH, Plain, Round, Script};
use crate::counting::now_micros;
use crate::error::{BenchError, Trying};
use crate::workload;

/// Rows of one statement that inserts many.
const ROWS_AT_ONCE: usize = 32;

/// How a key is made of a task's number and a step's place; see the schema.
const KEYS_PER_TASK: i64 = 32_768;

macro_rules! sql {
    ($name:literal) => {
        include_str!(concat!("../../sql/sqlite/", $name, ".sql"))
    };
}

/// Opens a database that exists, as the store does.
pub(crate) fn connect(path: &Path) -> Result<Connection, BenchError> {
    let connection = Connection::open(path).trying("opening the database for plain SQL")?;
    set_up(&connection).trying("setting up a connection")?;
    Ok(connection)
}

/// The settings of the store's own connection: a write-ahead log that is synced at every commit.
pub(crate) fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -4_096)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 4_000, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", 64 * 1024 * 1024, |_| Ok(()))?;
    Ok(())
}

/// Writes tasks, `BATCH` after `BATCH` from submission to end. `look` is called after every commit.
pub(crate) fn write(
    path: &Path,
    script: &Script,
    tasks: usize,
    look: impl Fn(),
) -> Result<Plain, BenchError> {
    let mut connection = connect(path)?;
    let mut writer = Writer::new(&mut connection, script, look).trying("preparing to write tasks")?;
    let start = Instant::now();
    let mut left = tasks;
    while left > 0 {
        let group = left.min(BATCH);
        writer.group(group).trying("writing tasks")?;
        left -= group;
    }
    Ok(Plain { elapsed: start.elapsed(), commits: writer.commits })
}

struct Writer<'a, L> {
    connection: &'a mut Connection,
    script: &'a Script,
    look: L,
    revision_id: i64,
    handler_id: i64,
    steps_sql: [String; 2],
    log_sql: [String; 2],
    next_seq: i64,
    commits: u64,
}

/// What the rows of one transaction have in common.
#[derive(Clone, Copy)]
struct Moment {
    now: i64,
    revision_id: i64,
    handler_id: i64,
}

impl<'a, L: Fn()> Writer<'a, L> {
    fn new(connection: &'a mut Connection, script: &'a Script, look: L) -> rusqlite::Result<Self> {
        let digest = script.plan.digest.0;
        let handler = workload::handler_name();
        let ids = params![digest.as_slice(), handler.as_str()];
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let (revision_id, handler_id) = connection.query_row(sql!("revision"), ids, read)?;
        let last: Option<i64> = connection.query_row("SELECT max(seq) FROM task", [], |row| row.get(0))?;
        let many = |sql: &str, columns: usize| [1, ROWS_AT_ONCE].map(|rows| with_values(sql, rows, columns));
        Ok(Self {
            connection,
            script,
            look,
            revision_id,
            handler_id,
            steps_sql: many(sql!("step_insert"), 11),
            log_sql: many(sql!("transition_insert"), 8),
            next_seq: last.unwrap_or(0) + 1,
            commits: 0,
        })
    }

    fn group(&mut self, n_tasks: usize) -> rusqlite::Result<()> {
        let tasks: Vec<i64> = (self.next_seq..).take(n_tasks).collect();
        self.next_seq += n_tasks as i64;
        self.transaction(|writer, connection, moment| writer.submit(connection, moment, &tasks))?;
        for round in &self.script.rounds {
            for tasks in tasks.chunks(Script::tasks_at_once(round)) {
                self.transaction(|writer, connection, moment| {
                    writer.go_on(connection, moment, tasks, round)
                })?;
            }
        }
        Ok(())
    }

    fn transaction(
        &mut self,
        work: impl FnOnce(&Self, &Connection, Moment) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let now = i64::try_from(now_micros()).unwrap_or(i64::MAX);
        let moment = Moment { now, revision_id: self.revision_id, handler_id: self.handler_id };
        work(self, self.connection, moment)?;
        self.connection.execute_batch("COMMIT")?;
        self.commits += 1;
        (self.look)();
        Ok(())
    }

    fn submit(&self, connection: &Connection, moment: Moment, tasks: &[i64]) -> rusqlite::Result<()> {
        let mut task = connection.prepare_cached(sql!("task_insert"))?;
        let mut request = connection.prepare_cached(sql!("input_insert"))?;
        let input = &self.script.new.input;
        let change = &self.script.new.change;
        let row = change.task.as_ref().expect("a new task has its row");
        for &seq in tasks {
            let id = Uuid::now_v7();
            task.execute(params![
                seq,
                id.as_bytes().as_slice(),
                moment.revision_id,
                row.state.code(),
                row.active,
                row.remaining,
                row.priority.get(),
                row.log_seq as i64,
                moment.now
            ])?;
            let (from, content) = (&input.source_system, input.content.0.as_slice());
            let context = input.context.as_str();
            request.execute(params![
                seq,
                input.initiator,
                from,
                input.reason,
                moment.now,
                content,
                context,
                id.as_bytes().as_slice()
            ])?;
        }
        let steps = rows(tasks, &change.steps);
        insert(connection, &self.steps_sql, 11, &steps, |statement, first, (seq, step)| {
            bind_new_step(statement, first, *seq, step, moment)
        })?;
        queue(connection, moment, tasks, change)?;
        self.log(connection, moment, tasks, change)
    }

    fn go_on(
        &self,
        connection: &Connection,
        moment: Moment,
        tasks: &[i64],
        round: &Round,
    ) -> rusqlite::Result<()> {
        let change = &round.change;
        update_tasks(connection, moment, tasks, change)?;
        update_steps(connection, moment, tasks, change)?;
        queue(connection, moment, tasks, change)?;
        self.log(connection, moment, tasks, change)
    }

    fn log(
        &self,
        connection: &Connection,
        moment: Moment,
        tasks: &[i64],
        change: &TaskChange,
    ) -> rusqlite::Result<()> {
        let entries = rows(tasks, &change.log);
        insert(connection, &self.log_sql, 8, &entries, |statement, first, (seq, entry)| {
            bind_entry(statement, first, *seq, entry, moment)
        })
    }
}

/// The rows of each task.
fn rows<'a, T>(tasks: &[i64], rows: &'a [T]) -> Vec<(i64, &'a T)> {
    tasks.iter().flat_map(|&seq| rows.iter().map(move |row| (seq, row))).collect()
}

fn key(seq: i64, step: Ordinal) -> i64 {
    seq * KEYS_PER_TASK + i64::from(step.0)
}

/// A statement with placeholders for so many rows.
fn with_values(sql: &str, rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    format!("{sql} {}", vec![row.as_str(); rows].join(", "))
}

/// Inserts items, many with one statement.
fn insert<T>(
    connection: &Connection,
    [one, many]: &[String; 2],
    n_columns: usize,
    items: &[T],
    bind: impl Fn(&mut CachedStatement<'_>, usize, &T) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let (mut one, mut many) = (connection.prepare_cached(one)?, connection.prepare_cached(many)?);
    let chunks = items.chunks_exact(ROWS_AT_ONCE);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (item, first) in chunk.iter().zip((1..).step_by(n_columns)) {
            bind(&mut many, first, item)?;
        }
        many.raw_execute()?;
    }
    for item in rest {
        bind(&mut one, 1, item)?;
        one.raw_execute()?;
    }
    Ok(())
}

fn bind_new_step(
    statement: &mut CachedStatement<'_>,
    first: usize,
    seq: i64,
    step: &StepChange,
    moment: Moment,
) -> rusqlite::Result<()> {
    let record = &step.record;
    let values = [
        key(seq, record.ordinal),
        i64::from(record.state.code()),
        i64::from(record.waits),
        i64::from(record.attempts),
        i64::from(record.retry_limit),
        i64::from(record.retryable),
        record.fence.0 as i64,
        record.settled_fence.0 as i64,
        i64::from(record.lease_expiries),
        i64::from(record.key_generation),
        moment.now,
    ];
    values.iter().zip(first..).try_for_each(|(value, i)| statement.raw_bind_parameter(i, value))
}

fn bind_entry(
    statement: &mut CachedStatement<'_>,
    first: usize,
    seq: i64,
    entry: &Transition,
    moment: Moment,
) -> rusqlite::Result<()> {
    let (ordinal, from, to) = match entry.change {
        Change::Task { from, to } => (None, from.map(|state| state.code()), to.code()),
        Change::Step { ordinal, from, to } => (Some(ordinal.0), from.map(|state| state.code()), to.code()),
    };
    statement.raw_bind_parameter(first, seq)?;
    statement.raw_bind_parameter(first + 1, entry.seq as i64)?;
    statement.raw_bind_parameter(first + 2, ordinal)?;
    statement.raw_bind_parameter(first + 3, from)?;
    statement.raw_bind_parameter(first + 4, to)?;
    statement.raw_bind_parameter(first + 5, moment.now)?;
    match WorkerId::of_actor(&entry.actor) {
        Some(worker) => statement.raw_bind_parameter(first + 6, worker.0.as_bytes().as_slice())?,
        None => statement.raw_bind_parameter(first + 6, entry.actor.as_str())?,
    }
    statement.raw_bind_parameter(first + 7, entry.metadata.as_deref())
}

fn update_tasks(
    connection: &Connection,
    moment: Moment,
    tasks: &[i64],
    change: &TaskChange,
) -> rusqlite::Result<()> {
    let Some(task) = &change.task else { return Ok(()) };
    let changes_state = change.log.iter().any(|entry| matches!(entry.change, Change::Task { .. }));
    let sql = if changes_state { sql!("task_update_state") } else { sql!("task_update") };
    let mut update = connection.prepare_cached(sql)?;
    let (log_seq, ended_at) = (task.log_seq as i64, task.ended_at.map(|_| moment.now));
    for seq in tasks {
        if changes_state {
            let state = task.state.code();
            update.execute(params![
                seq,
                task.active,
                task.remaining,
                log_seq,
                moment.now,
                state,
                ended_at
            ])?;
        } else {
            update.execute(params![seq, task.active, task.remaining, log_seq, moment.now])?;
        }
    }
    Ok(())
}

fn update_steps(
    connection: &Connection,
    moment: Moment,
    tasks: &[i64],
    change: &TaskChange,
) -> rusqlite::Result<()> {
    let mut wait = connection.prepare_cached(sql!("step_wait"))?;
    let mut start = connection.prepare_cached(sql!("step_start"))?;
    let mut end = connection.prepare_cached(sql!("step_end"))?;
    let now = moment.now;
    for (seq, step) in rows(tasks, &change.steps) {
        let record = &step.record;
        let (key, state) = (key(seq, record.ordinal), record.state.code());
        match record.state {
            StepState::InProgress => {
                start.execute(params![key, state, record.attempts, record.fence.0 as i64, now])?
            }
            StepState::Complete => {
                let results = step.results.as_ref().map(|results| results.as_str());
                end.execute(params![key, state, record.settled_fence.0 as i64, now, results])?
            }
            _ => wait.execute(params![key, record.waits, now])?,
        };
    }
    Ok(())
}

fn queue(
    connection: &Connection,
    moment: Moment,
    tasks: &[i64],
    change: &TaskChange,
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(sql!("queue_insert"))?;
    let mut update = connection.prepare_cached(sql!("queue_update"))?;
    let mut delete = connection.prepare_cached(sql!("queue_delete"))?;
    for (seq, change) in rows(tasks, &change.queue) {
        match change {
            QueueChange::Delete(step) => delete.execute([key(seq, *step)])?,
            QueueChange::Update(row) => {
                update.execute(params![key(seq, row.ordinal), worker_of(row), row.fence.0 as i64])?
            }
            QueueChange::Insert(row) => insert.execute(params![
                key(seq, row.ordinal),
                moment.handler_id,
                row.priority.get(),
                moment.now,
                worker_of(row),
                row.fence.0 as i64
            ])?,
        };
    }
    Ok(())
}

fn worker_of(row: &QueueRow) -> Option<&[u8]> {
    row.worker.as_ref().map(|worker| worker.0.as_bytes().as_slice())
}
