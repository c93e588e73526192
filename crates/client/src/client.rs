//! The client: sends requests, tries again where that is safe, reads answers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, IF_MATCH, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::address::Address;
use crate::builder::ClientBuilder;
use crate::error::{Answer, Error};
use crate::retry::{Attempt, Patience};

/// The header that makes a request the same request however often it comes.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The media type of documents.
const JSON: &str = "application/json";

/// How the media type of events begins.
const EVENTS: &[u8] = b"text/event-stream";

/// Says that an answer was given before.
const IDEMPOTENT_REPLAYED: &str = "idempotent-replayed";

/// A client of one server. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Shared,
    expected: Option<i64>,
}

/// What clones share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) address: Arc<Address>,
    pub(crate) http: reqwest::Client,
    pub(crate) patience: Patience,
}

/// What is asked.
pub(crate) struct Ask {
    method: Method,
    url: Url,
    /// Its media type, and itself.
    body: Option<(&'static str, Vec<u8>)>,
    key: Option<String>,
    expected: Option<i64>,
    is_repeatable: bool,
}

impl Client {
    /// Sets up a client of the server at an address, such as `http://localhost:8080`. The base path `/tasker` is added
    /// where the address has no path.
    pub fn builder(url: &str) -> ClientBuilder {
        ClientBuilder::new(url)
    }

    pub(crate) fn of(shared: Shared) -> Self {
        Self { shared, expected: None }
    }

    /// Where the routes of the server begin.
    pub fn address(&self) -> &str {
        self.shared.address.as_str()
    }

    /// The same client, whose changes are made only to this version of what they change: its `lock_version`. If it has
    /// changed since, the server refuses with `PRECONDITION_FAILED` and does nothing.
    pub fn if_version(&self, lock_version: i64) -> Self {
        Self { shared: self.shared.clone(), expected: Some(lock_version) }
    }

    /// Reads.
    pub(crate) fn get(&self, path: &[&str], query: &[(&str, String)]) -> Ask {
        let mut url = self.shared.address.route(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ask { method: Method::GET, url, body: None, key: None, expected: None, is_repeatable: true }
    }

    /// Changes.
    pub(crate) fn change(&self, method: Method, path: &[&str], body: &impl Serialize) -> Result<Ask, Error> {
        let url = self.shared.address.route(path);
        let body = serde_json::to_vec(body).map_err(|error| Error::Decoding {
            method: method.to_string(),
            url: url.to_string(),
            status: 0,
            why: format!("the request cannot be written as JSON: {error}"),
        })?;
        let expected = self.expected;
        Ok(Ask { method, url, body: Some((JSON, body)), key: None, expected, is_repeatable: false })
    }

    /// Hands in a text. The server does the same however often it comes.
    pub(crate) fn hand_in(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        media: &'static str,
        text: &str,
    ) -> Ask {
        let body = Some((media, text.as_bytes().to_vec()));
        Ask { method: Method::POST, body, ..self.get(path, query) }
    }

    /// Asks, and reads the document of the answer.
    pub(crate) async fn read<T: DeserializeOwned>(&self, ask: Ask) -> Result<T, Error> {
        self.send(&ask).await?.read(ask.method.as_str(), ask.url.as_str())
    }

    /// Asks; answers with the document and whether the same was answered before.
    pub(crate) async fn read_replayed<T: DeserializeOwned>(&self, ask: Ask) -> Result<(T, bool), Error> {
        let answer = self.send(&ask).await?;
        Ok((answer.read(ask.method.as_str(), ask.url.as_str())?, answer.is_replayed))
    }

    /// Asks what has the same document whether all is well (200) or not (503).
    pub(crate) async fn read_any<T: DeserializeOwned>(&self, ask: Ask) -> Result<T, Error> {
        let mut answer = self.attempt(&ask).await?;
        if answer.status == 503 {
            answer.status = 200;
        }
        answer.read(ask.method.as_str(), ask.url.as_str())
    }

    /// Asks, and reads the text of the answer.
    pub(crate) async fn read_text(&self, ask: Ask) -> Result<String, Error> {
        self.send(&ask).await?.text(ask.method.as_str(), ask.url.as_str())
    }

    /// Asks as often as it is safe and of use.
    pub(crate) async fn send(&self, ask: &Ask) -> Result<Answer, Error> {
        let mut n_before = 0;
        loop {
            let answer = self.attempt(ask).await;
            let attempt = match &answer {
                Err(_) => Attempt::Unanswered,
                Ok(answer) => Attempt::Answered { status: answer.status, retry_after: answer.retry_after },
            };
            let Some(wait) = self.shared.patience.wait(attempt, ask.is_repeatable, n_before) else {
                return answer;
            };
            tokio::time::sleep(wait).await;
            n_before += 1;
        }
    }

    /// Asks for events, and leaves the answer to be read as they come.
    pub(crate) async fn listen(&self, request: RequestBuilder, url: &Url) -> Result<Response, Error> {
        let failed = |source| transport("GET", url, source);
        let response = request.send().await.map_err(failed)?;
        let media = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        if response.status() == StatusCode::OK && media.starts_with(EVENTS) {
            return Ok(response);
        }
        Err(answer_of(response).await.map_err(failed)?.failure("GET", url.as_str()))
    }

    async fn attempt(&self, ask: &Ask) -> Result<Answer, Error> {
        let failed = |source| transport(ask.method.as_str(), &ask.url, source);
        let mut request = self.shared.http.request(ask.method.clone(), ask.url.clone());
        if let Some((media, body)) = &ask.body {
            request = request.header(CONTENT_TYPE, *media).body(body.clone());
        }
        if let Some(key) = &ask.key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        if let Some(version) = ask.expected {
            request = request.header(IF_MATCH, format!("\"{version}\""));
        }
        answer_of(request.send().await.map_err(failed)?).await.map_err(failed)
    }
}

impl Ask {
    /// The same request; it is safe to ask it twice.
    pub(crate) fn keyed(self, key: String) -> Self {
        Self { key: Some(key), is_repeatable: true, expected: None, ..self }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("address", &self.address()).finish_non_exhaustive()
    }
}

fn transport(method: &str, url: &Url, source: reqwest::Error) -> Error {
    Error::Transport {
        method: method.to_owned(),
        url: url.to_string(),
        is_unreachable: source.is_connect(),
        source: source.without_url(),
    }
}

async fn answer_of(response: Response) -> Result<Answer, reqwest::Error> {
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers());
    let is_replayed = response.headers().get(IDEMPOTENT_REPLAYED).is_some_and(|value| value == "true");
    Ok(Answer { status, retry_after, is_replayed, body: response.bytes().await?.to_vec() })
}

/// How long the server asks to wait; it says so in seconds.
fn retry_after(headers: &HeaderMap<HeaderValue>) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
