//! Locking tasks, and reading what a decision about them needs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::Row;
use sqlx::postgres::PgRow;
use tasker_core::decide::Needs;
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::record::{QueueRow, StepRecord, TaskRecord};
use tasker_core::time::Timestamp;
use uuid::Uuid;

use crate::columns::Places;
use crate::error::Trouble;
use crate::options::Clock;
use crate::rows::{self, StoredTask};
use crate::session::Session;
use crate::sql;

/// SQLSTATE of a lock that was not had in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// When a transaction happens: its time, and its place in the stream of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Moment {
    pub(crate) now: Timestamp,
    pub(crate) epoch: i32,
    pub(crate) xid: i64,
}

impl Moment {
    /// Reads the first three columns of a statement that locks.
    pub(crate) fn read(row: &PgRow, first: usize, clock: Option<&Clock>) -> Result<Self, Trouble> {
        let server = rows::instant(row, first)?;
        let now = clock.map_or(server, |clock| clock());
        Ok(Self { now, epoch: row.try_get(first + 1)?, xid: row.try_get(first + 2)? })
    }

    /// The place of a task's next entries. A transaction gets its id before it waits for its locks, so a task may be
    /// written first by a later id and then by an earlier one; its entries still have to be told in their order.
    pub(crate) fn place_after(&self, task: &StoredTask) -> i64 {
        if task.log_epoch == self.epoch { self.xid.max(task.log_xid) } else { self.xid }
    }
}

/// Tasks that this transaction has locked.
#[derive(Default)]
pub(crate) struct Locked {
    pub(crate) tasks: HashMap<TaskId, StoredTask>,
}

impl Locked {
    /// Takes in a row of a statement that locks.
    pub(crate) fn take(&mut self, row: &PgRow) -> Result<Option<TaskId>, Trouble> {
        let Some(task) = rows::task(row, 3)? else { return Ok(None) };
        let id = task.id;
        self.tasks.entry(id).or_insert(task);
        Ok(Some(id))
    }

    /// Notes what a task has become.
    pub(crate) fn update(&mut self, record: &TaskRecord, moment: &Moment) {
        if let Some(task) = self.tasks.get_mut(&record.id) {
            (task.log_xid, task.log_epoch) = (moment.place_after(task), moment.epoch);
            task.become_record(record);
        }
    }
}

/// Locks tasks, waiting for them in the order of their ids.
///
/// # Errors
/// [`Trouble::Blocked`] if other sessions held some of them for too long; the transaction has failed then.
pub(crate) async fn lock(
    session: &mut Session,
    ids: &BTreeSet<TaskId>,
    clock: Option<&Clock>,
) -> Result<(Moment, Locked), Trouble> {
    let query = session.query(sql::LOCK_TASKS).bind(uuids(ids));
    let answer = session.rows(query).await;
    let rows = match answer {
        Err(trouble) if trouble.sqlstate().as_deref() == Some(LOCK_NOT_AVAILABLE) => {
            return Err(Trouble::Blocked(held_by_others(session, ids).await?));
        }
        other => other?,
    };
    let mut locked = Locked::default();
    for row in &rows {
        locked.take(row)?;
    }
    let first =
        rows.first().ok_or_else(|| Trouble::Corrupt("locking tasks was answered without a row".into()))?;
    Ok((Moment::read(first, 0, clock)?, locked))
}

/// Which of these tasks cannot be locked at once. Ends the failed transaction and leaves a fresh one behind.
async fn held_by_others(session: &mut Session, ids: &BTreeSet<TaskId>) -> Result<Vec<TaskId>, Trouble> {
    session.script("ROLLBACK; BEGIN ISOLATION LEVEL READ COMMITTED".into()).await?;
    let query = session.query(sql::LOCK_PROBE).bind(uuids(ids));
    let mut held = ids.clone();
    for row in session.rows(query).await? {
        held.remove(&TaskId(row.try_get(0)?));
    }
    Ok(held.into_iter().collect())
}

fn uuids(ids: &BTreeSet<TaskId>) -> Vec<Uuid> {
    ids.iter().map(|id| id.0).collect()
}

/// Steps of one task, as far as they are needed.
#[derive(Default)]
pub(crate) struct LoadedSteps {
    pub(crate) steps: Vec<(StepRecord, Option<QueueRow>)>,
    /// Those with inputs of their own.
    pub(crate) with_inputs: BTreeSet<Ordinal>,
}

/// What is needed of one task.
pub(crate) struct Wanted<'a> {
    pub(crate) task: TaskId,
    pub(crate) n_steps: usize,
    pub(crate) needs: &'a Needs,
}

impl Wanted<'_> {
    fn wants_free(&self) -> bool {
        self.needs.first_free && !self.needs.all
    }
}

/// Reads the steps that decisions about locked tasks need, in one statement. A task whose steps are not all there is
/// absent from the answer.
pub(crate) async fn steps(
    session: &mut Session,
    wanted: &[Wanted<'_>],
) -> Result<BTreeMap<TaskId, LoadedSteps>, Trouble> {
    let named = wanted.iter().filter(|wanted| !wanted.needs.all);
    let named: Places =
        named.flat_map(|wanted| wanted.needs.steps.iter().map(|step| (wanted.task, *step))).collect();
    let whole: Vec<Uuid> =
        wanted.iter().filter(|wanted| wanted.needs.all).map(|wanted| wanted.task.0).collect();
    let free: Vec<Uuid> =
        wanted.iter().filter(|wanted| wanted.wants_free()).map(|wanted| wanted.task.0).collect();
    let query = named.bind(session.query(sql::LOAD_STEPS)).bind(whole).bind(free);
    let mut read: HashMap<TaskId, BTreeMap<Ordinal, Row4>> = HashMap::new();
    for row in session.rows(query).await? {
        // A row that makes no sense is as good as missing: the fault of its task, not of the batch.
        let Ok((task, record, queue, has_inputs)) = rows::step(&row) else { continue };
        read.entry(task).or_default().insert(record.ordinal, (record, queue, has_inputs));
    }
    let mut loaded = BTreeMap::new();
    for wanted in wanted {
        if let Some(steps) = choose(wanted, read.remove(&wanted.task).unwrap_or_default()) {
            loaded.insert(wanted.task, steps);
        }
    }
    Ok(loaded)
}

type Row4 = (StepRecord, Option<QueueRow>, bool);

/// The steps that were asked for, out of those that were read.
fn choose(wanted: &Wanted<'_>, read: BTreeMap<Ordinal, Row4>) -> Option<LoadedSteps> {
    let mut loaded = LoadedSteps::default();
    let mut n_named = 0;
    let mut wants_free = wanted.wants_free();
    for (ordinal, (record, queue, has_inputs)) in read {
        let named = wanted.needs.all || wanted.needs.steps.contains(&ordinal);
        if !named {
            let is_first_free = wants_free && queue.is_none() && record.wants_queue_row();
            if !is_first_free {
                continue;
            }
            wants_free = false;
        }
        n_named += usize::from(named);
        if has_inputs {
            loaded.with_inputs.insert(ordinal);
        }
        loaded.steps.push((record, queue));
    }
    let expected = if wanted.needs.all { wanted.n_steps } else { wanted.needs.steps.len() };
    (n_named == expected).then_some(loaded)
}
