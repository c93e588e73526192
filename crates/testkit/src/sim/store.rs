//! The store as one node of a simulated world sees it: the shared memory store at the far end of a connection that
//! delays, fails, and loses answers, by chance.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt as _;
use tasker_core::ids::{Digest, Ordinal, TaskId, WorkerId};
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::StepDetail;
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;
use tasker_store::analytics::{
    AnalyticsMetrics, Census, PoolUse, SlowStep, SlowTask, SlowestQuery, VitalSigns,
};
use tasker_store::definitions::{DefinitionRow, Registered, Registration, Resolved, Selector};
use tasker_store::integrity::{CheckPart, Checked, RepairRequest, Repaired};
use tasker_store::keys::KeyStore;
use tasker_store::read::{
    Cursor, LogEntry, LogQuery, LogReader, QueueDepth, SchemaStatus, TaskDetail, TaskFilter, TaskPage,
    TaskView,
};
use tasker_store::survey::SurveyStore;
use tasker_store::workers::{Heartbeat, HeartbeatAnswer, WorkerRow};
use tasker_store::write::{Applied, ApplyBatch, Prune, Pruned, SubmitBatch, Submitted, Work};
use tasker_store::{ObjectRef, Store, StoreError};

use super::commits;
use super::shared::{Shared, lock};
use super::vitals::Vitals;

/// The store as one life of one node sees it.
pub(super) struct SimStore {
    pub(super) shared: Arc<Shared>,
    pub(super) vitals: Arc<Vitals>,
}

/// What becomes of a call that writes.
enum Fate {
    Done,
    Refused,
    AnswerLost,
    RequestLost,
    Delayed,
}

impl SimStore {
    /// A call that writes: there and back, each way as long as chance wants.
    async fn write<T: Send + 'static>(
        &self,
        what: &'static str,
        effect: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.vitals.awake().await;
        let fate = self.fate();
        if !self.travels().await {
            // The node died, and the request was on its way.
            if self.shared.percent(40) {
                self.land_later(effect);
            }
            return std::future::pending().await;
        }
        let answer = match fate {
            Fate::Done => self.watched(effect).await,
            Fate::Refused => Err(self.unavailable(what)),
            Fate::RequestLost => Err(self.unknown(what)),
            Fate::AnswerLost => self.watched(effect).await.and_then(|_| Err(self.unknown(what))),
            Fate::Delayed => {
                self.land_later(effect);
                Err(self.unknown(what))
            }
        };
        self.come_back().await;
        answer
    }

    /// A call that only reads.
    async fn read<T>(
        &self,
        what: &'static str,
        answer: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        self.vitals.awake().await;
        let weather = self.vitals.weather();
        let fails =
            self.shared.percent((weather.refused + weather.answer_lost + weather.request_lost).min(100));
        self.travels().await;
        let answer = if fails { Err(self.unavailable(what)) } else { answer.await };
        self.come_back().await;
        answer
    }

    fn fate(&self) -> Fate {
        let weather = self.vitals.weather();
        let mut roll = self.shared.below(100);
        for (percent, fate) in [
            (weather.refused, Fate::Refused),
            (weather.answer_lost, Fate::AnswerLost),
            (weather.request_lost, Fate::RequestLost),
            (weather.delayed, Fate::Delayed),
        ] {
            if roll < percent {
                return fate;
            }
            roll -= percent;
        }
        Fate::Done
    }

    /// One way between node and store; false if the node died meanwhile.
    async fn travels(&self) -> bool {
        tokio::select! {
            biased;
            () = self.vitals.died() => false,
            () = self.delay() => true,
        }
    }

    /// The way back: an answer reaches only those who are awake.
    async fn come_back(&self) {
        self.travels().await;
        self.vitals.awake().await;
    }

    async fn delay(&self) {
        let slow = self.vitals.weather().slow;
        if self.shared.percent(slow) {
            return tokio::time::sleep(self.shared.millis(300, 5_000)).await;
        }
        match self.shared.below(10) {
            0..=3 => {}
            4..=6 => {
                for _ in 0..1 + self.shared.below(4) {
                    tokio::task::yield_now().await;
                }
            }
            _ => tokio::time::sleep(self.shared.millis(1, 25)).await,
        }
    }

    /// The request reaches the store although nobody waits for its answer any more.
    fn land_later<T: Send + 'static>(
        &self,
        effect: impl Future<Output = Result<T, StoreError>> + Send + 'static,
    ) {
        let (shared, after) = (self.shared.clone(), self.shared.millis(0, 3_000));
        let name = self.vitals.name.clone();
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            shared.story.tell(&name, "a request arrives late");
            run(&shared, effect).await.map(drop)
        });
    }

    async fn watched<T>(
        &self,
        effect: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        run(&self.shared, effect).await
    }

    fn unavailable(&self, what: &'static str) -> StoreError {
        self.shared.count(|counts| counts.failed_calls += 1);
        self.shared.story.tell(&self.vitals.name, format_args!("{what} fails"));
        StoreError::Unavailable { trying: what.into(), source: "the simulated connection failed".into() }
    }

    fn unknown(&self, what: &'static str) -> StoreError {
        self.shared.count(|counts| counts.failed_calls += 1);
        self.shared.story.tell(&self.vitals.name, format_args!("the answer to {what} is lost"));
        StoreError::OutcomeUnknown { trying: what.into(), source: "the simulated answer was lost".into() }
    }

    /// Some tasks of a batch that another session holds, if chance wants it.
    fn blocked(&self, batch: &ApplyBatch) -> Option<StoreError> {
        if !self.shared.percent(self.vitals.weather().blocked) {
            return None;
        }
        let mut tasks: Vec<TaskId> = batch.inputs.iter().map(|(task, _)| *task).collect();
        tasks.retain(|_| self.shared.percent(50));
        tasks.dedup();
        if tasks.is_empty() {
            return None;
        }
        self.shared.count(|counts| counts.failed_calls += 1);
        self.shared.story.tell(&self.vitals.name, format_args!("{} tasks are held by another", tasks.len()));
        Some(StoreError::Blocked { trying: "writing outcomes".into(), tasks })
    }

    /// Claims have reached the node.
    fn hand<'a>(&self, work: impl IntoIterator<Item = &'a Work>) {
        let mut ledger = lock(&self.shared.ledger);
        work.into_iter().for_each(|work| ledger.hand(&self.vitals.name, work));
    }
}

/// Does something to the store. Whatever the store finds wrong with itself ends the world.
async fn run<T>(
    shared: &Shared,
    effect: impl Future<Output = Result<T, StoreError>> + Send,
) -> Result<T, StoreError> {
    match AssertUnwindSafe(effect).catch_unwind().await {
        Ok(answer) => answer,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            shared.violate(text.unwrap_or_else(|| "the store panicked".into()));
            std::future::pending().await
        }
    }
}

#[async_trait]
impl Store for SimStore {
    async fn submit(&self, batch: SubmitBatch) -> Result<Submitted, StoreError> {
        let (shared, vitals) = (self.shared.clone(), self.vitals.clone());
        let submitted = self.write("submit", async move { commits::submit(&shared, &vitals, batch) }).await?;
        self.hand(&submitted.work);
        Ok(submitted)
    }

    async fn apply(&self, batch: ApplyBatch) -> Result<Applied, StoreError> {
        if let Some(error) = self.blocked(&batch) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            self.vitals.awake().await;
            return Err(error);
        }
        let (shared, vitals) = (self.shared.clone(), self.vitals.clone());
        let applied = self.write("apply", async move { commits::apply(&shared, &vitals, batch) }).await?;
        self.hand(&applied.work);
        Ok(applied)
    }

    async fn heartbeat(&self, beat: Heartbeat) -> Result<HeartbeatAnswer, StoreError> {
        let (shared, vitals) = (self.shared.clone(), self.vitals.clone());
        let sent_at = self.shared.store.now().await?;
        let effect = async move { commits::heartbeat(&shared, &vitals, beat, sent_at) };
        let answer = self.write("heartbeat", effect).await?;
        self.hand(commits::taken_up(&answer));
        Ok(answer)
    }

    async fn worker_stopped(&self, worker: WorkerId) -> Result<(), StoreError> {
        let (shared, vitals) = (self.shared.clone(), self.vitals.clone());
        self.write("worker_stopped", async move { commits::worker_stopped(&shared, &vitals, worker) }).await
    }

    async fn prune(&self, request: Prune) -> Result<Pruned, StoreError> {
        self.read("prune", self.shared.store.prune(request)).await
    }

    async fn register(&self, registration: Registration) -> Result<Registered, StoreError> {
        self.read("register", self.shared.store.register(registration)).await
    }

    async fn retire(&self, selector: Selector, retired: bool) -> Result<bool, StoreError> {
        self.read("retire", self.shared.store.retire(selector, retired)).await
    }

    async fn delete_namespace(&self, name: &str) -> Result<(), StoreError> {
        self.read("delete_namespace", self.shared.store.delete_namespace(name)).await
    }

    async fn namespaces(&self) -> Result<Vec<String>, StoreError> {
        self.read("namespaces", self.shared.store.namespaces()).await
    }

    async fn annotation_types(&self) -> Result<Vec<String>, StoreError> {
        self.read("annotation_types", self.shared.store.annotation_types()).await
    }

    async fn definitions(&self, namespace: Option<&str>) -> Result<Vec<DefinitionRow>, StoreError> {
        self.read("definitions", self.shared.store.definitions(namespace)).await
    }

    async fn resolve(&self, selector: Selector) -> Result<Resolved, StoreError> {
        self.read("resolve", self.shared.store.resolve(selector)).await
    }

    async fn plan(&self, revision: Digest) -> Result<Option<Arc<Plan>>, StoreError> {
        self.read("plan", self.shared.store.plan(revision)).await
    }

    async fn task(&self, id: TaskId) -> Result<Option<TaskDetail>, StoreError> {
        self.read("task", self.shared.store.task(id)).await
    }

    async fn task_state(&self, id: TaskId) -> Result<Option<TaskState>, StoreError> {
        self.read("task_state", self.shared.store.task_state(id)).await
    }

    async fn steps(&self, id: TaskId) -> Result<Vec<StepDetail>, StoreError> {
        self.read("steps", self.shared.store.steps(id)).await
    }

    async fn task_views(&self, ids: Vec<TaskId>) -> Result<Vec<TaskView>, StoreError> {
        self.read("task_views", self.shared.store.task_views(ids)).await
    }

    async fn result(&self, id: TaskId, step: Ordinal) -> Result<Option<Payload>, StoreError> {
        self.read("result", self.shared.store.result(id, step)).await
    }

    async fn tasks(&self, filter: TaskFilter) -> Result<TaskPage, StoreError> {
        self.read("tasks", self.shared.store.tasks(filter)).await
    }

    async fn log(&self, query: LogQuery) -> Result<Vec<LogEntry>, StoreError> {
        self.read("log", self.shared.store.log(query)).await
    }

    async fn log_end(&self, task: Option<TaskId>, back: usize) -> Result<Cursor, StoreError> {
        self.read("log_end", self.shared.store.log_end(task, back)).await
    }

    fn survey_store(&self) -> &dyn SurveyStore {
        self.shared.store.survey_store()
    }

    async fn log_lag(&self) -> Result<Duration, StoreError> {
        self.read("log_lag", self.shared.store.log_lag()).await
    }

    fn key_store(&self) -> &dyn KeyStore {
        self.shared.store.key_store()
    }

    async fn note_reader(&self, name: &str, at: Cursor) -> Result<(), StoreError> {
        self.read("note_reader", self.shared.store.note_reader(name, at)).await
    }

    async fn forget_reader(&self, name: &str) -> Result<bool, StoreError> {
        self.read("forget_reader", self.shared.store.forget_reader(name)).await
    }

    async fn readers(&self) -> Result<Vec<LogReader>, StoreError> {
        self.read("readers", self.shared.store.readers()).await
    }

    async fn queue(&self) -> Result<Vec<QueueDepth>, StoreError> {
        self.read("queue", self.shared.store.queue()).await
    }

    async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError> {
        self.read("workers", self.shared.store.workers()).await
    }

    async fn census(&self) -> Result<Census, StoreError> {
        self.read("census", self.shared.store.census()).await
    }

    async fn vital_signs(&self, since: Timestamp) -> Result<VitalSigns, StoreError> {
        self.read("vital_signs", self.shared.store.vital_signs(since)).await
    }

    fn pool_use(&self) -> Option<PoolUse> {
        self.shared.store.pool_use()
    }

    async fn analytics(&self, since: Timestamp) -> Result<AnalyticsMetrics, StoreError> {
        self.read("analytics", self.shared.store.analytics(since)).await
    }

    async fn slowest_tasks(&self, query: SlowestQuery) -> Result<Vec<SlowTask>, StoreError> {
        self.read("slowest_tasks", self.shared.store.slowest_tasks(query)).await
    }

    async fn slowest_steps(&self, query: SlowestQuery) -> Result<Vec<SlowStep>, StoreError> {
        self.read("slowest_steps", self.shared.store.slowest_steps(query)).await
    }

    async fn check_part(&self, part: CheckPart) -> Result<Checked, StoreError> {
        self.read("check_part", self.shared.store.check_part(part)).await
    }

    async fn repair(&self, request: RepairRequest) -> Result<Repaired, StoreError> {
        self.read("repair", self.shared.store.repair(request)).await
    }

    async fn schema(&self) -> Result<SchemaStatus, StoreError> {
        self.read("schema", self.shared.store.schema()).await
    }

    async fn link_objects(
        &self,
        one: ObjectRef,
        two: ObjectRef,
    ) -> Result<(ObjectRef, ObjectRef), StoreError> {
        self.read("link_objects", self.shared.store.link_objects(one, two)).await
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.read("now", self.shared.store.now()).await
    }

    fn lanes(&self) -> usize {
        self.shared.lanes
    }

    async fn hinted(&self) {
        self.vitals.hinted().await;
        self.vitals.awake().await;
    }
}
