//! Picking due steps from the queue (`engine.md` 3), and telling when the next one is due.
//!
//! The rows of one handler and one priority class lie in the order of their times in one index. Those lists are
//! merged by `run_at + priority x 60 s`: a class is worth a minute, so that none starves another for ever. Of equal
//! rank, tasks go in the order in which they were accepted.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

use rusqlite::{Connection, OptionalExtension, params};
use tasker_core::decide::ClaimBudget;
use tasker_core::definition::Priority;
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::names::HandlerName;
use tasker_core::time::Timestamp;

use crate::error::Trouble;
use crate::load;
use crate::rows::{self, key_range, split_key};
use crate::sql;
use crate::writer::Writing;

/// What one priority class is worth.
const CLASS_MICROS: i64 = 60 * 1_000_000;

/// Fewest rows read at once from one list.
const MIN_CHUNK: u32 = 16;

/// A due step; its slot has been taken from the budget.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Pick {
    pub(crate) task: TaskId,
    pub(crate) step: Ordinal,
    pub(crate) handler: HandlerName,
}

/// Returns the slot of a step that turned out not to be claimable.
pub(crate) fn refund(budget: &mut ClaimBudget, handler: &HandlerName) {
    budget.slots += 1;
    if let Some(free) = budget.handlers.get_mut(handler) {
        *free += 1;
    }
}

/// Takes due steps, the most urgent first, as far as the budget goes.
pub(crate) fn pick(writing: &mut Writing<'_>, budget: &mut ClaimBudget) -> Result<Vec<Pick>, Trouble> {
    if budget.slots == 0 {
        return Ok(Vec::new());
    }
    let served = served(writing, budget)?;
    match budget.only_task {
        Some(task) => pick_of_task(writing, budget, &served, task),
        None => pick_of_all(writing, budget, &served),
    }
}

/// When the next step is due that the budget has a slot for; an instant that is over means now.
pub(crate) fn next_due(
    writing: &mut Writing<'_>,
    budget: &ClaimBudget,
) -> Result<Option<Timestamp>, Trouble> {
    if budget.slots == 0 {
        return Ok(None);
    }
    let served = served(writing, budget)?;
    if let Some(task) = budget.only_task {
        let rows = rows_of_task(writing.connection, task, &served)?;
        return Ok(rows.iter().map(|row| Timestamp::from_micros(row.run_at)).min());
    }
    let mut next = None;
    for (_, handler) in &served {
        for (_, run_at) in classes(writing.connection, *handler)? {
            next = [next, Some(Timestamp::from_micros(run_at))].into_iter().flatten().min();
        }
    }
    Ok(next)
}

/// Handlers with a free slot that any definition names, with their numbers, in the order of these.
fn served(writing: &mut Writing<'_>, budget: &ClaimBudget) -> Result<Vec<(HandlerName, i64)>, Trouble> {
    let mut served = Vec::with_capacity(budget.handlers.len());
    for (name, _) in budget.handlers.iter().filter(|(_, free)| **free > 0) {
        if let Some(id) = writing.handlers.id(writing.connection, name)? {
            served.push((name.clone(), id));
        }
    }
    served.sort_by_key(|(_, id)| *id);
    Ok(served)
}

/// The priority classes in which a handler has unclaimed rows, each with its earliest time.
fn classes(connection: &Connection, handler: i64) -> Result<Vec<(u8, i64)>, Trouble> {
    let mut statement = connection.prepare_cached(sql::CLAIM_CLASS)?;
    let mut classes: Vec<(u8, i64)> = Vec::new();
    let mut from = 0;
    while from <= Priority::MAX {
        let row =
            statement.query_row(params![handler, from], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((class, run_at)) = row else { break };
        classes.push((class, run_at));
        from = class + 1;
    }
    Ok(classes)
}

fn pick_of_all(
    writing: &Writing<'_>,
    budget: &mut ClaimBudget,
    served: &[(HandlerName, i64)],
) -> Result<Vec<Pick>, Trouble> {
    let now = writing.now.as_micros();
    let mut lists = Vec::new();
    for (name, handler) in served {
        for (class, _) in
            classes(writing.connection, *handler)?.into_iter().filter(|(_, run_at)| *run_at <= now)
        {
            lists.push(List::new(name, *handler, class));
        }
    }
    let chunk = (budget.slots / lists.len().max(1) as u32).max(MIN_CHUNK);
    Merge { connection: writing.connection, now, chunk, lists, heap: BinaryHeap::new() }.run(budget)
}

/// The rows of one handler and one class.
struct List<'a> {
    name: &'a HandlerName,
    handler: i64,
    class: u8,
    /// Rows that were read and not yet looked at: time, key, task.
    read: VecDeque<(i64, i64, TaskId)>,
    /// The last row that was read.
    last: (i64, i64),
    at_end: bool,
}

impl<'a> List<'a> {
    fn new(name: &'a HandlerName, handler: i64, class: u8) -> Self {
        Self { name, handler, class, read: VecDeque::new(), last: (i64::MIN, i64::MIN), at_end: false }
    }

    fn read_on(&mut self, connection: &Connection, now: i64, chunk: u32) -> Result<(), Trouble> {
        let mut statement = connection.prepare_cached(sql::CLAIM_DUE)?;
        let params = params![self.handler, self.class, self.last.0, self.last.1, now, chunk];
        let rows =
            statement.query_map(params, |row| Ok((row.get(1)?, row.get(0)?, rows::task_id(row, 2)?)))?;
        for row in rows {
            self.read.push_back(row?);
        }
        self.at_end = self.read.len() < chunk as usize;
        if let Some(&(run_at, key, _)) = self.read.back() {
            self.last = (run_at, key);
        }
        Ok(())
    }
}

struct Merge<'a> {
    connection: &'a Connection,
    now: i64,
    chunk: u32,
    lists: Vec<List<'a>>,
    /// The heads of the lists: rank, key, list.
    heap: BinaryHeap<Reverse<(i64, i64, usize)>>,
}

impl Merge<'_> {
    fn run(mut self, budget: &mut ClaimBudget) -> Result<Vec<Pick>, Trouble> {
        let mut picks = Vec::new();
        for list in 0..self.lists.len() {
            self.push_head(list)?;
        }
        while budget.slots > 0
            && let Some(Reverse((_, key, at))) = self.heap.pop()
        {
            let list = &mut self.lists[at];
            let Some((_, _, task)) = list.read.pop_front() else { continue };
            // A handler without a free slot left drops out of the merge.
            if budget.take(task, list.name) {
                picks.push(Pick { task, step: split_key(key).1, handler: list.name.clone() });
                self.push_head(at)?;
            }
        }
        Ok(picks)
    }

    fn push_head(&mut self, at: usize) -> Result<(), Trouble> {
        let list = &mut self.lists[at];
        if list.read.is_empty() && !list.at_end {
            list.read_on(self.connection, self.now, self.chunk)?;
        }
        if let Some(&(run_at, key, _)) = list.read.front() {
            let rank = run_at.saturating_add(i64::from(list.class) * CLASS_MICROS);
            self.heap.push(Reverse((rank, key, at)));
        }
        Ok(())
    }
}

struct RowOfTask {
    run_at: i64,
    key: i64,
    handler: HandlerName,
}

fn pick_of_task(
    writing: &Writing<'_>,
    budget: &mut ClaimBudget,
    served: &[(HandlerName, i64)],
    task: TaskId,
) -> Result<Vec<Pick>, Trouble> {
    let mut rows = rows_of_task(writing.connection, task, served)?;
    rows.retain(|row| row.run_at <= writing.now.as_micros());
    rows.sort_by_key(|row| (row.run_at, row.key));
    rows.retain(|row| budget.take(task, &row.handler));
    Ok(rows.into_iter().map(|row| Pick { task, step: split_key(row.key).1, handler: row.handler }).collect())
}

fn rows_of_task(
    connection: &Connection,
    task: TaskId,
    served: &[(HandlerName, i64)],
) -> Result<Vec<RowOfTask>, Trouble> {
    let Some(task) = load::task(connection, task)? else { return Ok(Vec::new()) };
    let names: HashMap<i64, &HandlerName> = served.iter().map(|(name, id)| (*id, name)).collect();
    let mut statement = connection.prepare_cached(sql::CLAIM_OF_TASK)?;
    let (first, last) = key_range(task.seq);
    let mut rows = statement.query([first, last])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        if let Some(&handler) = names.get(&row.get(1)?) {
            found.push(RowOfTask { key: row.get(0)?, run_at: row.get(2)?, handler: handler.clone() });
        }
    }
    Ok(found)
}
