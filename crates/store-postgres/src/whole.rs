//! A task with everything that a repair looks at.

use std::sync::Arc;

use sqlx::postgres::PgRow;
use tasker_core::plan::Plan;
use tasker_core::record::StepDetail;
use tasker_core::repair::TaskRows;
use uuid::Uuid;

use crate::Parts;
use crate::columns::Places;
use crate::error::Trouble;
use crate::log::TRANSITION;
use crate::rows::{self, StoredTask};
use crate::session::Session;
use crate::sql;

/// A task with everything that the rules say something about, read without believing any of it.
pub(crate) struct Whole {
    pub(crate) task: StoredTask,
    pub(crate) plan: Arc<Plan>,
    /// The steps without their payloads.
    pub(crate) rows: TaskRows,
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
        let rows = TaskRows {
            task: task.record(plan.digest),
            steps: steps.iter().map(step).collect::<Result<_, _>>()?,
            strays: strays.iter().map(rows::queue_row).collect::<Result<_, _>>()?,
            other_handlers: handlers.iter().map(|row| rows::ordinal(row, 0)).collect::<Result<_, _>>()?,
            log: log.iter().map(|row| rows::transition(row, TRANSITION)).collect::<Result<_, _>>()?,
        };
        Ok(Self { task, plan, rows })
    }
}

fn step(row: &PgRow) -> Result<StepDetail, sqlx::Error> {
    let (_, record, queue, _) = rows::step(row)?;
    Ok(StepDetail { record, inputs: None, results: None, error: None, queue })
}
