//! What is told of one task as a graph, and of all tasks together.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tasker_client::{AnalyticsScope, SlowestQuery};
use tasker_core::analysis::{DependencyGraph, TaskAnalysis};
use tasker_core::ids::TaskId;
use tasker_core::names::{DefinitionName, Namespace, Version};
use tasker_core::time::Timestamp;
use tasker_http::figures;
use tasker_store::analytics::SlowestQuery as StoredQuery;
use tasker_wire::analytics::{SlowestSteps, SlowestTasks, SystemCounts, SystemMetrics};

use super::{Local, Remote};
use crate::args::When;
use crate::exit::{Failure, Status};
use crate::output::time;

/// What is told of one task as a graph, and of all tasks together.
#[async_trait]
pub trait Figures {
    /// What can be said of a task as it stands.
    async fn analyze_task(&self, id: TaskId) -> anyhow::Result<TaskAnalysis<TaskGraph>>;

    /// How many tasks and steps there are in each state.
    async fn counts(&self) -> anyhow::Result<SystemCounts>;

    /// How it went since then.
    async fn metrics(&self, since: When) -> anyhow::Result<SystemMetrics>;

    /// The tasks that took longest.
    async fn slowest_tasks(&self, wanted: Slowest) -> anyhow::Result<SlowestTasks>;

    /// The steps that took longest.
    async fn slowest_steps(&self, wanted: Slowest) -> anyhow::Result<SlowestSteps>;
}

/// The graph of a task, which is only written out.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TaskGraph {
    /// As it was told.
    Told(Value),
    /// As it is known here.
    #[serde(skip_deserializing)]
    Known(DependencyGraph),
}

/// What to look for among the slowest.
#[derive(Clone, PartialEq, Debug)]
pub struct Slowest {
    /// Only of tasks created since then.
    pub since: When,
    /// Most rows.
    pub limit: usize,
    /// Only in this namespace.
    pub namespace: Option<Namespace>,
    /// Only of this definition.
    pub name: Option<DefinitionName>,
    /// Only of this version.
    pub version: Option<Version>,
}

#[async_trait]
impl Figures for Local {
    async fn analyze_task(&self, id: TaskId) -> anyhow::Result<TaskAnalysis<TaskGraph>> {
        Ok(self.0.analyze_task(id).await?.with_graph(TaskGraph::Known))
    }

    async fn counts(&self) -> anyhow::Result<SystemCounts> {
        Ok(figures::counts(&self.0.health_counts().await?))
    }

    async fn metrics(&self, since: When) -> anyhow::Result<SystemMetrics> {
        let since = since.before(self.0.now().await?);
        Ok(figures::metrics(&self.0.analytics(since).await?))
    }

    async fn slowest_tasks(&self, wanted: Slowest) -> anyhow::Result<SlowestTasks> {
        let query = wanted.stored(self.0.now().await?);
        Ok(figures::slowest_tasks(query.since, self.0.slowest_tasks(query).await?))
    }

    async fn slowest_steps(&self, wanted: Slowest) -> anyhow::Result<SlowestSteps> {
        let query = wanted.stored(self.0.now().await?);
        Ok(figures::slowest_steps(query.since, self.0.slowest_steps(query).await?))
    }
}

#[async_trait]
impl Figures for Remote {
    async fn analyze_task(&self, id: TaskId) -> anyhow::Result<TaskAnalysis<TaskGraph>> {
        let analysis = self.told(self.client.analyze_task(id).await)?;
        serde_json::from_value(analysis).map_err(|error| {
            let server = self.client.address();
            let message = format!("the server at {server} tells an analysis that cannot be read: {error}");
            Failure::new(Status::Unavailable, "server_not_understood", message)
                .help("use a tasker of the version of the server")
                .into()
        })
    }

    async fn counts(&self) -> anyhow::Result<SystemCounts> {
        self.told(self.client.system_counts().await)
    }

    async fn metrics(&self, since: When) -> anyhow::Result<SystemMetrics> {
        let since = since.before(time::now()).to_string();
        self.told(self.client.system_metrics(Some(&since)).await)
    }

    async fn slowest_tasks(&self, wanted: Slowest) -> anyhow::Result<SlowestTasks> {
        self.told(self.client.slowest_tasks(&wanted.asked()).await)
    }

    async fn slowest_steps(&self, wanted: Slowest) -> anyhow::Result<SlowestSteps> {
        self.told(self.client.slowest_steps(&wanted.asked()).await)
    }
}

impl Slowest {
    fn stored(self, now: Timestamp) -> StoredQuery {
        let Self { since, limit, namespace, name, version } = self;
        StoredQuery { since: since.before(now), limit, namespace, name, version }
    }

    fn asked(self) -> SlowestQuery {
        let scope = AnalyticsScope {
            namespace: self.namespace.map(|namespace| namespace.to_string()),
            name: self.name.map(|name| name.to_string()),
            version: self.version.map(|version| version.to_string()),
        };
        SlowestQuery {
            scope,
            since: Some(self.since.before(time::now()).to_string()),
            limit: Some(self.limit),
        }
    }
}
