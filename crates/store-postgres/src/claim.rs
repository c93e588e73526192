//! Picking due steps from the queue (`engine.md` 3), and telling when the next one is due.
//!
//! First a look without locks: the heads of the lists of each served handler and priority class, merged, twice as many as
//! can be taken. Then those that fit are locked with their tasks, without waiting; what others hold is replaced from the
//! rest. Tasks that stayed out of reach although slots were free are waited for by the next claim, so that one wide, busy
//! task is not skipped for ever.

use std::collections::HashMap;

use sqlx::Row;
use tasker_core::decide::ClaimBudget;
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::names::HandlerName;
use tasker_core::time::Timestamp;

use crate::columns::Places;
use crate::error::Trouble;
use crate::load::{Locked, Moment};
use crate::options::Clock;
use crate::rows::{self, At, handler_id};
use crate::session::{Query, Session};
use crate::sql;

/// What one priority class is worth.
const CLASS_SECONDS: i64 = 60;

/// So many more rows are looked at than can be taken: others may hold some.
const OVER_FETCH: i64 = 2;

/// Most tasks that a claim waits for.
const MAX_AWAITED: usize = 4;

/// A due step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Pick {
    pub(crate) task: TaskId,
    pub(crate) step: Ordinal,
    handler: HandlerName,
}

/// What a look at the queue found.
pub(crate) struct Found {
    /// The store's time.
    pub(crate) now: Timestamp,
    /// Due steps, those to be claimed first first.
    due: Vec<Pick>,
    /// When the next step is due that is not due yet.
    later: Option<Timestamp>,
}

impl Found {
    /// Whether nothing can be claimed.
    pub(crate) fn is_empty(&self) -> bool {
        self.due.is_empty()
    }

    /// When the next step is due, if nothing is due now.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.later
    }
}

/// What was locked to be claimed. Slots have been taken from the budget.
#[derive(Default)]
pub(crate) struct Picked {
    pub(crate) picks: Vec<Pick>,
    /// Tasks that others held although slots were left.
    pub(crate) out_of_reach: Vec<TaskId>,
}

/// Handlers with free slots, by key.
fn served(budget: &ClaimBudget) -> HashMap<i64, (&HandlerName, u32)> {
    let free = budget.handlers.iter().filter(|(_, free)| **free > 0);
    free.map(|(name, free)| (handler_id(name), (name, *free))).collect()
}

/// Looks at the queue. `now` is the store's time, if the transaction has one already. `None`: the budget has no slots.
pub(crate) async fn look(
    session: &mut Session,
    budget: &ClaimBudget,
    now: Option<Timestamp>,
) -> Result<Option<Found>, Trouble> {
    let served = served(budget);
    if budget.slots == 0 || served.is_empty() {
        return Ok(None);
    }
    let query = question(session, budget, &served, now);
    let rows = session.rows(query).await?;
    let first = rows
        .first()
        .ok_or_else(|| Trouble::Corrupt("a look at the queue was answered without a row".into()))?;
    let mut found = Found { now: rows::instant(first, 0)?, due: Vec::new(), later: None };
    for row in &rows {
        let Some(handler) = row.try_get::<Option<i64>, _>(1)? else { continue };
        match (row.try_get::<Option<_>, _>(3)?, served.get(&handler)) {
            (Some(task), Some((name, _))) => {
                let step = rows::ordinal(row, 4)?;
                found.due.push(Pick { task: TaskId(task), step, handler: (*name).clone() });
            }
            _ => {
                let run_at = rows::instant(row, 2)?;
                found.later = Some(found.later.map_or(run_at, |later| later.min(run_at)));
            }
        }
    }
    Ok(Some(found))
}

fn question(
    session: &Session,
    budget: &ClaimBudget,
    served: &HashMap<i64, (&HandlerName, u32)>,
    now: Option<Timestamp>,
) -> Query {
    let (ids, most): (Vec<i64>, Vec<i64>) =
        served.iter().map(|(id, (_, free))| (*id, i64::from(*free.min(&budget.slots)) * OVER_FETCH)).unzip();
    match budget.only_task {
        Some(task) => session.query(sql::CLAIM_OF_TASK).bind(now.map(At)).bind(task.0).bind(ids),
        None => session
            .query(sql::CLAIM_PEEK)
            .bind(now.map(At))
            .bind(ids)
            .bind(most)
            .bind(i64::from(budget.slots) * OVER_FETCH)
            .bind(CLASS_SECONDS),
    }
}

/// Locks due steps, as far as the budget goes. Answers the moment of the transaction if none was known.
pub(crate) async fn pick(
    session: &mut Session,
    budget: &mut ClaimBudget,
    found: Found,
    moment: &mut Option<Moment>,
    locked: &mut Locked,
    clock: Option<&Clock>,
) -> Result<Picked, Trouble> {
    let mut picked = Picked::default();
    let mut rest = found.due;
    loop {
        let chosen: Vec<Pick> = rest.extract_if(.., |pick| budget.take(pick.task, &pick.handler)).collect();
        if chosen.is_empty() {
            break;
        }
        let got = lock_due(session, &chosen, moment, locked, clock).await?;
        for (pick, got) in chosen.into_iter().zip(got) {
            if got {
                picked.picks.push(pick);
            } else {
                refund(budget, &pick.handler);
                picked.out_of_reach.push(pick.task);
            }
        }
    }
    picked.out_of_reach.dedup();
    picked.out_of_reach.truncate(if budget.slots > 0 { MAX_AWAITED } else { 0 });
    Ok(picked)
}

async fn lock_due(
    session: &mut Session,
    chosen: &[Pick],
    moment: &mut Option<Moment>,
    locked: &mut Locked,
    clock: Option<&Clock>,
) -> Result<Vec<bool>, Trouble> {
    let places: Places = chosen.iter().map(|pick| (pick.task, pick.step)).collect();
    let query = places.bind(session.query(sql::LOCK_DUE));
    let mut got = vec![false; chosen.len()];
    for row in session.rows(query).await? {
        if moment.is_none() {
            *moment = Some(Moment::read(&row, 0, clock)?);
        }
        if locked.take(&row)?.is_some() {
            let place = rows::count(&row, 16)?;
            if let Some(got) = usize::try_from(place).ok().and_then(|place| got.get_mut(place - 1)) {
                *got = true;
            }
        }
    }
    Ok(got)
}

/// Returns the slot of a step that could not be claimed.
pub(crate) fn refund(budget: &mut ClaimBudget, handler: &HandlerName) {
    budget.slots += 1;
    if let Some(free) = budget.handlers.get_mut(handler) {
        *free += 1;
    }
}

/// When the next step is due that the budget has a slot for; an instant that is over means now.
pub(crate) async fn next_due(
    session: &mut Session,
    budget: &ClaimBudget,
) -> Result<Option<Timestamp>, Trouble> {
    let handlers: Vec<i64> = served(budget).into_keys().collect();
    if budget.slots == 0 || handlers.is_empty() {
        return Ok(None);
    }
    let query = match budget.only_task {
        Some(task) => session.query(sql::CLAIM_NEXT_OF_TASK).bind(task.0).bind(handlers),
        None => session.query(sql::CLAIM_NEXT).bind(handlers),
    };
    let row = session.row(query).await?;
    Ok(row.map(|row| rows::maybe_instant(&row, 0)).transpose()?.flatten())
}
