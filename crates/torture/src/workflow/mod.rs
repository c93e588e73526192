//! Random workflows: a graph from a seed, and for each execution of each step what becomes of it.
//!
//! Every step calls the ledger, tells it which execution it is and what it was given, and gets an answer that depends on
//! both. So a result that went astray, or was given to the wrong step, is seen in all that comes after it.

mod fate;
mod graph;

use serde_json::{Map, Value, json};
use tasker_core::ids::TaskId;
use tasker_core::names::DefinitionName;
use tasker_core::payload::{DEFAULT_MAX_BYTES, Payload, PayloadError};
use tasker_core::request::TaskRequest;

pub use self::fate::Fate;

use self::fate::{MOST_EXECUTIONS, SHORT_TIMEOUT, Temper};
use crate::chance::{Chance, digest};

/// The limit of steps that never hang, in seconds.
const LONG_TIMEOUT: u32 = 600;

/// Steps of a task that runs them one at a time.
const MOST_IN_TURN: usize = 15;

/// A workflow. It is named after its seed, from which all of it follows.
#[derive(Clone, PartialEq, Debug)]
pub struct Workflow {
    /// The seed.
    pub seed: u64,
    /// Whether steps that do not depend on one another run beside each other.
    pub concurrent: bool,
    /// The steps, in document order.
    pub steps: Vec<Step>,
}

/// A step.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// The steps it depends on, by their places.
    pub parents: Vec<usize>,
    /// The steps whose results it tells: its parents and some of their ancestors.
    pub reads: Vec<usize>,
    /// Most executions, the first included.
    pub limit: usize,
    /// Whether it may have more than one.
    pub is_retryable: bool,
    /// Whether a request may leave it out.
    pub is_skippable: bool,
    /// Whether the request does leave it out.
    pub is_bypassed: bool,
    /// Limit of one execution, in seconds.
    pub timeout_seconds: u32,
    /// What becomes of the first execution, the second, ...
    pub fates: Vec<Fate>,
}

impl Workflow {
    /// The workflow of a seed, with at most so many steps.
    pub fn new(seed: u64, most_steps: usize) -> Self {
        let mut chance = Chance::new(seed);
        let concurrent = !chance.per_mille(120);
        let most = if concurrent { most_steps } else { most_steps.min(MOST_IN_TURN) };
        let n = size(&mut chance).min(most).max(1);
        let parents = graph::draw(&mut chance, n);
        let temper = Temper::draw(&mut chance);
        let mut steps: Vec<Step> = (0..n).map(|i| Step::draw(&mut chance, format!("s{i}"), temper)).collect();
        // Nobody waits for what only a step that is left out depends on, so its result may be there or not.
        let awaited = graph::ancestors(&parents, |step| !steps[step].is_bypassed);
        for (i, parents) in parents.into_iter().enumerate() {
            steps[i].reads = reads(&mut chance, &parents, &awaited[i]);
            steps[i].parents = parents;
        }
        let mut order: Vec<usize> = (0..n).collect();
        chance.shuffle(&mut order);
        Self { seed, concurrent, steps: reordered(steps, &order) }
    }

    /// The name of its definition.
    pub fn name(&self) -> String {
        format!("torture_{:016x}", self.seed)
    }

    /// Its definition, as a file would have it.
    pub fn definition(&self) -> Value {
        let steps: Vec<Value> = self.steps.iter().map(|step| self.template(step)).collect();
        json!({
            "name": self.name(),
            "version": "1.0.0",
            "description": "made by chance",
            "concurrent": self.concurrent,
            "handler_config": {
                "url": "{{ context.ledger }}/{{ step.name }}",
                "proxy": "none",
                "connect_timeout_seconds": 60,
                "timeout_seconds": LONG_TIMEOUT,
            },
            "step_templates": steps,
        })
    }

    /// The request for a task of it, which tells the ledger at this URL that it is task `number`.
    ///
    /// # Errors
    /// The URL is no text for a context.
    pub fn request(&self, id: TaskId, number: u64, ledger: &str) -> Result<TaskRequest, PayloadError> {
        let name = DefinitionName::new(&self.name()).expect("letters, digits and `_`");
        let bypassed = self.steps.iter().filter(|step| step.is_bypassed);
        Ok(TaskRequest {
            id: Some(id),
            context: Payload::from_value(&json!({ "ledger": ledger, "task": number }), DEFAULT_MAX_BYTES)?,
            bypass_steps: bypassed.map(|step| step.name.clone()).collect(),
            ..TaskRequest::new(Default::default(), name)
        })
    }

    /// The place of a step.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.name == name)
    }

    /// What a successful execution answers: a value that depends on the workflow, the step, the execution, and on what
    /// the step was given.
    pub fn answer(&self, step: usize, attempt: usize, inputs: &Map<String, Value>) -> Value {
        let name = &self.steps[step].name;
        let mut given: Vec<String> = inputs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        given.sort_unstable();
        let value = digest(&format!("{} {name} {attempt} {}", self.seed, given.join(" ")));
        json!({ "step": name, "attempt": attempt, "value": format!("{value:016x}") })
    }

    fn template(&self, step: &Step) -> Value {
        let names = |places: &[usize]| places.iter().map(|&i| self.steps[i].name.clone()).collect::<Vec<_>>();
        // What was left out has no body.
        let given = |name: String| {
            let value = format!("{{{{ results.{name}.body | default(results.{name}) }}}}");
            (name, Value::from(value))
        };
        let inputs: Map<String, Value> = names(&step.reads).into_iter().map(given).collect();
        json!({
            "name": step.name,
            "handler": "http",
            "depends_on_steps": names(&step.parents),
            "default_retry_limit": step.limit,
            "default_retryable": step.is_retryable,
            "skippable": step.is_skippable,
            "timeout_seconds": step.timeout_seconds,
            "handler_config": { "json": {
                "task": "{{ context.task }}",
                "step": "{{ step.name }}",
                "attempt": "{{ step.attempt }}",
                "inputs": inputs,
            } },
        })
    }
}

impl Step {
    fn draw(chance: &mut Chance, name: String, temper: Temper) -> Self {
        let limit = temper.limit(chance);
        let fates: Vec<Fate> = (0..MOST_EXECUTIONS).map(|_| temper.fate(chance)).collect();
        let hangs = fates[..limit].contains(&Fate::Hang);
        let is_skippable = chance.per_mille(100);
        Self {
            name,
            parents: Vec::new(),
            reads: Vec::new(),
            limit,
            is_retryable: !chance.per_mille(30),
            is_skippable,
            is_bypassed: is_skippable && chance.per_mille(500),
            timeout_seconds: if hangs { SHORT_TIMEOUT } else { LONG_TIMEOUT },
            fates,
        }
    }

    /// Most executions that it really has.
    pub fn executions(&self) -> usize {
        if self.is_retryable { self.limit } else { 1 }
    }
}

/// Most are small, some have hundreds of steps.
fn size(chance: &mut Chance) -> usize {
    match chance.below(100) {
        0..=44 => chance.between(1, 12),
        45..=84 => chance.between(13, 40),
        85..=95 => chance.between(41, 100),
        _ => chance.between(101, 300),
    }
}

/// All parents, and now and then an ancestor that is none.
fn reads(chance: &mut Chance, parents: &[usize], ancestors: &[usize]) -> Vec<usize> {
    let mut reads = parents.to_vec();
    if !ancestors.is_empty() && chance.per_mille(250) {
        reads.push(ancestors[chance.below(ancestors.len())]);
    }
    reads.sort_unstable();
    reads.dedup();
    reads
}

/// The same steps in this order of their places.
fn reordered(steps: Vec<Step>, order: &[usize]) -> Vec<Step> {
    let mut place = vec![0; order.len()];
    order.iter().enumerate().for_each(|(new, &old)| place[old] = new);
    let moved = |places: &[usize]| places.iter().map(|&old| place[old]).collect();
    let in_order = order.iter().map(|&old| &steps[old]);
    in_order
        .map(|step| Step { parents: moved(&step.parents), reads: moved(&step.reads), ..step.clone() })
        .collect()
}

#[cfg(test)]
mod tests {
    use tasker_core::definition::{LoadOptions, load_value};
    use tasker_handlers::ShippedCatalog;

    use super::*;

    #[test]
    fn definitions_are_valid_and_a_seed_gives_the_same_one() {
        for seed in 0..200 {
            let workflow = Workflow::new(seed, 300);
            assert_eq!(workflow, Workflow::new(seed, 300));
            let catalog = ShippedCatalog::default();
            let options = LoadOptions { handlers: &catalog, ..LoadOptions::default() };
            let loaded = load_value(&workflow.definition(), &options);
            assert!(loaded.problems.is_empty(), "seed {seed}: {:?}", loaded.problems);
            assert!(workflow.request(TaskId(uuid::Uuid::nil()), 1, "http://127.0.0.1:1").is_ok());
        }
    }

    #[test]
    fn chance_leaves_nothing_out() {
        let all: Vec<Workflow> = (0..300).map(|seed| Workflow::new(seed, 300)).collect();
        let steps = || all.iter().flat_map(|workflow| &workflow.steps);
        let fates = || steps().flat_map(|step| &step.fates[..step.executions()]);
        assert!(all.iter().any(|workflow| workflow.steps.len() > 200));
        assert!(all.iter().any(|workflow| !workflow.concurrent && workflow.steps.len() > 3));
        assert!(steps().any(|step| step.is_bypassed) && steps().any(|step| !step.is_retryable));
        assert!(steps().any(|step| step.limit == 1) && steps().any(|step| step.limit == 5));
        assert!(steps().any(|step| step.reads.len() > step.parents.len()));
        for fate in [Fate::Fail, Fate::Busy(1), Fate::Busy(2), Fate::Refuse, Fate::Break, Fate::Hang] {
            assert!(fates().any(|drawn| *drawn == fate), "{fate:?}");
        }
    }
}
