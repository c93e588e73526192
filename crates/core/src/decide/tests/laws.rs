//! Laws that hold for every task, whatever happens to it. The driver audits the whole task after every batch.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::is_nothing;
use crate::decide::{Action, Answer, Input, NewLimit};
use crate::definition::{DefinitionBuilder, StepBuilder};
use crate::driver::{Driver, budget, hiccup, linear, refusal, worker};
use crate::ids::{Fence, Ordinal};
use crate::outcome::Outcome;
use crate::payload::Payload;
use crate::plan::Plan;
use crate::state::{StepState, TaskState};

/// Something that happens, before it is known to which task. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Event {
    Claim(u32),
    Succeed(u32),
    Fail(u32, Option<u32>),
    Refuse(u32),
    Lose(u32),
    Interrupt(u32),
    Late(u32, u64),
    GiveBack(u32),
    CancelTask,
    CancelStep(u32),
    ResolveTask,
    ResolveStep(u32),
    RetryTask(NewLimit),
    RetryStep(u32, NewLimit),
    Edit(u32, u32),
}

fn limit() -> impl Strategy<Value = NewLimit> {
    prop_oneof![Just(NewLimit::Keep), (0..6_u32).prop_map(NewLimit::Set), (0..3_u32).prop_map(NewLimit::More),]
}

fn event() -> impl Strategy<Value = Event> {
    let step = || 0..32_u32;
    prop_oneof![
        12 => step().prop_map(Event::Claim),
        12 => step().prop_map(Event::Succeed),
        6 => (step(), prop::option::of(0..90_u32)).prop_map(|(step, after)| Event::Fail(step, after)),
        3 => step().prop_map(Event::Refuse),
        2 => step().prop_map(Event::Lose),
        2 => step().prop_map(Event::Interrupt),
        2 => (step(), 0..4_u64).prop_map(|(step, fence)| Event::Late(step, fence)),
        2 => step().prop_map(Event::GiveBack),
        1 => Just(Event::CancelTask),
        1 => step().prop_map(Event::CancelStep),
        1 => Just(Event::ResolveTask),
        1 => step().prop_map(Event::ResolveStep),
        3 => limit().prop_map(Event::RetryTask),
        3 => (step(), limit()).prop_map(|(step, limit)| Event::RetryStep(step, limit)),
        3 => (step(), 0..6_u32).prop_map(|(step, limit)| Event::Edit(step, limit)),
    ]
}

/// A graph whose steps depend on some of the steps before them, in random document order.
fn random_plan() -> impl Strategy<Value = Arc<Plan>> {
    let step = (any::<u32>(), 1..4_u32, prop::bool::weighted(0.9), any::<u16>());
    (vec(step, 1..9), any::<bool>()).prop_map(|(steps, concurrent)| {
        let mut places: Vec<usize> = (0..steps.len()).collect();
        places.sort_by_key(|&i| steps[i].3);
        let build = |&i: &usize| {
            let (parents, limit, retryable, _) = steps[i];
            let parents =
                (0..i).filter(|bit| parents & (1 << bit) != 0).take(3).map(|parent| format!("s{parent}"));
            let builder = StepBuilder::new(format!("s{i}"), "h")
                .retry_limit(limit)
                .retryable(retryable)
                .skippable(true);
            builder.depends_on(parents)
        };
        let definition = DefinitionBuilder::new("random").concurrent(concurrent);
        let definition = places.iter().map(build).fold(definition, DefinitionBuilder::step);
        Plan::new(definition.build().expect("a valid definition"))
    })
}

/// A batch of events, how many slots are free after it, and the seconds until it.
type Round = (Vec<Event>, Option<u32>, i64);

fn rounds() -> impl Strategy<Value = Vec<Round>> {
    vec((vec(event(), 1..4), prop::option::weighted(0.4, 0..4_u32), prop_oneof![Just(0), 1..200_i64]), 1..40)
}

impl Event {
    fn input(self, driver: &Driver) -> Input {
        let at = |step: u32| Ordinal(step % driver.steps.len() as u32);
        let held = |step: u32| driver.steps[at(step).index()].record.fence;
        let settle = |step: u32, outcome| Input::Settle { step: at(step), fence: held(step), outcome };
        let operate = |action| Input::Operate { action, actor: "ann".into(), reason: None, expected: None };
        match self {
            Self::Claim(step) => Input::Claim { step: at(step), worker: worker(1) },
            Self::Succeed(step) => settle(step, Outcome::Success(Payload::from_stored("1"))),
            Self::Fail(step, None) => settle(step, Outcome::Failure(hiccup())),
            Self::Fail(step, Some(after)) => settle(step, Outcome::Failure(hiccup().after(after))),
            Self::Refuse(step) => settle(step, Outcome::Failure(refusal())),
            Self::Lose(step) => settle(step, Outcome::LeaseExpired),
            Self::Interrupt(step) => settle(step, Outcome::Interrupted),
            Self::Late(step, fence) => Input::Settle {
                step: at(step),
                fence: Fence(fence),
                outcome: Outcome::Success(Payload::null()),
            },
            Self::GiveBack(step) => Input::GiveBack { step: at(step), fence: held(step) },
            Self::CancelTask => operate(Action::CancelTask { force: driver.task.log_seq.is_multiple_of(2) }),
            Self::CancelStep(step) => operate(Action::CancelStep(at(step))),
            Self::ResolveTask => operate(Action::ResolveTask),
            Self::ResolveStep(step) => operate(Action::ResolveStep { step: at(step), results: None }),
            Self::RetryTask(limit) => operate(Action::RetryTask { steps: Vec::new(), limit }),
            Self::RetryStep(step, limit) => {
                operate(Action::RetryStep { step: at(step), limit, new_idempotency_key: false })
            }
            Self::Edit(step, limit) => {
                operate(Action::EditStep { step: at(step), retry_limit: Some(limit), inputs: None })
            }
        }
    }
}

/// Plays one round, and compares what was with what is.
fn play(driver: &mut Driver, (events, slots, seconds): Round) -> Result<(), TestCaseError> {
    let before = driver.wait(seconds).clone();
    let inputs: Vec<Input> = events.into_iter().map(|event| event.input(driver)).collect();
    let alone = inputs.len() == 1 && slots.is_none();
    let answers = driver.batch(inputs, slots.map(budget).as_mut());
    let wrote = answers.iter().any(|a| matches!(a, Answer::Settled { .. } | Answer::Claimed | Answer::Done));
    prop_assert!(wrote || !alone || is_nothing(&driver.change), "{answers:?} wrote {:#?}", driver.change);
    for claim in &driver.change.claims {
        prop_assert!(claim.attempt <= claim.retry_limit, "{claim:?}");
    }
    prop_assert!(before.task.state != TaskState::Cancelled || driver.task.state == TaskState::Cancelled);
    prop_assert!(driver.task.updated_at >= before.task.updated_at);
    for (old, new) in before.steps.iter().zip(&driver.steps) {
        let (old, new) = (&old.record, &new.record);
        let ended =
            matches!(old.state, StepState::Complete | StepState::Cancelled | StepState::ResolvedManually);
        prop_assert!(!ended || (new.state, new.attempts) == (old.state, old.attempts));
        prop_assert!(new.fence >= old.fence && new.settled_fence <= new.fence);
    }
    Ok(())
}

/// Workers take whatever is due and succeed, until nothing is queued.
fn drain(driver: &mut Driver) -> Result<(), TestCaseError> {
    for _ in 0..10 * driver.steps.len() {
        driver.wait(4_000);
        let held =
            driver.steps.iter().find(|detail| detail.queue.is_some()).map(|detail| detail.record.clone());
        let Some(record) = held else { return Ok(()) };
        if record.state != StepState::InProgress {
            let claim = Input::Claim { step: record.ordinal, worker: worker(2) };
            prop_assert_eq!(driver.take(claim), Answer::Claimed);
        }
        let fence = driver.steps[record.ordinal.index()].record.fence;
        let outcome = Outcome::Success(Payload::null());
        driver.take(Input::Settle { step: record.ordinal, fence, outcome });
    }
    prop_assert!(driver.queued().is_empty(), "the task does not end: {}", driver.picture());
    Ok(())
}

proptest! {
    #[test]
    fn no_batch_breaks_a_law(plan in random_plan(), bypassed: u32, rounds in rounds()) {
        let mut driver = Driver::submit(plan, |submission| {
            let chosen = |step: &Ordinal| bypassed & 0x1111_1111 & (1 << step.0) != 0;
            submission.bypass = submission.plan.graph.steps().filter(chosen).collect();
        });
        for round in rounds {
            play(&mut driver, round)?;
        }
        drain(&mut driver)?;
        prop_assert!(!driver.task.state.is_open());
        let failed = driver.names(|detail| matches!(detail.record.state, StepState::Error | StepState::Cancelled));
        prop_assert_eq!(driver.task.remaining == 0, failed.is_empty(), "{}", driver.picture());
    }

    #[test]
    fn dom_48_every_detail_in_a_log_is_an_object(plan in random_plan(), rounds in rounds()) {
        let mut driver = Driver::new(plan);
        for round in rounds {
            play(&mut driver, round)?;
        }
        for metadata in driver.log.iter().filter_map(|entry| entry.metadata.as_deref()) {
            let value: serde_json::Value = serde_json::from_str(metadata).expect("JSON");
            prop_assert!(value.is_object(), "{metadata}");
        }
    }

    #[test]
    fn a_chain_of_n_steps_ends_after_n_settlements(n in 1..40_usize) {
        let mut driver = Driver::new(linear(n));
        let mut claim = driver.claim("L1");
        for settled in 1..=n {
            let outcome = Outcome::Success(Payload::null());
            driver.batch(vec![Input::Settle { step: claim.ordinal, fence: claim.fence, outcome }], Some(&mut budget(1)));
            match driver.change.claims.first() {
                Some(next) => claim = next.clone(),
                None => prop_assert_eq!(settled, n),
            }
        }
        prop_assert_eq!(driver.task.state, TaskState::Complete);
    }
}
