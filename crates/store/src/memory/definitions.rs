//! Definitions, name spaces, and links between objects of external systems.

use std::sync::Arc;

use tasker_core::decide::Rejection;
use tasker_core::names::{self, DefinitionName, Namespace};
use tasker_core::plan::Plan;
use tasker_core::time::Timestamp;

use super::Tables;
use crate::ObjectRef;
use crate::definitions::{DefinitionRow, Registered, Registration, Resolved, Selector};

/// Longest id of an object in an external system.
const MAX_OBJECT_ID: usize = 128;

/// One version of a definition.
pub(super) struct Version {
    pub(super) plan: Arc<Plan>,
    pub(super) retired: bool,
    registered_at: Timestamp,
}

impl Tables {
    pub(super) fn register(&mut self, registration: Registration, now: Timestamp) -> Registered {
        let Registration { plan, replace } = registration;
        let definition = &plan.definition;
        let key = (definition.namespace.clone(), definition.name.clone(), definition.version.clone());
        let known = self.definitions.get(&key);
        let registered = match known {
            None => Registered::Created,
            Some(stored) if stored.plan.digest == plan.digest => return Registered::Unchanged,
            Some(_) if replace => Registered::Replaced,
            Some(_) => return Registered::ContentChanged,
        };
        let retired = known.is_some_and(|stored| stored.retired);
        self.namespaces.insert(definition.namespace.clone());
        self.plans.insert(plan.digest, plan.clone());
        self.definitions.insert(key, Version { plan, retired, registered_at: now });
        registered
    }

    pub(super) fn retire(&mut self, selector: &Selector, retired: bool) -> bool {
        let version = match &selector.version {
            Some(version) => Some(version.clone()),
            None => self.latest(&selector.namespace, &selector.name).map(|(version, _)| version.clone()),
        };
        let stored = version.and_then(|version| {
            self.definitions.get_mut(&(selector.namespace.clone(), selector.name.clone(), version))
        });
        stored.map(|stored| stored.retired = retired).is_some()
    }

    pub(super) fn delete_namespace(&mut self, name: &str) -> Result<(), Rejection> {
        let refused = |code, message| Err(Rejection::new(code, message));
        if self.definitions.keys().any(|(namespace, ..)| namespace.as_str() == name) {
            return refused("in_use", format!("namespace {name} has definitions and cannot be deleted"));
        }
        if !self.namespaces.remove(name) {
            return refused("not_found", format!("there is no namespace {name}"));
        }
        Ok(())
    }

    pub(super) fn definition_rows(&self, namespace: Option<&str>) -> Vec<DefinitionRow> {
        let wanted = self.definitions.values().filter(|stored| {
            namespace.is_none_or(|namespace| stored.plan.definition.namespace.as_str() == namespace)
        });
        wanted.map(Version::row).collect()
    }

    pub(super) fn resolve(&self, selector: &Selector) -> Resolved {
        let Selector { namespace, name, version } = selector;
        if !self.namespaces.contains(namespace) {
            return Resolved::NoNamespace;
        }
        let versions: Vec<_> = self.versions(namespace, name).map(|(version, _)| version.clone()).collect();
        if versions.is_empty() {
            let mut names: Vec<_> =
                self.definitions.keys().filter(|key| key.0 == *namespace).map(|key| key.1.clone()).collect();
            names.dedup();
            return Resolved::NoName { names };
        }
        let found = match version {
            Some(version) => self.versions(namespace, name).find(|(known, _)| *known == version),
            None => self.latest(namespace, name),
        };
        match found {
            Some((_, stored)) => Resolved::Found { plan: stored.plan.clone(), retired: stored.retired },
            None => Resolved::NoVersion { versions },
        }
    }

    /// The version that a request without version means.
    pub(super) fn latest(
        &self,
        namespace: &Namespace,
        name: &DefinitionName,
    ) -> Option<(&names::Version, &Version)> {
        let usable = || self.versions(namespace, name).filter(|(_, stored)| !stored.retired);
        let latest = names::Version::latest(usable().map(|(version, _)| version))?;
        usable().find(|(version, _)| *version == latest)
    }

    fn versions(
        &self,
        namespace: &Namespace,
        name: &DefinitionName,
    ) -> impl Iterator<Item = (&names::Version, &Version)> {
        let is_it =
            move |key: &(Namespace, DefinitionName, names::Version)| key.0 == *namespace && key.1 == *name;
        self.definitions.iter().filter(move |(key, _)| is_it(key)).map(|(key, stored)| (&key.2, stored))
    }

    /// Pairs are kept with the smaller object first, so that none is there twice.
    pub(super) fn link(
        &mut self,
        one: ObjectRef,
        two: ObjectRef,
    ) -> Result<(ObjectRef, ObjectRef), Rejection> {
        [&one, &two].into_iter().try_for_each(check_object)?;
        let key = |object: &ObjectRef| (object.system.clone(), object.id.clone());
        let pair = if key(&one) <= key(&two) { (one, two) } else { (two, one) };
        if !self.links.contains(&pair) {
            self.links.push(pair.clone());
        }
        Ok(pair)
    }
}

impl Version {
    fn row(&self) -> DefinitionRow {
        let definition = &self.plan.definition;
        DefinitionRow {
            namespace: definition.namespace.clone(),
            name: definition.name.clone(),
            version: definition.version.clone(),
            description: definition.description.clone(),
            steps: definition.steps.len() as u32,
            digest: self.plan.digest.to_string(),
            deprecated: definition.deprecated,
            retired: self.retired,
            registered_at: self.registered_at,
        }
    }
}

fn check_object(object: &ObjectRef) -> Result<(), Rejection> {
    let n_chars = object.id.chars().count();
    if (1..=MAX_OBJECT_ID).contains(&n_chars) && !object.system.is_empty() {
        return Ok(());
    }
    let message = format!(
        "an object needs a system and an id of 1 to {MAX_OBJECT_ID} characters, but {:?} has an id of {n_chars}",
        object.system
    );
    Err(Rejection::new("out_of_range", message))
}
