//! Events as they happen: server-sent events, read for as long as wanted.

mod frames;

use std::time::Duration;

use reqwest::Response;
use tasker_wire::{EventDocument, GapDocument};
use url::Url;

use self::frames::{Frame, Frames};
use crate::client::Client;
use crate::error::Error;

/// The header that says after which event to go on.
const LAST_EVENT_ID: &str = "last-event-id";

/// Time without a sign of the server after which it is asked anew. It gives one every 15 s.
const PATIENCE: Duration = Duration::from_secs(45);

/// Longest time that one stream is read for.
const ENDLESS: Duration = Duration::from_secs(365 * 86_400);

/// Waits before a server that cannot be reached is asked again: the first, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(10));

/// Which events are wanted. By default: all that happen from now on; of a task, all that happened and will.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct EventQuery {
    /// Only of this task.
    pub task: Option<String>,
    /// Only of tasks in this namespace; not with `task`.
    pub namespace: Option<String>,
    /// Only of tasks of this definition; not with `task`.
    pub name: Option<String>,
    /// Only events of these names; of all, if it is empty.
    pub events: Vec<String>,
    /// Where to begin: after the position that came with an event, or `start`.
    pub after: Option<String>,
    /// Begin with so many of the last events.
    pub last: Option<usize>,
    /// End at the end of the log, rather than to wait for more.
    pub only_past: bool,
}

/// What is told.
#[derive(Clone, PartialEq, Debug)]
pub enum Told {
    /// Something happened.
    Event {
        /// Its position: go on after it with [`EventQuery::after`].
        position: String,
        /// What.
        event: Box<EventDocument>,
    },
    /// Events were deleted before they were read.
    Gap(GapDocument),
}

/// Events as they happen. Goes on by itself where it was cut off, without missing or repeating one.
#[derive(Debug)]
pub struct EventStream {
    client: Client,
    url: Url,
    only_past: bool,
    /// What is being read.
    open: Option<(Response, Frames)>,
    /// Where to go on.
    last: Option<String>,
    /// Whether the server has ever answered.
    was_open: bool,
}

impl Client {
    /// Events as they happen. Nothing is asked before [`EventStream::next`].
    pub fn events(&self, query: &EventQuery) -> EventStream {
        let path: &[&str] = match &query.task {
            Some(task) => &["tasks", task, "events"],
            None => &["events"],
        };
        let mut url = self.shared.address.route(path);
        let given = [
            ("namespace", query.namespace.clone()),
            ("name", query.name.clone()),
            ("event", (!query.events.is_empty()).then(|| query.events.join(","))),
            ("after", query.after.clone()),
            ("last", query.last.map(|last| last.to_string())),
            ("follow", query.only_past.then(|| "false".to_owned())),
        ];
        let given: Vec<_> = given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        if !given.is_empty() {
            url.query_pairs_mut().extend_pairs(given);
        }
        EventStream {
            client: self.clone(),
            url,
            only_past: query.only_past,
            open: None,
            last: None,
            was_open: false,
        }
    }
}

impl EventStream {
    /// What is told next; `None` at the end, if only the past was wanted. A server that went away is waited for, unless it
    /// was never there.
    ///
    /// # Errors
    /// [`Error`]: the server refuses, or cannot be reached and never could.
    pub async fn next(&mut self) -> Result<Option<Told>, Error> {
        let mut wait = WAITS.0;
        loop {
            if let Some((response, frames)) = &mut self.open {
                while let Some(frame) = frames.next() {
                    if frame.id.is_some() {
                        self.last.clone_from(&frame.id);
                    }
                    if let Some(told) = told(frame) {
                        return told.map(Some).map_err(|why| self.unreadable(&why));
                    }
                }
                match tokio::time::timeout(PATIENCE, response.chunk()).await {
                    Ok(Ok(Some(chunk))) => {
                        frames.add(&chunk);
                        continue;
                    }
                    Ok(Ok(None)) if self.only_past => return Ok(None),
                    // The server stops, something between cut the connection, or nothing was heard for too long.
                    Ok(_) | Err(_) => self.open = None,
                }
            }
            if self.was_open {
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(WAITS.1);
            }
            match self.ask().await {
                Ok(response) => {
                    self.was_open = true;
                    self.open = Some((response, Frames::default()));
                }
                Err(error) if self.was_open && error.is_temporary() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Where this has come to: go on after it with [`EventQuery::after`].
    pub fn position(&self) -> Option<&str> {
        self.last.as_deref()
    }

    async fn ask(&self) -> Result<Response, Error> {
        let mut request = self.client.shared.http.get(self.url.clone()).timeout(ENDLESS);
        if let Some(last) = &self.last {
            request = request.header(LAST_EVENT_ID, last);
        }
        self.client.listen(request, &self.url).await
    }

    fn unreadable(&self, why: &serde_json::Error) -> Error {
        Error::Decoding { method: "GET".into(), url: self.url.to_string(), status: 200, why: why.to_string() }
    }
}

/// What a frame tells; `None` if it only moves the position.
fn told(frame: Frame) -> Option<Result<Told, serde_json::Error>> {
    match (frame.event.as_str(), frame.id) {
        ("", _) => None,
        ("gap", _) => Some(serde_json::from_str(&frame.data).map(Told::Gap)),
        (_, id) => {
            let event = serde_json::from_str(&frame.data).map(Box::new);
            Some(event.map(|event| Told::Event { position: id.unwrap_or_default(), event }))
        }
    }
}
