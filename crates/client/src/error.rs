//! What can go wrong.

use std::time::Duration;

use serde::de::DeserializeOwned;
use tasker_wire::{ProblemDocument, ProblemEntry};

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum InvalidClient {
    /// The address of the server.
    #[error("the address of the server cannot be used: {why}; write it like http://localhost:8080")]
    Address {
        /// What is wrong with it.
        why: String,
    },
    /// The token.
    #[error("the token cannot be used: it must be one word of visible ASCII characters")]
    Token,
    /// Something else: the name of the program, or the certificates of the system.
    #[error("the client cannot be set up")]
    Setup(#[source] reqwest::Error),
}

/// Why a call came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused or failed, and says why.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The server could not be reached, or the connection broke. What only reads was not answered; of all else it is not
    /// known whether it was done.
    #[error("{method} {url} was not answered")]
    Transport {
        /// What was asked.
        method: String,
        /// Of which address.
        url: String,
        /// Whether no connection stood: surely nothing was done.
        is_unreachable: bool,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The answer is not what this version of the client reads. The server may have another version, or something else
    /// answers at this address.
    #[error("{method} {url} was answered {status} with what this client cannot read: {why}")]
    Decoding {
        /// What was asked.
        method: String,
        /// Of which address.
        url: String,
        /// The status of the answer.
        status: u16,
        /// What is wrong with it.
        why: String,
    },
}

/// Why the server refused or failed (RFC 9457).
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("{}", document.detail)]
pub struct Problem {
    /// All that the server says.
    pub document: ProblemDocument,
    /// When the server wants to be asked again.
    pub retry_after: Option<Duration>,
}

impl Problem {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.document.status
    }

    /// Stable code, such as `TASK_NOT_FOUND`.
    pub fn code(&self) -> &str {
        &self.document.code
    }

    /// Every single problem with the request.
    pub fn errors(&self) -> &[ProblemEntry] {
        &self.document.errors
    }

    /// Names the request in the log of the server.
    pub fn request_id(&self) -> &str {
        &self.document.request_id
    }
}

impl Error {
    /// The problem, if the server told one.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            Self::Transport { .. } | Self::Decoding { .. } => None,
        }
    }

    /// Whether the same may be answered another time: the server could not be reached, has too much to do, or is stopping.
    pub(crate) fn is_temporary(&self) -> bool {
        let status = match self {
            Self::Transport { .. } => return true,
            Self::Refused(problem) => problem.status(),
            Self::Decoding { status, .. } => *status,
        };
        matches!(status, 429 | 502 | 503 | 504)
    }
}

/// An answer, read whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) is_replayed: bool,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The document of an answer that all is well.
    pub(crate) fn read<T: DeserializeOwned>(&self, method: &str, url: &str) -> Result<T, Error> {
        if !(200..300).contains(&self.status) {
            return Err(self.failure(method, url));
        }
        serde_json::from_slice(&self.body).map_err(|error| self.unreadable(method, url, &error.to_string()))
    }

    /// The text of an answer that all is well.
    pub(crate) fn text(self, method: &str, url: &str) -> Result<String, Error> {
        if !(200..300).contains(&self.status) {
            return Err(self.failure(method, url));
        }
        let status = self.status;
        String::from_utf8(self.body).map_err(|error| Error::Decoding {
            method: method.into(),
            url: url.into(),
            status,
            why: error.to_string(),
        })
    }

    /// What the server says of its failure.
    pub(crate) fn failure(&self, method: &str, url: &str) -> Error {
        match serde_json::from_slice::<ProblemDocument>(&self.body) {
            Ok(document) => Error::Refused(Box::new(Problem { document, retry_after: self.retry_after })),
            Err(_) => self.unreadable(method, url, "it is no problem as Tasker tells them"),
        }
    }

    fn unreadable(&self, method: &str, url: &str, why: &str) -> Error {
        Error::Decoding { method: method.into(), url: url.into(), status: self.status, why: why.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> Result<serde_json::Value, Error> {
        let answer = Answer { status, retry_after: None, is_replayed: false, body: body.as_bytes().to_vec() };
        answer.read("GET", "http://a/tasker/tasks")
    }

    #[test]
    fn an_answer_is_a_document_a_problem_or_unreadable() {
        assert_eq!(read(200, "{}").unwrap(), serde_json::json!({}));
        let problem = r#"{"type": "urn:tasker:problem:task_not_found", "title": "t", "status": 404, "detail": "no task",
            "code": "TASK_NOT_FOUND", "request_id": "r", "task_id": "7"}"#;
        let error = read(404, problem).unwrap_err();
        let problem = error.problem().unwrap();
        assert_eq!((problem.code(), problem.request_id(), problem.status()), ("TASK_NOT_FOUND", "r", 404));
        assert_eq!(error.to_string(), "no task");
        for (status, body) in [(200, "<html>"), (302, ""), (404, "<html>"), (502, "{}"), (200, "")] {
            let error = read(status, body).unwrap_err();
            assert!(matches!(error, Error::Decoding { status: told, .. } if told == status), "{error}");
        }
    }
}
