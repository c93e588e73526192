//! Picking due steps from the queue (`engine.md` 3), and telling when the next one is due.
//!
//! First a look without locks: the heads of the lists of each served handler and priority class, merged, twice as many as
//! can be taken. Then those that fit are locked with their tasks, without waiting; what others hold is replaced from the
//! rest. Where the lists begin is remembered (`marks.rs`). Tasks that stayed out of reach although slots were free are waited for by the next claim, so that one wide, busy
//! task is not skipped for ever.

use std::collections::HashMap;

use sqlx::Row;
use sqlx::postgres::PgRow;
use tasker_core::decide::{ClaimBudget, Input};
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::names::HandlerName;
use tasker_core::time::Timestamp;

use crate::columns::Places;
use crate::error::Trouble;
use crate::load::{Locked, Moment};
use crate::marks::{List, Marks, Plan, Position, Seen};
use crate::options::Clock;
use crate::rows::{self, At, handler_id};
use crate::session::{Query, Session};
use crate::sql;

/// The priority classes.
const CLASSES: [i16; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

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
    pub(crate) handler: HandlerName,
}

impl Pick {
    /// The input that claims it.
    pub(crate) fn input(&self, budget: &ClaimBudget) -> Input {
        Input::Claim { step: self.step, worker: budget.worker }
    }
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

    /// Due steps, those to be claimed first first.
    pub(crate) fn due(&self) -> &[Pick] {
        &self.due
    }

    /// Leaves the steps of some tasks to others.
    pub(crate) fn leave_out(&mut self, is_left: impl Fn(TaskId) -> bool) {
        self.due.retain(|pick| !is_left(pick.task));
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

/// The lists of these handlers.
fn lists(served: &HashMap<i64, (&HandlerName, u32)>) -> Vec<List> {
    served.keys().flat_map(|id| CLASSES.map(|class| (*id, class))).collect()
}

/// Looks at the queue, outside of any transaction. `now` is the store's time, if it is not the server's. `None`: the budget
/// has no slots.
pub(crate) async fn look(
    session: &mut Session,
    budget: &ClaimBudget,
    now: Option<Timestamp>,
    marks: &Marks,
) -> Result<Option<Found>, Trouble> {
    let served = served(budget);
    if budget.slots == 0 || served.is_empty() {
        return Ok(None);
    }
    let query = session.query(sql::CLAIM_OF_TASK);
    if let Some(task) = budget.only_task {
        let handlers: Vec<i64> = served.keys().copied().collect();
        let rows = session.rows(query.bind(now.map(At)).bind(task.0).bind(handlers)).await?;
        return found(&rows, &served).map(Some);
    }
    let lists = lists(&served);
    // Times of another clock than the server's tell nothing about its transactions.
    let plan = if now.is_none() { marks.plan(&lists) } else { Plan::whole(&lists) };
    let question = Question { lists, most: budget.slots, plan };
    let rows = session.rows(question.query(session, &served, now)).await?;
    let found = found(&rows, &served)?;
    if now.is_none() {
        marks.learn(&question.plan, question.seen(&rows, &served, &found)?);
    }
    Ok(Some(found))
}

/// Reads an answer: the time, and rows with handler, time, task and ordinal.
fn found(rows: &[PgRow], served: &HashMap<i64, (&HandlerName, u32)>) -> Result<Found, Trouble> {
    let first = rows
        .first()
        .ok_or_else(|| Trouble::Corrupt("a look at the queue was answered without a row".into()))?;
    let mut found = Found { now: rows::instant(first, 0)?, due: Vec::new(), later: None };
    for row in rows {
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
    Ok(found)
}

/// A look at lists.
struct Question {
    lists: Vec<List>,
    /// So many rows can be taken.
    most: u32,
    plan: Plan,
}

impl Question {
    fn query(
        &self,
        session: &Session,
        served: &HashMap<i64, (&HandlerName, u32)>,
        now: Option<Timestamp>,
    ) -> Query {
        let most: Vec<i64> = self.lists.iter().map(|(handler, _)| self.most_of(*handler, served)).collect();
        let (handlers, classes): (Vec<i64>, Vec<i16>) = self.lists.iter().copied().unzip();
        let query = session.query(sql::CLAIM_PEEK).bind(now.map(At)).bind(handlers).bind(classes).bind(most);
        bind_positions(query, &self.plan.begins)
            .bind(self.most_of_all())
            .bind(CLASS_SECONDS)
            .bind(self.plan.after_xid)
            .bind(self.plan.makes_point)
    }

    fn most_of(&self, handler: i64, served: &HashMap<i64, (&HandlerName, u32)>) -> i64 {
        served.get(&handler).map_or(0, |(_, free)| i64::from(*free.min(&self.most)) * OVER_FETCH)
    }

    fn most_of_all(&self) -> i64 {
        i64::from(self.most) * OVER_FETCH
    }

    /// What the answer says about the heads of the lists. Of a handler whose rows may have been cut off, lists that are
    /// not in the answer may be empty or not.
    fn seen(
        &self,
        rows: &[PgRow],
        served: &HashMap<i64, (&HandlerName, u32)>,
        found: &Found,
    ) -> Result<Seen, Trouble> {
        let mut heads: HashMap<List, Position> = HashMap::new();
        let mut counts: HashMap<i64, i64> = HashMap::new();
        for row in rows.iter().take(found.due.len()) {
            let (handler, class): (i64, i16) = (row.try_get(1)?, row.try_get(5)?);
            let (run_at, arrival, ordinal) = (rows::instant(row, 2)?, row.try_get(6)?, row.try_get(4)?);
            heads.entry((handler, class)).or_insert(Position { run_at, arrival, ordinal });
            *counts.entry(handler).or_default() += 1;
        }
        let all_are_cut = count(found.due.len()) >= self.most_of_all();
        let is_cut = |handler: i64| {
            all_are_cut || counts.get(&handler).is_some_and(|n| *n >= self.most_of(handler, served))
        };
        let firsts = self.lists.iter().filter_map(|list| match heads.get(list) {
            None if is_cut(list.0) => None,
            head => Some((*list, head.copied())),
        });
        let first = &rows[0];
        Ok(Seen {
            now: found.now,
            oldest_xid: first.try_get(7)?,
            own_xid: first.try_get(8)?,
            firsts: firsts.collect(),
        })
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn bind_positions(query: Query, positions: &[Position]) -> Query {
    let run_at: Vec<At> = positions.iter().map(|position| At(position.run_at)).collect();
    let arrivals: Vec<i64> = positions.iter().map(|position| position.arrival).collect();
    let ordinals: Vec<i32> = positions.iter().map(|position| position.ordinal).collect();
    query.bind(run_at).bind(arrivals).bind(ordinals)
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
            let place = rows::count(&row, 17)?;
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
    marks: &Marks,
) -> Result<Option<Timestamp>, Trouble> {
    let served = served(budget);
    if budget.slots == 0 || served.is_empty() {
        return Ok(None);
    }
    let query = match budget.only_task {
        Some(task) => {
            let handlers: Vec<i64> = served.keys().copied().collect();
            session.query(sql::CLAIM_NEXT_OF_TASK).bind(task.0).bind(handlers)
        }
        None => {
            let lists = lists(&served);
            let begins = marks.begins(&lists);
            let (handlers, classes): (Vec<i64>, Vec<i16>) = lists.into_iter().unzip();
            bind_positions(session.query(sql::CLAIM_NEXT).bind(handlers).bind(classes), &begins)
        }
    };
    let row = session.row(query).await?;
    Ok(row.map(|row| rows::maybe_instant(&row, 0)).transpose()?.flatten())
}
