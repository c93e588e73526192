//! Between rows and values of the domain.

use rusqlite::Row;
use rusqlite::types::{Type, ValueRef};
use tasker_core::definition::Priority;
use tasker_core::ids::{Digest, Fence, Ordinal, TaskId, WorkerId};
use tasker_core::outcome::StepError;
use tasker_core::payload::Payload;
use tasker_core::record::{Change, QueueRow, StepDetail, StepRecord, TaskRecord, Transition};
use tasker_core::state::{StepState, TaskState};
use tasker_core::time::Timestamp;
use uuid::Uuid;

use crate::recent::KnownStep;

/// Bits of a step's key that hold its ordinal; the rest is its task's `seq`.
const ORDINAL_BITS: u32 = 15;

/// The columns of `step_one`, `step_range`, `step_free`, and `step_details` before its payloads.
const N_STEP_COLUMNS: usize = 21;

/// The key of a step and of its queue row.
pub(crate) fn step_key(seq: i64, ordinal: Ordinal) -> i64 {
    (seq << ORDINAL_BITS) | i64::from(ordinal.0)
}

/// The first and the last key that steps of a task may have.
pub(crate) fn key_range(seq: i64) -> (i64, i64) {
    (seq << ORDINAL_BITS, (seq << ORDINAL_BITS) | ((1 << ORDINAL_BITS) - 1))
}

/// The task's `seq` and the ordinal of a key.
pub(crate) fn split_key(key: i64) -> (i64, Ordinal) {
    (key >> ORDINAL_BITS, Ordinal((key & ((1 << ORDINAL_BITS) - 1)) as u32))
}

/// A task's hot row as it is stored: its revision is a number.
#[derive(Clone, Debug)]
pub(crate) struct StoredTask {
    pub(crate) seq: i64,
    pub(crate) id: TaskId,
    pub(crate) revision_id: i64,
    pub(crate) state: TaskState,
    pub(crate) active: u32,
    pub(crate) remaining: u32,
    pub(crate) priority: Priority,
    pub(crate) log_seq: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) ended_at: Option<Timestamp>,
}

/// Reads the columns of `task_by_id`.
pub(crate) fn task(row: &Row<'_>) -> rusqlite::Result<StoredTask> {
    Ok(StoredTask {
        seq: row.get(0)?,
        id: task_id(row, 1)?,
        revision_id: row.get(2)?,
        state: task_state(row, 3)?,
        active: row.get(4)?,
        remaining: row.get(5)?,
        priority: priority(row, 6)?,
        log_seq: count(row, 7)?,
        created_at: instant(row, 8)?,
        updated_at: instant(row, 9)?,
        ended_at: maybe_instant(row, 10)?,
    })
}

impl StoredTask {
    /// The row as the rules know it. `revision` is the digest of the revision that the row names.
    pub(crate) fn record(&self, revision: Digest) -> TaskRecord {
        TaskRecord {
            id: self.id,
            revision,
            state: self.state,
            active: self.active,
            remaining: self.remaining,
            priority: self.priority,
            log_seq: self.log_seq,
            created_at: self.created_at,
            updated_at: self.updated_at,
            ended_at: self.ended_at,
        }
    }

    /// Takes over what the rules made of the row.
    pub(crate) fn follow(&mut self, record: &TaskRecord) {
        *self = Self::new(self.seq, self.revision_id, record);
    }

    /// A row as it is stored.
    pub(crate) fn new(seq: i64, revision_id: i64, record: &TaskRecord) -> Self {
        Self {
            seq,
            id: record.id,
            revision_id,
            state: record.state,
            active: record.active,
            remaining: record.remaining,
            priority: record.priority,
            log_seq: record.log_seq,
            created_at: record.created_at,
            updated_at: record.updated_at,
            ended_at: record.ended_at,
        }
    }
}

/// Reads the columns of `step_one`: a step and its queue row.
pub(crate) fn step(row: &Row<'_>) -> rusqlite::Result<(StepRecord, Option<QueueRow>)> {
    let ordinal = split_key(row.get(0)?).1;
    let record = StepRecord {
        ordinal,
        state: step_state(row, 1)?,
        waits: row.get(2)?,
        attempts: row.get(3)?,
        retry_limit: row.get(4)?,
        retryable: row.get(5)?,
        fence: fence(row, 6)?,
        settled_fence: fence(row, 7)?,
        lease_expiries: row.get(8)?,
        key_generation: row.get(9)?,
        last_attempted_at: maybe_instant(row, 10)?,
        backoff_seconds: row.get(11)?,
        started_at: maybe_instant(row, 12)?,
        processed_at: maybe_instant(row, 13)?,
        updated_at: instant(row, 14)?,
    };
    let is_queued = row.get::<_, Option<i64>>(15)?.is_some();
    Ok((record, if is_queued { Some(queue(row, ordinal, 16)?) } else { None }))
}

/// Reads the columns of `step_one`, as they are kept.
pub(crate) fn known_step(row: &Row<'_>) -> rusqlite::Result<KnownStep> {
    let (record, queue) = step(row)?;
    Ok(KnownStep { record, queue, has_inputs: row.get(N_STEP_COLUMNS - 1)? })
}

/// Reads the columns of `check_strays`: a queue row with its key.
pub(crate) fn queue_row(row: &Row<'_>) -> rusqlite::Result<QueueRow> {
    queue(row, split_key(row.get(0)?).1, 1)
}

fn queue(row: &Row<'_>, ordinal: Ordinal, first: usize) -> rusqlite::Result<QueueRow> {
    let worker: Option<[u8; 16]> = row.get(first + 2)?;
    Ok(QueueRow {
        ordinal,
        priority: priority(row, first)?,
        run_at: instant(row, first + 1)?,
        worker: worker.map(|bytes| WorkerId(Uuid::from_bytes(bytes))),
        fence: fence(row, first + 3)?,
    })
}

/// Reads the columns of `step_details`.
pub(crate) fn step_detail(row: &Row<'_>) -> rusqlite::Result<StepDetail> {
    let (record, queue) = step(row)?;
    let error = match row.get_ref(N_STEP_COLUMNS + 2)?.as_str_or_null()? {
        Some(text) => {
            Some(serde_json::from_str::<StepError>(text).map_err(|e| unreadable(N_STEP_COLUMNS + 2, e))?)
        }
        None => None,
    };
    Ok(StepDetail {
        record,
        inputs: maybe_payload(row, N_STEP_COLUMNS)?,
        results: maybe_payload(row, N_STEP_COLUMNS + 1)?,
        error,
        queue,
    })
}

/// Reads six columns of a log entry, from `seq` on.
pub(crate) fn transition(row: &Row<'_>, first: usize) -> rusqlite::Result<Transition> {
    let change = match row.get::<_, Option<u32>>(first + 1)? {
        None => Change::Task { from: maybe(row, first + 2, task_state)?, to: task_state(row, first + 3)? },
        Some(ordinal) => Change::Step {
            ordinal: Ordinal(ordinal),
            from: maybe(row, first + 2, step_state)?,
            to: step_state(row, first + 3)?,
        },
    };
    Ok(Transition {
        seq: count(row, first)?,
        change,
        at: instant(row, first + 4)?,
        actor: actor(row, first + 5)?,
        metadata: row.get(first + 6)?,
    })
}

/// Who is named in the log: a worker by its id, anybody else by name.
fn actor(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    match row.get_ref(column)? {
        ValueRef::Blob(_) => Ok(worker_id(row, column)?.actor()),
        _ => row.get(column),
    }
}

/// A task's id.
pub(crate) fn task_id(row: &Row<'_>, column: usize) -> rusqlite::Result<TaskId> {
    Ok(TaskId(Uuid::from_bytes(row.get(column)?)))
}

/// A worker's id.
pub(crate) fn worker_id(row: &Row<'_>, column: usize) -> rusqlite::Result<WorkerId> {
    Ok(WorkerId(Uuid::from_bytes(row.get(column)?)))
}

/// An instant.
pub(crate) fn instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_micros)
}

/// An instant or null.
pub(crate) fn maybe_instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros))
}

/// A fence.
pub(crate) fn fence(row: &Row<'_>, column: usize) -> rusqlite::Result<Fence> {
    count(row, column).map(Fence)
}

/// A number that is never negative.
pub(crate) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, value))
}

/// JSON text or null.
pub(crate) fn maybe_payload(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Payload>> {
    Ok(row.get_ref(column)?.as_str_or_null()?.map(Payload::from_stored))
}

/// JSON text.
pub(crate) fn payload(row: &Row<'_>, column: usize) -> rusqlite::Result<Payload> {
    Ok(Payload::from_stored(row.get_ref(column)?.as_str()?))
}

/// A value that is kept as JSON text.
pub(crate) fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| unreadable(column, error))
}

/// A name that keeps a rule.
pub(crate) fn name<T>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    row.get_ref(column)?.as_str()?.parse().map_err(|error| unreadable(column, error))
}

/// The state of a task.
pub(crate) fn task_state(row: &Row<'_>, column: usize) -> rusqlite::Result<TaskState> {
    let code: u8 = row.get(column)?;
    TaskState::from_code(code).ok_or(rusqlite::Error::IntegralValueOutOfRange(column, i64::from(code)))
}

pub(crate) fn step_state(row: &Row<'_>, column: usize) -> rusqlite::Result<StepState> {
    let code: u8 = row.get(column)?;
    StepState::from_code(code).ok_or(rusqlite::Error::IntegralValueOutOfRange(column, i64::from(code)))
}

fn priority(row: &Row<'_>, column: usize) -> rusqlite::Result<Priority> {
    let value: u8 = row.get(column)?;
    Priority::new(value).ok_or(rusqlite::Error::IntegralValueOutOfRange(column, i64::from(value)))
}

fn maybe<T>(
    row: &Row<'_>,
    column: usize,
    read: fn(&Row<'_>, usize) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    let is_null = row.get_ref(column)? == rusqlite::types::ValueRef::Null;
    if is_null { Ok(None) } else { read(row, column).map(Some) }
}

fn unreadable(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_its_task_and_its_step() {
        for (seq, ordinal) in [(1, 0), (1, 32_767), (7, 19_999), (1 << 40, 3)] {
            let key = step_key(seq, Ordinal(ordinal));
            assert_eq!(split_key(key), (seq, Ordinal(ordinal)));
            let (first, last) = key_range(seq);
            assert!((first..=last).contains(&key));
            assert!(!(first..=last).contains(&step_key(seq + 1, Ordinal(0))));
        }
    }
}
