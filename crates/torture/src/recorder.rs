//! An HTTP server that remembers every call and answers as its script says. It lives in the process that judges, so
//! what it remembers is nothing that the engine could know of or lose.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::error::TortureError;

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
    ending: Ending,
}

/// How an answer ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ending {
    Whole,
    /// In its middle, with the connection.
    Broken,
    /// It does not even begin.
    Never,
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
    list: VecDeque<Call>,
    /// How many calls before those of the list were taken away.
    taken: usize,
    alike: HashMap<String, usize>,
}

impl Reply {
    /// A status with a small JSON body.
    ///
    /// # Panics
    /// There is no such status: scripts are written in code.
    pub fn status(code: u16) -> Self {
        let status = StatusCode::from_u16(code).expect("a script names statuses that exist");
        let body = Value::Object(Default::default());
        Self { status, headers: Vec::new(), body, delay: Duration::ZERO, ending: Ending::Whole }
    }

    /// None, for as long as the caller waits.
    pub fn never() -> Self {
        Self { ending: Ending::Never, ..Self::status(200) }
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

    /// Broken off in its middle.
    #[must_use]
    pub fn broken(self) -> Self {
        Self { ending: Ending::Broken, ..self }
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
    ///
    /// # Errors
    /// No port can be had.
    pub async fn open(script: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            script: Box::new(script),
            calls: Mutex::default(),
            count: watch::Sender::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            // axum's server ends only with the runtime or by `abort`: errors of single connections are its own.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { shared, address, server })
    }

    /// Its base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All calls that are remembered.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.lock().list.iter().cloned().collect()
    }

    /// All calls that are remembered, which are forgotten.
    pub fn take_calls(&self) -> Vec<Call> {
        let mut calls = self.shared.lock();
        calls.taken += calls.list.len();
        calls.alike.clear();
        std::mem::take(&mut calls.list).into()
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
    ///
    /// # Errors
    /// They did not.
    pub async fn wait_for(&self, count: usize, patience: Duration) -> Result<(), TortureError> {
        let mut seen = self.shared.count.subscribe();
        let came = tokio::time::timeout(patience, seen.wait_for(|calls| *calls >= count)).await;
        match came {
            Ok(_) => Ok(()),
            Err(_) => Err(TortureError::patience(patience, format!("{count} calls, of {}", self.count()))),
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Calls> {
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
        calls.list.push_back(call.clone());
        let count = calls.taken + calls.list.len();
        self.count.send_replace(count);
        (count - 1, call)
    }

    /// Notes more about call `number`, unless it was taken away.
    fn note(&self, number: usize, more: impl FnOnce(&mut Call)) {
        let mut calls = self.lock();
        let place = number.checked_sub(calls.taken);
        place.and_then(|place| calls.list.get_mut(place)).map(more);
    }
}

async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path_and_query().map_or_else(|| uri.path().to_owned(), ToString::to_string);
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let (number, call) = shared.record(path, key, body);
    let reply = (shared.script)(&call);
    shared.note(number, |call| call.status = reply.status.as_u16());
    tokio::time::sleep(reply.delay).await;
    if reply.ending == Ending::Never {
        return std::future::pending().await;
    }
    shared.note(number, |call| call.answered = Some(Instant::now()));
    let mut response = match reply.ending {
        Ending::Broken => (reply.status, broken_off(&reply.body)).into_response(),
        Ending::Whole | Ending::Never => (reply.status, axum::Json(reply.body)).into_response(),
    };
    response.headers_mut().extend(reply.headers);
    response
}

/// The first half of a body; then the connection ends.
fn broken_off(body: &Value) -> Body {
    let text = body.to_string();
    let half = Bytes::copy_from_slice(&text.as_bytes()[..text.len() / 2]);
    Body::from_stream(stream::iter([Ok(half), Err(io::Error::from(io::ErrorKind::ConnectionReset))]))
}
