//! How an engine is set up.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tasker_core::analysis::AnalysisWeights;
use tasker_core::decide::Rules;
use tasker_core::identity::IdentityStrategy;
use tasker_core::names::HandlerName;
use tasker_core::payload;

use crate::entropy::{Entropy, SystemEntropy};
use crate::observe::{Observer, Unobserved};

/// Settings of an engine. The defaults suit a single machine.
#[derive(Clone)]
pub struct EngineOptions {
    /// Settings of the decisions: how long failed steps wait.
    pub rules: Rules,
    /// How repeated requests are told.
    pub identity: IdentityStrategy,
    /// Handlers that run at once on this node.
    pub max_concurrent_steps: usize,
    /// Steps that are claimed and not yet settled.
    pub max_in_flight: usize,
    /// Handlers of one kind that run at once on this node, where that is limited.
    pub handler_limits: HashMap<HandlerName, usize>,
    /// Most items of one transaction.
    pub max_batch_items: usize,
    /// Most payload bytes of one transaction; a larger item travels alone.
    pub max_batch_bytes: usize,
    /// How often the queue is looked at when no hint came.
    pub poll_interval: Duration,
    /// How often a worker tells that it lives.
    pub heartbeat_interval: Duration,
    /// Time without heartbeat after which a worker is lost.
    pub lease: Duration,
    /// How long a stopping worker lets its handlers run on.
    pub grace: Duration,
    /// Largest result in bytes.
    pub max_result_bytes: usize,
    /// Largest context in bytes.
    pub max_context_bytes: usize,
    /// How long ended tasks are kept; `None` is for ever.
    pub retention: Option<Duration>,
    /// What counts how much when a task is analysed.
    pub analysis_weights: AnalysisWeights,
    /// How often a worker looks for broken invariants in a few tasks; `None` is never.
    pub check_interval: Option<Duration>,
    /// Name of this worker, for people.
    pub worker_name: String,
    /// Where ids and chance come from.
    pub entropy: Arc<dyn Entropy>,
    /// Whether the heartbeat has a thread of its own, so that handlers which block their threads do not make the worker
    /// look lost. Without it the heartbeat is a task of the runtime, and lives by its clock.
    pub heartbeat_thread: bool,
    /// A call of the store that takes longer is counted and logged as slow.
    pub slow_after: Duration,
    /// Who is told what the engine does.
    pub observer: Arc<dyn Observer>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            identity: IdentityStrategy::Default,
            max_concurrent_steps: 256,
            max_in_flight: 1_024,
            handler_limits: HashMap::new(),
            max_batch_items: 512,
            max_batch_bytes: 8 * 1024 * 1024,
            poll_interval: Duration::from_secs(1),
            heartbeat_interval: Duration::from_secs(2),
            lease: Duration::from_secs(6),
            grace: Duration::from_secs(30),
            max_result_bytes: payload::DEFAULT_MAX_BYTES,
            max_context_bytes: payload::DEFAULT_MAX_BYTES,
            retention: None,
            analysis_weights: AnalysisWeights::default(),
            check_interval: Some(Duration::from_secs(10)),
            worker_name: format!("pid-{}", std::process::id()),
            entropy: Arc::new(SystemEntropy),
            heartbeat_thread: true,
            slow_after: Duration::from_secs(1),
            observer: Arc::new(Unobserved),
        }
    }
}
