//! Between rows and values of the domain.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgHasArrayType, PgRow, PgTypeInfo, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Row, Type};
use tasker_core::definition::Priority;
use tasker_core::ids::{Digest, Fence, Ordinal, TaskId, WorkerId};
use tasker_core::names::HandlerName;
use tasker_core::outcome::StepError;
use tasker_core::payload::Payload;
use tasker_core::record::{Change, QueueRow, StepDetail, StepRecord, TaskRecord, Transition};
use tasker_core::state::{StepState, TaskState};
use tasker_core::time::Timestamp;
use uuid::Uuid;

type Read<T> = Result<T, sqlx::Error>;

/// Columns of a step with its queue row, from `load_steps.sql`; payloads follow them.
const N_STEP_COLUMNS: usize = 21;

/// An instant as the server keeps it: microseconds since 2000-01-01 UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct At(pub(crate) Timestamp);

/// 2000-01-01T00:00:00Z in microseconds since 1970.
const YEAR_2000: i64 = 946_684_800_000_000;

impl Type<Postgres> for At {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1184))
    }
}

impl PgHasArrayType for At {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(1185))
    }
}

impl Encode<'_, Postgres> for At {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let micros = self.0.as_micros().saturating_sub(YEAR_2000);
        Encode::<Postgres>::encode_by_ref(&micros, buffer)
    }
}

impl Decode<'_, Postgres> for At {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let micros = i64::from_be_bytes(value.as_bytes()?.try_into()?);
        Ok(Self(Timestamp::from_micros(micros.saturating_add(YEAR_2000))))
    }
}

/// The key of a revision: the first half of its digest.
pub(crate) fn revision_id(digest: Digest) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.0[..16]);
    Uuid::from_bytes(bytes)
}

/// The key of a handler: the first bytes of the digest of its name.
pub(crate) fn handler_id(name: &HandlerName) -> i64 {
    let digest = Digest::of(name.as_str().as_bytes()).0;
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    i64::from_be_bytes(bytes)
}

/// What a transaction leaves on every task that it writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stamp {
    /// The place of its log entries in the stream.
    pub(crate) epoch: i32,
    /// The transaction.
    pub(crate) xid: i64,
    /// The version of the tasks.
    pub(crate) version: i64,
}

/// A task's row as it is stored: its revision is a key, and its place in the stream stands beside it.
#[derive(Clone, Debug)]
pub(crate) struct StoredTask {
    pub(crate) id: TaskId,
    pub(crate) revision_id: Uuid,
    pub(crate) log_epoch: i32,
    pub(crate) log_xid: i64,
    state: TaskState,
    active: u32,
    remaining: u32,
    priority: Priority,
    log_seq: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    ended_at: Option<Timestamp>,
    /// Its number in the order of acceptance.
    pub(crate) arrival: i64,
    /// Another number after every change of anything of the task. Known of tasks that were locked.
    pub(crate) version: i64,
}

/// Reads the columns of a task from `first` on; `None` if they are null.
pub(crate) fn task(row: &PgRow, first: usize) -> Read<Option<StoredTask>> {
    let Some(id) = row.try_get::<Option<Uuid>, _>(first)? else { return Ok(None) };
    Ok(Some(StoredTask {
        id: TaskId(id),
        revision_id: row.try_get(first + 1)?,
        state: task_state(row, first + 2)?,
        active: natural(row, first + 3)?,
        remaining: natural(row, first + 4)?,
        priority: priority(row, first + 5)?,
        log_seq: count(row, first + 6)?,
        log_epoch: row.try_get(first + 7)?,
        log_xid: row.try_get(first + 8)?,
        created_at: instant(row, first + 9)?,
        updated_at: instant(row, first + 10)?,
        ended_at: maybe_instant(row, first + 11)?,
        arrival: row.try_get(first + 12)?,
        version: 0,
    }))
}

impl StoredTask {
    /// The row of a task as it is accepted.
    pub(crate) fn new(record: &TaskRecord, arrival: i64, stamp: Stamp) -> Self {
        Self {
            id: record.id,
            revision_id: revision_id(record.revision),
            log_epoch: stamp.epoch,
            log_xid: stamp.xid,
            state: record.state,
            active: record.active,
            remaining: record.remaining,
            priority: record.priority,
            log_seq: record.log_seq,
            created_at: record.created_at,
            updated_at: record.updated_at,
            ended_at: record.ended_at,
            arrival,
            version: stamp.version,
        }
    }

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

    /// The place of its last log entry in an epoch of the stream; 0 if that was in another one.
    pub(crate) fn log_xid_in(&self, epoch: i32) -> i64 {
        if self.log_epoch == epoch { self.log_xid } else { 0 }
    }

    /// Whether work may still happen by itself.
    pub(crate) fn is_open(&self) -> bool {
        self.state.is_open()
    }

    /// Takes over what was decided and written.
    pub(crate) fn become_record(&mut self, record: &TaskRecord, stamp: Stamp) {
        self.log_xid = stamp.xid.max(self.log_xid_in(stamp.epoch));
        self.log_epoch = stamp.epoch;
        self.version = stamp.version;
        self.state = record.state;
        self.active = record.active;
        self.remaining = record.remaining;
        self.priority = record.priority;
        self.log_seq = record.log_seq;
        self.updated_at = record.updated_at;
        self.ended_at = record.ended_at;
    }
}

/// Reads the columns of `load_steps.sql`: a step's task, the step, its queue row, and whether it has inputs of its own.
pub(crate) fn step(row: &PgRow) -> Read<(TaskId, StepRecord, Option<QueueRow>, bool)> {
    let ordinal = ordinal(row, 1)?;
    let record = StepRecord {
        ordinal,
        state: step_state(row, 2)?,
        waits: natural(row, 3)?,
        attempts: natural(row, 4)?,
        retry_limit: natural(row, 5)?,
        retryable: row.try_get(6)?,
        fence: fence(row, 7)?,
        settled_fence: fence(row, 8)?,
        lease_expiries: natural(row, 9)?,
        key_generation: natural(row, 10)?,
        last_attempted_at: maybe_instant(row, 11)?,
        backoff_seconds: row.try_get::<Option<i32>, _>(12)?.map(|n| to_natural(12, n)).transpose()?,
        started_at: maybe_instant(row, 13)?,
        processed_at: maybe_instant(row, 14)?,
        updated_at: instant(row, 15)?,
    };
    let is_queued = row.try_get::<Option<i64>, _>(16)?.is_some();
    let queue = if is_queued { Some(queue(row, ordinal, 16)?) } else { None };
    Ok((TaskId(row.try_get(0)?), record, queue, row.try_get(20)?))
}

/// Reads the columns of `repair_strays.sql`: a queue row with its ordinal.
pub(crate) fn queue_row(row: &PgRow) -> Read<QueueRow> {
    queue(row, ordinal(row, 0)?, 1)
}

fn queue(row: &PgRow, ordinal: Ordinal, first: usize) -> Read<QueueRow> {
    Ok(QueueRow {
        ordinal,
        fence: fence(row, first)?,
        priority: priority(row, first + 1)?,
        run_at: instant(row, first + 2)?,
        worker: row.try_get::<Option<Uuid>, _>(first + 3)?.map(WorkerId),
    })
}

/// Reads the columns of `task_steps.sql`.
pub(crate) fn step_detail(row: &PgRow) -> Read<StepDetail> {
    let (_, record, queue, _) = step(row)?;
    let error: Option<&str> = row.try_get(N_STEP_COLUMNS + 2)?;
    let error = error.map(serde_json::from_str::<StepError>).transpose();
    Ok(StepDetail {
        record,
        inputs: maybe_payload(row, N_STEP_COLUMNS)?,
        results: maybe_payload(row, N_STEP_COLUMNS + 1)?,
        error: error.map_err(|error| unreadable(N_STEP_COLUMNS + 2, error))?,
        queue,
    })
}

/// Reads seven columns of a log entry, from `seq` on.
pub(crate) fn transition(row: &PgRow, first: usize) -> Read<Transition> {
    let step: Option<i32> = row.try_get(first + 1)?;
    let from: Option<i16> = row.try_get(first + 2)?;
    let change = match step {
        None => Change::Task {
            from: from.map(|code| to_task_state(first + 2, code)).transpose()?,
            to: task_state(row, first + 3)?,
        },
        Some(_) => Change::Step {
            ordinal: ordinal(row, first + 1)?,
            from: from.map(|code| to_step_state(first + 2, code)).transpose()?,
            to: step_state(row, first + 3)?,
        },
    };
    Ok(Transition {
        seq: count(row, first)?,
        change,
        at: instant(row, first + 4)?,
        actor: row.try_get(first + 5)?,
        metadata: row.try_get(first + 6)?,
    })
}

/// A stored JSON text.
pub(crate) fn payload(row: &PgRow, column: usize) -> Read<Payload> {
    Ok(Payload::from_stored(row.try_get::<&str, _>(column)?))
}

/// A stored JSON text, if there is one.
pub(crate) fn maybe_payload(row: &PgRow, column: usize) -> Read<Option<Payload>> {
    Ok(row.try_get::<Option<&str>, _>(column)?.map(Payload::from_stored))
}

/// An instant.
pub(crate) fn instant(row: &PgRow, column: usize) -> Read<Timestamp> {
    Ok(row.try_get::<At, _>(column)?.0)
}

/// An instant, if there is one.
pub(crate) fn maybe_instant(row: &PgRow, column: usize) -> Read<Option<Timestamp>> {
    Ok(row.try_get::<Option<At>, _>(column)?.map(|at| at.0))
}

/// A position of a step.
pub(crate) fn ordinal(row: &PgRow, column: usize) -> Read<Ordinal> {
    natural(row, column).map(Ordinal)
}

/// A fence.
pub(crate) fn fence(row: &PgRow, column: usize) -> Read<Fence> {
    count(row, column).map(Fence)
}

/// A number that is not negative.
pub(crate) fn count(row: &PgRow, column: usize) -> Read<u64> {
    u64::try_from(row.try_get::<i64, _>(column)?).map_err(|error| unreadable(column, error))
}

/// A small number that is not negative.
pub(crate) fn natural(row: &PgRow, column: usize) -> Read<u32> {
    to_natural(column, row.try_get(column)?)
}

fn to_natural(column: usize, number: i32) -> Read<u32> {
    u32::try_from(number).map_err(|error| unreadable(column, error))
}

/// A digest.
pub(crate) fn digest(row: &PgRow, column: usize) -> Read<Digest> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes.try_into().map(Digest).map_err(|error| unreadable(column, error))
}

/// A name that keeps a rule.
pub(crate) fn name<T>(row: &PgRow, column: usize) -> Read<T>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    row.try_get::<&str, _>(column)?.parse().map_err(|error| unreadable(column, error))
}

/// Names that keep a rule.
pub(crate) fn names<T>(row: &PgRow, column: usize) -> Read<Vec<T>>
where
    T: std::str::FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let texts: Vec<String> = row.try_get(column)?;
    texts.iter().map(|text| text.parse().map_err(|error| unreadable(column, error))).collect()
}

/// The state of a task.
pub(crate) fn task_state(row: &PgRow, column: usize) -> Read<TaskState> {
    to_task_state(column, row.try_get(column)?)
}

/// An urgency.
pub(crate) fn priority(row: &PgRow, column: usize) -> Read<Priority> {
    let value: i16 = row.try_get(column)?;
    u8::try_from(value).ok().and_then(Priority::new).ok_or_else(|| strange(column, value))
}

fn step_state(row: &PgRow, column: usize) -> Read<StepState> {
    to_step_state(column, row.try_get(column)?)
}

fn to_task_state(column: usize, code: i16) -> Read<TaskState> {
    u8::try_from(code).ok().and_then(TaskState::from_code).ok_or_else(|| strange(column, code))
}

fn to_step_state(column: usize, code: i16) -> Read<StepState> {
    u8::try_from(code).ok().and_then(StepState::from_code).ok_or_else(|| strange(column, code))
}

fn strange(column: usize, value: i16) -> sqlx::Error {
    unreadable(column, format!("{value} is not a code"))
}

fn unreadable(column: usize, error: impl Into<BoxDynError>) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.to_string(), source: error.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_beginnings_of_digests() {
        assert_eq!(revision_id(Digest([7; 32])), Uuid::from_bytes([7; 16]));
        // printf work | sha256sum
        let work = handler_id(&HandlerName::new("work").unwrap());
        assert_eq!(work, 0x00e1_3ed7_af55_b276);
        assert_ne!(work, handler_id(&HandlerName::new("Work").unwrap()));
    }
}
