//! Tasks and definitions looked at as graphs: analyses and diagrams.

use tasker_core::analysis::{TaskAnalysis, analyze_task};
use tasker_core::diagram::{Diagram, DiagramOptions, definition_diagram, task_diagram};
use tasker_core::ids::TaskId;
use tasker_store::StoreError;
use tasker_store::definitions::Selector;

use super::TaskView;
use crate::engine::Engine;
use crate::error::UseCaseError;

impl Engine {
    /// What can be said of a task as it stands now: paths, parallelism, failures, bottlenecks. Read and computed anew
    /// each time.
    ///
    /// # Errors
    /// `task_not_found`.
    pub async fn analyze_task(&self, id: TaskId) -> Result<TaskAnalysis, UseCaseError> {
        let TaskView { detail, steps } = self.whole_task(id).await?;
        let now = self.parts.store.now().await?;
        let weights = self.parts.options.analysis_weights;
        computed(move || {
            let records = steps.iter().map(|step| &step.record);
            analyze_task(&detail.plan, &detail.record, records, &weights, now)
        })
        .await
    }

    /// A picture of a task, its steps with their states.
    ///
    /// # Errors
    /// `task_not_found`.
    pub async fn task_diagram(&self, id: TaskId, options: DiagramOptions) -> Result<Diagram, UseCaseError> {
        let TaskView { detail, steps } = self.whole_task(id).await?;
        computed(move || task_diagram(&detail.plan, &detail.record, &steps, &options)).await
    }

    /// A picture of a definition, retired or not.
    ///
    /// # Errors
    /// As [`Engine::definition`].
    pub async fn definition_diagram(
        &self,
        selector: Selector,
        options: DiagramOptions,
    ) -> Result<Diagram, UseCaseError> {
        let plan = self.definition(selector).await?;
        computed(move || definition_diagram(&plan, &options)).await
    }

    /// A task with each of its steps.
    pub(super) async fn whole_task(&self, id: TaskId) -> Result<TaskView, UseCaseError> {
        let view = self.task(id).await?;
        let (found, expected) = (view.steps.len(), view.detail.plan.graph.n_steps());
        if found != expected {
            let message = format!("task {id} has the rows of {found} steps instead of {expected}");
            return Err(UseCaseError::Store(StoreError::Corrupt(message)));
        }
        Ok(view)
    }
}

/// Computes where nobody waits: with a million dependencies it takes a good part of a second.
async fn computed<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, UseCaseError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is going away.
        Err(_) => Err(UseCaseError::Stopped),
    }
}
