//! The API as a service: its router, and a listener that serves it until it is told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tasker_engine::Engine;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower_service::Service as _;

use crate::layers;
use crate::options::{ApiOptions, InvalidOptions};
use crate::route::Route;
use crate::routes;
use crate::state::ApiState;

/// How long a caller may take to send the headers of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a caller may take nothing of an answer that is waiting to be sent.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);

/// Wait after a connection could not be accepted, for lack of file descriptors for example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The address that a request came from. Whoever serves [`Api::router`] by other means puts it into the extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The API over one engine.
#[derive(Clone)]
pub struct Api {
    state: ApiState,
    router: Router,
}

impl Api {
    /// Sets it up.
    ///
    /// # Errors
    /// Everything that is wrong with the options.
    pub fn new(engine: Engine, options: ApiOptions) -> Result<Self, InvalidOptions> {
        Self::of(engine, options, routes::table())
    }

    /// Sets up only what tells how the process does: `/metrics`, `/health/live` and `/health/ready`.
    ///
    /// # Errors
    /// Everything that is wrong with the options.
    pub fn monitoring(engine: Engine, options: ApiOptions) -> Result<Self, InvalidOptions> {
        Self::of(engine, options, routes::monitoring())
    }

    fn of(engine: Engine, options: ApiOptions, table: Vec<Route>) -> Result<Self, InvalidOptions> {
        options.check()?;
        options.authentication.prepare(&engine);
        let state = ApiState::new(engine, options);
        let router = layers::around(routes::router(&state, table), &state);
        Ok(Self { state, router })
    }

    /// All routes, for whoever serves them by other means.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Begins to stop: it is no longer ready, and takes no new requests but probes.
    pub fn drain(&self) {
        self.state.draining.cancel();
    }

    /// Serves a listener until `stop`; then requests under way may end within the grace period of the options.
    ///
    /// # Errors
    /// Everybody who can reach the listener could do everything, and that was not said to be meant.
    pub async fn serve(&self, listener: TcpListener, stop: CancellationToken) -> std::io::Result<()> {
        let address = listener.local_addr()?;
        self.state.options.check_address(address).map_err(std::io::Error::other)?;
        let connections = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(self.state.options.max_connections));
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                (stream, peer, place) = next(&listener, &places) => {
                    tokio::spawn(converse(self.router(), stream, peer, connections.watcher(), place));
                }
            }
        }
        drop(listener);
        self.drain();
        if tokio::time::timeout(self.state.options.shutdown_grace, connections.shutdown()).await.is_err() {
            tracing::warn!("requests were cut off: they took longer than the server may take to stop");
        }
        Ok(())
    }
}

/// The next connection, once there is a place for it.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
    let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, place),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Answers the requests of one connection.
async fn converse(
    router: Router,
    stream: TcpStream,
    peer: SocketAddr,
    watcher: Watcher,
    _place: OwnedSemaphorePermit,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "answers may be delayed");
    }
    let mut stream = Box::pin(TimeoutStream::new(stream));
    stream.as_mut().set_write_timeout_pinned(Some(WRITE_TIMEOUT));
    let answer = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.clone().call(request.map(Body::new))
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}
