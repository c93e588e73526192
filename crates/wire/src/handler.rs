//! What is registered, as documents: namespaces, the definitions of a namespace, one definition with its graph.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tasker_core::names::{DefinitionName, HandlerName, Namespace, Version};
use tasker_core::plan::Plan;

use crate::definition::DefinitionDocument;
use crate::handler_graph::HandlerGraph;
use crate::instant::Instant;
use crate::problem::ProblemEntry;

/// The namespaces there are.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NamespaceList {
    /// The namespaces, by name. `default` is there even if it is empty.
    pub namespaces: Vec<NamespaceDocument>,
    /// How many there are.
    pub total_namespaces: usize,
    /// When this was read.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub generated_at: Instant,
}

/// A namespace.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NamespaceDocument {
    /// Name.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: Namespace,
    /// How many definitions it has, by name.
    pub handler_count: usize,
    /// How many versions they have together.
    pub version_count: usize,
}

/// The definitions of a namespace.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HandlerList {
    /// Namespace.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub namespace: Namespace,
    /// The definitions, by name.
    pub handlers: Vec<HandlerSummary>,
    /// How many there are.
    pub total_handlers: usize,
}

/// A definition with all its versions.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HandlerSummary {
    /// Name.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: DefinitionName,
    /// Namespace.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub namespace: Namespace,
    /// Its versions, the lowest first.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub versions: Vec<Version>,
    /// How many that are.
    pub version_count: usize,
    /// Those of them that no new task may use.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub retired_versions: Vec<Version>,
    /// What new tasks use unless they name another; none if all are retired.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub latest_version: Option<Version>,
}

/// A definition.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HandlerReply {
    /// The definition.
    pub handler: HandlerDocument,
    /// When this was read.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub generated_at: Instant,
}

/// One version of a definition, with its graph.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HandlerDocument {
    /// The definition.
    #[serde(flatten)]
    pub definition: DefinitionDocument,
    /// Whether live workers serve the handlers of all its steps.
    pub available: bool,
    /// Its steps and who waits for whom.
    pub dependency_graph: HandlerGraph,
}

/// A definition by itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DefinitionReply {
    /// The definition.
    pub definition: DefinitionDocument,
}

/// A definition was registered.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegisteredReply {
    /// The definition.
    pub definition: DefinitionDocument,
    /// What came of it.
    pub outcome: RegistrationOutcome,
    /// What works, though perhaps not as meant.
    pub warnings: Vec<ProblemEntry>,
}

/// What came of a registration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RegistrationOutcome {
    /// The version is new.
    Created,
    /// The version had other content.
    Replaced,
    /// The version had this content already.
    Unchanged,
}

/// A definition as definition files write it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(value_type = Object))]
pub struct DefinitionFile(pub serde_json::Value);

impl NamespaceList {
    /// The list from names of definitions, one for each version, and whether `default` belongs to it.
    pub fn new(
        rows: impl IntoIterator<Item = (Namespace, DefinitionName)>,
        with_default: bool,
        generated_at: Instant,
    ) -> Self {
        let mut all: BTreeMap<Namespace, (BTreeSet<DefinitionName>, usize)> = BTreeMap::new();
        if with_default {
            all.entry(Namespace::default()).or_default();
        }
        for (namespace, name) in rows {
            let (names, versions) = all.entry(namespace).or_default();
            names.insert(name);
            *versions += 1;
        }
        let namespaces: Vec<NamespaceDocument> = all
            .into_iter()
            .map(|(name, (names, version_count))| NamespaceDocument {
                name,
                handler_count: names.len(),
                version_count,
            })
            .collect();
        Self { total_namespaces: namespaces.len(), namespaces, generated_at }
    }
}

impl HandlerList {
    /// The list from the versions of definitions, and whether they are retired.
    pub fn new(
        namespace: Namespace,
        rows: impl IntoIterator<Item = (DefinitionName, Version, bool)>,
    ) -> Self {
        let mut all: BTreeMap<DefinitionName, BTreeMap<Version, bool>> = BTreeMap::new();
        for (name, version, is_retired) in rows {
            all.entry(name).or_default().insert(version, is_retired);
        }
        let handlers: Vec<HandlerSummary> =
            all.into_iter().map(|(name, versions)| summary(&namespace, name, &versions)).collect();
        Self { namespace, total_handlers: handlers.len(), handlers }
    }
}

fn summary(
    namespace: &Namespace,
    name: DefinitionName,
    versions: &BTreeMap<Version, bool>,
) -> HandlerSummary {
    let retired = |wanted: bool| {
        versions.iter().filter(move |(_, is_retired)| **is_retired == wanted).map(|(version, _)| version)
    };
    HandlerSummary {
        name,
        namespace: namespace.clone(),
        versions: versions.keys().cloned().collect(),
        version_count: versions.len(),
        retired_versions: retired(true).cloned().collect(),
        latest_version: Version::latest(retired(false)).cloned(),
    }
}

impl HandlerDocument {
    /// The document of a definition, where these handlers are served.
    pub fn new(plan: &Plan, definition: DefinitionDocument, served: &BTreeSet<HandlerName>) -> Self {
        Self {
            available: plan.definition.steps.iter().all(|step| served.contains(&step.handler)),
            dependency_graph: HandlerGraph::new(plan),
            definition,
        }
    }
}

#[cfg(test)]
mod tests {
    use tasker_core::time::Timestamp;

    use super::*;

    fn name(text: &str) -> DefinitionName {
        DefinitionName::new(text).unwrap()
    }

    fn version(text: &str) -> Version {
        Version::new(text).unwrap()
    }

    #[test]
    fn namespaces_count_names_and_versions() {
        let payments = Namespace::new("payments").unwrap();
        let rows = ["a", "a", "b"].map(|text| (payments.clone(), name(text)));
        let list = NamespaceList::new(rows, true, Timestamp::from_micros(0).into());
        let counts: Vec<_> = list
            .namespaces
            .iter()
            .map(|one| (one.name.as_str(), one.handler_count, one.version_count))
            .collect();
        assert_eq!(counts, [("default", 0, 0), ("payments", 2, 3)]);
    }

    #[test]
    fn versions_are_ordered_as_versions() {
        let rows = [("10.0.0", false), ("9.0.0", false), ("11.0.0", true), ("1.2.0", true)]
            .map(|(text, is_retired)| (name("a"), version(text), is_retired));
        let list = HandlerList::new(Namespace::default(), rows);
        let one = &list.handlers[0];
        let texts = |versions: &[Version]| versions.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(texts(&one.versions), ["1.2.0", "9.0.0", "10.0.0", "11.0.0"]);
        assert_eq!(texts(&one.retired_versions), ["1.2.0", "11.0.0"]);
        assert_eq!(one.latest_version, Some(version("10.0.0")));
    }
}
