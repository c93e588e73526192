//! Reading tasks: what they are, what they did, why they wait.

use std::collections::BTreeSet;
use std::time::Duration;

use tasker_core::explain::{Facts, StepExplanation, TaskExplanation, explain_step, explain_task};
use tasker_core::ids::TaskId;
use tasker_core::names::{HandlerName, StepName};
use tasker_core::readiness::{StepReadiness, step_readiness};
use tasker_core::record::{StepDetail, Transition};
use tasker_core::state::{StepState, TaskState};
use tasker_core::time::Timestamp;
use tasker_store::StoreError;
use tasker_store::read::{
    Cursor, LogEntry, LogQuery, QueueDepth, TaskDetail, TaskFilter, TaskPage, TaskView,
};
use tasker_store::workers::WorkerRow;

use super::operate::position;
use crate::engine::Engine;
use crate::error::UseCaseError;

/// How often an ended task is looked for that another process may have ended.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Log entries that are read at once.
const LOG_PAGE: usize = 5_000;

impl Engine {
    /// One task with its steps.
    ///
    /// # Errors
    /// `task_not_found`.
    pub async fn task(&self, id: TaskId) -> Result<TaskView, UseCaseError> {
        let views = self.parts.store.task_views(vec![id]).await?;
        views.into_iter().next().ok_or_else(|| UseCaseError::task_not_found(id))
    }

    /// Tasks with their steps, all as they were at one moment, in the order of the ids; without those that there are not.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn task_views(&self, ids: Vec<TaskId>) -> Result<Vec<TaskView>, UseCaseError> {
        Ok(self.parts.store.task_views(ids).await?)
    }

    /// The steps of a task, in document order; none if there is no such task.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn steps(&self, id: TaskId) -> Result<Vec<StepDetail>, UseCaseError> {
        Ok(self.parts.store.steps(id).await?)
    }

    /// A page of tasks.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn tasks(&self, filter: TaskFilter) -> Result<TaskPage, UseCaseError> {
        Ok(self.parts.store.tasks(filter).await?)
    }

    /// The types of the annotations there are, sorted.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn annotation_types(&self) -> Result<Vec<String>, UseCaseError> {
        Ok(self.parts.store.annotation_types().await?)
    }

    /// Log entries after a cursor.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn log(&self, query: LogQuery) -> Result<Vec<LogEntry>, UseCaseError> {
        Ok(self.parts.store.log(query).await?)
    }

    /// The position before the last `back` log entries, of all tasks or of one.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn log_end(&self, task: Option<TaskId>, back: usize) -> Result<Cursor, UseCaseError> {
        Ok(self.parts.store.log_end(task, back).await?)
    }

    /// Waits until a task is no longer open; `None` if that took longer than `timeout`.
    ///
    /// # Errors
    /// `task_not_found`.
    pub async fn wait(
        &self,
        id: TaskId,
        timeout: Option<Duration>,
    ) -> Result<Option<TaskState>, UseCaseError> {
        let state = match timeout {
            None => self.until_ended(id).await.map(Some),
            Some(limit) => match tokio::time::timeout(limit, self.until_ended(id)).await {
                Ok(ended) => ended.map(Some),
                Err(_) => Ok(None),
            },
        };
        self.parts.watchers.forget(id);
        state
    }

    async fn until_ended(&self, id: TaskId) -> Result<TaskState, UseCaseError> {
        let mut end = self.parts.watchers.end_of(id);
        loop {
            let state =
                self.parts.store.task_state(id).await?.ok_or_else(|| UseCaseError::task_not_found(id))?;
            if !state.is_open() {
                return Ok(state);
            }
            if let Ok(Ok(state)) = tokio::time::timeout(LOOK_AGAIN, &mut end).await {
                return Ok(state);
            }
        }
    }

    /// Why a task is not further.
    ///
    /// # Errors
    /// `task_not_found`.
    pub async fn explain_task(&self, id: TaskId) -> Result<TaskExplanation, UseCaseError> {
        let known = self.what_explains(id).await?;
        Ok(explain_task(&known.facts()))
    }

    /// Why a step is not running.
    ///
    /// # Errors
    /// `task_not_found`, `step_not_found`.
    pub async fn explain_step(&self, id: TaskId, step: &str) -> Result<StepExplanation, UseCaseError> {
        let known = self.what_explains(id).await?;
        let ordinal = position(id, &known.view.detail.plan, step)?;
        explain_step(&known.facts(), ordinal).ok_or_else(|| {
            UseCaseError::Store(StoreError::Corrupt(format!("task {id} has lost the row of step {step}")))
        })
    }

    /// The readiness of the steps of a task: of all, or of those named. Empty if there is no such task.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn readiness(
        &self,
        id: TaskId,
        steps: Option<&[StepName]>,
    ) -> Result<Vec<StepReadiness>, UseCaseError> {
        let Some(view) = self.parts.store.task_views(vec![id]).await?.pop() else { return Ok(Vec::new()) };
        let now = self.parts.store.now().await?;
        let records = view.steps.iter().map(|step| &step.record);
        Ok(step_readiness(&view.detail.plan, &view.detail.record, records, steps, now))
    }

    async fn what_explains(&self, id: TaskId) -> Result<Known, UseCaseError> {
        let view = self.task(id).await?;
        let cancelled = view.detail.record.state == TaskState::Cancelled
            || view.steps.iter().any(|step| step.record.state == StepState::Cancelled);
        let log = if cancelled { self.whole_log(id).await? } else { Vec::new() };
        Ok(Known { view, log, served: self.served_handlers().await?, now: self.parts.store.now().await? })
    }

    async fn whole_log(&self, id: TaskId) -> Result<Vec<Transition>, UseCaseError> {
        let mut log = Vec::new();
        let mut query = LogQuery { task: Some(id), after: Cursor::START, limit: LOG_PAGE };
        loop {
            let page = self.parts.store.log(query.clone()).await?;
            let last = page.last().map(|entry| entry.cursor);
            let is_full = page.len() >= LOG_PAGE;
            log.extend(page.into_iter().map(|entry| entry.transition));
            match last {
                Some(cursor) if is_full => query.after = cursor,
                _ => return Ok(log),
            }
        }
    }

    /// All workers known, newest first.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn workers(&self) -> Result<Vec<WorkerRow>, UseCaseError> {
        Ok(self.parts.store.workers().await?)
    }

    /// What is scheduled and running, per handler.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn queue(&self) -> Result<Vec<QueueDepth>, UseCaseError> {
        Ok(self.parts.store.queue().await?)
    }

    /// One task without its steps.
    ///
    /// # Errors
    /// `task_not_found`.
    pub async fn task_detail(&self, id: TaskId) -> Result<TaskDetail, UseCaseError> {
        self.parts.store.task(id).await?.ok_or_else(|| UseCaseError::task_not_found(id))
    }

    /// Handlers that some live worker serves.
    async fn served_handlers(&self) -> Result<BTreeSet<HandlerName>, UseCaseError> {
        let workers = self.parts.store.workers().await?;
        Ok(workers.into_iter().filter(WorkerRow::is_live).flat_map(|worker| worker.handlers).collect())
    }
}

/// What an explanation is made of.
struct Known {
    view: TaskView,
    log: Vec<Transition>,
    served: BTreeSet<HandlerName>,
    now: Timestamp,
}

impl Known {
    fn facts(&self) -> Facts<'_> {
        Facts {
            plan: &self.view.detail.plan,
            task: &self.view.detail.record,
            steps: &self.view.steps,
            log: &self.log,
            served: Some(&self.served),
            now: self.now,
        }
    }
}
