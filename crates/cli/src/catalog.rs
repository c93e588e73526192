//! Which handlers there are, as far as a command can know.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use tasker_core::definition::{ConfigProblem, HandlerCatalog, StepTemplate};
use tasker_core::names::HandlerName;
use tasker_engine::Engine;
use tasker_handlers::ShippedCatalog;

use crate::exit::{Failure, Status};

/// The handlers that ship, and those that are known to be served elsewhere.
#[derive(Default)]
pub struct Catalog {
    shipped: ShippedCatalog,
    /// `None`: it cannot be known.
    served: Option<BTreeSet<HandlerName>>,
}

impl Catalog {
    /// A catalog that does not know who else serves what.
    pub fn unknowing() -> Self {
        Self::default()
    }

    /// What the live workers of a database serve.
    pub async fn of_workers(engine: &Engine) -> anyhow::Result<Self> {
        let workers = engine.workers().await?;
        let served = workers
            .into_iter()
            .filter(|worker| worker.is_live())
            .flat_map(|worker| worker.handlers)
            .collect();
        Ok(Self { served: Some(served), ..Self::default() })
    }

    /// The handlers that a file lists: one a line, or a JSON array of texts.
    pub fn of_file(path: &Path) -> Result<Self, Failure> {
        let invalid = |message: String| Failure::new(Status::Usage, "invalid_handler_list", message);
        let text = std::fs::read_to_string(path).map_err(|error| {
            invalid(format!("the list of handlers {} cannot be read: {error}", path.display()))
        })?;
        let names: Vec<String> = match serde_json::from_str(&text) {
            Ok(names) => names,
            Err(_) => {
                text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
            }
        };
        let served = names.iter().map(|name| HandlerName::new(name)).collect::<Result<_, _>>();
        let served = served.map_err(|error| invalid(format!("{}: {error}", path.display())))?;
        Ok(Self { served: Some(served), ..Self::default() })
    }
}

impl HandlerCatalog for Catalog {
    fn serves(&self, handler: &HandlerName) -> Option<bool> {
        match (self.shipped.serves(handler), &self.served) {
            (Some(true), _) => Some(true),
            (_, Some(served)) => Some(served.contains(handler)),
            (answer, None) => answer,
        }
    }

    fn check(&self, step: &StepTemplate, config: &Value) -> Vec<ConfigProblem> {
        self.shipped.check(step, config)
    }
}
