//! Calls about definitions and namespaces.

use reqwest::Method;
use tasker_wire::{
    DefinitionDocument, DefinitionList, DefinitionReply, HandlerDocument, HandlerList, HandlerReply,
    NamespaceList, RegisteredReply, RetireDefinitionRequest, RetiredReply,
};

use crate::client::Client;
use crate::error::Error;

/// What definition files are written in; JSON is YAML too.
const YAML: &str = "application/yaml";

impl Client {
    /// The namespaces that the caller may see.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn namespaces(&self) -> Result<NamespaceList, Error> {
        self.read(self.get(&["namespaces"], &[])).await
    }

    /// The definitions of a namespace, by name.
    ///
    /// # Errors
    /// [`Error`]; `DEFINITION_NOT_FOUND`: there is no such namespace.
    pub async fn handlers(&self, namespace: &str) -> Result<HandlerList, Error> {
        self.read(self.get(&["handlers", namespace], &[])).await
    }

    /// Every version of every definition that the caller may see, or of one namespace.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn definitions(&self, namespace: Option<&str>) -> Result<DefinitionList, Error> {
        let query: Vec<_> = namespace.map(|name| ("namespace", name.to_owned())).into_iter().collect();
        self.read(self.get(&["definitions"], &query)).await
    }

    /// A definition with its graph; without a version, the latest that is not retired.
    ///
    /// # Errors
    /// [`Error`]; `DEFINITION_NOT_FOUND`.
    pub async fn handler(
        &self,
        namespace: &str,
        name: &str,
        version: Option<&str>,
    ) -> Result<HandlerDocument, Error> {
        let query: Vec<_> = version.map(|version| ("version", version.to_owned())).into_iter().collect();
        let reply: HandlerReply = self.read(self.get(&["handlers", namespace, name], &query)).await?;
        Ok(reply.handler)
    }

    /// One version of a definition.
    ///
    /// # Errors
    /// [`Error`]; `DEFINITION_NOT_FOUND`.
    pub async fn definition(
        &self,
        namespace: &str,
        name: &str,
        version: &str,
    ) -> Result<DefinitionDocument, Error> {
        let reply: DefinitionReply =
            self.read(self.get(&["definitions", namespace, name, version], &[])).await?;
        Ok(reply.definition)
    }

    /// Registers a definition, as definition files write it, YAML or JSON. `replace`: whether other content under the
    /// same version is replaced.
    ///
    /// # Errors
    /// [`Error`]; `VALIDATION_FAILED` with all that is wrong with it, `VERSION_CONTENT_CHANGED`.
    pub async fn register(&self, text: &str, replace: bool) -> Result<RegisteredReply, Error> {
        let query = [("replace", replace.to_string())];
        self.read(self.hand_in(&["definitions"], &query, YAML, text)).await
    }

    /// Lets no new task use a version, or allows it again.
    ///
    /// # Errors
    /// [`Error`]; `DEFINITION_NOT_FOUND`.
    pub async fn retire_definition(
        &self,
        namespace: &str,
        name: &str,
        version: &str,
        retired: bool,
    ) -> Result<RetiredReply, Error> {
        let path = ["definitions", namespace, name, version, "retire"];
        let request = RetireDefinitionRequest { retired: Some(retired) };
        self.read(self.change(Method::POST, &path, &request)?).await
    }
}
