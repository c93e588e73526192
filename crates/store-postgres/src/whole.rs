//! A task with everything that a repair looks at.

use std::collections::BTreeSet;
use std::sync::Arc;

use sqlx::postgres::PgRow;
use tasker_core::ids::{Ordinal, WorkerId};
use tasker_core::plan::Plan;
use tasker_core::record::{QueueRow, StepDetail, TaskRecord, Transition};
use tasker_core::repair::Stored;
use uuid::Uuid;

use crate::Parts;
use crate::columns::Places;
use crate::error::Trouble;
use crate::rows::{self, StoredTask};
use crate::session::Session;
use crate::sql;

/// A task with everything that the rules say something about, read without believing any of it.
pub(crate) struct Whole {
    pub(crate) task: StoredTask,
    pub(crate) plan: Arc<Plan>,
    record: TaskRecord,
    /// Without their payloads.
    steps: Vec<StepDetail>,
    strays: Vec<QueueRow>,
    other_handlers: BTreeSet<Ordinal>,
    log: Vec<Transition>,
}

impl Whole {
    /// Reads a task that is locked.
    pub(crate) async fn read(
        parts: &Parts,
        session: &mut Session,
        task: StoredTask,
    ) -> Result<Self, Trouble> {
        let id = task.id.0;
        let plan = parts.plans.get(session, task.revision_id).await?;
        let steps = Places::default().bind(session.query(sql::LOAD_STEPS)).bind(vec![id]);
        let steps = session.rows(steps.bind(Vec::<Uuid>::new())).await?;
        let strays = session.query(sql::REPAIR_STRAYS).bind(id);
        let strays = session.rows(strays).await?;
        let handlers = session.query(sql::REPAIR_HANDLERS).bind(id).bind(task.revision_id);
        let handlers = session.rows(handlers).await?;
        let log = session.query(sql::LOG_OF_TASK).bind(id).bind(0).bind(0_i64).bind(0_i64).bind(i64::MAX);
        let log = session.rows(log).await?;
        Ok(Self {
            record: task.record(plan.digest),
            steps: steps.iter().map(step).collect::<Result<_, _>>()?,
            strays: strays.iter().map(rows::queue_row).collect::<Result<_, _>>()?,
            other_handlers: handlers.iter().map(|row| rows::ordinal(row, 0)).collect::<Result<_, _>>()?,
            log: log.iter().map(|row| rows::transition(row, 5)).collect::<Result<_, _>>()?,
            task,
            plan,
        })
    }

    /// All of it as a repair sees it; `live` are workers that are not known to be gone.
    pub(crate) fn stored<'a>(&'a self, live: &'a BTreeSet<WorkerId>) -> Stored<'a> {
        Stored {
            plan: &self.plan,
            task: &self.record,
            steps: &self.steps,
            strays: &self.strays,
            other_handlers: &self.other_handlers,
            log: &self.log,
            live,
        }
    }

    /// The workers that hold rows of it.
    pub(crate) fn holders(&self) -> BTreeSet<WorkerId> {
        let rows = self.steps.iter().filter_map(|detail| detail.queue.as_ref()).chain(&self.strays);
        rows.filter_map(|row| row.worker).collect()
    }
}

fn step(row: &PgRow) -> Result<StepDetail, sqlx::Error> {
    let (_, record, queue, _) = rows::step(row)?;
    Ok(StepDetail { record, inputs: None, results: None, error: None, queue })
}
