//! Submitting several tasks, all of them or none.

use std::sync::Arc;

use tasker_core::decide::Submission;
use tasker_core::ids::TaskId;
use tasker_core::request::TaskRequest;
use tasker_core::time::Timestamp;
use tasker_store::StoreError;
use tasker_store::write::SubmitAnswer;

use super::TaskView;
use super::submit::{MOST_RESOLUTIONS, SubmittedTask, selector_of};
use crate::engine::Engine;
use crate::error::UseCaseError;
use crate::intake;
use crate::patience::Patience;

/// What came of requests that stand together.
#[derive(Debug)]
pub enum Together {
    /// The tasks, in the order of the requests: all made by this, or all made before by the same requests.
    Accepted(Vec<(SubmittedTask, TaskView)>),
    /// Nothing was stored. What is wrong, with the positions of the requests that are at fault.
    Withheld(Vec<(usize, UseCaseError)>),
}

/// Requests that have been handed in.
struct HandedIn {
    submissions: Arc<Vec<Submission>>,
    answers: Vec<SubmitAnswer>,
    at: Timestamp,
}

impl Engine {
    /// Accepts tasks, all of them or none, in one transaction. When this returns, they are committed.
    ///
    /// # Errors
    /// [`UseCaseError::Store`], [`UseCaseError::Stopped`]. What is wrong with a request is [`Together::Withheld`].
    pub async fn submit_together(&self, requests: Vec<TaskRequest>) -> Result<Together, UseCaseError> {
        let came = self.hand_over_together(&requests).await?;
        if let Together::Withheld(wrong) = &came {
            wrong.iter().for_each(|(i, error)| self.observe_refusal(&requests[*i], error));
        }
        Ok(came)
    }

    async fn hand_over_together(&self, requests: &[TaskRequest]) -> Result<Together, UseCaseError> {
        let ids: Vec<TaskId> = requests.iter().map(|request| self.id_for(request)).collect();
        let mut patience = Patience::new();
        let mut n_before = 0;
        loop {
            let submissions = match self.submissions_of(requests, &ids).await? {
                Ok(submissions) => submissions,
                Err(wrong) => return Ok(Together::Withheld(wrong)),
            };
            let answers = match self.pass_together(submissions).await? {
                Ok(handed_in) => return self.all_accepted(handed_in).await.map(Together::Accepted),
                Err(answers) => answers,
            };
            n_before += 1;
            if n_before < MOST_RESOLUTIONS && self.were_resolved_wrongly(requests, &answers) {
                continue;
            }
            if !answers.contains(&SubmitAnswer::Blocked) || !patience.is_left() {
                return self.not_all_accepted(requests, &ids, answers).await;
            }
            patience.wait().await;
        }
    }

    /// The requests, checked and completed, or what is wrong with them.
    async fn submissions_of(
        &self,
        requests: &[TaskRequest],
        ids: &[TaskId],
    ) -> Result<Result<Vec<Submission>, Vec<(usize, UseCaseError)>>, UseCaseError> {
        let (mut submissions, mut wrong) = (Vec::with_capacity(ids.len()), Vec::new());
        for (i, (request, id)) in requests.iter().zip(ids).enumerate() {
            match self.submission_of(request, *id).await {
                Ok(submission) => submissions.push(submission),
                Err(error) => wrong.push((i, of_request(error)?)),
            }
        }
        Ok(if wrong.is_empty() { Ok(submissions) } else { Err(wrong) })
    }

    /// Hands requests in; the answers if not all of them are accepted.
    async fn pass_together(
        &self,
        submissions: Vec<Submission>,
    ) -> Result<Result<HandedIn, Vec<SubmitAnswer>>, UseCaseError> {
        let (parts, submissions) = (self.parts.clone(), Arc::new(submissions));
        let these = submissions.clone();
        // What is committed must be taken up, whether or not somebody still waits for the answer.
        let accepted = tokio::spawn(async move { intake::accept_together(&parts, &these).await });
        match accepted.await.map_err(|_| UseCaseError::Stopped)? {
            Ok((answers, at)) => Ok(Ok(HandedIn { submissions, answers, at })),
            Err(StoreError::Withheld(answers)) => Ok(Err(answers)),
            Err(error) => Err(error.into()),
        }
    }

    fn were_resolved_wrongly(&self, requests: &[TaskRequest], answers: &[SubmitAnswer]) -> bool {
        let pairs = requests.iter().zip(answers);
        // Each of them is forgotten.
        pairs.filter(|(request, answer)| self.was_resolved_wrongly(&selector_of(request), answer)).count() > 0
    }

    async fn all_accepted(
        &self,
        handed_in: HandedIn,
    ) -> Result<Vec<(SubmittedTask, TaskView)>, UseCaseError> {
        let HandedIn { submissions, answers, at } = handed_in;
        let mut tasks = Vec::with_capacity(answers.len());
        for (submission, answer) in submissions.iter().zip(&answers) {
            let view = match self.decided(submission, answer, at) {
                Some(view) => view,
                None => self.task(submission.id).await?,
            };
            let status = view.detail.record.state;
            tasks.push((SubmittedTask { task_id: submission.id, status, created: true }, view));
        }
        Ok(tasks)
    }

    /// The tasks, if all requests were accepted before; else what is wrong with those that are at fault.
    async fn not_all_accepted(
        &self,
        requests: &[TaskRequest],
        ids: &[TaskId],
        answers: Vec<SubmitAnswer>,
    ) -> Result<Together, UseCaseError> {
        let (mut repeats, mut wrong) = (Vec::new(), Vec::new());
        for (i, answer) in answers.into_iter().enumerate() {
            if matches!(answer, SubmitAnswer::Accepted { .. }) {
                continue;
            }
            match self.outcome(&requests[i], ids[i], answer).await {
                Ok(submitted) => repeats.push((i, submitted)),
                Err(error) => wrong.push((i, of_request(error)?)),
            }
        }
        if repeats.len() < requests.len() {
            // Somebody made some of them before: then this cannot be all or none any more.
            wrong.extend(repeats.into_iter().map(|(i, submitted)| {
                let before = ids[..i].iter().position(|id| *id == submitted.task_id);
                (i, before.map_or_else(|| accepted_apart(submitted.task_id), repeated))
            }));
            wrong.sort_by_key(|(i, _)| *i);
            return Ok(Together::Withheld(wrong));
        }
        let mut tasks = Vec::with_capacity(repeats.len());
        for (_, submitted) in repeats {
            tasks.push((submitted, self.task(submitted.task_id).await?));
        }
        Ok(Together::Accepted(tasks))
    }
}

/// What is wrong with a request.
///
/// # Errors
/// It is not the request's fault.
fn of_request(error: UseCaseError) -> Result<UseCaseError, UseCaseError> {
    match error {
        UseCaseError::Store(_) | UseCaseError::Stopped => Err(error),
        _ => Ok(error),
    }
}

/// The request stands here already.
fn repeated(first: usize) -> UseCaseError {
    UseCaseError::Conflict {
        code: "duplicate_request",
        message: format!("it is the same as request {first} of this call, counted from 0"),
        help: Some("leave it out".into()),
        task: None,
    }
}

/// The request was accepted before, and others that it stands together with now were not.
fn accepted_apart(of: TaskId) -> UseCaseError {
    UseCaseError::Conflict {
        code: "duplicate_request",
        message: format!("the request was accepted before, as task {of}, without the others"),
        help: Some("leave it out".into()),
        task: Some(of),
    }
}
