//! Compiled context schemas, one per definition revision.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tasker_core::definition::ContextSchema;
use tasker_core::ids::Digest;
use tasker_core::plan::Plan;

use crate::error::UseCaseError;

/// Most schemas kept; definitions are few.
const MOST: usize = 1_024;

/// The schemas compiled so far.
#[derive(Default)]
pub(crate) struct ContextSchemas {
    by_revision: Mutex<HashMap<Digest, Option<Arc<ContextSchema>>>>,
}

impl ContextSchemas {
    /// The schema of a definition, if it has one.
    pub(crate) fn of(&self, plan: &Plan) -> Result<Option<Arc<ContextSchema>>, UseCaseError> {
        let mut known = self.by_revision.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schema) = known.get(&plan.digest) {
            return Ok(schema.clone());
        }
        let compiled =
            ContextSchema::compile(&plan.definition).map_err(|message| UseCaseError::Conflict {
                code: "invalid_context_schema",
                message: format!(
                    "the context schema of {} does not compile: {message}",
                    plan.definition.full_name()
                ),
                help: Some("register the definition again with a valid schema".into()),
                task: None,
            })?;
        let schema = compiled.map(Arc::new);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(plan.digest, schema.clone());
        Ok(schema)
    }
}
