//! Settings, typed: what the rest of the program is given.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use tasker_core::analysis::{
    AnalysisWeights, DurationEstimates, ImpactMultipliers, PenaltyConstants, SeverityMultipliers,
    SeverityThresholds,
};
use tasker_core::backoff::BackoffPolicy;
use tasker_core::names::HandlerName;

use crate::health::HealthSettings;
use crate::jwt::JwtSettings;
use crate::kind::Value;
use crate::resolve::Resolved;

/// All settings.
#[derive(Clone, PartialEq, Debug)]
pub struct Settings {
    /// `database.url`.
    pub database_url: Option<String>,
    /// `server.*`.
    pub server: ServerSettings,
    /// `data_dir`.
    pub data_dir: Option<PathBuf>,
    /// `api.*`, and what `auth.*` says of it.
    pub api: ApiSettings,
    /// `auth.*`.
    pub auth: AuthSettings,
    /// `environment`.
    pub environment: Option<String>,
    /// `execution.*`.
    pub execution: Execution,
    /// `limits.*`.
    pub limits: Limits,
    /// `backoff.*`.
    pub backoff: BackoffPolicy,
    /// `dependency_graph.*`.
    pub analysis_weights: AnalysisWeights,
    /// `engine.identity_strategy`.
    pub identity: Identity,
    /// `retention.finished_tasks`: unset, never (`Some(None)`), or a span.
    pub retention: Option<Option<Duration>>,
    /// `http.*`.
    pub http: HttpSettings,
    /// `command.*`.
    pub command: CommandSettings,
    /// `telemetry.log_*` and `telemetry.filter_*`.
    pub log: LogSettings,
    /// `telemetry.metrics_*`.
    pub metrics: MetricsSettings,
    /// `health.*`.
    pub health: HealthSettings,
    /// `worker.*`.
    pub worker: WorkerSettings,
}

/// The server that commands work with instead of a database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerSettings {
    /// Its address.
    pub url: Option<String>,
    /// The file that holds the token for it.
    pub token_file: Option<PathBuf>,
}

/// The HTTP API.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiSettings {
    /// Address and port that it listens on, as text.
    pub listen: String,
    /// Path that all routes begin with; empty for none.
    pub base_path: String,
    /// Largest body of a request, in bytes.
    pub max_body_bytes: usize,
    /// Requests that are worked on at once.
    pub max_requests: usize,
    /// Listeners to events at once.
    pub max_event_streams: usize,
    /// Longest time that a request may take.
    pub request_timeout: Duration,
    /// Whether it may listen where others can reach it, though nobody is asked who they are.
    pub allow_unauthenticated: bool,
    /// Whether its description is shown as a page.
    pub docs: bool,
    /// How it is reached from outside, without `base_path`.
    pub public_url: Option<String>,
    /// How often it may be called.
    pub rate_limit: RateLimitSettings,
}

/// How often the HTTP API may be called in a minute; 0 sets no limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateLimitSettings {
    /// By one principal.
    pub principal: u32,
    /// By one principal at once.
    pub burst: u32,
    /// By one address, without saying who asks.
    pub peer: u32,
    /// For changes, by one caller.
    pub writes: u32,
    /// For looks at many rows, by one caller.
    pub analytics: u32,
}

/// Who asks, and what they may do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuthSettings {
    /// How it is found out who asks; none: not at all.
    pub strategies: Vec<AuthStrategy>,
    /// Whether callers may do only what their roles allow.
    pub authorization_enabled: bool,
    /// Permissions of roles, as text.
    pub roles: BTreeMap<String, Vec<String>>,
    /// Roles that may do everything.
    pub admin_roles: Vec<String>,
}

/// How it is found out who asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AuthStrategy {
    /// Keys that were made here.
    ApiKey,
    /// Callers bring tokens that an issuer signed.
    Jwt(Box<JwtSettings>),
    /// A proxy says it.
    TrustedProxy {
        /// Addresses of the proxies, as text.
        peers: Vec<String>,
        /// The header that says who.
        user_header: String,
        /// The header that names their roles.
        roles_header: String,
    },
    /// There is none of this name.
    Unknown(String),
}

/// Metrics of a server or worker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MetricsSettings {
    /// Whether `GET /metrics` answers with them.
    pub enabled: bool,
    /// Whether whoever reads them must be permitted to, where people are asked who they are.
    pub auth_required: bool,
    /// Address and port at which they can be read besides, as text.
    pub listen: Option<String>,
}

/// How much runs at once, and how workers keep in touch.
#[derive(Clone, PartialEq, Debug)]
pub struct Execution {
    /// Handlers that run at once on this node.
    pub max_concurrent_steps: usize,
    /// Steps that are claimed and not yet settled.
    pub max_in_flight: usize,
    /// Handlers of one kind that run at once on this node.
    pub handler_limits: HashMap<HandlerName, usize>,
    /// Most items of one transaction.
    pub max_batch_items: usize,
    /// Most payload bytes of one transaction.
    pub max_batch_bytes: usize,
    /// How often the queue is looked at.
    pub poll_interval: Duration,
    /// How often a worker tells that it lives.
    pub heartbeat_interval: Duration,
    /// Time without heartbeat after which a worker is lost.
    pub lease: Duration,
    /// How long a stopping worker lets its handlers run on.
    pub grace: Duration,
    /// How often a worker looks for broken invariants in a few tasks; `None` is never.
    pub check_interval: Option<Duration>,
}

/// Limits of payloads, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Largest context.
    pub max_context_bytes: usize,
    /// Largest result.
    pub max_result_bytes: usize,
}

/// How repeated requests are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Identity {
    /// They are not.
    Default,
    /// By a hash of the request and its minute.
    Hash,
}

/// The handler `http`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HttpSettings {
    /// Hosts that may be called; empty: all that are not denied.
    pub allowed_hosts: Vec<String>,
    /// Networks that must not be called.
    pub denied_networks: Vec<String>,
}

/// The handler `command`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommandSettings {
    /// Whether local programs may be run.
    pub enabled: bool,
}

/// Log lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogSettings {
    /// Which.
    pub level: LogLevel,
    /// How.
    pub format: LogFormat,
    /// Parts of names of fields that are secret.
    pub filter_parameters: Vec<String>,
    /// What takes the place of secrets.
    pub filter_mask: String,
    /// Time after which a call of the database is slow.
    pub slow_after: Duration,
}

/// Which log lines are written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LogLevel {
    /// None.
    Off,
    /// What failed.
    Error,
    /// What may need attention.
    Warn,
    /// What happened.
    Info,
    /// How it happened.
    Debug,
    /// All.
    Trace,
}

/// How log lines are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// This worker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WorkerSettings {
    /// Name for people.
    pub name: Option<String>,
    /// Files and folders whose definitions it registers when it starts.
    pub definitions: Vec<PathBuf>,
    /// Whether one wrong definition keeps it from starting.
    pub strict_startup: bool,
}

impl LogLevel {
    /// The level of a name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Off, Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace]
            .into_iter()
            .find(|l| l.as_str() == name)
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl Settings {
    pub(crate) fn of(resolved: &Resolved) -> Self {
        let limits = Limits {
            max_context_bytes: resolved.size("limits.max_context_bytes"),
            max_result_bytes: resolved.size("limits.max_result_bytes"),
        };
        Self {
            database_url: resolved.text("database.url"),
            server: ServerSettings {
                url: resolved.text("server.url"),
                token_file: resolved.text("server.token_file").map(PathBuf::from),
            },
            data_dir: resolved.text("data_dir").map(PathBuf::from),
            api: api(resolved),
            auth: auth(resolved),
            environment: resolved.text("environment"),
            execution: execution(resolved),
            limits,
            backoff: backoff(resolved),
            analysis_weights: analysis_weights(resolved),
            identity: if resolved.text("engine.identity_strategy").as_deref() == Some("hash") {
                Identity::Hash
            } else {
                Identity::Default
            },
            retention: span_or_never(resolved, "retention.finished_tasks"),
            http: HttpSettings {
                allowed_hosts: resolved.texts("http.allowed_hosts"),
                denied_networks: resolved.texts("http.denied_networks"),
            },
            command: CommandSettings { enabled: resolved.flag("command.enabled") },
            log: log(resolved),
            metrics: MetricsSettings {
                enabled: resolved.flag("telemetry.metrics_enabled"),
                auth_required: resolved.flag("telemetry.metrics_auth_required"),
                listen: resolved.text("telemetry.metrics_listen"),
            },
            health: HealthSettings::of(resolved),
            worker: WorkerSettings {
                name: resolved.text("worker.name"),
                definitions: resolved.texts("worker.definitions").into_iter().map(PathBuf::from).collect(),
                strict_startup: resolved.flag("worker.strict_startup"),
            },
        }
    }
}

fn api(resolved: &Resolved) -> ApiSettings {
    let base_path = resolved.text("api.base_path").unwrap_or_default();
    ApiSettings {
        listen: resolved.text("api.listen").unwrap_or_default(),
        base_path: base_path.trim_end_matches('/').to_owned(),
        max_body_bytes: resolved.size("api.max_body_bytes"),
        max_requests: resolved.size("api.max_requests"),
        max_event_streams: resolved.size("api.max_event_streams"),
        request_timeout: resolved.span("api.request_timeout"),
        allow_unauthenticated: resolved.flag("auth.allow_unauthenticated"),
        docs: resolved.flag("api.docs"),
        public_url: resolved.text("api.public_url"),
        rate_limit: rate_limit(resolved),
    }
}

fn rate_limit(resolved: &Resolved) -> RateLimitSettings {
    let count = |key: &str| u32::try_from(resolved.size(key)).unwrap_or(u32::MAX);
    RateLimitSettings {
        principal: count("api.rate_limit.principal_per_minute"),
        burst: count("api.rate_limit.burst"),
        peer: count("api.rate_limit.peer_per_minute"),
        writes: count("api.rate_limit.writes_per_minute"),
        analytics: count("api.rate_limit.analytics_per_minute"),
    }
}

fn auth(resolved: &Resolved) -> AuthSettings {
    AuthSettings {
        strategies: strategies(resolved),
        authorization_enabled: resolved.flag("auth.authorization_enabled"),
        roles: match resolved.value("auth.roles") {
            Some(Value::TextsByName(roles)) => roles.clone(),
            _ => BTreeMap::new(),
        },
        admin_roles: resolved.texts("auth.admin_roles"),
    }
}

/// Those that `auth.strategies` lists; without it, that of `auth.strategy`.
fn strategies(resolved: &Resolved) -> Vec<AuthStrategy> {
    let text = |key: &str| resolved.text(key).unwrap_or_default();
    let mut names = resolved.texts("auth.strategies");
    if names.is_empty() {
        names = vec![text("auth.strategy")];
    }
    let strategy = |name: &String| match name.as_str() {
        "api_key" => Some(AuthStrategy::ApiKey),
        "jwt" => Some(AuthStrategy::Jwt(Box::new(JwtSettings::of(resolved)))),
        "trusted_proxy" => Some(AuthStrategy::TrustedProxy {
            peers: resolved.texts("auth.trusted_proxy.peers"),
            user_header: text("auth.trusted_proxy.user_header"),
            roles_header: text("auth.trusted_proxy.roles_header"),
        }),
        "none" => None,
        other => Some(AuthStrategy::Unknown(other.to_owned())),
    };
    names.iter().filter_map(strategy).collect()
}

fn execution(resolved: &Resolved) -> Execution {
    Execution {
        max_concurrent_steps: resolved.size("execution.max_concurrent_steps"),
        max_in_flight: resolved.size("execution.max_in_flight"),
        handler_limits: handler_limits(resolved),
        max_batch_items: resolved.size("execution.max_batch_items"),
        max_batch_bytes: resolved.size("execution.max_batch_bytes"),
        poll_interval: resolved.span("execution.poll_interval"),
        heartbeat_interval: resolved.span("execution.heartbeat_interval"),
        lease: resolved.span("execution.lease"),
        grace: resolved.span("execution.grace"),
        check_interval: span_or_never(resolved, "execution.check_interval").flatten(),
    }
}

/// Names that break the rule were reported before; here they are left out.
fn handler_limits(resolved: &Resolved) -> HashMap<HandlerName, usize> {
    match resolved.value("execution.handler_limits") {
        Some(Value::CountsByName(map)) => map
            .iter()
            .filter_map(|(name, limit)| {
                Some((HandlerName::new(name).ok()?, usize::try_from(*limit).unwrap_or(usize::MAX)))
            })
            .collect(),
        _ => HashMap::new(),
    }
}

fn backoff(resolved: &Resolved) -> BackoffPolicy {
    let seconds = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    let table = match resolved.value("backoff.default_backoff_seconds") {
        Some(Value::Counts(list)) => list.iter().map(|n| seconds(*n)).collect(),
        _ => Vec::new(),
    };
    BackoffPolicy {
        table,
        max_seconds: seconds(resolved.size("backoff.max_backoff_seconds") as u64),
        multiplier: resolved.number("backoff.backoff_multiplier"),
        jitter: resolved
            .flag("backoff.jitter_enabled")
            .then(|| resolved.number("backoff.jitter_max_percentage")),
        max_server_seconds: seconds(resolved.size("backoff.max_server_backoff_seconds") as u64),
    }
}

fn analysis_weights(resolved: &Resolved) -> AnalysisWeights {
    let number = |key: &str| resolved.number(&format!("dependency_graph.{key}"));
    let count =
        |key: &str| u32::try_from(resolved.size(&format!("dependency_graph.{key}"))).unwrap_or(u32::MAX);
    AnalysisWeights {
        impact_multipliers: ImpactMultipliers {
            downstream_weight: count("impact_multipliers.downstream_weight"),
            blocked_weight: count("impact_multipliers.blocked_weight"),
            path_length_weight: count("impact_multipliers.path_length_weight"),
            completed_penalty: count("impact_multipliers.completed_penalty"),
            blocked_penalty: count("impact_multipliers.blocked_penalty"),
            error_penalty: count("impact_multipliers.error_penalty"),
            retry_penalty: count("impact_multipliers.retry_penalty"),
        },
        severity_multipliers: SeverityMultipliers {
            error_state: number("severity_multipliers.error_state"),
            exhausted_retry_bonus: number("severity_multipliers.exhausted_retry_bonus"),
            dependency_issue: number("severity_multipliers.dependency_issue"),
        },
        penalty_constants: PenaltyConstants {
            retry_instability: count("penalty_constants.retry_instability"),
            non_retryable: count("penalty_constants.non_retryable"),
            exhausted_retry: count("penalty_constants.exhausted_retry"),
        },
        severity_thresholds: SeverityThresholds {
            critical: count("severity_thresholds.critical"),
            high: count("severity_thresholds.high"),
            medium: count("severity_thresholds.medium"),
        },
        duration_estimates: DurationEstimates {
            base_step_seconds: count("duration_estimates.base_step_seconds"),
            error_penalty_seconds: count("duration_estimates.error_penalty_seconds"),
            retry_penalty_seconds: count("duration_estimates.retry_penalty_seconds"),
        },
    }
}

/// Nothing if it is unset and has no default, `Some(None)` if it is never.
fn span_or_never(resolved: &Resolved, key: &str) -> Option<Option<Duration>> {
    match resolved.value(key)? {
        Value::Span(span) => Some(Some(*span)),
        _ => Some(None),
    }
}

fn log(resolved: &Resolved) -> LogSettings {
    let level = resolved
        .text("telemetry.log_level")
        .and_then(|name| LogLevel::named(&name))
        .unwrap_or(LogLevel::Warn);
    let is_json = resolved.text("telemetry.log_format").as_deref() == Some("json");
    LogSettings {
        level,
        format: if is_json { LogFormat::Json } else { LogFormat::Text },
        filter_parameters: resolved.texts("telemetry.filter_parameters"),
        filter_mask: resolved.text("telemetry.filter_mask").unwrap_or_default(),
        slow_after: Duration::from_secs_f64(resolved.number("telemetry.slow_query_threshold_seconds")),
    }
}
