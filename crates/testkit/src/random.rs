//! Chance from a seed: numbers, definitions, outcomes, operators' actions.

use std::sync::Arc;

use serde_json::json;
use tasker_core::decide::{Action, NewLimit};
use tasker_core::definition::{AnnotationRule, AnnotationValue, Definition, Priority, StepTemplate};
use tasker_core::ids::Ordinal;
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;

use crate::definitions::{definition, handler, step};

/// Names of the handlers that random definitions use.
pub const HANDLERS: [&str; 3] = ["alpha", "beta", "gamma"];

/// Random numbers (SplitMix64): the same seed, the same numbers, on every machine.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which is not 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    /// True in so many of a hundred cases.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of these; `None` if there are none.
    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        if list.is_empty() { None } else { list.get(self.below(list.len())) }
    }

    /// Puts a list in a random order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i + 1));
        }
    }
}

/// A random definition: 1 to 9 steps in random document order, all settings that decisions depend on.
pub fn random_definition(rng: &mut Rng, name: &str) -> Definition {
    let mut definition = definition(name, &[]);
    definition.concurrent = rng.percent(80);
    definition.priority = Priority::new(rng.below(10) as u8).expect("below 10");
    let names: Vec<String> = (0..1 + rng.below(9)).map(|i| format!("s{i}")).collect();
    definition.steps = (0..names.len()).map(|i| random_step(rng, &names, i)).collect();
    if rng.percent(30) {
        definition.annotations = vec![annotation(rng, &definition.steps)];
    }
    rng.shuffle(&mut definition.steps);
    definition
}

/// The plan of [`random_definition`].
pub fn random_plan(rng: &mut Rng, name: &str) -> Arc<Plan> {
    Plan::new(random_definition(rng, name))
}

/// Step `i` of these; its parents are before it in the list, so there is no cycle.
fn random_step(rng: &mut Rng, names: &[String], i: usize) -> StepTemplate {
    let density = [0, 25, 60][rng.below(3)];
    let parents: Vec<&str> = names[..i].iter().filter(|_| rng.percent(density)).map(String::as_str).collect();
    let mut step = step(&names[i], &parents);
    step.handler = handler(HANDLERS[rng.below(HANDLERS.len())]);
    step.retry_limit = 1 + rng.below(3) as u32;
    step.retryable = rng.percent(85);
    step.skippable = rng.percent(40);
    if rng.percent(20) {
        step.handler_config = json!({ "enable_exponential_backoff": false });
    }
    step
}

fn annotation(rng: &mut Rng, steps: &[StepTemplate]) -> AnnotationRule {
    let value = if rng.percent(50) {
        AnnotationValue::Pointer("/answer".into())
    } else {
        AnnotationValue::Literal([("source".to_owned(), json!("chance"))].into_iter().collect())
    };
    AnnotationRule { kind: "outcome".into(), from_step: steps[rng.below(steps.len())].name.clone(), value }
}

/// A random way for an execution to end; most end well.
pub fn random_outcome(rng: &mut Rng) -> Outcome {
    match rng.below(10) {
        0..=5 => Outcome::Success(random_result(rng)),
        6 => Outcome::Failure(Failure::retryable("Broken", "broken", "it broke")),
        7 => Outcome::Failure(Failure::retryable("Busy", "busy", "come back").after(rng.below(90) as u32)),
        8 if rng.percent(50) => Outcome::Failure(
            Failure::permanent("Refused", "refused", "it is not possible")
                .with_context(json!({ "status": 422 })),
        ),
        8 => Outcome::Interrupted,
        _ => Outcome::LeaseExpired,
    }
}

fn random_result(rng: &mut Rng) -> Payload {
    match rng.below(4) {
        0 => Payload::null(),
        1 => Payload::from_stored(r#""text with \"quotes\" and ä""#),
        _ => Payload::from_stored(format!(r#"{{"answer":{{"n":{}}}}}"#, rng.below(1000))),
    }
}

/// A random action of an operator on a task of this plan; many of them are refused.
pub fn random_action(rng: &mut Rng, plan: &Plan) -> Action {
    let step = Ordinal(rng.below(plan.graph.n_steps()) as u32);
    match rng.below(12) {
        0 => Action::CancelTask { force: step.0.is_multiple_of(2) },
        1 => Action::CancelStep(step),
        2 => Action::ResolveTask,
        3 | 4 => Action::ResolveStep { step, results: rng.percent(50).then(|| random_result(rng)) },
        5 | 6 => Action::RetryTask { steps: Vec::new(), limit: random_limit(rng) },
        7 => Action::RetryTask { steps: vec![step], limit: random_limit(rng) },
        8 | 9 => Action::RetryStep { step, limit: random_limit(rng), new_idempotency_key: rng.percent(30) },
        10 => Action::EditTask {
            reason: rng.percent(50).then(|| format!("reason {}", rng.below(9))),
            tags: rng.percent(50).then(|| vec![format!("tag{}", rng.below(9))]),
        },
        _ => Action::EditStep {
            step,
            retry_limit: rng.percent(70).then(|| rng.below(5) as u32),
            inputs: rng.percent(40).then(|| random_result(rng)),
        },
    }
}

fn random_limit(rng: &mut Rng) -> NewLimit {
    match rng.below(3) {
        0 => NewLimit::Keep,
        1 => NewLimit::Set(rng.below(6) as u32),
        _ => NewLimit::More(1 + rng.below(2) as u32),
    }
}
