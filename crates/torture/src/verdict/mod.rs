//! The verdict on a task: what the engine keeps of it, what its log tells and what the ledger says, compared with what
//! must have come of it.

mod log;
mod order;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::Value;
use tasker_core::ids::TaskId;
use tasker_core::record::StepDetail;
use tasker_core::state::{StepState, TaskState};

use crate::finding::{Finding, Kind};
use crate::history::Attempt;
use crate::ledger::Execution;
use crate::model::{Expectation, ExpectedEnd, ExpectedStep};
use crate::workflow::{Fate, Workflow};

/// Findings of one task that are told: the first ones cause the others.
const MOST_FINDINGS: usize = 5;

/// All that is known of a task.
pub struct Case {
    /// Its identity.
    pub id: TaskId,
    /// Its workflow.
    pub workflow: Arc<Workflow>,
    /// What the engine keeps of it; `None` if it does not know it.
    pub kept: Option<(TaskState, Vec<StepDetail>)>,
    /// What its log tells.
    pub attempts: Vec<Attempt>,
    /// What the ledger says, in the order in which executions came.
    pub executions: Vec<Execution>,
}

/// What may have happened besides.
#[derive(Clone, Debug)]
pub struct Allowance {
    /// Names of workers, by the actors of the log.
    pub names: HashMap<String, String>,
    /// Names of workers whose executions may have been taken from them.
    pub victims: BTreeSet<String>,
    /// Whether the clock that due times are told by went on as clocks do.
    pub has_steady_clock: bool,
}

/// The verdict on a task.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Executions (step, number) that ended otherwise than by their fate.
    pub excused: Vec<(String, usize)>,
}

impl Verdict {
    /// On this task.
    pub fn on(case: &Case, allowance: &Allowance) -> Self {
        let mut judge = Judge { case, allowance, findings: Vec::new() };
        let excused = judge.account_for_log();
        if let Some((state, steps)) = &case.kept {
            let expected = Expectation::of(&case.workflow, &excused);
            judge.compare_log(&expected);
            judge.compare_kept(*state, steps, &expected);
            judge.compare_ledger(&expected);
            judge.compare_order(&expected);
        } else {
            judge.find(Kind::Lost, "it was accepted, and is not there".into());
        }
        let excused =
            excused.into_iter().map(|(step, number)| (case.workflow.steps[step].name.clone(), number));
        let mut findings = judge.findings;
        findings.truncate(MOST_FINDINGS);
        Self { findings, excused: excused.collect() }
    }
}

struct Judge<'a> {
    case: &'a Case,
    allowance: &'a Allowance,
    findings: Vec<Finding>,
}

impl Judge<'_> {
    fn find(&mut self, kind: Kind, message: String) {
        let message = format!("{message} (seed {})", self.case.workflow.seed);
        self.findings.push(Finding::new(kind, message).of(self.case.id));
    }

    fn name(&self, step: usize) -> &str {
        &self.case.workflow.steps[step].name
    }

    /// States, counts and results.
    fn compare_kept(&mut self, state: TaskState, steps: &[StepDetail], expected: &Expectation) {
        if state != expected.state {
            let kind = if state.is_open() { Kind::Lost } else { Kind::Wrong };
            self.find(kind, format!("it is {state} and should be {}", expected.state));
        }
        if steps.len() != expected.steps.len() {
            let (kept, should) = (steps.len(), expected.steps.len());
            return self.find(Kind::Lost, format!("{kept} steps are kept of {should}"));
        }
        for (place, (step, expected)) in steps.iter().zip(&expected.steps).enumerate() {
            let (kept, should) = (summary_of(step), summary_of_expected(expected));
            if kept != should {
                let name = self.name(place).to_owned();
                self.find(Kind::Wrong, format!("step {name} is kept as {kept:?} and should be {should:?}"));
            }
        }
    }

    /// Who was executed how often, and with which inputs.
    fn compare_ledger(&mut self, expected: &Expectation) {
        let mut found: BTreeMap<(usize, usize), Vec<&Execution>> = BTreeMap::new();
        for execution in &self.case.executions {
            match self.case.workflow.position(&execution.step) {
                Some(place) => found.entry((place, execution.attempt)).or_default().push(execution),
                None => self.find(Kind::Wrong, format!("a step {} was executed", execution.step)),
            }
        }
        for (place, step) in expected.steps.iter().enumerate() {
            for (number, end) in (1..).zip(&step.attempts) {
                let executions = found.remove(&(place, number)).unwrap_or_default();
                self.compare_executions(place, number, *end, step, &executions);
            }
        }
        for (place, number) in found.into_keys() {
            let name = self.name(place).to_owned();
            self.find(Kind::Doubled, format!("execution {number} of step {name} was one too many"));
        }
    }

    fn compare_executions(
        &mut self,
        place: usize,
        number: usize,
        end: ExpectedEnd,
        step: &ExpectedStep,
        found: &[&Execution],
    ) {
        let shown = format!("execution {number} of step {}", self.name(place));
        match (found, end) {
            ([], ExpectedEnd::Excused) => {}
            ([], ExpectedEnd::Fate(_)) => {
                self.find(Kind::Lost, format!("{shown} is told to have been, and was not"));
            }
            ([execution], _) => self.compare_execution(&shown, execution, end, step),
            _ => self.find(Kind::Doubled, format!("{shown} was {} times", found.len())),
        }
    }

    fn compare_execution(
        &mut self,
        shown: &str,
        execution: &Execution,
        end: ExpectedEnd,
        step: &ExpectedStep,
    ) {
        if Some(&execution.inputs) != step.inputs.as_ref() {
            let [given, should] = [Some(&execution.inputs), step.inputs.as_ref()].map(|inputs| {
                inputs.map(|inputs| Value::Object(inputs.clone()).to_string()).unwrap_or_default()
            });
            self.find(Kind::Wrong, format!("{shown} was given {given} and should have been given {should}"));
        }
        let key = format!("{}/{}", self.case.id, execution.step);
        if execution.key != key {
            self.find(Kind::Wrong, format!("{shown} had the key {:?}, not {key:?}", execution.key));
        }
        let was_answered = execution.answered.is_some();
        if matches!(end, ExpectedEnd::Fate(fate) if fate != Fate::Hang && !was_answered) {
            self.find(Kind::Wrong, format!("{shown} was not answered, and settled all the same"));
        }
    }
}

/// What is compared of a step: state, executions, result.
type Summary = (StepState, usize, Option<Value>);

fn summary_of(step: &StepDetail) -> Summary {
    let result = step.results.as_ref().map(|results| results.to_value());
    // Of an answer, what the server said; what was left out was not answered.
    let told = result.map(|result| result.get("body").cloned().unwrap_or(result));
    (step.record.state, step.record.attempts as usize, told)
}

fn summary_of_expected(step: &ExpectedStep) -> Summary {
    (step.state, step.attempts.len(), step.result.clone())
}
