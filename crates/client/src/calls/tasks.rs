//! Calls about tasks: ask for, look at, list.

use futures::stream::{self, Stream, TryStreamExt as _};
use reqwest::Method;
use serde_json::Value;
use tasker_wire::request::CreateTaskRequest;
use tasker_wire::{
    Include, TaskDocument, TaskExplanationDocument, TaskExplanationReply, TaskList, TaskReply, TaskSummary,
};
use uuid::Uuid;

use super::TaskQuery;
use crate::client::Client;
use crate::error::Error;

/// A task that was accepted.
#[derive(Clone, PartialEq, Debug)]
pub struct Accepted {
    /// The task.
    pub task: TaskDocument,
    /// Whether the server says that this very request was accepted before.
    pub is_replayed: bool,
}

impl Client {
    /// Asks for a task. It is stored when this is answered, and it is accepted once, however often the client has to
    /// ask: a task without an id gets one here, which is the idempotency key too, and the correlation id where there is
    /// none, so that the log of the server ties all attempts together.
    ///
    /// # Errors
    /// [`Error`]; `HANDLER_NOT_FOUND`: there is no such definition; `CONTEXT_SCHEMA_VIOLATION`, `VALIDATION_FAILED`,
    /// `DUPLICATE_TASK`.
    pub async fn create_task(&self, mut request: CreateTaskRequest) -> Result<Accepted, Error> {
        let id = request.id.get_or_insert_with(|| Uuid::now_v7().to_string()).clone();
        request.correlation_id.get_or_insert_with(|| id.clone());
        self.create(&request, id).await
    }

    /// Asks for a task under an idempotency key of the caller's own, 1 to 128 visible ASCII characters: whoever asks for
    /// the same under the same key, even after a restart, gets the same task.
    ///
    /// # Errors
    /// As [`Self::create_task`].
    pub async fn create_task_once(&self, request: &CreateTaskRequest, key: &str) -> Result<Accepted, Error> {
        self.create(request, key.to_owned()).await
    }

    async fn create(&self, request: &CreateTaskRequest, key: String) -> Result<Accepted, Error> {
        let ask = self.change(Method::POST, &["tasks"], request)?.keyed(key);
        let (reply, is_replayed): (TaskReply, bool) = self.read_replayed(ask).await?;
        Ok(Accepted { task: reply.task, is_replayed })
    }

    /// A task with all of its parts.
    ///
    /// # Errors
    /// [`Error`]; `TASK_NOT_FOUND`.
    pub async fn task(&self, id: impl ToString) -> Result<TaskDocument, Error> {
        self.task_with(id, &Include::ALL).await
    }

    /// A task with these parts; with none given, all.
    ///
    /// # Errors
    /// As [`Self::task`].
    pub async fn task_with(&self, id: impl ToString, parts: &[Include]) -> Result<TaskDocument, Error> {
        let names: Vec<&str> = parts.iter().map(|part| part.name()).collect();
        let query = if names.is_empty() { Vec::new() } else { vec![("include", names.join(","))] };
        let reply: TaskReply = self.read(self.get(&["tasks", &id.to_string()], &query)).await?;
        Ok(reply.task)
    }

    /// What can be said of a task as it stands: paths, parallelism, failures, bottlenecks. It is left as it came.
    ///
    /// # Errors
    /// As [`Self::task`].
    pub async fn analyze_task(&self, id: impl ToString) -> Result<Value, Error> {
        let query =
            [("include", Include::Execution.name().to_owned()), ("include_dependencies", "true".into())];
        let reply: TaskReply = self.read(self.get(&["tasks", &id.to_string()], &query)).await?;
        Ok(reply.task.dependency_analysis.unwrap_or_default())
    }

    /// A page of tasks. One with fewer than its limit, even with none, may have more after it: `has_more` tells.
    ///
    /// # Errors
    /// [`Error`]; `INVALID_PARAMETER`.
    pub async fn tasks(&self, query: &TaskQuery) -> Result<TaskList, Error> {
        self.read(self.get(&["tasks"], query.pairs())).await
    }

    /// All tasks that match, page by page as they are asked for.
    pub fn all_tasks(&self, query: TaskQuery) -> impl Stream<Item = Result<TaskSummary, Error>> + '_ {
        let pages = stream::try_unfold(Some(query), move |query| async move {
            let Some(query) = query else { return Ok(None) };
            let page = self.tasks(&query).await?;
            let next = page.pagination.next_cursor.filter(|_| page.pagination.has_more);
            let next = next.map(|cursor| query.cursor(&cursor));
            Ok(Some((stream::iter(page.tasks.into_iter().map(Ok)), next)))
        });
        pages.try_flatten()
    }

    /// Why a task is not further.
    ///
    /// # Errors
    /// As [`Self::task`].
    pub async fn explain_task(&self, id: impl ToString) -> Result<TaskExplanationDocument, Error> {
        let path = ["tasks", &id.to_string(), "explain"];
        let reply: TaskExplanationReply = self.read(self.get(&path, &[])).await?;
        Ok(reply.explanation)
    }
}
