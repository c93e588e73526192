//! Submitting tasks.

use std::sync::Arc;

use tasker_core::decide::{self, Submission};
use tasker_core::ids::TaskId;
use tasker_core::plan::Plan;
use tasker_core::request::{self, Acceptance, TaskRequest};
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;
use tasker_store::definitions::{Resolved, Selector};
use tasker_store::read::{TaskDetail, TaskView};
use tasker_store::write::{SubmitAnswer, SubmitBatch};
use tasker_store::{StoreError, SubmitTransaction};
use tokio::sync::oneshot;

use super::definitions::missing;
use crate::engine::Engine;
use crate::error::UseCaseError;
use crate::intake::{self, Arrival, HandedIn};
use crate::patience::Patience;

/// How often a definition may change between being read and the submission before the request is refused.
pub(super) const MOST_RESOLUTIONS: usize = 8;

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

/// The ways in which a request gets into the store.
enum Door<'a> {
    /// With whatever else has arrived.
    Intake,
    /// In a transaction of its own: it may have to wait.
    Alone,
    /// In a transaction of the caller's.
    Transaction(&'a mut dyn SubmitTransaction),
}

impl Engine {
    /// Accepts a task. When this returns, the task is committed.
    ///
    /// # Errors
    /// [`UseCaseError::Invalid`] with every problem of the request; `definition_not_found`, `definition_retired`,
    /// `duplicate_request`, `idempotency_key_reused`, `task_id_conflict`; `request_in_progress` if an equal request stands
    /// in a transaction that did not end in time.
    pub async fn submit(&self, request: TaskRequest) -> Result<SubmittedTask, UseCaseError> {
        let submitted = self.hand_over(&request).await;
        self.observe(&request, submitted)
    }

    async fn hand_over(&self, request: &TaskRequest) -> Result<SubmittedTask, UseCaseError> {
        let id = self.id_for(request);
        let answer = self.insist(request, id).await?.answer;
        self.outcome(request, id, answer).await
    }

    /// [`Engine::submit`], with the task as it was stored; for a repeat, as it is now. What was just decided need not be
    /// read.
    ///
    /// # Errors
    /// As [`Engine::submit`].
    pub async fn submit_and_view(
        &self,
        request: TaskRequest,
    ) -> Result<(SubmittedTask, TaskView), UseCaseError> {
        let viewed = self.hand_over_and_view(&request).await;
        self.observe(&request, viewed)
    }

    async fn hand_over_and_view(
        &self,
        request: &TaskRequest,
    ) -> Result<(SubmittedTask, TaskView), UseCaseError> {
        let id = self.id_for(request);
        let HandedIn { submission, answer, at } = self.insist(request, id).await?;
        let view = self.decided(&submission, &answer, at);
        let submitted = self.outcome(request, id, answer).await?;
        match view {
            Some(view) => Ok((submitted, view)),
            None => Ok((submitted, self.task(submitted.task_id).await?)),
        }
    }

    /// Hands a request in until it is known what came of it.
    async fn insist(&self, request: &TaskRequest, id: TaskId) -> Result<HandedIn, UseCaseError> {
        let mut patience = Patience::new();
        let mut door = Door::Intake;
        loop {
            let handed_in = self.hand_in(request, id, &mut door).await?;
            if handed_in.answer != SubmitAnswer::Blocked || !patience.is_left() {
                return Ok(handed_in);
            }
            patience.wait().await;
            door = Door::Alone;
        }
    }

    /// A task that was accepted, as it was decided that it be, if none of its steps was claimed with it: who claims them is
    /// not known here.
    pub(super) fn decided(
        &self,
        submission: &Submission,
        answer: &SubmitAnswer,
        at: Timestamp,
    ) -> Option<TaskView> {
        let SubmitAnswer::Accepted { state } = answer else { return None };
        let task = decide::submit(submission, &self.parts.rules, at, None).ok()?;
        let steps = task.steps();
        let record = task.change.task.filter(|record| record.state == *state)?;
        let annotations = task.change.annotations;
        let detail = TaskDetail { record, input: task.input, plan: submission.plan.clone(), annotations };
        Some(TaskView { detail, steps })
    }

    /// Accepts a task inside a transaction of the caller's: it exists if that commits, and its steps can start then.
    /// [`Engine::hint`] after the commit spares them the wait for the next poll. On an error the transaction is as it was
    /// before, and may go on.
    ///
    /// # Errors
    /// As [`Engine::submit`]; an equal request in another open transaction is `request_in_progress` at once.
    pub async fn submit_in(
        &self,
        transaction: &mut dyn SubmitTransaction,
        request: TaskRequest,
    ) -> Result<SubmittedTask, UseCaseError> {
        let id = self.id_for(&request);
        let submitted = match self.hand_in(&request, id, &mut Door::Transaction(transaction)).await {
            Ok(handed_in) => self.outcome(&request, id, handed_in.answer).await,
            Err(error) => Err(error),
        };
        self.observe(&request, submitted)
    }

    fn observe<T>(&self, request: &TaskRequest, came: Result<T, UseCaseError>) -> Result<T, UseCaseError> {
        came.inspect_err(|error| self.observe_refusal(request, error))
    }

    /// Tells of a request that was refused, if that is what the error says.
    pub(super) fn observe_refusal(&self, request: &TaskRequest, error: &UseCaseError) {
        if error.is_refusal() {
            let plan = self.resolutions.get(&selector_of(request));
            self.options().observer.task_rejected(plan.as_deref());
        }
    }

    /// Tells this node's worker and other nodes that there may be work. Without hints, polling finds it.
    pub async fn hint(&self) {
        self.parts.hint();
        self.parts.store.hint().await;
    }

    pub(super) fn id_for(&self, request: &TaskRequest) -> TaskId {
        request.id.unwrap_or_else(|| TaskId(self.options().entropy.id()))
    }

    /// Hands a request in until its definition stands still; at last, if it never does, the answer says so.
    async fn hand_in(
        &self,
        request: &TaskRequest,
        id: TaskId,
        door: &mut Door<'_>,
    ) -> Result<HandedIn, UseCaseError> {
        let selector = selector_of(request);
        let mut n_before = 0;
        loop {
            let submission = self.submission_of(request, id).await?;
            let handed_in = self.pass(submission, door).await?;
            n_before += 1;
            if n_before == MOST_RESOLUTIONS || !self.was_resolved_wrongly(&selector, &handed_in.answer) {
                return Ok(handed_in);
            }
        }
    }

    /// Whether an answer may only be so because what is remembered of a definition is out of date; it is forgotten then.
    pub(super) fn was_resolved_wrongly(&self, selector: &Selector, answer: &SubmitAnswer) -> bool {
        match answer {
            SubmitAnswer::NotLatest => {
                self.resolutions.forget(selector);
                true
            }
            SubmitAnswer::Refused(refusal) => {
                refusal.code == "not_found" && self.resolutions.forget(selector)
            }
            _ => false,
        }
    }

    /// The request, checked and completed by the definition that it means.
    pub(super) async fn submission_of(
        &self,
        request: &TaskRequest,
        id: TaskId,
    ) -> Result<Submission, UseCaseError> {
        self.submission(request, &self.plan_of(&selector_of(request)).await?, id)
    }

    /// The request, checked and completed by a definition.
    fn submission(
        &self,
        request: &TaskRequest,
        plan: &Arc<Plan>,
        id: TaskId,
    ) -> Result<Submission, UseCaseError> {
        let schema = self.schemas.of(plan)?;
        let acceptance = Acceptance {
            schema: schema.as_deref(),
            id,
            identity: &self.options().identity,
            max_context_bytes: self.options().max_context_bytes,
        };
        request::submission(request.clone(), plan, &acceptance).map_err(UseCaseError::Invalid)
    }

    async fn plan_of(&self, selector: &Selector) -> Result<Arc<Plan>, UseCaseError> {
        if let Some(plan) = self.resolutions.get(selector) {
            return Ok(plan);
        }
        match self.parts.store.resolve(selector.clone()).await? {
            Resolved::Found { plan, .. } => {
                self.resolutions.remember(selector.clone(), plan.clone());
                Ok(plan)
            }
            other => Err(missing(selector, other)),
        }
    }

    async fn pass(&self, submission: Submission, door: &mut Door<'_>) -> Result<HandedIn, UseCaseError> {
        let (reply, answer) = oneshot::channel();
        match door {
            Door::Intake => {
                let arrival = Arrival { submission, reply };
                self.arrivals.send(arrival).await.map_err(|_| UseCaseError::Stopped)?;
            }
            Door::Alone => {
                let parts = self.parts.clone();
                // What is committed must be taken up, whether or not somebody still waits for the answer.
                tokio::spawn(
                    async move { intake::accept(&parts, vec![Arrival { submission, reply }]).await },
                );
            }
            Door::Transaction(transaction) => {
                let rules = self.parts.rules.clone();
                let batch = SubmitBatch::of([submission.clone()], rules);
                let mut submitted = transaction.submit(batch).await?;
                let answer = submitted.answers.pop();
                let answer =
                    answer.ok_or_else(|| StoreError::Corrupt("a submission was not answered".into()))?;
                return Ok(HandedIn { submission, answer, at: submitted.now });
            }
        }
        Ok(answer.await.map_err(|_| UseCaseError::Stopped)??)
    }

    pub(super) async fn outcome(
        &self,
        request: &TaskRequest,
        id: TaskId,
        answer: SubmitAnswer,
    ) -> Result<SubmittedTask, UseCaseError> {
        match answer {
            SubmitAnswer::Accepted { state } => {
                Ok(SubmittedTask { task_id: id, status: state, created: true })
            }
            SubmitAnswer::AlreadyAccepted => {
                // One that only the caller's transaction can see has not begun.
                let status = self.parts.store.task_state(id).await?.unwrap_or(TaskState::Pending);
                Ok(SubmittedTask { task_id: id, status, created: false })
            }
            SubmitAnswer::Refused(rejection) => Err(UseCaseError::Refused(rejection)),
            SubmitAnswer::Duplicate { of } if request.delivery.idempotency_key.is_some() => {
                self.accepted_under_key(of, request).await
            }
            SubmitAnswer::Duplicate { of } => Err(duplicate(of)),
            SubmitAnswer::Blocked => Err(in_progress(id)),
            SubmitAnswer::IdConflict => Err(id_conflict(id)),
            SubmitAnswer::NotLatest => Err(definition_changing(request)),
        }
    }

    /// The task that was accepted under the key of a request, if it was the same request.
    async fn accepted_under_key(
        &self,
        of: TaskId,
        request: &TaskRequest,
    ) -> Result<SubmittedTask, UseCaseError> {
        let first = self.task_detail(of).await?;
        // What does not fit the definition of the first is another request.
        let again = self.submission(request, &first.plan, of);
        if again.is_ok_and(|again| again.content == first.input.content) {
            return Ok(SubmittedTask { task_id: of, status: first.record.state, created: false });
        }
        Err(key_reused(of))
    }
}

/// The definition that a request means.
pub(super) fn selector_of(request: &TaskRequest) -> Selector {
    Selector {
        namespace: request.namespace.clone(),
        name: request.name.clone(),
        version: request.version.clone(),
    }
}

fn key_reused(of: TaskId) -> UseCaseError {
    UseCaseError::Conflict {
        code: "idempotency_key_reused",
        message: format!("another request was accepted under this idempotency key, as task {of}"),
        help: Some("use a new key for another request; send the same request to repeat it".into()),
        task: None,
    }
}

fn definition_changing(request: &TaskRequest) -> UseCaseError {
    UseCaseError::Conflict {
        code: "definition_changing",
        message: format!("definition {} is being replaced over and over", request.name),
        help: Some("name an exact version, or try again".into()),
        task: None,
    }
}

fn in_progress(id: TaskId) -> UseCaseError {
    UseCaseError::Conflict {
        code: "request_in_progress",
        message: format!("a request equal to that of task {id} stands in a transaction that has not ended"),
        help: Some("try again when that transaction has ended".into()),
        task: Some(id),
    }
}

fn id_conflict(id: TaskId) -> UseCaseError {
    UseCaseError::Conflict {
        code: "task_id_conflict",
        message: format!("another request was accepted under id {id}"),
        help: Some("use a new id for another request".into()),
        task: Some(id),
    }
}

fn duplicate(of: TaskId) -> UseCaseError {
    UseCaseError::Conflict {
        code: "duplicate_request",
        message: format!("identity_hash: an equal request was accepted within the same minute as task {of}"),
        help: Some(format!("see it: tasker task show {of}")),
        task: Some(of),
    }
}
