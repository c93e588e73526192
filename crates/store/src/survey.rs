//! What is told of many tasks together, as stores count it; `tasker_core::survey` computes the rest.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use tasker_core::names::{DefinitionName, Namespace, Version};
use tasker_core::survey::{FailureCount, LongStep, LongTask, Population, Stage, Standing, Tallies, Traffic};
use tasker_core::time::Timestamp;

use crate::StoreError;

/// How long a store may count for one answer. What takes longer is given up: [`StoreError::Unavailable`].
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Counts many tasks. Every answer is of one moment; no two need be of the same.
#[async_trait]
pub trait SurveyStore: Send + Sync {
    /// How many tasks there are, and how those fared that ended after an instant.
    async fn standing(&self, scope: &Scope, since: Timestamp) -> Result<Standing, StoreError>;

    /// What came and went after an instant.
    async fn traffic(&self, scope: &Scope, since: Timestamp) -> Result<Traffic, StoreError>;

    /// The tasks created after an instant.
    async fn population(&self, scope: &Scope, since: Timestamp) -> Result<Population, StoreError>;

    /// The steps of tasks created after an instant, by their names.
    async fn step_tallies(&self, scope: &Scope, since: Timestamp) -> Result<Tallies, StoreError>;

    /// The commonest kinds of failures of executions of tasks created after an instant, as the log knows them:
    /// [`MOST_FAILURES`](tasker_core::survey::MOST_FAILURES) at most.
    async fn failures(&self, scope: &Scope, since: Timestamp) -> Result<Vec<FailureCount>, StoreError>;

    /// Tasks created after an instant that took longest, or take longest.
    async fn long_tasks(
        &self,
        scope: &Scope,
        since: Timestamp,
        stage: Stage,
        limit: usize,
    ) -> Result<Vec<LongTask>, StoreError>;

    /// Complete steps, of tasks created after an instant, whose last executions took longest.
    async fn long_steps(
        &self,
        scope: &Scope,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<LongStep>, StoreError>;
}

/// Which tasks are counted: those of which everything is true that is given.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Scope {
    /// Only in this namespace.
    pub namespace: Option<Namespace>,
    /// Only in one of these namespaces: those that whoever asks may see.
    pub namespaces: Option<BTreeSet<Namespace>>,
    /// Only of this name.
    pub name: Option<DefinitionName>,
    /// Only of this version.
    pub version: Option<Version>,
}

impl Scope {
    /// No tasks.
    pub fn nothing() -> Self {
        Self { namespaces: Some(BTreeSet::new()), ..Self::default() }
    }

    /// Whether all tasks are counted.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether tasks of a definition in this namespace, of this name and version are counted.
    pub fn holds(&self, namespace: &Namespace, name: &DefinitionName, version: &Version) -> bool {
        self.namespace.as_ref().is_none_or(|wanted| wanted == namespace)
            && self.namespaces.as_ref().is_none_or(|visible| visible.contains(namespace))
            && self.name.as_ref().is_none_or(|wanted| wanted == name)
            && self.version.as_ref().is_none_or(|wanted| wanted == version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_holds_what_is_named_and_may_be_seen() {
        let namespace = |text| Namespace::new(text).unwrap();
        let (name, version) = (DefinitionName::new("order").unwrap(), Version::new("1.0.0").unwrap());
        let holds = |scope: &Scope, text| scope.holds(&namespace(text), &name, &version);
        let all = Scope::default();
        assert!(all.is_everything() && holds(&all, "a"));
        let seen = Scope { namespaces: Some(BTreeSet::from([namespace("a"), namespace("b")])), ..all };
        assert!(!seen.is_everything() && holds(&seen, "a") && holds(&seen, "b") && !holds(&seen, "c"));
        let one = Scope { namespace: Some(namespace("b")), ..seen };
        assert!(holds(&one, "b") && !holds(&one, "a"));
        assert!(!holds(&Scope { namespace: Some(namespace("c")), ..one.clone() }, "c"));
        assert!(!holds(&Scope { name: Some(DefinitionName::new("other").unwrap()), ..one.clone() }, "b"));
        assert!(!holds(&Scope { version: Some(Version::new("1.0.1").unwrap()), ..one }, "b"));
        assert!(!holds(&Scope::nothing(), "a"));
    }
}
