//! What must come of a task, computed apart from the engine: a naive reading of `docs/engine.md`, step by step, with no
//! counter, no queue and no clock. Nothing of the engine's own rules is called here.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use tasker_core::state::{StepState, TaskState};

use crate::workflow::{Fate, Workflow};

/// What must come of a task.
#[derive(Clone, PartialEq, Debug)]
pub struct Expectation {
    /// How it ends.
    pub state: TaskState,
    /// Its steps, by their places.
    pub steps: Vec<ExpectedStep>,
    /// If steps run one at a time: all executions in their order, each the place of its step and its number.
    pub turns: Option<Vec<(usize, usize)>>,
}

/// What must come of a step.
#[derive(Clone, PartialEq, Debug)]
pub struct ExpectedStep {
    /// How it ends.
    pub state: StepState,
    /// Its executions; the first has number 1.
    pub attempts: Vec<ExpectedEnd>,
    /// What every one of them is given; `None` if there is none.
    pub inputs: Option<Map<String, Value>>,
    /// What dependents are given of it, if it is done.
    pub result: Option<Value>,
}

/// How an execution must end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExpectedEnd {
    /// By its fate.
    Fate(Fate),
    /// Otherwise, and that is accounted for: its node was killed, or so slow that its time was up.
    Excused,
}

impl Expectation {
    /// Of a task of this workflow whose excused executions (place of the step, number) ended otherwise than by their
    /// fate, so that they might be tried again.
    pub fn of(workflow: &Workflow, excused: &BTreeSet<(usize, usize)>) -> Self {
        let mut steps: Vec<ExpectedStep> =
            workflow.steps.iter().map(|step| unbegun(step.is_bypassed)).collect();
        let mut turns = Vec::new();
        // Steps do not influence one another but by what they depend on: so one after the other will do, and in the order
        // of the document it is the one in which they run one at a time.
        while let Some(next) = first_free(workflow, &steps) {
            let begun = execute(workflow, next, &steps, excused);
            turns.extend((1..=begun.attempts.len()).map(|number| (next, number)));
            steps[next] = begun;
        }
        let is_complete = steps.iter().all(|step| step.state.is_done());
        Self {
            state: if is_complete { TaskState::Complete } else { TaskState::Error },
            steps,
            turns: (!workflow.concurrent).then_some(turns),
        }
    }
}

fn unbegun(is_bypassed: bool) -> ExpectedStep {
    let (state, result) = match is_bypassed {
        true => (StepState::ResolvedManually, Some(json!({ "bypassed": true }))),
        false => (StepState::Pending, None),
    };
    ExpectedStep { state, attempts: Vec::new(), inputs: None, result }
}

/// The first step that was not begun and depends on nothing that is not done.
fn first_free(workflow: &Workflow, steps: &[ExpectedStep]) -> Option<usize> {
    (0..steps.len()).find(|&i| {
        let is_done = |&parent: &usize| steps[parent].state.is_done();
        steps[i].state == StepState::Pending && workflow.steps[i].parents.iter().all(is_done)
    })
}

/// All executions of a step, until one succeeds, one is refused for good, or there may be no more.
fn execute(
    workflow: &Workflow,
    place: usize,
    steps: &[ExpectedStep],
    excused: &BTreeSet<(usize, usize)>,
) -> ExpectedStep {
    let step = &workflow.steps[place];
    let given = |&i: &usize| (workflow.steps[i].name.clone(), steps[i].result.clone().unwrap_or_default());
    let inputs: Map<String, Value> = step.reads.iter().map(given).collect();
    let mut ended = ExpectedStep {
        state: StepState::Error,
        attempts: Vec::new(),
        inputs: Some(inputs.clone()),
        result: None,
    };
    for number in 1..=step.executions() {
        if excused.contains(&(place, number)) {
            ended.attempts.push(ExpectedEnd::Excused);
            continue;
        }
        let fate = step.fates[number - 1];
        ended.attempts.push(ExpectedEnd::Fate(fate));
        match fate {
            Fate::Succeed(_) => {
                ended.state = StepState::Complete;
                ended.result = Some(workflow.answer(place, number, &inputs));
                break;
            }
            Fate::Refuse => break,
            Fate::Fail | Fate::Busy(_) | Fate::Break | Fate::Hang => {}
        }
    }
    ended
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::workflow::Step;

    const WELL: Fate = Fate::Succeed(Duration::ZERO);

    fn step(name: &str, parents: &[usize], limit: usize, fates: &[Fate]) -> Step {
        Step {
            name: name.to_owned(),
            parents: parents.to_vec(),
            reads: parents.to_vec(),
            limit,
            is_retryable: true,
            is_skippable: false,
            is_bypassed: false,
            timeout_seconds: 600,
            fates: fates.to_vec(),
        }
    }

    fn workflow(concurrent: bool, steps: Vec<Step>) -> Workflow {
        Workflow { seed: 1, concurrent, steps }
    }

    fn ends(expected: &Expectation) -> Vec<(StepState, usize)> {
        expected.steps.iter().map(|step| (step.state, step.attempts.len())).collect()
    }

    #[test]
    fn a_failed_branch_stops_only_what_is_after_it() {
        use StepState::{Complete, Error, Pending};
        let all = workflow(
            true,
            vec![
                step("after", &[1], 3, &[WELL]),
                step("fails", &[3], 2, &[Fate::Fail, Fate::Busy(1), WELL]),
                step("other", &[3], 3, &[Fate::Break, WELL]),
                step("first", &[], 3, &[WELL]),
            ],
        );
        let expected = Expectation::of(&all, &BTreeSet::new());
        assert_eq!(ends(&expected), [(Pending, 0), (Error, 2), (Complete, 2), (Complete, 1)]);
        assert_eq!(expected.state, TaskState::Error);
    }

    #[test]
    fn a_refusal_is_for_good_and_so_is_the_failure_of_what_may_not_be_tried_again() {
        let once = Step { is_retryable: false, ..step("once", &[], 5, &[Fate::Fail, WELL]) };
        let all = workflow(true, vec![step("refused", &[], 5, &[Fate::Refuse, WELL]), once]);
        let expected = Expectation::of(&all, &BTreeSet::new());
        assert_eq!(ends(&expected), [(StepState::Error, 1), (StepState::Error, 1)]);
    }

    #[test]
    fn excused_executions_count_and_the_next_one_has_its_own_fate() {
        let all = workflow(true, vec![step("a", &[], 2, &[Fate::Refuse, WELL])]);
        let expected = Expectation::of(&all, &[(0, 1)].into());
        assert_eq!(expected.steps[0].attempts, [ExpectedEnd::Excused, ExpectedEnd::Fate(WELL)]);
        assert_eq!(expected.state, TaskState::Complete);
        let all_lost = Expectation::of(&all, &[(0, 1), (0, 2)].into());
        assert_eq!(ends(&all_lost), [(StepState::Error, 2)]);
    }

    #[test]
    fn steps_that_run_one_at_a_time_take_turns_in_the_order_of_the_document() {
        let all = workflow(
            false,
            vec![
                step("last", &[2], 1, &[WELL]),
                step("second", &[], 3, &[Fate::Fail, WELL]),
                step("third", &[], 1, &[WELL]),
            ],
        );
        let expected = Expectation::of(&all, &BTreeSet::new());
        assert_eq!(expected.turns, Some(vec![(1, 1), (1, 2), (2, 1), (0, 1)]));
    }

    #[test]
    fn dependents_are_given_what_was_answered_or_that_it_was_left_out() {
        let out = Step { is_bypassed: true, ..step("out", &[], 1, &[WELL]) };
        let all =
            workflow(true, vec![out, step("a", &[], 2, &[Fate::Fail, WELL]), step("b", &[0, 1], 1, &[WELL])]);
        let expected = Expectation::of(&all, &BTreeSet::new());
        let inputs = expected.steps[2].inputs.clone().unwrap();
        assert_eq!(inputs["out"], json!({ "bypassed": true }));
        assert_eq!((&inputs["a"]["step"], &inputs["a"]["attempt"]), (&json!("a"), &json!(2)));
        assert_eq!(expected.steps[0].result, Some(json!({ "bypassed": true })));
    }
}
