//! The engine: one store, and the parts that write to it.

use std::sync::{Arc, PoisonError, RwLock};

use tasker_core::decide::Rules;
use tasker_store::{Store, StoreError};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::handler::Handlers;
use crate::intake::{self, Arrival};
use crate::integrity::IntegrityRecord;
use crate::lanes::Lanes;
use crate::measured::Measured;
use crate::options::EngineOptions;
use crate::settler;
use crate::use_cases::count::LastCount;
use crate::use_cases::resolutions::Resolutions;
use crate::use_cases::schemas::ContextSchemas;
use crate::watchers::Watchers;
use crate::worker::{Core, Scope, Worker, WorkerLoad};

/// The one door to a store. Cheap to clone; the last clone that is dropped ends the background parts.
#[derive(Clone)]
pub struct Engine {
    pub(crate) parts: Arc<Parts>,
    pub(crate) handlers: Arc<Handlers>,
    pub(crate) schemas: Arc<ContextSchemas>,
    pub(crate) resolutions: Arc<Resolutions>,
    pub(crate) arrivals: mpsc::Sender<Arrival>,
    pub(crate) lanes: Lanes,
    tracker: TaskTracker,
    _last: Arc<LastOne>,
}

/// What the parts of an engine share.
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) options: EngineOptions,
    pub(crate) rules: Arc<Rules>,
    pub(crate) watchers: Watchers,
    pub(crate) shutdown: CancellationToken,
    pub(crate) integrity: IntegrityRecord,
    pub(crate) last_count: LastCount,
    hint: Notify,
    worker: RwLock<Option<Arc<Core>>>,
}

/// Ends the background parts when the last handle goes.
struct LastOne(CancellationToken);

impl Drop for LastOne {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Engine {
    /// Starts an engine over a store. It accepts and changes tasks, and runs none before
    /// [`Engine::start_worker`]. Must be called inside a tokio runtime.
    pub fn new(store: Arc<dyn Store>, handlers: Handlers, options: EngineOptions) -> Self {
        let shutdown = CancellationToken::new();
        let store = Measured::new(store, options.observer.clone(), options.slow_after);
        let parts = Arc::new(Parts {
            store: Arc::new(store),
            rules: Arc::new(options.rules.clone()),
            options,
            watchers: Watchers::new(),
            shutdown: shutdown.clone(),
            integrity: IntegrityRecord::default(),
            last_count: LastCount::default(),
            hint: Notify::new(),
            worker: RwLock::new(None),
        });
        let (arrivals, arriving) = mpsc::channel(2 * parts.options.max_batch_items);
        let (lanes, settling) = Lanes::new(parts.store.lanes(), 2 * parts.options.max_batch_items);
        let tracker = TaskTracker::new();
        tracker.spawn(intake::run(parts.clone(), arriving));
        settler::start(&parts, settling, &tracker);
        tracker.close();
        Self {
            parts,
            handlers: Arc::new(handlers),
            schemas: Arc::default(),
            resolutions: Arc::default(),
            arrivals,
            lanes,
            tracker,
            _last: Arc::new(LastOne(shutdown)),
        }
    }

    /// Makes this process run steps: all that its handlers can serve, or those of one task.
    ///
    /// # Errors
    /// [`StoreError`] if the worker cannot be registered.
    pub async fn start_worker(&self, scope: Scope) -> Result<Worker, StoreError> {
        Worker::start(self, scope).await
    }

    /// Commits whatever was handed in, then ends the background parts. Workers are to be stopped before.
    pub async fn shutdown(self) {
        self.parts.shutdown.cancel();
        self.tracker.wait().await;
    }

    /// Changes with every commit of this process: a hint for those who watch the log.
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.parts.watchers.commits()
    }

    /// The settings.
    pub fn options(&self) -> &EngineOptions {
        &self.parts.options
    }

    /// How busy the worker of this process is, if one runs.
    pub fn worker_load(&self) -> Option<WorkerLoad> {
        self.parts.worker().map(|worker| worker.load())
    }
}

impl Parts {
    /// The worker that runs in this process, if one does.
    pub(crate) fn worker(&self) -> Option<Arc<Core>> {
        self.worker.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_worker(&self, worker: Option<Arc<Core>>) {
        *self.worker.write().unwrap_or_else(PoisonError::into_inner) = worker;
        self.hint();
    }

    /// Tells the settler that there may be steps to claim.
    pub(crate) fn hint(&self) {
        self.hint.notify_one();
    }

    pub(crate) async fn hinted(&self) {
        self.hint.notified().await;
    }
}
