//! The same with many tasks, with each by itself.

use async_trait::async_trait;
use futures::stream::{self, StreamExt as _};
use tasker_client::request::{BulkAction, BulkActionRequest, BulkCreateRequest, MOST_ITEMS, MOST_TASK_IDS};
use tasker_core::decide::NewLimit;
use tasker_core::ids::TaskId;
use tasker_core::request::TaskRequest;
use tasker_engine::UseCaseError;
use tasker_engine::use_cases::{Operation, Operator, may_resume};
use uuid::Uuid;

use super::local::actor;
use super::{Acting, Local, Remote, requests};
use crate::exit::{Failure, failure_of};

/// Tasks that are worked on at once.
const AT_ONCE: usize = 16;

/// Most bytes of contexts in one request to a server, which takes no more than a few MiB.
const MOST_BYTES: usize = 512 * 1024;

/// The same with many tasks, with each by itself. What came of each stands in the order in which they were named.
#[async_trait]
pub trait Bulk {
    /// Asks for tasks.
    async fn submit_all(&self, requests: Vec<TaskRequest>) -> anyhow::Result<Vec<Result<TaskId, Failure>>>;

    /// Acts on tasks; in a dry run only tells what would come of it.
    async fn act_on_all(
        &self,
        action: BulkAction,
        tasks: &[TaskId],
        who: Acting,
        dry_run: bool,
    ) -> anyhow::Result<Vec<Result<(), Failure>>>;
}

#[async_trait]
impl Bulk for Local {
    async fn submit_all(&self, requests: Vec<TaskRequest>) -> anyhow::Result<Vec<Result<TaskId, Failure>>> {
        let one = async |request| self.0.submit(request).await.map(|task| task.task_id).map_err(told);
        Ok(stream::iter(requests).map(one).buffered(AT_ONCE).collect().await)
    }

    async fn act_on_all(
        &self,
        action: BulkAction,
        tasks: &[TaskId],
        who: Acting,
        dry_run: bool,
    ) -> anyhow::Result<Vec<Result<(), Failure>>> {
        let operator = Operator::named(actor(who.actor)).because(who.reason);
        let one = |id: &TaskId| {
            let (id, operator) = (*id, operator.clone());
            async move { self.act_on(action, id, operator, dry_run).await.map_err(told) }
        };
        Ok(stream::iter(tasks).map(one).buffered(AT_ONCE).collect().await)
    }
}

impl Local {
    async fn act_on(
        &self,
        action: BulkAction,
        id: TaskId,
        operator: Operator,
        dry_run: bool,
    ) -> Result<(), UseCaseError> {
        let operation = match action {
            BulkAction::Resume if dry_run => return may_resume(&self.0.task_detail(id).await?),
            BulkAction::Resume => return self.0.resume(&self.0.task_detail(id).await?).await,
            BulkAction::Cancel => Operation::CancelTask { force: false },
            BulkAction::Retry => Operation::RetryTask { steps: Vec::new(), limit: NewLimit::Keep },
            BulkAction::Resolve => Operation::ResolveTask,
        };
        match dry_run {
            true => self.0.rehearse(id, operation, operator).await,
            false => self.0.operate(id, operation, operator).await,
        }
    }
}

#[async_trait]
impl Bulk for Remote {
    async fn submit_all(&self, requests: Vec<TaskRequest>) -> anyhow::Result<Vec<Result<TaskId, Failure>>> {
        let mut results = Vec::with_capacity(requests.len());
        for part in parts(&requests) {
            let tasks = part.iter().map(requests::task).collect();
            let key = Uuid::new_v4().to_string();
            let end = results.len() + part.len();
            match self.told(self.client.create_tasks(&BulkCreateRequest { tasks, atomic: false }, &key).await)
            {
                Ok(created) => {
                    results.extend(created.results.into_iter().map(|item| match (item.task, item.error) {
                        (Some(task), _) => Ok(task.task_id),
                        (None, error) => Err(self.told_of(error)),
                    }));
                    results.resize_with(end, || Err(self.told_of(None)));
                }
                Err(error) => return all_the_rest(results, requests.len(), error),
            }
        }
        Ok(results)
    }

    async fn act_on_all(
        &self,
        action: BulkAction,
        tasks: &[TaskId],
        who: Acting,
        dry_run: bool,
    ) -> anyhow::Result<Vec<Result<(), Failure>>> {
        let reason = requests::reason(who)?;
        let mut results = Vec::with_capacity(tasks.len());
        for part in tasks.chunks(MOST_TASK_IDS) {
            let request = BulkActionRequest {
                action,
                task_ids: part.to_vec(),
                filter: None,
                cursor: None,
                dry_run,
                reason: reason.clone(),
            };
            let end = results.len() + part.len();
            match self.told(self.client.act_on_tasks(&request).await) {
                Ok(acted) => {
                    results.extend(acted.results.into_iter().map(|item| match item.error {
                        None => Ok(()),
                        error => Err(self.told_of(error)),
                    }));
                    results.resize_with(end, || Err(self.told_of(None)));
                }
                Err(error) => return all_the_rest(results, tasks.len(), error),
            }
        }
        Ok(results)
    }
}

fn told(error: UseCaseError) -> Failure {
    failure_of(&error.into())
}

/// Requests in parts that a server takes.
fn parts(requests: &[TaskRequest]) -> Vec<&[TaskRequest]> {
    let (mut parts, mut begin, mut bytes) = (Vec::new(), 0, 0);
    for (i, request) in requests.iter().enumerate() {
        let more = request.context.as_str().len();
        if i - begin == MOST_ITEMS || (i > begin && bytes + more > MOST_BYTES) {
            parts.push(&requests[begin..i]);
            (begin, bytes) = (i, 0);
        }
        bytes += more;
    }
    parts.extend(requests.get(begin..).filter(|rest| !rest.is_empty()));
    parts
}

/// What came of it if a call failed as a whole: what was done before is told, and why the rest is not known to be.
fn all_the_rest<T>(
    mut results: Vec<Result<T, Failure>>,
    n: usize,
    error: anyhow::Error,
) -> anyhow::Result<Vec<Result<T, Failure>>> {
    if results.is_empty() {
        return Err(error);
    }
    let failure = failure_of(&error);
    results.resize_with(n, || Err(failure.clone()));
    Ok(results)
}

#[cfg(test)]
mod tests {
    use tasker_core::payload::Payload;

    use super::*;

    #[test]
    fn a_server_is_asked_for_no_more_than_it_takes_at_once() {
        let request = |bytes: usize| TaskRequest {
            context: Payload::object(&format!(r#"{{"x": "{}"}}"#, "x".repeat(bytes)), usize::MAX).unwrap(),
            ..TaskRequest::new("default".parse().unwrap(), "order".parse().unwrap())
        };
        let sizes =
            |requests: &[TaskRequest]| parts(requests).iter().map(|part| part.len()).collect::<Vec<usize>>();
        assert_eq!(sizes(&[]), Vec::<usize>::new());
        assert_eq!(sizes(&vec![request(1); 201]), [100, 100, 1]);
        let large = MOST_BYTES / 2;
        assert_eq!(
            sizes(&[request(large), request(large), request(1), request(2 * large), request(1)]),
            [1, 2, 1, 1]
        );
    }
}
