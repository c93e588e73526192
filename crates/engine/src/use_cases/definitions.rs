//! Definitions: registering, finding, retiring.

use std::sync::Arc;

use tasker_core::definition::Definition;
use tasker_core::plan::Plan;
use tasker_store::definitions::{DefinitionRow, Registered, Registration, Resolved, Selector};

use crate::engine::Engine;
use crate::error::UseCaseError;

impl Engine {
    /// Stores a definition. The same content again changes nothing.
    ///
    /// # Errors
    /// `version_content_changed` if the version has other content and `replace` is false.
    pub async fn register(&self, definition: Definition, replace: bool) -> Result<Registered, UseCaseError> {
        let plan = Plan::new(definition);
        let name = plan.definition.full_name();
        match self.parts.store.register(Registration { plan, replace }).await? {
            Registered::ContentChanged => Err(UseCaseError::Conflict {
                code: "version_content_changed",
                message: format!("{name} is registered with other content"),
                help: Some(
                    "give it a new version, or replace it with --allow-replace; running tasks keep theirs"
                        .into(),
                ),
                task: None,
            }),
            registered => Ok(registered),
        }
    }

    /// Lets no new task use a version, or allows it again.
    ///
    /// # Errors
    /// As [`Engine::definition`].
    pub async fn retire(&self, selector: Selector, retired: bool) -> Result<(), UseCaseError> {
        if self.parts.store.retire(selector.clone(), retired).await? {
            return Ok(());
        }
        let resolved = self.parts.store.resolve(selector.clone()).await?;
        Err(missing(&selector, resolved))
    }

    /// The definitions of a namespace, or all.
    ///
    /// # Errors
    /// [`UseCaseError::Store`].
    pub async fn definitions(&self, namespace: Option<&str>) -> Result<Vec<DefinitionRow>, UseCaseError> {
        Ok(self.parts.store.definitions(namespace).await?)
    }

    /// One definition, retired or not.
    ///
    /// # Errors
    /// `definition_not_found`, naming what exists instead.
    pub async fn definition(&self, selector: Selector) -> Result<Arc<Plan>, UseCaseError> {
        match self.parts.store.resolve(selector.clone()).await? {
            Resolved::Found { plan, .. } => Ok(plan),
            other => Err(missing(&selector, other)),
        }
    }
}

/// The error that names what exists instead.
pub(super) fn missing(selector: &Selector, resolved: Resolved) -> UseCaseError {
    let Selector { namespace, name, version } = selector;
    let (message, help) = match resolved {
        Resolved::NoNamespace => return UseCaseError::namespace_not_found(namespace),
        Resolved::NoName { names } => {
            let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
            let asked = version.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
            (
                format!("there is no definition {name}{asked} in namespace {namespace}"),
                format!("it has: {}", or_none(&names)),
            )
        }
        Resolved::NoVersion { versions } => {
            let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
            let asked =
                version.as_ref().map_or_else(|| "that is not retired".to_owned(), ToString::to_string);
            (
                format!("{namespace}.{name} has no version {asked}"),
                format!("versions: {}", or_none(&versions)),
            )
        }
        Resolved::Found { plan, .. } => (
            format!("{} cannot be changed", plan.definition.full_name()),
            "name its exact version".to_owned(),
        ),
    };
    UseCaseError::NotFound { code: "definition_not_found", message, help: Some(help) }
}

fn or_none<T: std::borrow::Borrow<str>>(items: &[T]) -> String {
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}
