//! What all parts of the API share.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use axum::http::HeaderName;
use tasker_core::time::Timestamp;
use tasker_engine::Engine;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::events::Events;
use crate::limits::FailedLogins;
use crate::options::ApiOptions;
use crate::routes::analytics::Found;
use crate::routes::health::{Readiness, Status};

/// What all parts of the API share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ApiState(Arc<Shared>);

/// The shared parts.
pub(crate) struct Shared {
    /// The engine.
    pub(crate) engine: Engine,
    /// The settings.
    pub(crate) options: ApiOptions,
    /// The header that ties requests to whatever caused them.
    pub(crate) correlation_header: HeaderName,
    /// Cancelled when the server begins to stop: nothing new is begun then.
    pub(crate) draining: CancellationToken,
    /// One permit for each request that is worked on.
    pub(crate) requests: Arc<Semaphore>,
    /// Addresses from which bad credentials came.
    pub(crate) failed_logins: FailedLogins,
    /// Who listens to events.
    pub(crate) events: Events,
    /// When this server started.
    pub(crate) started: Instant,
    /// This start of this server.
    pub(crate) instance: Uuid,
    /// What was found the last time that somebody asked whether the server is ready.
    pub(crate) readiness: Readiness,
    /// What was told lately of many tasks together.
    pub(crate) analytics: Found,
    /// What was found the last time that somebody asked how the system is.
    pub(crate) status: Status,
}

impl ApiState {
    /// Options that were checked.
    ///
    /// # Panics
    /// They were not.
    pub(crate) fn new(engine: Engine, options: ApiOptions) -> Self {
        let correlation_header = HeaderName::from_bytes(options.correlation_header.as_bytes());
        Self(Arc::new(Shared {
            instance: engine.options().entropy.id(),
            engine,
            requests: Arc::new(Semaphore::new(options.max_requests)),
            events: Events::new(options.event_streams.most),
            options,
            correlation_header: correlation_header.expect("checked options name a header"),
            failed_logins: FailedLogins::default(),
            draining: CancellationToken::new(),
            started: Instant::now(),
            readiness: Readiness::default(),
            analytics: Found::default(),
            status: Status::default(),
        }))
    }
}

/// The time by the clock of this host; for answers and the dates of tokens, nothing else is decided by it.
pub(crate) fn host_time() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

impl std::ops::Deref for ApiState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
