//! Reading the log as a stream (`engine.md` 7).
//!
//! Transactions commit in another order than they begin, so the newest entries are held back until everything that could
//! stand before them is committed: no entry is ever told before one that has a lower position.

use std::time::Duration;

use sqlx::Row;
use sqlx::postgres::PgRow;
use tasker_core::ids::TaskId;
use tasker_core::record::{Change, Origin};
use tasker_store::read::{Cursor, LogEntry, LogQuery, LogReader, Pruning, READER_MEMORY};
use tokio::time::Instant;
use uuid::Uuid;

use crate::Parts;
use crate::error::Trouble;
use crate::rows::{self, At};
use crate::session::{Begin, Session};
use crate::sql;

/// Where a transition begins in the columns of what reads the log.
pub(crate) const TRANSITION: usize = 6;

/// Time between two looks at what can be told.
const LOOK_AGAIN: Duration = Duration::from_millis(3);

/// Entries after a position, oldest first.
pub(crate) async fn log(parts: &Parts, query: &LogQuery) -> Result<Vec<LogEntry>, Trouble> {
    if query.task.is_none() {
        wait_for_others(parts).await?;
    }
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let entries = entries(parts, &mut session, query).await;
    session.end(entries).await
}

async fn entries(parts: &Parts, session: &mut Session, query: &LogQuery) -> Result<Vec<LogEntry>, Trouble> {
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX);
    let (epoch, xid, n) = position(query.after);
    let prunings = prunings(session).await?;
    let statement = match query.task {
        Some(task) => session.query(sql::LOG_OF_TASK).bind(task.0).bind(epoch).bind(xid).bind(n).bind(limit),
        None => {
            query.after.refuse_if_gone(&prunings)?;
            session.query(sql::LOG_ALL).bind(epoch).bind(xid).bind(n).bind(limit)
        }
    };
    let rows = session.rows(statement).await?;
    let revisions: Vec<Option<Uuid>> = rows.iter().map(|row| row.try_get(4)).collect::<Result<_, _>>()?;
    parts.plans.learn(session, revisions.into_iter().flatten()).await?;
    rows.iter().map(|row| entry(parts, row, count(&prunings))).collect()
}

/// The position before the last entries that can be told.
pub(crate) async fn end(parts: &Parts, task: Option<TaskId>, back: usize) -> Result<Cursor, Trouble> {
    if task.is_none() {
        wait_for_others(parts).await?;
    }
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let end = end_in(&mut session, task, back).await;
    session.end(end).await
}

async fn end_in(session: &mut Session, task: Option<TaskId>, back: usize) -> Result<Cursor, Trouble> {
    let back = i64::try_from(back).unwrap_or(i64::MAX);
    let prunings = prunings(session).await?;
    let query = match task {
        Some(task) => session.query(sql::LOG_END_OF_TASK).bind(task.0).bind(back),
        None => session.query(sql::LOG_END).bind(back),
    };
    let place = session.row(query).await?.map(|row| place(&row, 0)).transpose()?;
    Ok(place.unwrap_or(Cursor::START).after_prunings(count(&prunings)))
}

/// Deletions from the log, the latest last.
async fn prunings(session: &mut Session) -> Result<Vec<Pruning>, Trouble> {
    let query = session.query(sql::LOG_PRUNINGS);
    let rows = session.rows(query).await?;
    rows.iter().map(|row| Ok(Pruning { number: rows::count(row, 0)?, last: place(row, 1)? })).collect()
}

fn count(prunings: &[Pruning]) -> u64 {
    prunings.last().map_or(0, |last| last.number)
}

/// A position, from three columns.
fn place(row: &PgRow, first: usize) -> Result<Cursor, Trouble> {
    let [epoch, xid, n] = [first, first + 1, first + 2];
    Ok(Cursor::within(rows::natural(row, epoch)?, rows::count(row, xid)?, rows::count(row, n)?))
}

fn position(cursor: Cursor) -> (i32, i64, i64) {
    let large = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    (i32::try_from(cursor.epoch()).unwrap_or(i32::MAX), large(cursor.xid()), large(cursor.n()))
}

fn entry(parts: &Parts, row: &PgRow, prunings: u64) -> Result<LogEntry, Trouble> {
    let transition = rows::transition(row, TRANSITION)?;
    let plan = row.try_get::<Option<Uuid>, _>(4)?.and_then(|revision| parts.plans.known(revision));
    let step = match (&transition.change, &plan) {
        (Change::Step { ordinal, .. }, Some(plan)) => {
            plan.definition.steps.get(ordinal.index()).map(|template| template.name.clone())
        }
        _ => None,
    };
    Ok(LogEntry {
        cursor: place(row, 0)?.after_prunings(prunings),
        task: TaskId(row.try_get(3)?),
        origin: plan.map(|plan| Ok::<_, Trouble>(Origin::of(&plan, row.try_get(5)?))).transpose()?,
        step,
        transition,
    })
}

/// How long the log has not been told to its end.
pub(crate) async fn lag(parts: &Parts) -> Result<Duration, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let query = session.query(sql::LOG_LAG);
    let row = session.row(query).await;
    let row = session.end(row).await?;
    let micros: i64 = row.map_or(Ok(0), |row| row.try_get(0))?;
    Ok(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
}

/// How far the log can be told.
struct Horizon {
    /// The first transaction that is under way.
    oldest: i64,
    /// The first transaction that is not begun.
    next: i64,
}

async fn horizon(session: &mut Session) -> Result<Horizon, Trouble> {
    let query = session.query(sql::LOG_HORIZON);
    let row = session.row(query).await?;
    let row = row.ok_or_else(|| Trouble::Corrupt("the state of the log is missing".into()))?;
    Ok(Horizon { oldest: row.try_get(0)?, next: row.try_get(1)? })
}

/// Waits, if that is wished, until whatever is under way now has ended.
async fn wait_for_others(parts: &Parts) -> Result<(), Trouble> {
    if parts.log_patience.is_zero() {
        return Ok(());
    }
    let started = Instant::now();
    let mut target = None;
    while started.elapsed() < parts.log_patience {
        let mut session = parts.reads.begin(Begin::Snapshot).await?;
        let horizon = horizon(&mut session).await;
        let horizon = session.end(horizon).await?;
        if horizon.oldest >= *target.get_or_insert(horizon.next) {
            return Ok(());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}

/// Notes how far a reader has come.
pub(crate) async fn note_reader(parts: &Parts, name: String, at: Cursor) -> Result<(), Trouble> {
    let mut session = parts.reads.begin(Begin::Write).await?;
    let (epoch, xid, n) = position(at);
    let prunings = i64::try_from(at.prunings()).unwrap_or(i64::MAX);
    let query = session.query(sql::READER_NOTE).bind(name).bind(epoch).bind(xid).bind(n).bind(prunings);
    let query = query.bind(parts.clock.as_ref().map(|clock| At(clock())));
    let noted = session.execute(query).await.map(drop);
    session.end(noted).await
}

/// Forgets a reader; whether there was one.
pub(crate) async fn forget_reader(parts: &Parts, name: String) -> Result<bool, Trouble> {
    let mut session = parts.reads.begin(Begin::Write).await?;
    let query = session.query(sql::READER_FORGET).bind(name);
    let forgotten = session.execute(query).await.map(|n| n > 0);
    session.end(forgotten).await
}

/// The readers that were noted.
pub(crate) async fn readers(parts: &Parts) -> Result<Vec<LogReader>, Trouble> {
    let mut session = parts.reads.begin(Begin::Snapshot).await?;
    let now = parts.clock.as_ref().map(|clock| At(clock()));
    let query = session.query(sql::READER_LIST).bind(now).bind(reader_memory());
    let rows = session.rows(query).await;
    let readers = rows.and_then(|rows| rows.iter().map(reader).collect());
    session.end(readers).await
}

/// How long readers are waited for, in microseconds.
pub(crate) fn reader_memory() -> i64 {
    i64::try_from(READER_MEMORY.as_micros()).unwrap_or(i64::MAX)
}

fn reader(row: &PgRow) -> Result<LogReader, Trouble> {
    Ok(LogReader {
        name: row.try_get(0)?,
        position: place(row, 1)?.after_prunings(rows::count(row, 4)?),
        seen_at: rows::instant(row, 5)?,
        holds: row.try_get(6)?,
    })
}
