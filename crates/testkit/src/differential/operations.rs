//! Random operations: calls of a store that can be repeated on another one.

use std::time::Duration;

use tasker_core::decide::Answer;
use tasker_core::ids::WorkerId;
use tasker_core::time::Timestamp;
use tasker_store::definitions::{Registration, Selector};
use tasker_store::workers::{ClaimKey, Heartbeat};
use tasker_store::write::{ApplyBatch, Prune, Results, SubmitAnswer, SubmitBatch, Work};

use crate::StoreUnderTest;

/// One call of a store, or of its clock.
#[derive(Debug)]
pub(super) enum Operation {
    Advance(Duration),
    SetClock(Timestamp),
    Register(Registration),
    Retire(Selector, bool),
    Submit(SubmitBatch),
    Apply(ApplyBatch),
    Beat(Heartbeat),
    Stop(WorkerId),
    Prune(Prune),
}

/// What came of an operation.
#[derive(Default)]
pub(super) struct Answered {
    /// Everything that a caller sees, as text.
    pub(super) text: String,
    /// Claims that were handed out.
    pub(super) claims: Vec<ClaimKey>,
    /// Claims that may be rescued.
    pub(super) orphans: Vec<ClaimKey>,
}

impl Operation {
    /// The advice that comes with a refusal is left to the store.
    pub(super) async fn perform(&self, on: &StoreUnderTest) -> Answered {
        let store = &on.store;
        match self {
            Self::Advance(span) => on.clock.advance(*span),
            Self::SetClock(now) => on.clock.set(*now),
            Self::Stop(worker) => store.worker_stopped(*worker).await.expect("worker_stopped"),
            Self::Register(registration) => {
                return Answered::text(store.register(registration.clone()).await.expect("register"));
            }
            Self::Retire(selector, retired) => {
                return Answered::text(store.retire(selector.clone(), *retired).await.expect("retire"));
            }
            Self::Prune(prune) => return Answered::text(store.prune(prune.clone()).await.expect("prune")),
            Self::Submit(batch) => {
                let mut submitted = store.submit(batch.clone()).await.expect("submit");
                submitted.answers.iter_mut().for_each(|answer| {
                    if let SubmitAnswer::Refused(rejection) = answer {
                        rejection.help = None;
                    }
                });
                return Answered::with_work((&submitted.answers, submitted.now), submitted.work);
            }
            Self::Apply(batch) => {
                let mut applied = store.apply(batch.clone()).await.expect("apply");
                applied.ended.sort_unstable_by_key(|ended| ended.task);
                applied.answers.iter_mut().for_each(|answer| {
                    if let Answer::Refused(rejection) = answer {
                        rejection.help = None;
                    }
                });
                let rest = (&applied.answers, &applied.ended, applied.next_due, applied.now);
                return Answered::with_work(rest, applied.work);
            }
            Self::Beat(beat) => {
                let mut answer = store.heartbeat(beat.clone()).await.expect("heartbeat");
                answer.revoked.sort_unstable();
                answer.orphans.sort_unstable();
                let rest = (answer.now, answer.lost, &answer.revoked, &answer.orphans);
                let answered = Answered::with_work(rest, answer.unknown);
                return Answered { orphans: answer.orphans, ..answered };
            }
        }
        Answered::default()
    }
}

impl Answered {
    fn text(answer: impl std::fmt::Debug) -> Self {
        Self { text: format!("{answer:?}"), ..Self::default() }
    }

    /// The order in which work is handed out is left to the store.
    fn with_work(rest: impl std::fmt::Debug, mut work: Vec<Work>) -> Self {
        let key = |work: &Work| {
            let claim = &work.claim;
            ClaimKey { task: claim.task, ordinal: claim.ordinal, fence: claim.fence }
        };
        work.sort_unstable_by_key(key);
        let lines: Vec<String> = work.iter().map(describe).collect();
        Self {
            text: format!("{rest:#?}\n{}", lines.join("\n")),
            claims: work.iter().map(key).collect(),
            orphans: Vec::new(),
        }
    }
}

fn describe(work: &Work) -> String {
    let results: &dyn std::fmt::Debug = match &work.results {
        Results::Loaded(results) => results,
        Results::TooLarge => &"too large",
    };
    format!(
        "{:?} {} {:?} {:?} {:?} {results:?}",
        work.claim, work.plan.digest, work.context, work.correlation_id, work.inputs
    )
}
