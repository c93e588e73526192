//! Taking due steps, and giving them back.

use std::collections::BTreeSet;

use tasker_core::decide::{Action, Answer, Input};
use tasker_core::definition::Priority;
use tasker_core::ids::Fence;
use tasker_core::outcome::Outcome;
use tasker_core::payload::Payload;
use tasker_core::state::{StepState, TaskState};
use tasker_store::write::{Applied, Claiming, FromQueue, Results};

use crate::StoreUnderTest;
use crate::definitions::{HANDLER, handler, plan, plan_with};
use crate::driver::{Driver, at, budget_for, step_of, success, worker_id};

fn steps_of(applied: &Applied) -> Vec<String> {
    let mut steps: Vec<String> = applied.work.iter().map(step_of).collect();
    steps.sort();
    steps
}

pub async fn a_claim_starts_an_execution(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[]), ("b", &["a"])])).await;
    d.clock.advance_seconds(3);
    let work = d.claim().await.remove(0);
    let claim = &work.claim;
    assert_eq!((claim.task, claim.fence, claim.attempt), (id, Fence(1), 1));
    assert_eq!((claim.retry_limit, claim.key_generation), (3, 0));
    assert_eq!((work.context.as_str(), &work.inputs, &work.correlation_id), (r#"{"order":7}"#, &None, &None));
    assert!(matches!(&work.results, Results::Loaded(results) if results.is_empty()));
    let step = d.step(id, "a").await;
    assert_eq!((step.record.state, step.record.attempts), (StepState::InProgress, 1));
    assert_eq!(step.record.started_at, Some(d.clock.now()));
    let row = step.queue.expect("a running step has its row");
    assert_eq!((row.worker, row.fence), (Some(d.worker), Fence(1)));
    assert_eq!(d.record(id).await.updated_at, d.clock.now());
    assert_eq!(d.history(id).await[3..], ["task in_progress", "a in_progress"]);
    d.claim_exactly(&[]).await;
    d.assert_sound().await;
}

pub async fn a_claim_brings_what_its_handler_needs(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("b", &["a", "none"]), ("a", &[]), ("none", &[])]);
    let id = d.start_with(&plan, |r| r.correlation_id = Some("abc-1".into())).await;
    for claim in d.claim_exactly(&["a", "none"]).await {
        let result = if claim.ordinal == at(&plan, "a") { r#"{"z":1,"a":2}"# } else { "null" };
        d.settle(&claim, success(result)).await;
    }
    let inputs = Payload::from_stored(r#"{"own":true}"#);
    let edit = Action::EditStep { step: at(&plan, "b"), retry_limit: None, inputs: Some(inputs.clone()) };
    assert_eq!(d.operate(id, edit).await, Answer::Done);
    let work = d.claim().await.remove(0);
    assert_eq!((step_of(&work).as_str(), work.plan.digest), ("b", plan.digest));
    assert_eq!((work.inputs, work.correlation_id.as_deref()), (Some(inputs), Some("abc-1")));
    let Results::Loaded(results) = work.results else { panic!("small results") };
    let texts: Vec<_> = results.iter().map(|(step, r)| (*step, r.as_ref().map(Payload::as_str))).collect();
    let expected = [(at(&plan, "a"), Some(r#"{"z":1,"a":2}"#)), (at(&plan, "none"), Some("null"))];
    assert_eq!(texts, expected, "results come in the order of the plan");
}

pub async fn a_budget_bounds_what_is_claimed(store: StoreUnderTest) {
    let d = Driver::new(store);
    let steps: &[(&str, &[&str])] = &[("a1", &[]), ("a2", &[]), ("a3", &[]), ("b1", &[]), ("b2", &[])];
    let plan = plan_with("order", steps, |x| {
        x.steps[3..].iter_mut().for_each(|step| step.handler = handler("other"));
    });
    let (first, second) = (d.start(&plan).await, d.start(&plan).await);
    let claim = async |slots: u32, handlers: &[(&str, u32)], only_task| {
        let mut budget = budget_for(d.worker, slots, &[]);
        budget.handlers = handlers.iter().map(|(name, free)| (handler(name), *free)).collect();
        budget.only_task = only_task;
        d.apply(Vec::new(), Some(Claiming { budget, from_queue: FromQueue::First })).await
    };
    assert!(steps_of(&claim(0, &[(HANDLER, 9)], None).await).is_empty(), "no slot");
    assert!(steps_of(&claim(9, &[("nobody", 9)], None).await).is_empty(), "not served");
    assert!(steps_of(&claim(9, &[(HANDLER, 0)], None).await).is_empty(), "no slot of the handler");
    assert_eq!(steps_of(&claim(9, &[("other", 9)], Some(first)).await), ["b1", "b2"], "one task only");
    let two = claim(2, &[(HANDLER, 9), ("other", 9)], Some(second)).await;
    assert_eq!(two.work.len(), 2, "as many as slots");
    let one = claim(9, &[(HANDLER, 1)], Some(first)).await;
    assert_eq!(one.work.len(), 1, "as many as the handler's slots");
    let rest = claim(99, &[(HANDLER, 99), ("other", 99)], None).await;
    assert_eq!(rest.work.len(), 5);
    d.assert_sound().await;
}

pub async fn a_class_of_priority_is_worth_a_minute(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    let mut expected = Vec::new();
    // (seconds after the first, priority): due later by a minute is made up for by one class.
    for (seconds, priority, rank) in [(0, 5, 3), (50, 4, 2), (10, 5, 4), (70, 3, 1), (70, 9, 6), (75, 4, 5)] {
        let due = d.clock.now().plus_seconds(seconds);
        let id = d
            .start_with(&plan, |r| {
                r.priority = Priority::new(priority).expect("0 to 9");
                r.not_before = Some(due);
            })
            .await;
        expected.push((rank, id));
    }
    expected.sort_unstable();
    d.clock.advance_seconds(100);
    let mut claimed = Vec::new();
    for _ in 0..6 {
        claimed.push(d.claim_as(d.worker, 1).await[0].claim.task);
    }
    let expected: Vec<_> = expected.into_iter().map(|(_, id)| id).collect();
    assert_eq!(claimed, expected);
}

pub async fn the_next_due_time_is_told(store: StoreUnderTest) {
    let d = Driver::new(store);
    let start = d.clock.now();
    let plan = plan("order", &[("a", &[])]);
    let claiming = |slots, handlers: &[&str]| Claiming {
        budget: budget_for(d.worker, slots, handlers),
        from_queue: FromQueue::Last,
    };
    assert_eq!(d.apply(Vec::new(), Some(claiming(5, &[HANDLER]))).await.next_due, None, "nothing scheduled");
    d.start_with(&plan, |r| r.not_before = Some(start.plus_seconds(40))).await;
    d.start_with(&plan, |r| r.not_before = Some(start.plus_seconds(20))).await;
    d.start(&plan).await;
    let applied = d.apply(Vec::new(), Some(claiming(5, &[HANDLER]))).await;
    assert_eq!((applied.work.len(), applied.next_due), (1, Some(start.plus_seconds(20))));
    assert_eq!(applied.now, start);
    assert_eq!(d.apply(Vec::new(), Some(claiming(5, &["other"]))).await.next_due, None, "not served");
    assert_eq!(d.apply(Vec::new(), None).await.next_due, None, "not asked");
}

pub async fn what_a_batch_frees_is_claimed_with_it(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[]), ("b", &["a"]), ("c", &["a"])]);
    let id = d.start(&plan).await;
    let claim = d.claim_one("a").await;
    let settle = Input::Settle { step: claim.ordinal, fence: claim.fence, outcome: success(r#"{"n":1}"#) };
    let claiming = Claiming { budget: budget_for(d.worker, 1, &[HANDLER]), from_queue: FromQueue::Never };
    let applied = d.apply(vec![(id, settle)], Some(claiming)).await;
    assert_eq!(steps_of(&applied), ["b"], "one slot, one step");
    let Results::Loaded(results) = &applied.work[0].results else { panic!("small results") };
    assert_eq!(results[0].1.as_ref().map(Payload::as_str), Some(r#"{"n":1}"#), "the result just settled");
    assert_eq!(d.summary(id).await, "in_progress: a complete, b in_progress, c pending");
    d.claim_one("c").await;
    d.assert_sound().await;
}

pub async fn a_batch_claims_from_the_queue_only_if_told(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[]), ("b", &["a"])]);
    let busy = d.start(&plan).await;
    let claim = d.claim_one("a").await;
    let waiting = d.start(&plan).await;
    let settle = |claim: &tasker_core::record::Claim| {
        vec![(busy, Input::Settle { step: claim.ordinal, fence: claim.fence, outcome: success("1") })]
    };
    let claiming =
        |slots, from_queue| Claiming { budget: budget_for(d.worker, slots, &[HANDLER]), from_queue };
    let never = d.apply(Vec::new(), Some(claiming(5, FromQueue::Never))).await;
    assert!(never.work.is_empty());
    let first = d.apply(settle(&claim), Some(claiming(1, FromQueue::First))).await;
    assert_eq!(first.work[0].claim.task, waiting, "the queue comes before the continuation");
    assert_eq!(d.summary(busy).await, "in_progress: a complete, b pending");
    let last = d.apply(Vec::new(), Some(claiming(9, FromQueue::Last))).await;
    assert_eq!((last.work.len(), last.work[0].claim.task), (1, busy));
    d.assert_sound().await;
}

pub async fn continuation_comes_before_the_queue_if_told(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[]), ("b", &["a"])]);
    let busy = d.start(&plan).await;
    let claim = d.claim_one("a").await;
    let waiting = d.start(&plan).await;
    let settle = Input::Settle { step: claim.ordinal, fence: claim.fence, outcome: success("1") };
    let budget = budget_for(d.worker, 1, &[HANDLER]);
    let applied = d.apply(vec![(busy, settle)], Some(Claiming { budget, from_queue: FromQueue::Last })).await;
    assert_eq!((applied.work.len(), applied.work[0].claim.task), (1, busy));
    assert_eq!(d.state(waiting).await, TaskState::Pending);
}

pub async fn a_named_step_can_be_claimed(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[]), ("b", &["a"])]);
    let id = d.start(&plan).await;
    let claim = |step| Input::Claim { step: at(&plan, step), worker: d.worker };
    assert_eq!(d.one(id, claim("b")).await, Answer::NotClaimable, "its parent is not done");
    assert_eq!(d.one(id, claim("a")).await, Answer::Claimed);
    assert_eq!(d.one(id, claim("a")).await, Answer::NotClaimable, "it is claimed");
    let log = d.log(id).await.len();
    assert_eq!(d.one(id, claim("a")).await, Answer::NotClaimable);
    assert_eq!(d.log(id).await.len(), log);
}

pub async fn a_claim_given_back_was_no_attempt(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[])])).await;
    let claim = d.claim_one("a").await;
    let give_back = |fence| Input::GiveBack { step: claim.ordinal, fence };
    assert_eq!(d.one(id, give_back(Fence(9))).await, Answer::Stale);
    assert_eq!(d.one(id, give_back(claim.fence)).await, Answer::Done);
    assert_eq!(d.one(id, give_back(claim.fence)).await, Answer::Stale);
    let step = d.step(id, "a").await;
    assert_eq!(
        (step.record.state, step.record.attempts, step.record.fence),
        (StepState::Pending, 0, Fence(1))
    );
    let log = d.log(id).await;
    let metadata = log.last().and_then(|entry| entry.metadata.clone()).expect("it says by whom");
    assert_eq!(metadata, format!(r#"{{"released_by":"{}"}}"#, d.worker));
    let again = d.claim_one("a").await;
    assert_eq!((again.attempt, again.fence), (1, Fence(2)));
    assert_eq!(d.succeed(&claim).await, Answer::Stale, "the fence of the claim that was given back");
    assert!(matches!(d.succeed(&again).await, Answer::Settled { .. }));
    d.assert_sound().await;
}

pub async fn a_step_of_a_cancelled_task_is_given_back_to_nobody(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[])])).await;
    let claim = d.claim_one("a").await;
    assert_eq!(d.operate(id, Action::CancelTask { force: false }).await, Answer::Done);
    assert_eq!(d.one(id, Input::GiveBack { step: claim.ordinal, fence: claim.fence }).await, Answer::Done);
    assert_eq!(d.summary(id).await, "cancelled: a cancelled");
    assert!(d.queued(id).await.is_empty());
    d.assert_sound().await;
}

pub async fn dom_125_many_workers_on_one_task_execute_each_step_once(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id =
        d.start(&crate::definitions::plan_of("order", &tasker_core::graph::shapes::layered(6, 4, 2))).await;
    let workers = (0..10).map(|n| {
        let (store, rules) = (d.store.clone(), d.rules.clone());
        tokio::spawn(async move {
            let mut executed = Vec::new();
            let claiming = || {
                let budget = budget_for(worker_id(100 + n), 2, &[HANDLER]);
                Some(Claiming { budget, from_queue: FromQueue::Last })
            };
            let mut inputs = Vec::new();
            loop {
                let batch =
                    tasker_store::write::ApplyBatch { inputs, rules: rules.clone(), claiming: claiming() };
                let applied = store.apply(batch).await.expect("apply");
                assert!(applied.answers.iter().all(|answer| matches!(answer, Answer::Settled { .. })));
                let settle = |work: &tasker_store::write::Work| {
                    let claim = &work.claim;
                    let outcome = Outcome::Success(Payload::null());
                    (claim.task, Input::Settle { step: claim.ordinal, fence: claim.fence, outcome })
                };
                inputs = applied.work.iter().map(settle).collect();
                executed.extend(applied.work.iter().map(step_of));
                let open = store.task(id).await.expect("read").expect("exists").record.state.is_open();
                if inputs.is_empty() && !open {
                    return executed;
                }
                tokio::task::yield_now().await;
            }
        })
    });
    let workers: Vec<_> = workers.collect();
    let mut executed = Vec::new();
    for worker in workers {
        executed.extend(worker.await.expect("the worker ends"));
    }
    assert_eq!(executed.len(), 24);
    assert_eq!(executed.iter().collect::<BTreeSet<_>>().len(), 24);
    let history = d.history(id).await;
    assert_eq!(history.iter().filter(|line| *line == "task complete").count(), 1);
    assert_eq!(history.iter().filter(|line| line.ends_with(" in_progress")).count(), 25);
    d.assert_sound().await;
}

pub async fn dom_45_126_of_two_workers_one_gets_the_step(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("a", &[])])).await;
    let calls = [21, 22].map(|n| {
        let budget = budget_for(worker_id(n), 5, &[HANDLER]);
        let batch = tasker_store::write::ApplyBatch {
            inputs: vec![(id, Input::Claim { step: tasker_core::ids::Ordinal(0), worker: worker_id(n) })],
            rules: d.rules.clone(),
            claiming: Some(Claiming { budget, from_queue: FromQueue::Last }),
        };
        let store = d.store.clone();
        tokio::spawn(async move { store.apply(batch).await.expect("apply") })
    });
    let mut n_claimed = 0;
    for call in calls {
        let applied = call.await.expect("the call ends");
        n_claimed += applied.work.len();
        assert!(matches!(applied.answers[0], Answer::Claimed | Answer::NotClaimable));
    }
    assert_eq!(n_claimed, 1);
    let step = d.step(id, "a").await;
    assert_eq!((step.record.attempts, step.record.fence, step.error), (1, Fence(1), None));
    assert_eq!(d.history(id).await, ["task pending", "a pending", "task in_progress", "a in_progress"]);
    d.assert_sound().await;
}
