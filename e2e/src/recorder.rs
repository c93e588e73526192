//! An HTTP server that remembers every call and answers as its script says.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A call that came in.
#[derive(Clone, Debug)]
pub struct Call {
    /// When it came.
    pub at: Instant,
    /// The same by the clock of the machine, which is that of its databases.
    pub came: SystemTime,
    /// When it was answered; `None` before that, and for callers that went away.
    pub answered: Option<Instant>,
    /// Path and query.
    pub path: String,
    /// The `Idempotency-Key` header.
    pub key: Option<String>,
    /// The body, `null` if it was not JSON.
    pub body: Value,
    /// The status that was chosen for its answer.
    pub status: u16,
    /// Number of this call among those with the same path and body, from 1.
    pub nth: usize,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Value,
    delay: Duration,
}

type Script = Box<dyn Fn(&Call) -> Reply + Send + Sync>;

/// The server. It listens until it is dropped.
pub struct Recorder {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: JoinHandle<()>,
}

struct Shared {
    script: Script,
    calls: Mutex<Calls>,
    count: watch::Sender<usize>,
}

/// Calls in the order in which they came, and how many were alike.
#[derive(Default)]
struct Calls {
    list: Vec<Call>,
    alike: HashMap<String, usize>,
}

impl Reply {
    /// A status with a small JSON body.
    pub fn status(code: u16) -> Self {
        let status = StatusCode::from_u16(code).expect("a script names statuses that exist");
        Self { status, headers: Vec::new(), body: Value::Object(Default::default()), delay: Duration::ZERO }
    }

    /// With this body.
    #[must_use]
    pub fn body(self, body: Value) -> Self {
        Self { body, ..self }
    }

    /// After this time.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// With `Retry-After`.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.headers.push((header::RETRY_AFTER, seconds.into()));
        self
    }
}

impl Recorder {
    /// Opens one on a free loopback port.
    pub async fn open(script: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> Result<Self> {
        let shared = Arc::new(Shared {
            script: Box::new(script),
            calls: Mutex::default(),
            count: watch::Sender::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.context("binding a loopback port")?;
        let address = listener.local_addr()?;
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { shared, address, server })
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.lock().list.clone()
    }

    /// How many calls came so far.
    pub fn count(&self) -> usize {
        *self.shared.count.borrow()
    }

    /// The calls of one path.
    pub fn calls_to(&self, path: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.path == path).collect()
    }

    /// Waits until so many calls came in.
    pub async fn wait_for(&self, count: usize, patience: Duration) -> Result<()> {
        let mut seen = self.shared.count.subscribe();
        let came = tokio::time::timeout(patience, seen.wait_for(|calls| *calls >= count)).await;
        if came.is_err() {
            bail!("{} calls after {patience:?}, not {count}", self.count());
        }
        Ok(())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Calls> {
        self.calls.lock().expect("no holder of this lock panics")
    }

    fn record(&self, path: String, key: Option<String>, body: Value) -> (usize, Call) {
        let mut calls = self.lock();
        let alike = calls.alike.entry(format!("{path} {body}")).or_default();
        *alike += 1;
        let call = Call {
            at: Instant::now(),
            came: SystemTime::now(),
            answered: None,
            path,
            key,
            body,
            status: 0,
            nth: *alike,
        };
        calls.list.push(call.clone());
        self.count.send_replace(calls.list.len());
        (calls.list.len() - 1, call)
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path_and_query().map_or_else(|| uri.path().to_owned(), ToString::to_string);
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let (place, call) = shared.record(path, key, body);
    let reply = (shared.script)(&call);
    shared.lock().list[place].status = reply.status.as_u16();
    tokio::time::sleep(reply.delay).await;
    shared.lock().list[place].answered = Some(Instant::now());
    let mut response = (reply.status, axum::Json(reply.body)).into_response();
    response.headers_mut().extend(reply.headers);
    response
}
