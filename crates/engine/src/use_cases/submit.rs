//! Submitting tasks.

use tasker_core::ids::TaskId;
use tasker_core::request::{self, Acceptance, TaskRequest};
use tasker_core::state::TaskState;
use tasker_store::definitions::{Resolved, Selector};
use tasker_store::write::SubmitAnswer;
use tokio::sync::oneshot;

use super::definitions::missing;
use crate::engine::Engine;
use crate::error::UseCaseError;
use crate::intake::Arrival;

/// How often a definition may change between being read and the submission before the request is refused.
const MOST_RESOLUTIONS: usize = 8;

/// A task that is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SubmittedTask {
    /// Identity.
    pub task_id: TaskId,
    /// Its state when it was accepted; for a repeat, its state now.
    pub status: TaskState,
    /// Whether this request made it; `false` if the same request was accepted under this id before.
    pub created: bool,
}

impl Engine {
    /// Accepts a task. When this returns, the task is committed.
    ///
    /// # Errors
    /// [`UseCaseError::Invalid`] with every problem of the request; `definition_not_found`, `definition_retired`,
    /// `duplicate_request`, `task_id_conflict`.
    pub async fn submit(&self, request: TaskRequest) -> Result<SubmittedTask, UseCaseError> {
        let id = request.id.unwrap_or_else(|| TaskId(uuid::Uuid::now_v7()));
        for _ in 0..MOST_RESOLUTIONS {
            match self.submit_once(&request, id).await? {
                SubmitAnswer::Accepted { state } => {
                    return Ok(SubmittedTask { task_id: id, status: state, created: true });
                }
                SubmitAnswer::AlreadyAccepted => {
                    let status = self.task_detail(id).await?.record.state;
                    return Ok(SubmittedTask { task_id: id, status, created: false });
                }
                SubmitAnswer::NotLatest => {}
                SubmitAnswer::IdConflict => return Err(id_conflict(id)),
                SubmitAnswer::Duplicate { of } => return Err(duplicate(of)),
                SubmitAnswer::Refused(rejection) => return Err(UseCaseError::Refused(rejection)),
            }
        }
        Err(UseCaseError::Conflict {
            code: "definition_changing",
            message: format!("definition {} is being replaced over and over", request.name),
            help: Some("name an exact version, or try again".into()),
        })
    }

    async fn submit_once(&self, request: &TaskRequest, id: TaskId) -> Result<SubmitAnswer, UseCaseError> {
        let selector = Selector {
            namespace: request.namespace.clone(),
            name: request.name.clone(),
            version: request.version.clone(),
        };
        let plan = match self.parts.store.resolve(selector.clone()).await? {
            Resolved::Found { plan, .. } => plan,
            other => return Err(missing(&selector, other)),
        };
        let schema = self.schemas.of(&plan)?;
        let acceptance = Acceptance {
            schema: schema.as_deref(),
            id,
            identity: &self.options().identity,
            max_context_bytes: self.options().max_context_bytes,
        };
        let submission =
            request::submission(request.clone(), &plan, &acceptance).map_err(UseCaseError::Invalid)?;
        let (reply, answer) = oneshot::channel();
        self.arrivals.send(Arrival { submission, reply }).await.map_err(|_| UseCaseError::Stopped)?;
        Ok(answer.await.map_err(|_| UseCaseError::Stopped)??)
    }
}

fn id_conflict(id: TaskId) -> UseCaseError {
    UseCaseError::Conflict {
        code: "task_id_conflict",
        message: format!("another request was accepted under id {id}"),
        help: Some("use a new id for another request".into()),
    }
}

fn duplicate(of: TaskId) -> UseCaseError {
    UseCaseError::Conflict {
        code: "duplicate_request",
        message: format!("identity_hash: an equal request was accepted within the same minute as task {of}"),
        help: Some(format!("see it: tasker task show {of}")),
    }
}
