//! Calls for drawings.

use crate::client::Client;
use crate::error::Error;

/// How something is drawn. What is not set is as the server has it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DiagramQuery {
    /// `json` (unless set), `html`, `mermaid`, `dot`, `svg` or `text`.
    pub format: Option<String>,
    /// `TD` (unless set), `LR`, `RL` or `BT`.
    pub direction: Option<String>,
    /// `light` (unless set) or `dark`.
    pub theme: Option<String>,
    /// Whether the steps of a task lead to their addresses; they do unless set.
    pub links: Option<bool>,
}

impl DiagramQuery {
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let format = self.format.clone().unwrap_or_else(|| "json".to_owned());
        let mut pairs = vec![("format", format)];
        let mut put = |name, value: Option<String>| pairs.extend(value.map(|value| (name, value)));
        put("direction", self.direction.clone());
        put("theme", self.theme.clone());
        put("links", self.links.map(|links| links.to_string()));
        pairs
    }
}

impl Client {
    /// A drawing of a task.
    ///
    /// # Errors
    /// [`Error`]; `TASK_NOT_FOUND`, `NOT_ACCEPTABLE`.
    pub async fn task_diagram(&self, task: impl ToString, query: &DiagramQuery) -> Result<String, Error> {
        self.read_text(self.get(&["tasks", &task.to_string(), "task_diagrams"], &query.pairs())).await
    }

    /// A drawing of a definition; without a version, of the latest that is not retired.
    ///
    /// # Errors
    /// [`Error`]; `DEFINITION_NOT_FOUND`, `NOT_ACCEPTABLE`.
    pub async fn handler_diagram(
        &self,
        namespace: &str,
        name: &str,
        version: Option<&str>,
        query: &DiagramQuery,
    ) -> Result<String, Error> {
        let query = DiagramQuery { links: None, ..query.clone() };
        let version = version.map(|version| ("version", version.to_owned()));
        let pairs: Vec<_> = query.pairs().into_iter().chain(version).collect();
        self.read_text(self.get(&["handlers", namespace, name, "diagram"], &pairs)).await
    }
}
