//! Reading the log as a stream (`engine.md` 7).
//!
//! Transactions commit in another order than they begin, so the newest entries are held back until everything that could
//! stand before them is committed: no entry is ever told before one that has a lower position.

use std::time::Duration;

use sqlx::Row;
use sqlx::postgres::PgRow;
use tasker_core::decide::Rejection;
use tasker_core::record::Change;
use tasker_store::read::{Cursor, LogEntry, LogQuery};
use tokio::time::Instant;
use uuid::Uuid;

use crate::Parts;
use crate::error::Trouble;
use crate::rows;
use crate::session::{Begin, Session};
use crate::sql;

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
    let statement = match query.task {
        Some(task) => session.query(sql::LOG_OF_TASK).bind(task.0).bind(epoch).bind(xid).bind(n).bind(limit),
        None => {
            refuse_if_pruned(session, query.after).await?;
            session.query(sql::LOG_ALL).bind(epoch).bind(xid).bind(n).bind(limit)
        }
    };
    let rows = session.rows(statement).await?;
    let revisions: Vec<Option<Uuid>> = rows.iter().map(|row| row.try_get(4)).collect::<Result<_, _>>()?;
    parts.plans.learn(session, revisions.into_iter().flatten()).await?;
    rows.iter().map(|row| entry(parts, row)).collect()
}

fn position(cursor: Cursor) -> (i32, i64, i64) {
    let large = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    (i32::try_from(cursor.epoch()).unwrap_or(i32::MAX), large(cursor.xid()), large(cursor.n()))
}

fn entry(parts: &Parts, row: &PgRow) -> Result<LogEntry, Trouble> {
    let epoch = rows::natural(row, 0)?;
    let transition = rows::transition(row, 5)?;
    let plan = row.try_get::<Option<Uuid>, _>(4)?.and_then(|revision| parts.plans.known(revision));
    let step = match (&transition.change, plan) {
        (Change::Step { ordinal, .. }, Some(plan)) => {
            plan.definition.steps.get(ordinal.index()).map(|template| template.name.clone())
        }
        _ => None,
    };
    Ok(LogEntry {
        cursor: Cursor::within(epoch, rows::count(row, 1)?, rows::count(row, 2)?),
        task: tasker_core::ids::TaskId(row.try_get(3)?),
        step,
        transition,
    })
}

/// How far the log can be told and was deleted.
struct Horizon {
    pruned: Cursor,
    /// The first transaction that is under way.
    oldest: i64,
    /// The first transaction that is not begun.
    next: i64,
}

async fn horizon(session: &mut Session) -> Result<Horizon, Trouble> {
    let query = session.query(sql::LOG_HORIZON);
    let row = session.row(query).await?;
    let row = row.ok_or_else(|| Trouble::Corrupt("the state of the log is missing".into()))?;
    Ok(Horizon {
        pruned: Cursor::within(rows::natural(&row, 0)?, rows::count(&row, 1)?, rows::count(&row, 2)?),
        oldest: row.try_get(3)?,
        next: row.try_get(4)?,
    })
}

/// A reader that was overtaken by deletion must know it.
async fn refuse_if_pruned(session: &mut Session, after: Cursor) -> Result<(), Trouble> {
    if after == Cursor::START || after >= horizon(session).await?.pruned {
        return Ok(());
    }
    let message = format!("the log after position {after} was deleted");
    let help = Some("read from the beginning of what is left".into());
    Err(Rejection { code: "position_gone", message, help }.into())
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
