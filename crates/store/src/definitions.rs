//! Definitions in a store.

use std::sync::Arc;

use tasker_core::names::{DefinitionName, Namespace, Version};
use tasker_core::plan::Plan;
pub use tasker_core::record::DefinitionRow;

/// Which definition is meant.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Selector {
    /// Name space.
    pub namespace: Namespace,
    /// Name.
    pub name: DefinitionName,
    /// Version; `None` is the latest ([`Version::latest`]) that is not retired.
    pub version: Option<Version>,
}

/// A definition to store.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The definition.
    pub plan: Arc<Plan>,
    /// Whether other content under the same version is replaced. Running tasks keep what they were submitted with.
    pub replace: bool,
}

/// What came of a [`Registration`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Registered {
    /// The version is new.
    Created,
    /// The version had other content.
    Replaced,
    /// The version has this content already.
    Unchanged,
    /// The version has other content, and replacing was not asked for: `version_content_changed`.
    ContentChanged,
}

/// What a [`Selector`] leads to.
#[derive(Clone, Debug)]
pub enum Resolved {
    /// This definition.
    Found {
        /// Compiled.
        plan: Arc<Plan>,
        /// Whether it is retired: no new tasks.
        retired: bool,
    },
    /// No such version (or none that is not retired).
    NoVersion {
        /// These exist, ascending.
        versions: Vec<Version>,
    },
    /// No such name.
    NoName {
        /// Names in the namespace, sorted.
        names: Vec<DefinitionName>,
    },
    /// No such namespace.
    NoNamespace,
}
