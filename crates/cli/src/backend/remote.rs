//! A server, through its HTTP API.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tasker_client::request::{CreateAnnotationRequest, UpdateTaskRequest};
use tasker_client::{Client, DiagramQuery, Error, EventQuery, EventStream};
use tasker_core::diagram::{DiagramFormat, DiagramOptions, Theme};
use tasker_core::ids::TaskId;
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::request::TaskRequest;
use tasker_engine::use_cases::Operation;
use tasker_store::definitions::Selector;
use tasker_store::list::TaskFilter;
use tasker_store::read::Cursor;
use tasker_wire::{
    AnnotationDocument, DefinitionDocument, DefinitionList, Include, ProblemDocument, RegisteredReply,
    StepDocument, StepExplanationDocument, TaskCreated, TaskDocument, TaskExplanationDocument, TaskList,
};

use super::requests;
use super::token::Token;
use super::{Acting, Backend, History};
use crate::exit::{Failure, Status};
use crate::server_failure as failure;

/// Entries of a history that are read at once: as many as a server gives.
const PAGE: usize = 100;

/// How often it is looked whether something happened.
const LOOK: Duration = Duration::from_secs(1);

/// A server.
pub struct Remote {
    pub(super) client: Client,
    token: Token,
}

impl Remote {
    /// The server at an address, asked with a token.
    ///
    /// # Errors
    /// The address or the token cannot be used.
    pub fn new(url: &str, token: Token) -> Result<Self, Failure> {
        let builder = Client::builder(url).user_agent(concat!("tasker/", env!("CARGO_PKG_VERSION")));
        let builder = match token.secret() {
            Some(secret) => builder.token(secret),
            None => builder,
        };
        match builder.build() {
            Ok(client) => Ok(Self { client, token }),
            Err(error) => Err(failure::invalid_client(&error, &token)),
        }
    }

    /// Registers a definition, as files write it.
    ///
    /// # Errors
    /// What the server says.
    pub async fn register(&self, text: &str, replace: bool) -> Result<RegisteredReply, Failure> {
        self.client
            .register(text, replace)
            .await
            .map_err(|error| failure::of_registration(&error, &self.token))
    }

    /// Events as they happen.
    pub fn events(&self, query: &EventQuery) -> EventStream {
        self.client.events(query)
    }

    /// Why a part of a request failed.
    pub(super) fn told_of(&self, error: Option<ProblemDocument>) -> Failure {
        match error {
            Some(document) => failure::of_part(document, &self.token),
            None => {
                let message = format!("the server at {} tells neither a task nor why", self.client.address());
                Failure::new(Status::Unavailable, "server_not_understood", message)
                    .help("use a tasker of the version of the server")
            }
        }
    }

    /// What the server says, or what became of the call, in words of the command line.
    ///
    /// # Errors
    /// The call came to nothing.
    pub fn told<T>(&self, result: Result<T, Error>) -> anyhow::Result<T> {
        result.map_err(|error| failure::of(&error, &self.token).into())
    }
}

#[async_trait]
impl Backend for Remote {
    async fn task(&self, id: TaskId) -> anyhow::Result<TaskDocument> {
        self.told(self.client.task(id).await)
    }

    async fn tasks(&self, list: &TaskFilter, cursor: Option<&str>) -> anyhow::Result<TaskList> {
        let query = requests::list(list);
        let query = cursor.into_iter().fold(query, |query, cursor| query.cursor(cursor));
        let page = self.client.tasks(&query).await;
        page.map_err(|error| failure::of_list(&error, &self.token).into())
    }

    async fn submit(&self, request: TaskRequest) -> anyhow::Result<TaskCreated> {
        let accepted = self.told(self.client.create_task(requests::task(&request)).await)?;
        let task = accepted.task;
        Ok(TaskCreated { task_id: task.task_id, status: task.status, created: !accepted.is_replayed })
    }

    async fn operate(&self, task: TaskId, operation: Operation, who: Acting) -> anyhow::Result<TaskDocument> {
        let reason = requests::reason(who)?;
        self.told(match operation {
            Operation::CancelTask { force } => {
                self.client.cancel_task(task, &requests::cancel(force, reason)).await
            }
            Operation::ResolveTask => self.client.resolve_task(task, &requests::resolve(reason)).await,
            Operation::RetryTask { steps, limit } => {
                self.client.retry_task(task, &requests::retry(steps, limit, reason)).await
            }
            Operation::EditTask { reason, tags } => {
                self.client.update_task(task, &UpdateTaskRequest { reason, tags }).await
            }
            other => return Err(unknown(&other)),
        })
    }

    async fn operate_step(
        &self,
        task: TaskId,
        step: &str,
        operation: Operation,
        who: Acting,
    ) -> anyhow::Result<StepDocument> {
        let reason = requests::reason(who)?;
        self.told(match operation {
            Operation::CancelStep(_) => {
                self.client.cancel_step(task, step, &requests::cancel_step(reason)).await
            }
            Operation::ResolveStep { results, .. } => {
                self.client.resolve_step(task, step, &requests::resolve_step(results, reason)).await
            }
            Operation::RetryStep { limit, new_idempotency_key, .. } => {
                let request = requests::retry_step(limit, new_idempotency_key, reason);
                self.client.retry_step(task, step, &request).await
            }
            other => return Err(unknown(&other)),
        })
    }

    async fn resume(&self, task: TaskId) -> anyhow::Result<TaskDocument> {
        self.told(self.client.resume_task(task).await)
    }

    async fn annotate(
        &self,
        task: TaskId,
        kind: String,
        value: &Payload,
        who: Acting,
    ) -> anyhow::Result<AnnotationDocument> {
        requests::reason(who)?;
        let request = CreateAnnotationRequest { kind, value: value.to_value() };
        self.told(self.client.annotate(task, &request).await)
    }

    async fn annotations(&self, task: TaskId) -> anyhow::Result<Vec<AnnotationDocument>> {
        let mut all = Vec::new();
        loop {
            let page = self.told(self.client.annotations(task, PAGE, all.len()).await)?;
            let is_last = page.annotations.is_empty() || !page.pagination.has_more;
            all.extend(page.annotations);
            if is_last {
                return Ok(all);
            }
        }
    }

    async fn step(&self, task: TaskId, step: &str) -> anyhow::Result<StepDocument> {
        self.told(self.client.step(task, step).await)
    }

    async fn explain_task(&self, id: TaskId) -> anyhow::Result<TaskExplanationDocument> {
        self.told(self.client.explain_task(id).await)
    }

    async fn explain_step(&self, task: TaskId, step: &str) -> anyhow::Result<StepExplanationDocument> {
        self.told(self.client.explain_step(task, step).await)
    }

    async fn wait(&self, id: TaskId, timeout: Option<Duration>) -> anyhow::Result<bool> {
        let ended = async {
            loop {
                // The smallest part of a task.
                let task = self.told(self.client.task_with(id, &[Include::Execution]).await)?;
                if !task.status.is_open() {
                    return Ok(true);
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        match timeout {
            None => ended.await,
            Some(limit) => tokio::time::timeout(limit, ended).await.unwrap_or(Ok(false)),
        }
    }

    async fn history(&self, id: TaskId, after: Cursor) -> anyhow::Result<History> {
        let after = (after != Cursor::START).then(|| after.to_string());
        let page = self.told(self.client.task_transitions(id, after.as_deref(), PAGE).await)?;
        let next = page.pagination.next_cursor.and_then(|cursor| cursor.parse().ok());
        // Without a place to go on from there is nothing to go on with.
        Ok(History { entries: page.transitions, has_more: page.pagination.has_more && next.is_some(), next })
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
        if options.links.is_some() {
            let message = "--links is not for servers";
            return Err(Failure::new(Status::Usage, "usage", message)
                .help("leave it out: the server knows its own address (api.public_url)")
                .into());
        }
        let theme = if options.theme == Theme::Dark { "dark" } else { "light" };
        let query = DiagramQuery {
            format: Some(format.as_str().to_owned()),
            direction: Some(options.direction.to_string()),
            theme: Some(theme.to_owned()),
            links: Some(false),
        };
        self.told(self.client.task_diagram(id, &query).await)
    }

    async fn definition(&self, selector: &Selector) -> anyhow::Result<DefinitionDocument> {
        let version = selector.version.as_ref().map(ToString::to_string);
        let found =
            self.client.handler(selector.namespace.as_str(), selector.name.as_str(), version.as_deref());
        Ok(self.told(found.await)?.definition.masked())
    }

    async fn plan(&self, selector: &Selector) -> anyhow::Result<Arc<Plan>> {
        let document = self.definition(selector).await?;
        document.definition().map(Plan::new).map_err(|incoherent| {
            let message = format!("the server at {} shows {incoherent}", self.client.address());
            Failure::new(Status::Unavailable, "server_not_understood", message)
                .help("use a tasker of the version of the server")
                .into()
        })
    }

    async fn definitions(&self, namespace: Option<&str>) -> anyhow::Result<DefinitionList> {
        self.told(self.client.definitions(namespace).await)
    }

    async fn retire(&self, selector: &Selector, retired: bool) -> anyhow::Result<()> {
        let Selector { namespace, name, version } = selector;
        let version = version.as_ref().map(ToString::to_string).unwrap_or_default();
        let done = self.client.retire_definition(namespace.as_str(), name.as_str(), &version, retired);
        self.told(done.await)?;
        Ok(())
    }

    async fn close(&self) {}
}

/// No command does this.
fn unknown(operation: &Operation) -> anyhow::Error {
    anyhow::anyhow!("{operation:?} is nothing that is asked of servers")
}
