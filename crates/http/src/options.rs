//! How the API is set up.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::HeaderName;
use axum::http::{HeaderValue, Uri};
use tasker_core::access::Roles;
use tasker_core::definition::{HandlerCatalog, NoHandlers};
use tasker_core::diagram::{InvalidLinkBase, LinkBase};
use tasker_core::health::Thresholds;

use crate::auth::Authentication;
use crate::limits::{Limiter, Unlimited};
use crate::observe::{ApiObserver, MetricsOptions, Unobserved};

/// Settings of the API. The defaults are safe for a listener on loopback.
#[derive(Clone)]
pub struct ApiOptions {
    /// Where all routes are mounted: empty, or a path that begins with a slash and does not end with one.
    pub base_path: String,
    /// Largest body in bytes, whatever it is encoded as.
    pub max_body_bytes: usize,
    /// Longest time that a request may take.
    pub request_timeout: Duration,
    /// Most requests that are worked on at once; more are told to come back.
    pub max_requests: usize,
    /// Most connections; more wait to be accepted.
    pub max_connections: usize,
    /// How events are told as they happen.
    pub event_streams: EventStreamOptions,
    /// How long requests may go on when the server stops.
    pub shutdown_grace: Duration,
    /// How it is told whether all goes well.
    pub health: HealthOptions,
    /// Origins of web pages that may call; empty: none.
    pub allowed_origins: Vec<String>,
    /// The header that ties requests to whatever caused them.
    pub correlation_header: String,
    /// How it is found out who asks.
    pub authentication: Authentication,
    /// Who may do what.
    pub authorization: Authorization,
    /// Whether everybody who can reach a listener may do everything, although the listener is not on loopback.
    pub allow_unauthenticated: bool,
    /// Who counts requests.
    pub limiter: Arc<dyn Limiter>,
    /// Whether `GET /docs` shows the description of the API as a page.
    pub docs: bool,
    /// How the API is reached from outside, without the base path: `https://tasker.example.org`. Links begin with it; without
    /// it, with the base path.
    pub public_url: Option<String>,
    /// The environment whose overrides apply to definitions that are registered.
    pub environment: String,
    /// What definitions that are registered are checked against.
    pub catalog: Arc<dyn HandlerCatalog + Send + Sync>,
    /// Who is told what the API does.
    pub observer: Arc<dyn ApiObserver>,
    /// Where metrics come from, and who gets them.
    pub metrics: MetricsOptions,
}

/// How events are told as they happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventStreamOptions {
    /// Most streams at once; whoever comes then is told to come back.
    pub most: usize,
    /// Something is sent at least so often: shorter than the patience of whatever stands between.
    pub heartbeat: Duration,
    /// How often it is made sure that a listener may still listen.
    pub ask_again: Duration,
}

/// How it is told whether all goes well.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct HealthOptions {
    /// Whether everybody may read `/health/status`, although others are asked who they are.
    pub status_is_public: bool,
    /// Longest time that the checks of `/health/ready` may take.
    pub readiness_timeout: Duration,
    /// How long an answer of `/health/status` is used again.
    pub cache_duration: Duration,
    /// How far is looked back for errors.
    pub error_window: Duration,
    /// What is too much.
    pub thresholds: Thresholds,
}

impl Default for HealthOptions {
    fn default() -> Self {
        Self {
            status_is_public: false,
            readiness_timeout: Duration::from_secs(5),
            cache_duration: Duration::from_secs(15),
            error_window: Duration::from_secs(3600),
            thresholds: Thresholds::default(),
        }
    }
}

/// Who may do what.
#[derive(Clone, Debug)]
pub enum Authorization {
    /// Everybody may do everything.
    Off,
    /// What roles and grants allow.
    Roles(Roles),
}

/// Settings that cannot be used, with everything that is wrong with them.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the API cannot be set up so: {}", .0.join("; "))]
pub struct InvalidOptions(pub Vec<String>);

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            base_path: "/tasker".into(),
            max_body_bytes: 2 * 1024 * 1024,
            request_timeout: Duration::from_secs(30),
            max_requests: 1_024,
            max_connections: 4_096,
            event_streams: EventStreamOptions::default(),
            shutdown_grace: Duration::from_secs(30),
            health: HealthOptions::default(),
            allowed_origins: Vec::new(),
            correlation_header: "x-correlation-id".into(),
            authentication: Authentication::none(),
            authorization: Authorization::Off,
            allow_unauthenticated: false,
            limiter: Arc::new(Unlimited),
            docs: false,
            public_url: None,
            environment: "development".into(),
            catalog: Arc::new(NoHandlers),
            observer: Arc::new(Unobserved),
            metrics: MetricsOptions::default(),
        }
    }
}

impl Default for EventStreamOptions {
    fn default() -> Self {
        Self { most: 1_024, heartbeat: Duration::from_secs(15), ask_again: Duration::from_secs(60) }
    }
}

impl ApiOptions {
    /// Checks everything at once.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn check(&self) -> Result<(), InvalidOptions> {
        let mut problems = self.authentication.problems();
        problems.extend(self.base_path_problem());
        problems.extend(self.origin_problems());
        problems.extend(self.links().err().map(|error| error.to_string()));
        if HeaderName::from_bytes(self.correlation_header.as_bytes()).is_err() {
            problems.push(format!("{:?} is no name of a header", self.correlation_header));
        }
        let is_restricted = matches!(self.authorization, Authorization::Roles(_));
        if is_restricted && !self.authentication.is_enabled() {
            problems.push(
                "authorization is on, but nobody is asked who they are: set up authentication, or turn authorization off"
                    .into(),
            );
        }
        if problems.is_empty() { Ok(()) } else { Err(InvalidOptions(problems)) }
    }

    /// Refuses to let everybody in who can reach an address that others can reach.
    ///
    /// # Errors
    /// The address is not on loopback, nobody is asked who they are, and that was not allowed.
    pub fn check_address(&self, address: SocketAddr) -> Result<(), InvalidOptions> {
        if address.ip().is_loopback() || self.authentication.is_enabled() || self.allow_unauthenticated {
            return Ok(());
        }
        Err(InvalidOptions(vec![format!(
            "everybody who can reach {address} could do everything: listen on 127.0.0.1, set up authentication, or say that \
             this is meant with auth.allow_unauthenticated = true"
        )]))
    }

    /// What links begin with.
    pub(crate) fn links(&self) -> Result<LinkBase, InvalidLinkBase> {
        let outside = self.public_url.as_deref().unwrap_or_default().trim_end_matches('/');
        match &self.public_url {
            Some(url) if outside.is_empty() || outside.starts_with('/') => Err(InvalidLinkBase(url.clone())),
            _ => format!("{outside}{}", self.base_path).parse(),
        }
    }

    fn base_path_problem(&self) -> Option<String> {
        let path = &self.base_path;
        let is_usable = path.is_empty()
            || (path.starts_with('/')
                && !path.ends_with('/')
                && !path.contains(['{', '}', '*', '?', '#', '%'])
                && !path.contains("//")
                && path.parse::<Uri>().is_ok());
        (!is_usable).then(|| format!("{path:?} is no base path: write one such as /tasker, or nothing"))
    }

    fn origin_problems(&self) -> impl Iterator<Item = String> {
        let is_origin = |text: &String| {
            url::Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == *text)
                && HeaderValue::try_from(text).is_ok()
        };
        self.allowed_origins.iter().filter(move |text| !is_origin(text)).map(|text| {
            format!(
                "{text:?} is no origin: write scheme, host and port only, such as https://app.example.com"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(change: impl FnOnce(&mut ApiOptions)) -> Vec<String> {
        let mut options = ApiOptions::default();
        change(&mut options);
        options.check().err().map(|error| error.0).unwrap_or_default()
    }

    #[test]
    fn defaults_can_be_used() {
        assert_eq!(problems(|_| {}), Vec::<String>::new());
        assert_eq!(problems(|options| options.base_path = String::new()), Vec::<String>::new());
        assert_eq!(
            problems(|o| o.allowed_origins = vec!["https://a.example:8443".into()]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let found = problems(|options| {
            options.base_path = "tasker/".into();
            options.allowed_origins =
                vec!["https://a.example/".into(), "*".into(), "https://b.example".into()];
            options.public_url = Some("javascript:alert(1)//".into());
            options.correlation_header = "a b".into();
            options.authorization = Authorization::Roles(Roles::default());
        });
        assert_eq!(found.len(), 6, "{found:#?}");
    }

    #[test]
    fn an_open_door_must_be_meant() {
        let check =
            |address: &str, options: &ApiOptions| options.check_address(address.parse().unwrap()).is_ok();
        let closed = ApiOptions::default();
        assert!(check("127.0.0.1:8080", &closed) && check("[::1]:8080", &closed));
        assert!(
            !check("0.0.0.0:8080", &closed) && !check("[::]:8080", &closed) && !check("10.0.0.1:80", &closed)
        );
        let open = ApiOptions { allow_unauthenticated: true, ..ApiOptions::default() };
        assert!(check("0.0.0.0:8080", &open));
    }
}
