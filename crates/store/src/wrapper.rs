//! Stores that stand before another one, to count or to disturb what goes through.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tasker_core::ids::{Digest, Ordinal, TaskId, WorkerId};
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::StepDetail;
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;

use crate::analytics::{
    AnalyticsMetrics, Census, HealthCounts, PoolUse, SlowStep, SlowTask, SlowestQuery, VitalSigns,
};
use crate::definitions::{DefinitionRow, Registered, Registration, Resolved, Selector};
use crate::integrity::{CheckPart, Checked, RepairRequest, Repaired};
use crate::keys::KeyStore;
use crate::query::Query;
use crate::read::{
    Cursor, LogEntry, LogQuery, LogReader, QueueDepth, SchemaStatus, TaskDetail, TaskFilter, TaskPage,
    TaskView,
};
use crate::survey::SurveyStore;
use crate::workers::{Heartbeat, HeartbeatAnswer, WorkerRow};
use crate::write::{Applied, ApplyBatch, Prune, Pruned, SubmitBatch, Submitted};
use crate::{ObjectRef, Store, StoreError};

/// A store before another one, which does everything but what this one does itself.
#[async_trait]
pub trait Wrapper: Send + Sync + 'static {
    /// The other store.
    fn inner(&self) -> &dyn Store;

    /// A call ended, well or not, after this time. One that nobody waits for any more is not told.
    fn called(&self, _query: Query, _took: Duration) {}

    /// [`Store::submit`].
    async fn submit_through(&self, batch: SubmitBatch) -> Result<Submitted, StoreError> {
        self.inner().submit(batch).await
    }

    /// [`Store::apply`].
    async fn apply_through(&self, batch: ApplyBatch) -> Result<Applied, StoreError> {
        self.inner().apply(batch).await
    }

    /// [`Store::check_part`].
    async fn check_part_through(&self, part: CheckPart) -> Result<Checked, StoreError> {
        self.inner().check_part(part).await
    }

    /// [`Store::survey_store`].
    fn survey_store_through(&self) -> &dyn SurveyStore {
        self.inner().survey_store()
    }

    /// [`Store::key_store`].
    fn key_store_through(&self) -> &dyn KeyStore {
        self.inner().key_store()
    }

    /// [`Store::census`].
    async fn census_through(&self) -> Result<Census, StoreError> {
        self.inner().census().await
    }

    /// [`Store::now`].
    async fn now_through(&self) -> Result<Timestamp, StoreError> {
        self.inner().now().await
    }
}

#[async_trait]
impl<W: Wrapper> Store for W {
    async fn submit(&self, batch: SubmitBatch) -> Result<Submitted, StoreError> {
        measured(self, Query::Submit, self.submit_through(batch)).await
    }

    async fn apply(&self, batch: ApplyBatch) -> Result<Applied, StoreError> {
        measured(self, Query::Apply, self.apply_through(batch)).await
    }

    async fn heartbeat(&self, beat: Heartbeat) -> Result<HeartbeatAnswer, StoreError> {
        measured(self, Query::Heartbeat, self.inner().heartbeat(beat)).await
    }

    async fn worker_stopped(&self, worker: WorkerId) -> Result<(), StoreError> {
        measured(self, Query::WorkerStopped, self.inner().worker_stopped(worker)).await
    }

    async fn prune(&self, request: Prune) -> Result<Pruned, StoreError> {
        measured(self, Query::Prune, self.inner().prune(request)).await
    }

    async fn register(&self, registration: Registration) -> Result<Registered, StoreError> {
        measured(self, Query::Register, self.inner().register(registration)).await
    }

    async fn retire(&self, selector: Selector, retired: bool) -> Result<bool, StoreError> {
        measured(self, Query::Retire, self.inner().retire(selector, retired)).await
    }

    async fn delete_namespace(&self, name: &str) -> Result<(), StoreError> {
        measured(self, Query::DeleteNamespace, self.inner().delete_namespace(name)).await
    }

    async fn namespaces(&self) -> Result<Vec<String>, StoreError> {
        measured(self, Query::Namespaces, self.inner().namespaces()).await
    }

    async fn annotation_types(&self) -> Result<Vec<String>, StoreError> {
        measured(self, Query::AnnotationTypes, self.inner().annotation_types()).await
    }

    async fn definitions(&self, namespace: Option<&str>) -> Result<Vec<DefinitionRow>, StoreError> {
        measured(self, Query::Definitions, self.inner().definitions(namespace)).await
    }

    async fn resolve(&self, selector: Selector) -> Result<Resolved, StoreError> {
        measured(self, Query::Resolve, self.inner().resolve(selector)).await
    }

    async fn plan(&self, revision: Digest) -> Result<Option<Arc<Plan>>, StoreError> {
        measured(self, Query::Plan, self.inner().plan(revision)).await
    }

    async fn task(&self, id: TaskId) -> Result<Option<TaskDetail>, StoreError> {
        measured(self, Query::Task, self.inner().task(id)).await
    }

    async fn task_state(&self, id: TaskId) -> Result<Option<TaskState>, StoreError> {
        measured(self, Query::TaskState, self.inner().task_state(id)).await
    }

    async fn steps(&self, id: TaskId) -> Result<Vec<StepDetail>, StoreError> {
        measured(self, Query::Steps, self.inner().steps(id)).await
    }

    async fn task_views(&self, ids: Vec<TaskId>) -> Result<Vec<TaskView>, StoreError> {
        measured(self, Query::TaskViews, self.inner().task_views(ids)).await
    }

    async fn result(&self, id: TaskId, step: Ordinal) -> Result<Option<Payload>, StoreError> {
        measured(self, Query::Result, self.inner().result(id, step)).await
    }

    async fn tasks(&self, filter: TaskFilter) -> Result<TaskPage, StoreError> {
        measured(self, Query::Tasks, self.inner().tasks(filter)).await
    }

    async fn log(&self, query: LogQuery) -> Result<Vec<LogEntry>, StoreError> {
        measured(self, Query::Log, self.inner().log(query)).await
    }

    async fn log_end(&self, task: Option<TaskId>, back: usize) -> Result<Cursor, StoreError> {
        measured(self, Query::LogEnd, self.inner().log_end(task, back)).await
    }

    fn survey_store(&self) -> &dyn SurveyStore {
        self.survey_store_through()
    }

    async fn log_lag(&self) -> Result<Duration, StoreError> {
        measured(self, Query::LogLag, self.inner().log_lag()).await
    }

    fn key_store(&self) -> &dyn KeyStore {
        self.key_store_through()
    }

    async fn note_reader(&self, name: &str, at: Cursor) -> Result<(), StoreError> {
        measured(self, Query::NoteReader, self.inner().note_reader(name, at)).await
    }

    async fn forget_reader(&self, name: &str) -> Result<bool, StoreError> {
        measured(self, Query::ForgetReader, self.inner().forget_reader(name)).await
    }

    async fn readers(&self) -> Result<Vec<LogReader>, StoreError> {
        measured(self, Query::Readers, self.inner().readers()).await
    }

    async fn queue(&self) -> Result<Vec<QueueDepth>, StoreError> {
        measured(self, Query::Queue, self.inner().queue()).await
    }

    async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError> {
        measured(self, Query::Workers, self.inner().workers()).await
    }

    async fn census(&self) -> Result<Census, StoreError> {
        measured(self, Query::Census, self.census_through()).await
    }

    async fn health_counts(&self) -> Result<HealthCounts, StoreError> {
        measured(self, Query::HealthCounts, self.inner().health_counts()).await
    }

    async fn vital_signs(&self, since: Timestamp) -> Result<VitalSigns, StoreError> {
        measured(self, Query::VitalSigns, self.inner().vital_signs(since)).await
    }

    async fn analytics(&self, since: Timestamp) -> Result<AnalyticsMetrics, StoreError> {
        measured(self, Query::Analytics, self.inner().analytics(since)).await
    }

    async fn slowest_tasks(&self, query: SlowestQuery) -> Result<Vec<SlowTask>, StoreError> {
        measured(self, Query::SlowestTasks, self.inner().slowest_tasks(query)).await
    }

    async fn slowest_steps(&self, query: SlowestQuery) -> Result<Vec<SlowStep>, StoreError> {
        measured(self, Query::SlowestSteps, self.inner().slowest_steps(query)).await
    }

    async fn check_part(&self, part: CheckPart) -> Result<Checked, StoreError> {
        measured(self, Query::CheckPart, self.check_part_through(part)).await
    }

    async fn repair(&self, request: RepairRequest) -> Result<Repaired, StoreError> {
        measured(self, Query::Repair, self.inner().repair(request)).await
    }

    async fn schema(&self) -> Result<SchemaStatus, StoreError> {
        measured(self, Query::Schema, self.inner().schema()).await
    }

    async fn link_objects(
        &self,
        one: ObjectRef,
        two: ObjectRef,
    ) -> Result<(ObjectRef, ObjectRef), StoreError> {
        measured(self, Query::LinkObjects, self.inner().link_objects(one, two)).await
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        measured(self, Query::Now, self.now_through()).await
    }

    async fn hinted(&self) {
        self.inner().hinted().await;
    }

    async fn hint(&self) {
        self.inner().hint().await;
    }

    fn lanes(&self) -> usize {
        self.inner().lanes()
    }

    fn pool_use(&self) -> Option<PoolUse> {
        self.inner().pool_use()
    }

    fn patience(&self) -> Duration {
        self.inner().patience()
    }
}

/// Makes a call, and tells how long it took.
pub async fn measured<W: Wrapper, T>(wrapper: &W, query: Query, call: impl Future<Output = T> + Send) -> T {
    let begin = Instant::now();
    let answer = call.await;
    wrapper.called(query, begin.elapsed());
    answer
}
