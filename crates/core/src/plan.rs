//! A definition made ready for use: positions instead of names, both directions of the graph, retry settings.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::definition::{Definition, StepTemplate};
use crate::graph::Graph;
use crate::ids::{Digest, Ordinal};
use crate::names::StepName;
use crate::template;

/// One revision of a definition, compiled. Made once per digest and shared.
#[derive(Debug)]
pub struct Plan {
    /// The definition.
    pub definition: Definition,
    /// Its identity.
    pub digest: Digest,
    /// Its shape.
    pub graph: Graph,
    /// Per step: the results that come with its claim. Parents first, then ancestors that its templates name.
    pub reads: Vec<Vec<Ordinal>>,
    /// Per step: how its waits differ from the engine's setting.
    pub waits: Vec<StepBackoff>,
    positions: HashMap<StepName, Ordinal>,
}

/// How the waits of one step differ from the engine's backoff settings (`spec/authoring.md` 2.5).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct StepBackoff {
    /// `handler_config.enable_exponential_backoff`; true unless written.
    pub exponential: bool,
    /// `handler_config.retry_delay`: factor on every computed wait.
    pub factor: f64,
    /// `handler_config.jitter_factor`: share of the wait that jitter may add or take, 0 to 1.
    pub jitter: Option<f64>,
}

impl Plan {
    /// Compiles a checked definition.
    pub fn new(definition: Definition) -> Arc<Self> {
        let digest = definition.digest();
        let positions: HashMap<_, _> =
            definition.steps.iter().zip(0..).map(|(step, i)| (step.name.clone(), Ordinal(i))).collect();
        let parents: Vec<Vec<Ordinal>> = definition
            .steps
            .iter()
            .map(|step| step.depends_on.iter().map(|name| positions[name]).collect())
            .collect();
        let reads =
            definition.steps.iter().zip(&parents).map(|(step, p)| reads(step, p, &positions)).collect();
        let waits = definition.steps.iter().map(|step| StepBackoff::of(&step.handler_config)).collect();
        Arc::new(Self { graph: Graph::new(&parents), definition, digest, reads, waits, positions })
    }

    /// The template of a step.
    pub fn step(&self, ordinal: Ordinal) -> &StepTemplate {
        &self.definition.steps[ordinal.index()]
    }

    /// The name of a step.
    pub fn name(&self, ordinal: Ordinal) -> &StepName {
        &self.step(ordinal).name
    }

    /// The position of a step.
    pub fn position(&self, name: &str) -> Option<Ordinal> {
        self.positions.get(name).copied()
    }
}

impl StepBackoff {
    fn of(config: &Value) -> Self {
        Self {
            exponential: config["enable_exponential_backoff"].as_bool().unwrap_or(true),
            factor: config["retry_delay"].as_f64().unwrap_or(1.0),
            jitter: config["jitter_factor"].as_f64(),
        }
    }
}

fn reads(step: &StepTemplate, parents: &[Ordinal], positions: &HashMap<StepName, Ordinal>) -> Vec<Ordinal> {
    let mut list = parents.to_vec();
    if template::is_templated(&step.handler) {
        let named = template::results_named_in(&step.handler_config);
        list.extend(named.iter().filter_map(|name| positions.get(name.as_str())));
        let mut seen = std::collections::HashSet::new();
        list.retain(|ordinal| seen.insert(*ordinal));
    }
    list
}
