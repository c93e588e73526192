//! What happens at the store when a request arrives: the effect, what the oracle says to it, and the hints that go out.

use futures::FutureExt as _;
use tasker_core::decide::{Answer, Input};
use tasker_core::ids::{TaskId, WorkerId};
use tasker_core::outcome::Outcome;
use tasker_core::time::Timestamp;
use tasker_store::workers::{ClaimKey, Heartbeat, HeartbeatAnswer, WorkerRow};
use tasker_store::write::{Applied, ApplyBatch, SubmitBatch, Submitted, Work};
use tasker_store::{Store, StoreError};

use super::handler::UNSTORABLE;
use super::oracle::{Oracle, at_once};
use super::shared::{Shared, lock};
use super::vitals::Vitals;

/// Tasks are accepted.
pub(super) fn submit(shared: &Shared, vitals: &Vitals, batch: SubmitBatch) -> Result<Submitted, StoreError> {
    if batch.submissions.iter().any(|submission| submission.context.as_str().contains(UNSTORABLE)) {
        return Err(unstorable("accepting tasks"));
    }
    let submitted = now(shared.store.submit(batch.clone()))?;
    let mut oracle = lock(&shared.oracle);
    for (submission, answer) in batch.submissions.iter().zip(&submitted.answers) {
        let name = shared.story.name(submission.id.0);
        shared.story.tell(&vitals.name, format_args!("submit {name}: {answer:?}"));
        look(shared, &mut oracle, vitals, submission.id);
    }
    shared.judge(oracle.judge_work(&vitals.name, &submitted.work, true));
    drop(oracle);
    spread_hints(shared, vitals);
    Ok(submitted)
}

/// Tasks change.
pub(super) fn apply(shared: &Shared, vitals: &Vitals, batch: ApplyBatch) -> Result<Applied, StoreError> {
    if batch.inputs.iter().any(|(_, input)| is_unstorable(input)) {
        return Err(unstorable("writing outcomes"));
    }
    let applied = now(shared.store.apply(batch.clone()))?;
    let mut oracle = lock(&shared.oracle);
    shared.judge(oracle.judge_answers(&batch, &applied));
    for ((task, input), answer) in batch.inputs.iter().zip(&applied.answers) {
        tell_input(shared, vitals, *task, input, answer);
    }
    let mut touched: Vec<TaskId> = batch.inputs.iter().map(|(task, _)| *task).collect();
    touched.extend(applied.work.iter().map(|work| work.claim.task));
    touched.sort_unstable();
    touched.dedup();
    touched.iter().for_each(|task| look(shared, &mut oracle, vitals, *task));
    shared.judge(oracle.judge_effects(&batch, &applied));
    shared.judge(oracle.judge_work(&vitals.name, &applied.work, true));
    drop(oracle);
    if !touched.is_empty() {
        spread_hints(shared, vitals);
    }
    Ok(applied)
}

/// A worker tells that it lives; it did so at `sent_at`.
pub(super) fn heartbeat(
    shared: &Shared,
    vitals: &Vitals,
    beat: Heartbeat,
    sent_at: Timestamp,
) -> Result<HeartbeatAnswer, StoreError> {
    let mut oracle = lock(&shared.oracle);
    let live_before: Vec<WorkerId> =
        oracle.workers().into_iter().filter(WorkerRow::is_live).map(|row| row.id).collect();
    let answer = now(shared.store.heartbeat(beat.clone()))?;
    let lost: Vec<WorkerRow> = oracle
        .workers()
        .into_iter()
        .filter(|row| row.lost_at.is_some() && live_before.contains(&row.id))
        .collect();
    shared.judge(oracle.contact.judge(&beat, sent_at, answer.now, &lost));
    oracle.contact.note(&beat, answer.now, answer.lost);
    shared.judge(oracle.judge_work(&vitals.name, taken_up(&answer), false));
    drop(oracle);
    tell_heartbeat(shared, vitals, &beat, &answer, &lost);
    Ok(answer)
}

/// Claims that the worker has not heard of and is to run. The others of `unknown` are to be given back.
pub(super) fn taken_up(answer: &HeartbeatAnswer) -> impl Iterator<Item = &Work> {
    answer.unknown.iter().filter(|work| !answer.revoked.contains(&ClaimKey::from(&work.claim)))
}

/// A worker stopped.
pub(super) fn worker_stopped(shared: &Shared, vitals: &Vitals, worker: WorkerId) -> Result<(), StoreError> {
    now(shared.store.worker_stopped(worker))?;
    shared.story.tell(&vitals.name, format_args!("worker {} has stopped", shared.story.name(worker.0)));
    Ok(())
}

/// The memory store never waits.
fn now<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    answer.now_or_never().expect("the memory store never waits")
}

fn look(shared: &Shared, oracle: &mut Oracle, vitals: &Vitals, task: TaskId) {
    match oracle.look(task) {
        Ok(changes) if changes.is_empty() => {}
        Ok(changes) => {
            shared.story.tell(&vitals.name, format_args!("  {}: {changes}", shared.story.name(task.0)));
        }
        Err(wrong) => shared.violate(wrong),
    }
}

fn tell_input(shared: &Shared, vitals: &Vitals, task: TaskId, input: &Input, answer: &Answer) {
    let name = shared.story.name(task.0);
    match answer {
        Answer::Settled { .. } => shared.count(|counts| {
            counts.settled += 1;
            let rescued = matches!(input, Input::Settle { outcome: Outcome::LeaseExpired, .. });
            counts.rescues += u64::from(rescued);
        }),
        Answer::Stale => shared.count(|counts| counts.stale += 1),
        Answer::Done => shared.count(|counts| counts.actions += 1),
        _ => {}
    }
    let answer = match answer {
        Answer::Refused(rejection) => rejection.code.to_owned(),
        other => format!("{other:?}"),
    };
    match input {
        Input::Settle { step, fence, outcome } => {
            let outcome = word_of(outcome);
            shared
                .story
                .tell(&vitals.name, format_args!("{name} #{step} f{} settles {outcome}: {answer}", fence.0));
        }
        other => shared.story.tell(&vitals.name, format_args!("{name} {other:?}: {answer}")),
    }
}

fn word_of(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Success(result) => result.as_str().to_owned(),
        Outcome::Failure(failure) => failure.code.clone(),
        Outcome::LeaseExpired => "lease_expired".into(),
        Outcome::Interrupted => "interrupted".into(),
    }
}

fn tell_heartbeat(
    shared: &Shared,
    vitals: &Vitals,
    beat: &Heartbeat,
    answer: &HeartbeatAnswer,
    lost: &[WorkerRow],
) {
    shared.count(|counts| {
        counts.lost_workers += lost.len() as u64;
        counts.taken_up += answer.unknown.len() as u64;
    });
    let mut words = Vec::new();
    words.extend(answer.lost.then(|| "it is lost".to_owned()));
    words.extend(lost.iter().map(|row| format!("judges {} lost", shared.story.name(row.id.0))));
    let count = |what: &str, n: usize| (n > 0).then(|| format!("{n} {what}"));
    words.extend(count("orphans", answer.orphans.len()));
    words.extend(count("revoked", answer.revoked.len()));
    words.extend(answer.unknown.iter().map(|work| unknown(shared, work)));
    if !words.is_empty() {
        let worker = shared.story.name(beat.worker.0);
        shared.story.tell(&vitals.name, format_args!("{worker} beats: {}", words.join(", ")));
    }
}

fn unknown(shared: &Shared, work: &Work) -> String {
    let claim = &work.claim;
    format!("has not heard of {} #{} f{}", shared.story.name(claim.task.0), claim.ordinal, claim.fence.0)
}

/// Every node but the one that wrote may be told, once, twice or not at all.
fn spread_hints(shared: &Shared, from: &Vitals) {
    for vitals in lock(&shared.living).iter().filter(|vitals| vitals.name != from.name) {
        if shared.percent(vitals.weather().hints_lost) {
            shared.count(|counts| counts.lost_hints += 1);
        } else {
            vitals.hint();
        }
    }
}

fn is_unstorable(input: &Input) -> bool {
    matches!(input, Input::Settle { outcome: Outcome::Success(result), .. } if result.as_str().contains(UNSTORABLE))
}

fn unstorable(trying: &str) -> StoreError {
    StoreError::Unstorable { trying: trying.into(), source: "it holds what this store cannot keep".into() }
}

/// What a task's step returned, as it is stored.
pub(super) fn stored_result(
    shared: &Shared,
    task: TaskId,
    step: tasker_core::ids::Ordinal,
) -> Option<tasker_core::payload::Payload> {
    at_once(shared.store.result(task, step))
}
