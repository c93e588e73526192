//! Deleting what is over and old.

use std::time::Duration;

use sqlx::Row;
use tasker_core::time::Timestamp;
use tasker_store::write::{Prune, Pruned};
use uuid::Uuid;

use crate::Parts;
use crate::error::Trouble;
use crate::log;
use crate::rows::{self, At};
use crate::session::{Begin, Session};
use crate::sql;

/// How long rows of workers that are gone are kept (`engine.md` 8).
const KEEP_WORKERS: Duration = Duration::from_secs(24 * 60 * 60);

/// Deletes one batch; those that ended first go first.
pub(crate) async fn prune(parts: &Parts, request: &Prune) -> Result<Pruned, Trouble> {
    let kind = if request.dry_run { Begin::Snapshot } else { Begin::Write };
    let mut session = parts.reads.begin(kind).await?;
    let pruned = match request.dry_run {
        true => count(parts, &mut session, request).await,
        false => delete(parts, &mut session, request).await,
    };
    session.end(pruned).await
}

fn age(request: &Prune) -> i64 {
    i64::try_from(request.finished_before.as_micros()).unwrap_or(i64::MAX)
}

fn clock(parts: &Parts) -> Option<At> {
    parts.clock.as_ref().map(|clock| At(clock()))
}

async fn count(parts: &Parts, session: &mut Session, request: &Prune) -> Result<Pruned, Trouble> {
    let query = session.query(sql::PRUNE_COUNT).bind(age(request)).bind(clock(parts));
    let query = query.bind(log::reader_memory());
    let row = session.row(query).await?;
    let tasks = row.map(|row| rows::count(&row, 0)).transpose()?.unwrap_or(0);
    Ok(Pruned { tasks, more: false })
}

async fn delete(parts: &Parts, session: &mut Session, request: &Prune) -> Result<Pruned, Trouble> {
    let limit = i64::try_from(request.batch).unwrap_or(i64::MAX).saturating_add(1);
    let query = session.query(sql::PRUNE_FIND).bind(age(request)).bind(clock(parts));
    let query = query.bind(log::reader_memory()).bind(limit);
    let found = session.rows(query).await?;
    let mut ids: Vec<Uuid> = found.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    let more = ids.len() > request.batch;
    ids.truncate(request.batch);
    let tasks = ids.len() as u64;
    if !ids.is_empty() {
        let query = session.query(sql::PRUNE_DELETE).bind(ids);
        session.execute(query).await?;
    }
    let now = now(parts, session).await?;
    let query = session.query(sql::PRUNE_WORKERS).bind(At(now.minus(KEEP_WORKERS)));
    session.execute(query).await?;
    Ok(Pruned { tasks, more })
}

async fn now(parts: &Parts, session: &mut Session) -> Result<Timestamp, Trouble> {
    if let Some(clock) = &parts.clock {
        return Ok(clock());
    }
    let query = session.query(sql::CLOCK);
    let row = session.row(query).await?;
    let row = row.ok_or_else(|| Trouble::Corrupt("the clock was answered without a row".into()))?;
    Ok(rows::instant(&row, 0)?)
}
