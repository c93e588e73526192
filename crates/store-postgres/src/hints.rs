//! Hints: a node that made work due that it does not take itself tells the others, who then need not wait for their next
//! poll. One channel, no data. Losing every hint slows things down and changes nothing else.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;
use tracing::{debug, warn};

use crate::error::Trouble;
use crate::session::{Begin, Pool};

const CHANNEL: &str = "tasker";
const NOTIFY: &str = "NOTIFY tasker";

/// Time between two hints of one node.
const GAP: Duration = Duration::from_millis(4);

/// How long a lost connection is waited for before it is made anew.
const RECONNECT: Duration = Duration::from_secs(1);

/// Both directions of hints.
pub(crate) struct Hints {
    shared: Arc<Shared>,
    /// How to listen; `None` behind a proxy.
    listens: Option<PgConnectOptions>,
    listener: OnceLock<JoinHandle<()>>,
    asked: AtomicU64,
    told: Mutex<u64>,
}

#[derive(Default)]
struct Shared {
    arrived: Notify,
    to_tell: Notify,
    is_listening: AtomicBool,
}

impl Hints {
    pub(crate) fn new(listens: Option<PgConnectOptions>) -> Self {
        Self {
            shared: Arc::default(),
            listens,
            listener: OnceLock::new(),
            asked: AtomicU64::new(0),
            told: Mutex::default(),
        }
    }

    /// Resolves when another node told that there is work. The first call begins to listen.
    pub(crate) async fn arrived(&self) {
        let Some(options) = &self.listens else { return std::future::pending().await };
        self.listener.get_or_init(|| tokio::spawn(listen(self.shared.clone(), options.clone())));
        self.shared.arrived.notified().await;
    }

    /// Tells the others that there is work. A process that listens does so by and by on its listening connection; one that
    /// does not (a command that submits and ends) does so before it goes on.
    pub(crate) async fn tell(&self, pool: &Arc<Pool>) {
        if self.shared.is_listening.load(Ordering::Relaxed) {
            self.shared.to_tell.notify_one();
            return;
        }
        let asked = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let mut told = self.told.lock().await;
        if *told >= asked {
            return;
        }
        let covers = self.asked.load(Ordering::Relaxed);
        if let Err(trouble) = tell_once(pool).await {
            debug!(%trouble, "a hint could not be sent");
        }
        *told = covers;
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        if let Some(listener) = self.listener.get() {
            listener.abort();
        }
    }
}

async fn tell_once(pool: &Arc<Pool>) -> Result<(), Trouble> {
    let mut session = pool.begin(Begin::Write).await?;
    // A hint is not worth waiting for a disk.
    let told = session.script(format!("SET LOCAL synchronous_commit = off; {NOTIFY}").into()).await;
    session.end(told).await
}

/// Listens and tells until it is aborted.
async fn listen(shared: Arc<Shared>, options: PgConnectOptions) {
    let pool = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
    let pool = pool.test_before_acquire(false).connect_lazy_with(options);
    loop {
        if let Err(error) = listen_on(&shared, &pool).await {
            warn!(%error, "hints are not heard; polling goes on");
        }
        shared.is_listening.store(false, Ordering::Relaxed);
        tokio::time::sleep(RECONNECT).await;
    }
}

async fn listen_on(shared: &Shared, pool: &sqlx::PgPool) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    let own: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut listener).await?;
    shared.is_listening.store(true, Ordering::Relaxed);
    // Whatever was told before is unknown.
    shared.arrived.notify_one();
    loop {
        tokio::select! {
            heard = listener.try_recv() => match heard? {
                Some(hint) if i64::from(hint.process_id()) == i64::from(own) => {}
                Some(_) => shared.arrived.notify_one(),
                // The connection was lost, and with it the number of the process that tells our hints from others'.
                None => return Ok(()),
            },
            () = shared.to_tell.notified() => {
                sqlx::raw_sql(NOTIFY).execute(&mut listener).await?;
                tokio::time::sleep(GAP).await;
            }
        }
    }
}
