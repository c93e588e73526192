//! Intake: accepts tasks. One transaction for whatever has arrived while the one before was under way.

use std::collections::VecDeque;
use std::sync::Arc;

use std::time::Duration;
use tasker_core::decide::Submission;

use tasker_core::ids::TaskId;
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;
use tasker_store::StoreError;
use tasker_store::write::{SubmitAnswer, SubmitBatch, Submitted};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::engine::Parts;
use crate::observe::CommitKind;
use crate::patience::Patience;
use crate::worker::slots::{Borrower, Lent};

/// A submission and who waits for its answer.
pub(crate) struct Arrival {
    pub(crate) submission: Submission,
    pub(crate) reply: oneshot::Sender<Result<HandedIn, StoreError>>,
}

/// A submission, what came of it, and the time of the transaction in which that was decided.
pub(crate) struct HandedIn {
    pub(crate) submission: Submission,
    pub(crate) answer: SubmitAnswer,
    pub(crate) at: Timestamp,
}

/// Runs until the engine shuts down; whatever had arrived by then is still accepted.
pub(crate) async fn run(parts: Arc<Parts>, mut arrivals: mpsc::Receiver<Arrival>) {
    let mut waiting = VecDeque::new();
    loop {
        if waiting.is_empty() {
            let is_open = !arrivals.is_closed();
            tokio::select! {
                biased;
                arrival = arrivals.recv() => match arrival {
                    Some(arrival) => waiting.push_back(arrival),
                    None => return,
                },
                // Once: somebody who was promised a place may still be about to take it, and must be waited for.
                () = parts.shutdown.cancelled(), if is_open => arrivals.close(),
            }
        }
        while waiting.len() < parts.options.max_batch_items
            && let Ok(arrival) = arrivals.try_recv()
        {
            waiting.push_back(arrival);
        }
        let batch = take_batch(&mut waiting, &parts);
        if !batch.is_empty() {
            accept(&parts, batch).await;
        }
    }
}

/// As many as fit the limits, at least one.
fn take_batch(waiting: &mut VecDeque<Arrival>, parts: &Parts) -> Vec<Arrival> {
    let mut batch = Vec::new();
    let mut bytes = 0;
    while let Some(arrival) = waiting.front() {
        bytes += arrival.submission.context.as_str().len();
        let full = batch.len() >= parts.options.max_batch_items || bytes > parts.options.max_batch_bytes;
        if full && !batch.is_empty() {
            break;
        }
        batch.extend(waiting.pop_front());
    }
    batch
}

/// Commits a batch and answers everybody in it. What the database refuses is halved until the culprit stands alone;
/// while it cannot be used (or an answer was lost: the ids make a repeat harmless) the batch is tried again for a while.
pub(crate) async fn accept(parts: &Parts, batch: Vec<Arrival>) {
    let mut patience = Patience::new();
    let mut parcels = vec![batch];
    while let Some(mut parcel) = parcels.pop() {
        match commit(parts, submissions(&parcel), false).await {
            Ok((answers, at)) => reply(parcel, answers, at),
            Err(StoreError::Unstorable { .. }) if parcel.len() > 1 => {
                let rest = parcel.split_off(parcel.len() / 2);
                parcels.push(rest);
                parcels.push(parcel);
            }
            Err(error) if error.may_be_retried() && patience.is_left() => {
                parcels.push(parcel);
                patience.wait().await;
            }
            Err(error) => {
                let text = Arc::<str>::from(error.to_string());
                let mut first = Some(error);
                for arrival in parcel {
                    let _ = arrival.reply.send(Err(first.take().unwrap_or_else(|| same(&text))));
                }
            }
        }
    }
}

/// Commits requests that stand together: all of them, or none ([`StoreError::Withheld`]). While the database cannot be used
/// they are tried again for a while, as [`accept`] does.
pub(crate) async fn accept_together(
    parts: &Parts,
    submissions: &[Submission],
) -> Result<(Vec<SubmitAnswer>, Timestamp), StoreError> {
    let mut patience = Patience::new();
    loop {
        match commit(parts, submissions.iter().collect(), true).await {
            Err(error) if error.may_be_retried() && patience.is_left() => patience.wait().await,
            ended => return ended,
        }
    }
}

async fn commit(
    parts: &Parts,
    parcel: Vec<&Submission>,
    together: bool,
) -> Result<(Vec<SubmitAnswer>, Timestamp), StoreError> {
    let worker = parts.worker();
    let lent = worker.as_ref().and_then(|worker| worker.lend(Borrower::Submit));
    let batch = SubmitBatch {
        submissions: parcel.iter().copied().cloned().collect(),
        rules: parts.rules.clone(),
        budget: lent.as_ref().map(Lent::budget),
        together,
    };
    let begin = Instant::now();
    let submitted = match parts.store.submit(batch).await {
        Ok(submitted) => submitted,
        Err(error) => {
            worker.inspect(|worker| worker.doubt(&error));
            return Err(error);
        }
    };
    parts.options.observer.committed(CommitKind::Accept, parcel.len(), begin.elapsed());
    observe(parts, &parcel, &submitted);
    let n_claimed = submitted.work.len();
    if let (Some(worker), Some(lent)) = (worker, lent) {
        worker.start(submitted.work, lent);
    }
    parts.watchers.committed(ended(&parcel, &submitted.answers));
    if n_claimed < n_roots(&parcel, &submitted.answers) {
        parts.hint();
    }
    Ok((submitted.answers, submitted.now))
}

/// Tells what was accepted.
fn observe(parts: &Parts, parcel: &[&Submission], submitted: &Submitted) {
    let observer = &parts.options.observer;
    submitted.logged.iter().for_each(|logged| observer.states_changed(&logged.plan, &logged.changes));
    for (submission, answer) in parcel.iter().zip(&submitted.answers) {
        if let SubmitAnswer::Accepted { state } = answer {
            let plan = &submission.plan;
            observer.task_accepted(plan);
            if !state.is_open() {
                observer.task_ended(plan, *state, Duration::ZERO);
            }
        }
    }
}

/// Tasks that were complete when they were accepted: all of their steps are bypassed.
fn ended(parcel: &[&Submission], answers: &[SubmitAnswer]) -> Vec<(TaskId, TaskState)> {
    let pairs = parcel.iter().zip(answers);
    pairs
        .filter_map(|(submission, answer)| match answer {
            SubmitAnswer::Accepted { state } if !state.is_open() => Some((submission.id, *state)),
            _ => None,
        })
        .collect()
}

/// How many steps of the accepted tasks can start at once.
fn n_roots(parcel: &[&Submission], answers: &[SubmitAnswer]) -> usize {
    let accepted = parcel.iter().zip(answers).filter(|(_, a)| matches!(a, SubmitAnswer::Accepted { .. }));
    accepted.map(|(submission, _)| submission.plan.graph.roots().count()).sum()
}

fn submissions(parcel: &[Arrival]) -> Vec<&Submission> {
    parcel.iter().map(|arrival| &arrival.submission).collect()
}

fn reply(parcel: Vec<Arrival>, answers: Vec<SubmitAnswer>, at: Timestamp) {
    for (Arrival { submission, reply }, answer) in parcel.into_iter().zip(answers) {
        // Whoever went away does not want the answer; the task is accepted all the same.
        let _ = reply.send(Ok(HandedIn { submission, answer, at }));
    }
}

/// The error of a batch, for one more of those that were in it.
fn same(text: &Arc<str>) -> StoreError {
    StoreError::Unavailable { trying: "accepting a task".into(), source: text.to_string().into() }
}
