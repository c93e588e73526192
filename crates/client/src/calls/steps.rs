//! Calls about steps: look at, list, explain.

use futures::stream::{self, Stream, TryStreamExt as _};
use tasker_wire::{StepDocument, StepExplanationDocument, StepExplanationReply, StepList, StepReply};

use crate::client::Client;
use crate::error::Error;

/// Which steps of a task a list shows; they come in document order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct StepQuery {
    /// Only in one of these states, with commas between them.
    pub status: Option<String>,
    /// Only the step of this name.
    pub name: Option<String>,
    /// Most steps of a page, 1 to 100; 20 unless set.
    pub limit: Option<usize>,
    /// Steps to skip.
    pub offset: usize,
    /// Whether all steps that match are counted.
    pub include_total: bool,
}

impl StepQuery {
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        let mut put = |name, value: Option<String>| pairs.extend(value.map(|value| (name, value)));
        put("status", self.status.clone());
        put("name", self.name.clone());
        put("limit", self.limit.map(|limit| limit.to_string()));
        put("offset", (self.offset > 0).then(|| self.offset.to_string()));
        put("include_total", self.include_total.then(|| "true".to_owned()));
        pairs
    }
}

impl Client {
    /// A step.
    ///
    /// # Errors
    /// [`Error`]; `TASK_NOT_FOUND`, `STEP_NOT_FOUND`.
    pub async fn step(&self, task: impl ToString, step: &str) -> Result<StepDocument, Error> {
        let path = ["tasks", &task.to_string(), "workflow_steps", step];
        let reply: StepReply = self.read(self.get(&path, &[])).await?;
        Ok(reply.step)
    }

    /// A page of the steps of a task.
    ///
    /// # Errors
    /// [`Error`]; `TASK_NOT_FOUND`, `INVALID_PARAMETER`.
    pub async fn steps(&self, task: impl ToString, query: &StepQuery) -> Result<StepList, Error> {
        let path = ["tasks", &task.to_string(), "workflow_steps"];
        self.read(self.get(&path, &query.pairs())).await
    }

    /// All steps of a task that match, page by page as they are asked for.
    pub fn all_steps(
        &self,
        task: impl ToString,
        query: StepQuery,
    ) -> impl Stream<Item = Result<StepDocument, Error>> + '_ {
        let start = Some((task.to_string(), query));
        let pages = stream::try_unfold(start, move |place| async move {
            let Some((task, query)) = place else { return Ok(None) };
            let page = self.steps(&task, &query).await?;
            let offset = query.offset.saturating_add(page.steps.len());
            let next = (page.pagination.has_more && !page.steps.is_empty())
                .then_some((task, StepQuery { offset, ..query }));
            Ok(Some((stream::iter(page.steps.into_iter().map(Ok)), next)))
        });
        pages.try_flatten()
    }

    /// Why a step is not running.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub async fn explain_step(
        &self,
        task: impl ToString,
        step: &str,
    ) -> Result<StepExplanationDocument, Error> {
        let path = ["tasks", &task.to_string(), "workflow_steps", step, "explain"];
        let reply: StepExplanationReply = self.read(self.get(&path, &[])).await?;
        Ok(reply.explanation)
    }
}
