//! What the API does, told to whoever counts it, and where metrics come from. What counts is somebody else.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::StatusCode;

use crate::limits::Bucket;

/// Is told what the API does. Every method does nothing unless it is written anew; none may wait.
pub trait ApiObserver: Send + Sync + 'static {
    /// A request was answered.
    fn answered(&self, _answered: Answered<'_>) {}

    /// It could not be found out who asks. The strategy is the name of one, `none` if no credentials were given, `several` if
    /// more than one kind was; the reason is one of a few words.
    fn not_authenticated(&self, _strategy: &str, _reason: &str) {}

    /// Somebody lacks this permission.
    fn not_authorized(&self, _permission: &str) {}

    /// A stream of events was opened. [`ApiObserver::stream_closed`] is called once for each.
    fn stream_opened(&self) {}

    /// A stream of events ended, whoever ended it.
    fn stream_closed(&self) {}

    /// Somebody asked too often.
    fn rate_limited(&self, _bucket: Bucket<'_>) {}
}

/// A request that was answered. No part of it was chosen by the caller freely, so it can be counted by all of them.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The method; `other` for one that no route takes.
    pub method: &'a str,
    /// The template of the path, below the base path and version; `other` if there is no such route.
    pub route: &'a str,
    /// What was answered.
    pub status: StatusCode,
    /// Time from the request to the beginning of its answer.
    pub took: Duration,
}

/// Counts nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl ApiObserver for Unobserved {}

/// Where `GET /metrics` gets them from.
#[async_trait]
pub trait MetricsSource: Send + Sync + 'static {
    /// Everything as it is now, in this form.
    async fn metrics(&self, form: MetricsForm) -> String;
}

/// A form of metrics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MetricsForm {
    /// Prometheus' text format 0.0.4.
    Text,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
    /// A JSON document.
    Json,
}

/// Who gets metrics, and from where.
#[derive(Clone, Default)]
pub struct MetricsOptions {
    /// Where they come from; `None`: they are off.
    pub source: Option<Arc<dyn MetricsSource>>,
    /// Whether everybody may read them, although others are asked who they are.
    pub is_public: bool,
}

impl MetricsForm {
    /// What a response says of its body.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        }
    }
}
