//! Writing what was decided: one statement for all tasks of a batch, whatever happened to them.

use std::sync::Arc;

use tasker_core::decide::TaskChange;
use tasker_core::ids::{Digest, TaskId};
use tasker_core::plan::Plan;
use tasker_core::record::TaskInput;
use tasker_core::time::Timestamp;

use crate::columns::{Inputs, Log, Queue, Steps, Tasks};
use crate::error::Trouble;
use crate::load::Moment;
use crate::rows::{At, StoredTask};
use crate::session::Session;
use crate::sql;

/// What was decided for one task.
pub(crate) struct Decided {
    /// The row as it was.
    pub(crate) task: StoredTask,
    pub(crate) plan: Arc<Plan>,
    pub(crate) change: TaskChange,
    /// Steps that had inputs of their own before.
    pub(crate) with_inputs: std::collections::BTreeSet<tasker_core::ids::Ordinal>,
}

impl Decided {
    /// When the task was accepted.
    pub(crate) fn created_at(&self) -> Timestamp {
        self.task.record(Digest([0; 32])).created_at
    }

    /// When anything of the task last changed, now that this is decided.
    pub(crate) fn updated_at(&self) -> Timestamp {
        let before = || self.task.record(Digest([0; 32])).updated_at;
        self.change.task.as_ref().map_or_else(before, |task| task.updated_at)
    }
}

/// Writes changes of locked tasks.
pub(crate) async fn changes(session: &mut Session, moment: &Moment, all: &[Decided]) -> Result<(), Trouble> {
    let (mut tasks, mut steps, mut queue, mut log) = Default::default();
    for decided in all {
        let xid = moment.place_after(&decided.task);
        let row = Row { id: decided.task.id, arrival: decided.task.arrival, xid };
        collect(row, &decided.plan, &decided.change, (&mut tasks, &mut steps, &mut queue, &mut log));
    }
    if Tasks::is_empty(&tasks) {
        // Nothing changes without its task.
        return Ok(());
    }
    let query = tasks.bind(session.query(sql::SAVE_CHANGES)).bind(moment.epoch);
    let query = Queue::bind_new(&queue, queue.bind_old(Steps::bind(&steps, query)));
    session.execute(Log::bind(&log, query)).await?;
    annotations(session, all).await?;
    edits(session, all).await
}

/// A new task.
pub(crate) struct New<'a> {
    pub(crate) id: TaskId,
    /// Its number in the order of acceptance.
    pub(crate) arrival: i64,
    pub(crate) plan: &'a Plan,
    pub(crate) input: &'a TaskInput,
    pub(crate) change: &'a TaskChange,
}

/// Writes new tasks.
pub(crate) async fn new_tasks(
    session: &mut Session,
    moment: &Moment,
    all: &[New<'_>],
) -> Result<(), Trouble> {
    let (mut tasks, mut steps, mut queue, mut log) = Default::default();
    let mut inputs = Inputs::default();
    for new in all {
        let row = Row { id: new.id, arrival: new.arrival, xid: moment.xid };
        collect(row, new.plan, new.change, (&mut tasks, &mut steps, &mut queue, &mut log));
        inputs.push(new.id, new.input);
    }
    let query = Tasks::bind(&tasks, session.query(sql::SAVE_NEW)).bind(moment.epoch);
    let query = Steps::bind(&steps, inputs.bind(tasks.bind_fixed(query)));
    session.execute(Log::bind(&log, Queue::bind_new(&queue, query))).await?;
    Ok(())
}

/// What all rows of a task have in common.
#[derive(Clone, Copy)]
struct Row {
    id: TaskId,
    arrival: i64,
    /// The place of its new entries in the stream.
    xid: i64,
}

fn collect(
    Row { id, arrival, xid }: Row,
    plan: &Plan,
    change: &TaskChange,
    (tasks, steps, queue, log): (&mut Tasks, &mut Steps, &mut Queue, &mut Log),
) {
    if let Some(task) = &change.task {
        tasks.push(task, xid, arrival);
    }
    change.steps.iter().for_each(|step| steps.push(id, step));
    change.queue.iter().for_each(|row| queue.push(id, arrival, plan, row));
    change.log.iter().for_each(|entry| log.push(id, xid, entry));
}

/// Annotations are rare.
async fn annotations(session: &mut Session, all: &[Decided]) -> Result<(), Trouble> {
    let (mut tasks, mut kinds, mut at, mut values) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for decided in all {
        for annotation in &decided.change.annotations {
            tasks.push(decided.task.id.0);
            kinds.push(annotation.kind.clone());
            at.push(At(decided.updated_at()));
            values.push(annotation.value.as_str().to_owned());
        }
    }
    if tasks.is_empty() {
        return Ok(());
    }
    let types = session.query(sql::SAVE_ANNOTATION_TYPES).bind(&kinds);
    session.execute(types).await?;
    let query = session.query(sql::SAVE_ANNOTATIONS).bind(tasks).bind(kinds).bind(at).bind(values);
    session.execute(query).await?;
    Ok(())
}

/// Edits are rarer still.
async fn edits(session: &mut Session, all: &[Decided]) -> Result<(), Trouble> {
    for decided in all {
        if let Some(edit) = &decided.change.edit {
            let query =
                session.query(sql::SAVE_EDIT).bind(decided.task.id.0).bind(&edit.reason).bind(&edit.tags);
            session.execute(query).await?;
        }
    }
    Ok(())
}
