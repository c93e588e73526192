//! What commands work with: a database, or a server that works with one. Both answer with the same documents, so that what
//! is shown does not tell which it was.

mod bulk;
mod figures;
mod local;
mod remote;
mod requests;
mod target;
mod token;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tasker_core::diagram::{DiagramFormat, DiagramOptions};
use tasker_core::ids::TaskId;
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::request::TaskRequest;
use tasker_engine::use_cases::Operation;
use tasker_store::definitions::Selector;
use tasker_store::list::TaskFilter;
use tasker_store::read::Cursor;
use tasker_wire::{
    AnnotationDocument, DefinitionDocument, DefinitionList, StepDocument, StepExplanationDocument,
    TaskCreated, TaskDocument, TaskExplanationDocument, TaskList, TransitionDocument,
};

pub use self::bulk::Bulk;
pub use self::figures::{Figures, Slowest};
pub use self::local::{Local, actor};
pub use self::remote::Remote;
pub use self::target::{open, refuse, refuse_flag, server};
pub use self::token::Token;

/// What commands need of wherever tasks live.
#[async_trait]
pub trait Backend: Bulk + Figures + Send + Sync {
    /// A task with all of its parts.
    async fn task(&self, id: TaskId) -> anyhow::Result<TaskDocument>;

    /// A page of tasks, from the first one on or after a cursor.
    async fn tasks(&self, list: &TaskFilter, cursor: Option<&str>) -> anyhow::Result<TaskList>;

    /// Asks for a task.
    async fn submit(&self, request: TaskRequest) -> anyhow::Result<TaskCreated>;

    /// Does something with a task; answers with it as it is then.
    async fn operate(&self, task: TaskId, operation: Operation, who: Acting) -> anyhow::Result<TaskDocument>;

    /// Does something with a step; answers with it as it is then.
    async fn operate_step(
        &self,
        task: TaskId,
        step: &str,
        operation: Operation,
        who: Acting,
    ) -> anyhow::Result<StepDocument>;

    /// Tells the workers of a task; answers with it as it is then.
    async fn resume(&self, task: TaskId) -> anyhow::Result<TaskDocument>;

    /// Notes something about a task.
    async fn annotate(
        &self,
        task: TaskId,
        kind: String,
        value: &Payload,
        who: Acting,
    ) -> anyhow::Result<AnnotationDocument>;

    /// What is noted about a task, oldest first.
    async fn annotations(&self, task: TaskId) -> anyhow::Result<Vec<AnnotationDocument>>;

    /// A step.
    async fn step(&self, task: TaskId, step: &str) -> anyhow::Result<StepDocument>;

    /// Why a task is not further.
    async fn explain_task(&self, id: TaskId) -> anyhow::Result<TaskExplanationDocument>;

    /// Why a step is not running.
    async fn explain_step(&self, task: TaskId, step: &str) -> anyhow::Result<StepExplanationDocument>;

    /// Waits until a task has ended; `false` if that took longer than `timeout`.
    async fn wait(&self, id: TaskId, timeout: Option<Duration>) -> anyhow::Result<bool>;

    /// What happened to a task after a position.
    async fn history(&self, id: TaskId, after: Cursor) -> anyhow::Result<History>;

    /// How often it is worth looking whether something happened.
    fn look_again(&self) -> Duration;

    /// Draws a task.
    async fn draw(
        &self,
        id: TaskId,
        options: DiagramOptions,
        format: DiagramFormat,
    ) -> anyhow::Result<String>;

    /// A registered definition. What is secret in it is masked.
    async fn definition(&self, selector: &Selector) -> anyhow::Result<DefinitionDocument>;

    /// A registered definition made ready for use.
    async fn plan(&self, selector: &Selector) -> anyhow::Result<Arc<Plan>>;

    /// Every version of every definition, or of those of one namespace.
    async fn definitions(&self, namespace: Option<&str>) -> anyhow::Result<DefinitionList>;

    /// Lets no new task use a version of a definition, or allows it again.
    async fn retire(&self, selector: &Selector, retired: bool) -> anyhow::Result<()>;

    /// Ends what was begun.
    async fn close(&self);
}

/// Who acts, and why.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Acting {
    /// Who, if that was told.
    pub actor: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// A page of what happened to a task, oldest first.
#[derive(Clone, PartialEq, Debug)]
pub struct History {
    /// What happened. Entries that were seen before may come again: `seq` tells.
    pub entries: Vec<TransitionDocument>,
    /// Where to go on, as far as that is known.
    pub next: Option<Cursor>,
    /// Whether there is more already.
    pub has_more: bool,
}
