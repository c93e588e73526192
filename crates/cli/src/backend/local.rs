//! The use cases of an engine over a database.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use tasker_core::diagram::{DiagramFormat, DiagramOptions};
use tasker_core::ids::TaskId;
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::request::TaskRequest;
use tasker_engine::use_cases::{Operation, Operator};
use tasker_engine::{Engine, UseCaseError};
use tasker_store::definitions::Selector;
use tasker_store::list::TaskFilter;
use tasker_store::read::{Cursor, LogQuery};
use tasker_wire::{
    AnnotationDocument, DefinitionDocument, DefinitionList, Pagination, StepDocument,
    StepExplanationDocument, TaskCreated, TaskDocument, TaskExplanationDocument, TaskList,
    TransitionDocument,
};

use super::{Acting, Backend, History};
use crate::exit::{Failure, Status};
use crate::output::{task, time};

/// Log entries that are read at once.
const PAGE: usize = 5_000;

/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A database.
pub struct Local(pub Engine);

impl Local {
    async fn act(&self, task: TaskId, operation: Operation, who: Acting) -> Result<(), UseCaseError> {
        let operator = Operator::named(actor(who.actor)).because(who.reason);
        self.0.operate(task, operation, operator).await
    }
}

#[async_trait]
impl Backend for Local {
    async fn task(&self, id: TaskId) -> anyhow::Result<TaskDocument> {
        Ok(task::document(&self.0.task(id).await?, time::now()))
    }

    async fn tasks(&self, list: &TaskFilter, cursor: Option<&str>) -> anyhow::Result<TaskList> {
        let wanted = match cursor {
            None => list.clone(),
            Some(cursor) => list.clone().after_cursor(cursor).map_err(|rejection| {
                Failure::new(Status::Usage, rejection.code, rejection.message)
                    .help(rejection.help.unwrap_or_default())
            })?,
        };
        let page = self.0.tasks(wanted).await?;
        let next = page.next.as_ref().map(|next| list.cursor(next));
        let pagination = Pagination { total_count: page.total, ..Pagination::by_cursor(list.limit, next) };
        Ok(TaskList::new(page.tasks, pagination))
    }

    async fn submit(&self, request: TaskRequest) -> anyhow::Result<TaskCreated> {
        let submitted = self.0.submit(request).await?;
        Ok(TaskCreated { task_id: submitted.task_id, status: submitted.status, created: submitted.created })
    }

    async fn operate(&self, task: TaskId, operation: Operation, who: Acting) -> anyhow::Result<TaskDocument> {
        self.act(task, operation, who).await?;
        self.task(task).await
    }

    async fn operate_step(
        &self,
        task: TaskId,
        step: &str,
        operation: Operation,
        who: Acting,
    ) -> anyhow::Result<StepDocument> {
        self.act(task, operation, who).await?;
        self.step(task, step).await
    }

    async fn resume(&self, task: TaskId) -> anyhow::Result<TaskDocument> {
        self.0.resume(&self.0.task_detail(task).await?).await?;
        self.task(task).await
    }

    async fn annotate(
        &self,
        task: TaskId,
        kind: String,
        value: &Payload,
        who: Acting,
    ) -> anyhow::Result<AnnotationDocument> {
        let operation = Operation::Annotate { kind: kind.clone(), value: value.to_value() };
        self.act(task, operation, who).await?;
        Ok(AnnotationDocument { kind, value: value.clone() })
    }

    async fn annotations(&self, task: TaskId) -> anyhow::Result<Vec<AnnotationDocument>> {
        Ok(self.0.task_detail(task).await?.annotations.iter().map(AnnotationDocument::from).collect())
    }

    async fn step(&self, task: TaskId, step: &str) -> anyhow::Result<StepDocument> {
        let view = self.0.task(task).await?;
        let plan = &view.detail.plan;
        let ordinal = plan.position(step).ok_or_else(|| UseCaseError::step_not_found(task, plan, step))?;
        let found = view.steps.iter().find(|step| step.record.ordinal == ordinal);
        let found = found.context("the row of the step vanished while it was read")?;
        Ok(StepDocument::new(&view.detail.record, plan, found, time::now()))
    }

    async fn explain_task(&self, id: TaskId) -> anyhow::Result<TaskExplanationDocument> {
        Ok((&self.0.explain_task(id).await?).into())
    }

    async fn explain_step(&self, task: TaskId, step: &str) -> anyhow::Result<StepExplanationDocument> {
        Ok((&self.0.explain_step(task, step).await?).into())
    }

    async fn wait(&self, id: TaskId, timeout: Option<Duration>) -> anyhow::Result<bool> {
        Ok(self.0.wait(id, timeout).await?.is_some())
    }

    async fn history(&self, id: TaskId, after: Cursor) -> anyhow::Result<History> {
        let page = self.0.log(LogQuery { task: Some(id), after, limit: PAGE }).await?;
        let next = page.last().map(|entry| entry.cursor);
        let has_more = page.len() == PAGE;
        let entries = page.into_iter();
        let entries =
            entries.map(|entry| TransitionDocument::new(id, entry.step, &entry.transition)).collect();
        Ok(History { entries, next, has_more })
    }

    fn look_again(&self) -> Duration {
        LOOK
    }

    async fn draw(
        &self,
        id: TaskId,
        options: DiagramOptions,
        format: DiagramFormat,
    ) -> anyhow::Result<String> {
        Ok(self.0.task_diagram(id, options).await?.render(format))
    }

    async fn definition(&self, selector: &Selector) -> anyhow::Result<DefinitionDocument> {
        Ok(DefinitionDocument::new(&*self.plan(selector).await?))
    }

    async fn plan(&self, selector: &Selector) -> anyhow::Result<Arc<Plan>> {
        Ok(self.0.definition(selector.clone()).await?)
    }

    async fn definitions(&self, namespace: Option<&str>) -> anyhow::Result<DefinitionList> {
        Ok(DefinitionList::new(self.0.definitions(namespace).await?))
    }

    async fn retire(&self, selector: &Selector, retired: bool) -> anyhow::Result<()> {
        Ok(self.0.retire(selector.clone(), retired).await?)
    }

    async fn close(&self) {
        self.0.clone().shutdown().await;
    }
}

/// Who acts: as told, else the user of this process.
pub fn actor(told: Option<String>) -> String {
    let user =
        || std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok().filter(|user| !user.is_empty());
    told.or_else(user).unwrap_or_else(|| "cli".into())
}
