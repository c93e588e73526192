//! One listener's stream of events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use axum::http::request::Parts;
use axum::response::Response;
use tasker_engine::UseCaseError;
use tasker_store::read::{Cursor, LogQuery};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};

use super::event::{self, Event, Wanted};
use super::tail::{GONE, Tail};
use crate::call::Call;
use crate::observe::ApiObserver;
use crate::reply::{Problem, codes};
use crate::state::ApiState;

/// Events that are looked at, or read from the database, at once.
const PAGE: usize = 500;

/// Bytes after which what there is is sent.
const CHUNK: usize = 64 * 1024;

/// Wait after the database could not be read.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a listener that was cut off is to wait before it comes back, in milliseconds.
const RETRY: &str = "retry: 1000\n\n";

/// Where a stream begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    /// With what happens from now on.
    Now,
    /// After a position that was given out before.
    After(Cursor),
    /// With the last events that there are, so many.
    Last(usize),
    /// With the first event that there is.
    Beginning,
}

/// Which part of the log a stream tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) start: Start,
    /// Whether it goes on at the end of the log; else it ends there.
    pub(crate) follow: bool,
}

/// A stream, between two things that are sent.
struct Stream {
    api: ApiState,
    tail: Arc<Tail>,
    moved: watch::Receiver<()>,
    call: Call,
    parts: Parts,
    wanted: Wanted,
    /// Everything up to here was told, or is not wanted.
    position: Cursor,
    /// Whether the database is to be read, not the tail.
    is_behind: bool,
    /// Whether it goes on at the end of the log.
    follow: bool,
    heartbeat: Instant,
    ask_again: Instant,
    _seat: Seat,
}

/// A place among the listeners, which are counted.
struct Seat {
    observer: Arc<dyn ApiObserver>,
    _place: OwnedSemaphorePermit,
}

impl Seat {
    /// One, if there is one left.
    fn take(api: &ApiState) -> Option<Self> {
        let place = api.events.places.clone().try_acquire_owned().ok()?;
        let observer = api.options.observer.clone();
        observer.stream_opened();
        Some(Self { observer, _place: place })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.observer.stream_closed();
    }
}

/// Answers with a stream of what is wanted, which lasts until the listener goes, may not listen any more, or the server
/// stops.
pub(crate) async fn open(
    api: ApiState,
    call: Call,
    parts: Parts,
    wanted: Wanted,
    span: Span,
) -> Result<Response, Problem> {
    let seat = Seat::take(&api).ok_or_else(|| full(&api))?;
    let tail = api.events.tail(&api.engine).await?;
    let end = api.engine.log_end(wanted.task, 0).await?;
    let (position, begin) = match span.start {
        Start::Now => (end, None),
        Start::Beginning => (Cursor::START, None),
        Start::Last(n) => (api.engine.log_end(wanted.task, n).await?, None),
        Start::After(position) if position.is_within(api.engine.log_end(None, 0).await?) => (position, None),
        // Of another log, or of this one before it was put back from a copy: what it says cannot be relied on.
        Start::After(position) => (end, Some(event::gap(position))),
    };
    let now = Instant::now();
    let stream = Stream {
        moved: tail.moved(),
        tail,
        is_behind: wanted.task.is_some() || !span.follow,
        follow: span.follow,
        position,
        wanted,
        call,
        parts,
        heartbeat: now + api.options.event_streams.heartbeat,
        ask_again: now + api.options.event_streams.ask_again,
        api,
        _seat: seat,
    };
    let begin =
        [Some(Bytes::from_static(RETRY.as_bytes())), begin].into_iter().flatten().map(Ok::<_, Infallible>);
    let events = futures::stream::unfold(stream, |stream| async { stream.next().await });
    let body = futures::StreamExt::chain(futures::stream::iter(begin), events);
    let mut response = Response::new(Body::from_stream(body));
    for (name, value) in [
        (CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        // Proxies gather answers unless they are told not to.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

fn full(api: &ApiState) -> Problem {
    let most = api.options.event_streams.most;
    Problem::new(
        &codes::SERVICE_UNAVAILABLE,
        format!("this server tells events to {most} listeners, and no more"),
    )
    .retry_after(5)
    .help("ask another server, or raise api.max_event_streams".to_owned())
}

impl Stream {
    /// What is to be sent next; `None` at the end.
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        loop {
            let now = Instant::now();
            if self.api.draining.is_cancelled() || (now >= self.ask_again && !self.may_go_on().await) {
                return None;
            }
            // Before the look, so that nothing that comes during it is overlooked.
            self.moved.mark_unchanged();
            let pause = match self.read().await {
                Ok(Read { frames, .. }) if !frames.is_empty() => return Some(self.send(frames.into())),
                _ if now >= self.heartbeat => {
                    let heartbeat = event::heartbeat(self.position);
                    return Some(self.send(heartbeat));
                }
                Ok(Read { is_more: true, .. }) => continue,
                Ok(_) if !self.follow => return None,
                Ok(_) => None,
                Err(error) => {
                    tracing::debug!(error = %error, "an event stream waits: the log cannot be read now");
                    Some(now + PAUSE)
                }
            };
            self.wait(pause).await;
        }
    }

    fn send(mut self, what: Bytes) -> (Result<Bytes, Infallible>, Self) {
        self.heartbeat = Instant::now() + self.api.options.event_streams.heartbeat;
        (Ok(what), self)
    }

    /// Waits until there may be something to do; at least until `pause`, if there is one.
    async fn wait(&mut self, pause: Option<Instant>) {
        let until = self.heartbeat.min(self.ask_again);
        tokio::select! {
            () = self.api.draining.cancelled() => {}
            () = sleep_until(pause.map_or(until, |pause| pause.min(until))) => {}
            _ = self.moved.changed(), if pause.is_none() => {}
        }
    }

    /// Asks again who this is and what they may do: keys are revoked, tokens run out, tasks are deleted.
    async fn may_go_on(&mut self) -> bool {
        self.ask_again = Instant::now() + self.api.options.event_streams.ask_again;
        let Ok(call) = self.call.clone().asked_again(&self.api, &self.parts).await else { return false };
        let extent = match self.wanted.task {
            Some(_) => call.task(&self.api).await.map(|_| self.wanted.within.clone()),
            None => call.extent(),
        };
        let Ok(extent) = extent else { return false };
        self.wanted.within = extent;
        self.call = call;
        true
    }

    /// What comes next, from the tail or from the database.
    async fn read(&mut self) -> Result<Read, UseCaseError> {
        if !self.is_behind {
            let events = self.tail.ring().after(self.position, PAGE);
            if let Some(events) = events {
                let is_full = events.len() == PAGE;
                let read = self.take(&events);
                return Ok(Read { is_more: read.is_more || is_full, ..read });
            }
            self.is_behind = true;
        }
        self.catch_up().await
    }

    /// Reads the database. Whoever has read up to its end goes on with the tail.
    async fn catch_up(&mut self) -> Result<Read, UseCaseError> {
        let api = self.api.clone();
        let _turn = api.events.turns.acquire().await;
        let before = self.tail.ring().tip();
        let query = LogQuery { task: self.wanted.task, after: self.position, limit: PAGE };
        let page = match api.engine.log(query).await {
            Ok(page) => page,
            Err(error) if error.code() == GONE => {
                let gap = event::gap(self.position);
                let prunings = api.engine.log_end(None, 0).await?.prunings();
                self.position = self.position.after_prunings(prunings);
                return Ok(Read { frames: gap.into(), is_more: true });
            }
            Err(error) => return Err(error),
        };
        let is_full = page.len() == PAGE;
        let events: Vec<Arc<Event>> = page.into_iter().map(|entry| Arc::new(Event::new(entry))).collect();
        let read = self.take(&events);
        let is_more = is_full || read.is_more;
        if !self.follow {
            return Ok(Read { is_more, ..read });
        }
        self.is_behind = is_more;
        if !is_more && self.wanted.task.is_some() && self.position.is_within(before) {
            // Everything of this task that the tail had seen before was among what was read.
            self.position = before;
        }
        Ok(Read { is_more: true, ..read })
    }

    /// Takes what is wanted of events, until it is enough to be sent.
    fn take(&mut self, events: &[Arc<Event>]) -> Read {
        let mut frames = Vec::new();
        for (n, event) in events.iter().enumerate() {
            self.position = event.cursor;
            if self.wanted.takes(event) {
                frames.extend_from_slice(&event.frame);
            }
            if frames.len() >= CHUNK {
                return Read { frames, is_more: n + 1 < events.len() };
            }
        }
        Read { frames, is_more: false }
    }
}

/// What was read.
struct Read {
    frames: Vec<u8>,
    /// Whether there may be more at once.
    is_more: bool,
}
