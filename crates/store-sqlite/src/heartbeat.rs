//! Workers: what they tell, and what they are told (`engine.md` 5).

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};
use std::time::Duration;

use tasker_core::ids::WorkerId;
use tasker_core::record::Claim;
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;
use tasker_store::workers::{ClaimKey, Heartbeat, HeartbeatAnswer, WorkerRow};
use tasker_store::write::Work;

use crate::error::Trouble;
use crate::load;
use crate::rows::{self, split_key};
use crate::save::json_text;
use crate::sql;
use crate::threads::Reader;
use crate::work::Claimed;
use crate::writer::{Writer, Writing};

/// One heartbeat.
pub(crate) fn heartbeat(writer: &mut Writer, beat: &Heartbeat) -> Result<HeartbeatAnswer, Trouble> {
    writer.locks.hold(beat.worker)?;
    let dead = dead_workers(writer, beat.worker)?;
    let answer = writer.transaction(|writing| {
        let before = known_before(writing.connection, beat.worker)?;
        if before.is_some_and(|(ended, _)| ended) {
            return Ok(HeartbeatAnswer { now: writing.now, lost: true, ..HeartbeatAnswer::default() });
        }
        note_alive(writing, beat)?;
        note_lost(writing, beat, before.map(|(_, heard_at)| heard_at), &dead)?;
        let (revoked, unknown) = compare(writing, beat)?;
        let orphans = orphans(writing.connection, beat.rescue_limit)?;
        Ok(HeartbeatAnswer { now: writing.now, lost: false, revoked, unknown, orphans })
    })?;
    if answer.lost {
        writer.locks.remove(beat.worker);
    }
    Ok(answer)
}

/// A worker says that it stopped.
pub(crate) fn stopped(writer: &mut Writer, worker: WorkerId) -> Result<(), Trouble> {
    writer.transaction(|writing| {
        let mut statement = writing.connection.prepare_cached(sql::WORKER_STOP)?;
        statement.execute(params![bytes(&worker), writing.now.as_micros()])?;
        Ok(())
    })?;
    writer.locks.remove(worker);
    Ok(())
}

/// All workers, newest first.
pub(crate) fn workers(reader: &Reader) -> Result<Vec<WorkerRow>, Trouble> {
    let mut statement = reader.connection.prepare_cached(sql::WORKER_LIST)?;
    let rows = statement.query_map([], |row| {
        Ok(WorkerRow {
            id: rows::worker_id(row, 0)?,
            name: row.get(1)?,
            version: row.get(2)?,
            handlers: rows::json(row, 3)?,
            capacity: row.get(4)?,
            running: row.get(5)?,
            started_at: rows::instant(row, 6)?,
            heartbeat_at: rows::instant(row, 7)?,
            lost_at: rows::maybe_instant(row, 8)?,
            stopped_at: rows::maybe_instant(row, 9)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Workers that count as live, but whose process is certainly gone.
fn dead_workers(writer: &Writer, but: WorkerId) -> Result<Vec<WorkerId>, Trouble> {
    let others = live_others(writer.connection(), but)?;
    Ok(others.into_iter().map(|(id, _)| id).filter(|id| writer.locks.is_dead(*id)).collect())
}

fn live_others(connection: &Connection, but: WorkerId) -> Result<Vec<(WorkerId, Timestamp)>, Trouble> {
    let mut statement = connection.prepare_cached(sql::WORKER_LIVE_OTHERS)?;
    let rows =
        statement.query_map([bytes(&but)], |row| Ok((rows::worker_id(row, 0)?, rows::instant(row, 1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether a worker was judged lost or stopped, and when it was last heard; `None` if it never was.
fn known_before(connection: &Connection, worker: WorkerId) -> Result<Option<(bool, Timestamp)>, Trouble> {
    let mut statement = connection.prepare_cached(sql::WORKER_SELECT)?;
    let known = statement.query_row([bytes(&worker)], |row| Ok((row.get(0)?, rows::instant(row, 1)?)));
    Ok(known.optional()?)
}

fn note_alive(writing: &Writing<'_>, beat: &Heartbeat) -> Result<(), Trouble> {
    writing.connection.prepare_cached(sql::WORKER_UPSERT)?.execute(params![
        bytes(&beat.worker),
        beat.name,
        beat.version,
        json_text(&beat.handlers),
        beat.capacity,
        writing.now.as_micros()
    ])?;
    Ok(())
}

/// Marks the dead, and, if this worker may judge, those whose lease is over.
fn note_lost(
    writing: &Writing<'_>,
    beat: &Heartbeat,
    heard_before: Option<Timestamp>,
    dead: &[WorkerId],
) -> Result<(), Trouble> {
    let mut lose = writing.connection.prepare_cached(sql::WORKER_LOSE)?;
    for worker in dead {
        lose.execute(params![bytes(worker), writing.now.as_micros()])?;
    }
    if !beat.judges(heard_before, writing.now) {
        return Ok(());
    }
    let oldest = writing.now.minus(beat.lease);
    for (worker, heartbeat_at) in live_others(writing.connection, beat.worker)? {
        if heartbeat_at < oldest {
            lose.execute(params![bytes(&worker), writing.now.as_micros()])?;
        }
    }
    Ok(())
}

/// A queue row in a worker's name.
struct Held {
    seq: i64,
    claim: Claim,
    task_state: TaskState,
    started_at: Option<Timestamp>,
}

impl Held {
    fn key(&self) -> ClaimKey {
        ClaimKey { task: self.claim.task, ordinal: self.claim.ordinal, fence: self.claim.fence }
    }
}

/// Compares what the worker knows with the rows in its name: claims it must drop, and claims it has never heard of.
fn compare(writing: &mut Writing<'_>, beat: &Heartbeat) -> Result<(Vec<ClaimKey>, Vec<Work>), Trouble> {
    let held = held_by(writing.connection, beat.worker)?;
    let by_key: HashMap<ClaimKey, &Held> = held.iter().map(|row| (row.key(), row)).collect();
    let is_valid = |key: &ClaimKey| by_key.get(key).is_some_and(|row| row.task_state != TaskState::Cancelled);
    let mut revoked: Vec<ClaimKey> = beat.held.iter().filter(|key| !is_valid(key)).copied().collect();
    let known: std::collections::HashSet<&ClaimKey> = beat.held.iter().collect();
    let settled_before = writing.now.minus(beat.interval());
    let mut unknown = Vec::new();
    for row in held.iter().filter(|row| !known.contains(&row.key())) {
        if row.started_at.is_some_and(|at| at <= settled_before) {
            unknown.extend(work_of(writing, row)?);
            revoked.extend(Some(row.key()).filter(|key| !is_valid(key)));
        }
    }
    Ok((revoked, unknown))
}

fn held_by(connection: &Connection, worker: WorkerId) -> Result<Vec<Held>, Trouble> {
    let mut statement = connection.prepare_cached(sql::WORKER_CLAIMS)?;
    let rows = statement.query_map([bytes(&worker)], |row| {
        let (seq, ordinal) = split_key(row.get(0)?);
        let started_at = rows::maybe_instant(row, 4)?;
        let due_at = rows::instant(row, 8)?;
        let claim = Claim {
            task: rows::task_id(row, 2)?,
            ordinal,
            fence: rows::fence(row, 1)?,
            attempt: row.get(5)?,
            retry_limit: row.get(6)?,
            key_generation: row.get(7)?,
            waited: started_at.map_or(Duration::ZERO, |started: Timestamp| started.since(due_at)),
            starts_task: false,
        };
        let task_state = rows::task_state(row, 3)?;
        Ok(Held { seq, claim, task_state, started_at })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn work_of(writing: &mut Writing<'_>, held: &Held) -> Result<Option<Work>, Trouble> {
    let Some(task) = load::task_of_seq(writing.connection, held.seq)? else { return Ok(None) };
    let revision = writing.revisions.get(writing.connection, task.revision_id)?;
    let claimed = Claimed {
        seq: task.seq,
        id: task.id,
        created_at: task.created_at,
        revision: &revision,
        has_inputs: true,
    };
    claimed.work(writing, held.claim.clone(), None).map(Some)
}

fn orphans(connection: &Connection, limit: usize) -> Result<Vec<ClaimKey>, Trouble> {
    let mut statement = connection.prepare_cached(sql::WORKER_ORPHANS)?;
    let rows = statement.query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
        let ordinal = split_key(row.get(0)?).1;
        Ok(ClaimKey { task: rows::task_id(row, 2)?, ordinal, fence: rows::fence(row, 1)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn bytes(worker: &WorkerId) -> &[u8] {
    worker.0.as_bytes()
}
