//! Everything that can be set: the one list, from which files are checked and documentation is made.

use std::time::Duration;

use tasker_core::{analysis, masking};

use crate::kind::Kind;

/// One setting.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Setting {
    /// Its name: section and key with a dot between, or a key of the top level.
    pub key: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// Its default as text; `None` is unset.
    pub default: Option<&'static str>,
    /// What it does, in a sentence.
    pub about: &'static str,
}

const fn setting(
    key: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    about: &'static str,
) -> Setting {
    Setting { key, kind, default, about }
}

const fn count(min: u64, max: u64) -> Kind {
    Kind::Count { min, max }
}

const fn span(min_millis: u64) -> Kind {
    Kind::Span { min: Duration::from_millis(min_millis), never: false }
}

const MIB: u64 = 1 << 20;

const MAX_WEIGHT: u64 = analysis::MAX_WEIGHT as u64;

const PERCENT: Kind = Kind::Number { min: 0.0, max: 100.0 };

const MULTIPLIER: Kind = Kind::Number { min: 0.0, max: analysis::MAX_MULTIPLIER };

/// All settings, sorted.
pub const SETTINGS: &[Setting] = &[
    setting(
        "api.base_path",
        Kind::Text,
        Some("/tasker"),
        "Path that all routes of the HTTP API begin with; / for none.",
    ),
    setting(
        "api.docs",
        Kind::Flag,
        Some("false"),
        "Whether GET /docs shows the description of the HTTP API as a page.",
    ),
    setting(
        "api.listen",
        Kind::Text,
        Some("127.0.0.1:8080"),
        "Address and port that the HTTP API listens on; the flag --listen does the same.",
    ),
    setting(
        "api.max_body_bytes",
        Kind::Bytes { min: 1_024, max: 1 << 30 },
        Some("2MiB"),
        "Largest body of a request.",
    ),
    setting(
        "api.max_event_streams",
        count(0, 1_000_000),
        Some("1024"),
        "Listeners to events (GET /events) at once; more are told to come back.",
    ),
    setting(
        "api.max_requests",
        count(1, 1_000_000),
        Some("1024"),
        "Requests that are worked on at once; more are told to come back.",
    ),
    setting(
        "api.public_url",
        Kind::Text,
        None,
        "How the HTTP API is reached from outside, without api.base_path: https://tasker.example.org. Links in diagrams begin \
         with it.",
    ),
    setting(
        "api.rate_limit.analytics_per_minute",
        count(0, 1_000_000_000),
        Some("30"),
        "Looks at many rows that one caller may ask for in a minute; 0 for any number.",
    ),
    setting(
        "api.rate_limit.burst",
        count(0, 1_000_000_000),
        Some("100"),
        "Requests that one principal may make at once; 0 for as many as in a minute.",
    ),
    setting(
        "api.rate_limit.peer_per_minute",
        count(0, 1_000_000_000),
        Some("120"),
        "Requests that one address may make in a minute without saying who asks; 0 for any number.",
    ),
    setting(
        "api.rate_limit.principal_per_minute",
        count(0, 1_000_000_000),
        Some("600"),
        "Requests that one principal may make in a minute; 0 for any number. Limits hold only while authentication is on.",
    ),
    setting(
        "api.rate_limit.writes_per_minute",
        count(0, 1_000_000_000),
        Some("120"),
        "Changes that one caller may ask for in a minute, such as new tasks; 0 for any number.",
    ),
    setting("api.request_timeout", span(1), Some("30s"), "Longest time that a request may take."),
    setting("auth.admin_roles", Kind::Texts, Some("admin"), "Roles that may do everything."),
    setting(
        "auth.allow_unauthenticated",
        Kind::Flag,
        Some("false"),
        "Whether the HTTP API may listen where others can reach it, though nobody is asked who they are.",
    ),
    setting(
        "auth.authorization_enabled",
        Kind::Flag,
        Some("false"),
        "Whether callers may do only what their roles allow; needs authentication.",
    ),
    setting(
        "auth.jwt.algorithms",
        Kind::Texts,
        Some("RS256,PS256,ES256,EdDSA"),
        "Algorithms that tokens may be signed with: some of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA, \
         HS256, HS384, HS512.",
    ),
    setting(
        "auth.jwt.audiences",
        Kind::Texts,
        None,
        "Names of this server; one of them must be in aud of a token.",
    ),
    setting("auth.jwt.issuer", Kind::Text, None, "Who must have issued a token: iss, exactly."),
    setting("auth.jwt.jwks_file", Kind::Text, None, "File with the set of public keys of the issuer (JWKS)."),
    setting(
        "auth.jwt.jwks_url",
        Kind::Text,
        None,
        "Address at which the issuer publishes its set of public keys (JWKS): https, or http on loopback.",
    ),
    setting(
        "auth.jwt.leeway",
        span(0),
        Some("30s"),
        "How far the clock of the issuer may be off; at most 2m.",
    ),
    setting(
        "auth.jwt.max_age",
        span(1_000),
        None,
        "Age at which tokens are no longer good, though they have not expired.",
    ),
    setting("auth.jwt.name_claim", Kind::Text, Some("name"), "Claim that says who asks, for people."),
    setting(
        "auth.jwt.namespaces_claim",
        Kind::Text,
        None,
        "Claim that lists the only namespaces for whoever asks, * for all; tokens without it reach none. Unset: nobody is \
         limited so.",
    ),
    setting("auth.jwt.principal_claim", Kind::Text, Some("sub"), "Claim that says who asks."),
    setting("auth.jwt.public_key_files", Kind::Texts, None, "Files with public keys of the issuer, as PEM."),
    setting("auth.jwt.revoked", Kind::Texts, None, "Tokens that are no longer good, by their jti."),
    setting(
        "auth.jwt.roles_claim",
        Kind::Text,
        Some("roles"),
        "Claim that lists the roles of whoever asks, with dots on the way to it: realm_access.roles.",
    ),
    setting(
        "auth.jwt.secret_env",
        Kind::Text,
        None,
        "Environment variable that holds the secret for HS256, HS384 and HS512; a name, not the secret.",
    ),
    setting("auth.jwt.secret_file", Kind::Text, None, "File with the secret for HS256, HS384 and HS512."),
    setting(
        "auth.roles",
        Kind::TextsByName,
        None,
        "Permissions of roles by name, besides the built-in viewer and operator.",
    ),
    setting(
        "auth.strategies",
        Kind::Texts,
        None,
        "Several ways to find out who calls the HTTP API, instead of auth.strategy: the first whose kind of credential a request \
            brings decides.",
    ),
    setting(
        "auth.strategy",
        Kind::Choice(&["none", "api_key", "jwt", "trusted_proxy"]),
        Some("none"),
        "How it is found out who calls the HTTP API.",
    ),
    setting(
        "auth.trusted_proxy.peers",
        Kind::Texts,
        None,
        "Addresses of proxies that are believed who asks.",
    ),
    setting(
        "auth.trusted_proxy.roles_header",
        Kind::Text,
        Some("X-Forwarded-Roles"),
        "Header in which a proxy names the roles of whoever asks, with commas between.",
    ),
    setting(
        "auth.trusted_proxy.user_header",
        Kind::Text,
        Some("X-Forwarded-User"),
        "Header in which a proxy says who asks.",
    ),
    setting(
        "backoff.backoff_multiplier",
        Kind::Number { min: 1.0, max: 10.0 },
        Some("2.0"),
        "Beyond the list of waits, attempt n waits n to the power of this, in seconds.",
    ),
    setting(
        "backoff.default_backoff_seconds",
        Kind::Counts,
        Some("1,2,4,8,16,32"),
        "Seconds to wait after the first, second, ... failed attempt.",
    ),
    setting(
        "backoff.jitter_enabled",
        Kind::Flag,
        Some("true"),
        "Whether waits are varied a little, so that steps do not all return at once.",
    ),
    setting(
        "backoff.jitter_max_percentage",
        Kind::Number { min: 0.0, max: 1.0 },
        Some("0.1"),
        "Share of a wait by which it may vary either way.",
    ),
    setting("backoff.max_backoff_seconds", count(1, 2_592_000), Some("300"), "Longest computed wait."),
    setting(
        "backoff.max_server_backoff_seconds",
        count(1, 2_592_000),
        Some("3600"),
        "Longest wait that a server may ask for (Retry-After).",
    ),
    setting(
        "command.enabled",
        Kind::Flag,
        Some("false"),
        "Whether steps may run local programs (handler `command`); the flag --allow-commands does the same.",
    ),
    setting("data_dir", Kind::Text, None, "Folder of the embedded database; $XDG_DATA_HOME/tasker if unset."),
    setting(
        "database.url",
        Kind::Text,
        None,
        "Database to use: sqlite:PATH or postgres://...; the embedded one in data_dir if unset.",
    ),
    setting(
        "dependency_graph.duration_estimates.base_step_seconds",
        count(0, MAX_WEIGHT),
        Some("30"),
        "Seconds that each step is taken to last.",
    ),
    setting(
        "dependency_graph.duration_estimates.error_penalty_seconds",
        count(0, MAX_WEIGHT),
        Some("60"),
        "Seconds more for a step in error.",
    ),
    setting(
        "dependency_graph.duration_estimates.retry_penalty_seconds",
        count(0, MAX_WEIGHT),
        Some("30"),
        "Seconds more for each attempt.",
    ),
    setting(
        "dependency_graph.impact_multipliers.blocked_penalty",
        count(0, MAX_WEIGHT),
        Some("25"),
        "Score of a path: for each step with a parent that is not done.",
    ),
    setting(
        "dependency_graph.impact_multipliers.blocked_weight",
        count(0, MAX_WEIGHT),
        Some("15"),
        "Impact of a failure: for each step that waits for it and has a parent that is not done.",
    ),
    setting(
        "dependency_graph.impact_multipliers.completed_penalty",
        count(0, MAX_WEIGHT),
        Some("15"),
        "Score of a path: taken off for each step that is done.",
    ),
    setting(
        "dependency_graph.impact_multipliers.downstream_weight",
        count(0, MAX_WEIGHT),
        Some("5"),
        "Impact of a failure: for each step that waits for it, directly or not.",
    ),
    setting(
        "dependency_graph.impact_multipliers.error_penalty",
        count(0, MAX_WEIGHT),
        Some("30"),
        "Score of a path: for each step in error.",
    ),
    setting(
        "dependency_graph.impact_multipliers.path_length_weight",
        count(0, MAX_WEIGHT),
        Some("10"),
        "Score of a path: for each step.",
    ),
    setting(
        "dependency_graph.impact_multipliers.retry_penalty",
        count(0, MAX_WEIGHT),
        Some("10"),
        "Score of a path: for each step in error that was executed.",
    ),
    setting(
        "dependency_graph.penalty_constants.exhausted_retry",
        count(0, MAX_WEIGHT),
        Some("20"),
        "Impact of a step: more if its attempts are used up.",
    ),
    setting(
        "dependency_graph.penalty_constants.non_retryable",
        count(0, MAX_WEIGHT),
        Some("10"),
        "Impact of a step: more if it may not be tried again.",
    ),
    setting(
        "dependency_graph.penalty_constants.retry_instability",
        count(0, MAX_WEIGHT),
        Some("3"),
        "Impact of a step: more for each attempt.",
    ),
    setting(
        "dependency_graph.severity_multipliers.dependency_issue",
        MULTIPLIER,
        Some("1.2"),
        "Factor on the impact of a pending step that waits for a cancelled one.",
    ),
    setting(
        "dependency_graph.severity_multipliers.error_state",
        MULTIPLIER,
        Some("2.0"),
        "Factor on the impact of a step in error.",
    ),
    setting(
        "dependency_graph.severity_multipliers.exhausted_retry_bonus",
        MULTIPLIER,
        Some("0.5"),
        "Added to that factor if its attempts are used up.",
    ),
    setting(
        "dependency_graph.severity_thresholds.critical",
        count(1, MAX_WEIGHT),
        Some("100"),
        "Impact from which on a bottleneck is critical; more than high.",
    ),
    setting(
        "dependency_graph.severity_thresholds.high",
        count(1, MAX_WEIGHT),
        Some("50"),
        "Impact from which on it is high; more than medium.",
    ),
    setting(
        "dependency_graph.severity_thresholds.medium",
        count(1, MAX_WEIGHT),
        Some("20"),
        "Impact from which on it is medium; below, low.",
    ),
    setting(
        "engine.identity_strategy",
        Kind::Choice(&["default", "hash", "custom"]),
        Some("default"),
        "`hash` refuses a request that repeats another one within the same minute.",
    ),
    setting("environment", Kind::Text, None, "Environment whose overrides are merged into definitions."),
    setting(
        "execution.check_interval",
        Kind::Span { min: Duration::from_millis(100), never: true },
        Some("10s"),
        "How often a worker looks for broken rows in a few tasks.",
    ),
    setting("execution.grace", span(0), Some("30s"), "How long a stopping worker lets running steps go on."),
    setting(
        "execution.handler_limits",
        Kind::CountsByName,
        None,
        "Most steps of one handler that run at once on this node, by handler.",
    ),
    setting("execution.heartbeat_interval", span(100), Some("2s"), "How often a worker tells that it lives."),
    setting(
        "execution.lease",
        span(300),
        Some("6s"),
        "Time without heartbeat after which a worker counts as lost; at least three heartbeats.",
    ),
    setting(
        "execution.max_batch_bytes",
        Kind::Bytes { min: 65_536, max: 1024 * MIB },
        Some("8MiB"),
        "Most payload bytes of one transaction.",
    ),
    setting("execution.max_batch_items", count(1, 10_000), Some("512"), "Most items of one transaction."),
    setting(
        "execution.max_concurrent_steps",
        count(1, 100_000),
        Some("256"),
        "Handlers that run at once on this node.",
    ),
    setting(
        "execution.max_in_flight",
        count(1, 1_000_000),
        Some("1024"),
        "Steps that this node has claimed and not yet settled.",
    ),
    setting(
        "execution.poll_interval",
        span(10),
        Some("1s"),
        "How often the queue is looked at when nothing else calls for it.",
    ),
    setting(
        "health.cache_duration_seconds",
        count(1, 3_600),
        Some("15"),
        "How long an answer of GET /health/status is used again, in seconds; one that says unhealthy, 1 second at most.",
    ),
    setting(
        "health.error_window_minutes",
        count(1, 10_080),
        Some("60"),
        "How far GET /health/status looks back for errors, in minutes.",
    ),
    setting(
        "health.max_connection_utilization",
        PERCENT,
        Some("90"),
        "Connections of the database server in use, in percent, above which the system is unhealthy.",
    ),
    setting(
        "health.max_step_error_rate",
        PERCENT,
        Some("50"),
        "Steps in error among those executed in the window, in percent, above which the system is unhealthy.",
    ),
    setting(
        "health.max_task_error_rate",
        PERCENT,
        Some("50"),
        "Tasks in error among those that ended in the window, in percent, above which the system is unhealthy.",
    ),
    setting(
        "health.readiness_timeout_seconds",
        Kind::Number { min: 0.01, max: 300.0 },
        Some("5.0"),
        "Longest time that the checks of GET /health/ready may take, in seconds.",
    ),
    setting(
        "health.status_requires_authentication",
        Kind::Flag,
        Some("true"),
        "Whether GET /health/status asks for the permission tasker.health_status:index, where people are asked who they are.",
    ),
    setting(
        "http.allowed_hosts",
        Kind::Texts,
        None,
        "Hosts that the handler `http` may call; all that are not denied if unset.",
    ),
    setting(
        "http.denied_networks",
        Kind::Texts,
        None,
        "Networks that the handler `http` must not call, besides link-local ones.",
    ),
    setting(
        "limits.max_context_bytes",
        Kind::Bytes { min: 2, max: 64 * MIB },
        Some("1MiB"),
        "Largest context of a task.",
    ),
    setting(
        "limits.max_result_bytes",
        Kind::Bytes { min: 4, max: 64 * MIB },
        Some("1MiB"),
        "Largest result of a step.",
    ),
    setting(
        "registry.default_version",
        Kind::Choice(&["latest"]),
        Some("latest"),
        "Which version a request means that names none.",
    ),
    setting(
        "retention.finished_tasks",
        Kind::Span { min: Duration::from_secs(1), never: true },
        None,
        "How long ended tasks are kept; 30d in the embedded database, never elsewhere, if unset.",
    ),
    setting(
        "server.token_file",
        Kind::Text,
        None,
        "File with the token for server.url; the variable TASKER_TOKEN, which holds a token itself, comes first.",
    ),
    setting(
        "server.url",
        Kind::Text,
        None,
        "Server that commands work with instead of a database: its address, such as https://tasker.example.com.",
    ),
    setting(
        "telemetry.filter_mask",
        Kind::Text,
        Some(masking::DEFAULT_MASK),
        "What log lines say in place of a secret.",
    ),
    setting(
        "telemetry.filter_parameters",
        Kind::Texts,
        Some("passw,email,secret,token,_key,crypt,salt,certificate,otp,ssn,authorization,cookie,credential"),
        "Parts of names of fields whose values log lines do not say, in any case; one with a dot is about a path. Credentials \
         in addresses and headers are never said.",
    ),
    setting(
        "telemetry.log_format",
        Kind::Choice(&["text", "json"]),
        Some("text"),
        "How log lines are written.",
    ),
    setting(
        "telemetry.log_level",
        Kind::Choice(&["off", "error", "warn", "info", "debug", "trace"]),
        Some("warn"),
        "Which log lines are written; RUST_LOG says it in more detail.",
    ),
    setting(
        "telemetry.metrics_auth_required",
        Kind::Flag,
        Some("true"),
        "Whether GET /metrics asks for the permission tasker.metrics:index, where people are asked who they are.",
    ),
    setting(
        "telemetry.metrics_enabled",
        Kind::Flag,
        Some("true"),
        "Whether GET /metrics answers with metrics.",
    ),
    setting(
        "telemetry.metrics_listen",
        Kind::Text,
        None,
        "Address and port at which /metrics and /health can be read besides, without saying who asks; on loopback, unless \
         telemetry.metrics_auth_required is false.",
    ),
    setting(
        "telemetry.slow_query_threshold_seconds",
        Kind::Number { min: 0.001, max: 3_600.0 },
        Some("1"),
        "Seconds after which a call of the database is counted and logged as slow.",
    ),
    setting(
        "worker.definitions",
        Kind::Texts,
        None,
        "Definition files, and folders of them, that a worker registers when it starts.",
    ),
    setting(
        "worker.name",
        Kind::Text,
        None,
        "Name of this worker, for people; host and process id if unset.",
    ),
    setting(
        "worker.strict_startup",
        Kind::Flag,
        Some("true"),
        "Whether a worker refuses to start when one of these definitions is wrong; else it leaves that one out.",
    ),
];

/// Environment variables that begin with `TASKER_` and are no settings.
pub(crate) const OTHER_VARIABLES: &[&str] = &["TASKER_CONFIG", "TASKER_TOKEN"];

/// Variables with a shorter name than their key would give.
const SHORT_VARIABLES: &[(&str, &str)] = &[
    ("TASKER_ENV", "environment"),
    ("TASKER_LOG_LEVEL", "telemetry.log_level"),
    ("TASKER_LOG_FORMAT", "telemetry.log_format"),
    ("TASKER_TOKEN_FILE", "server.token_file"),
];

/// The setting of a key.
pub fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// The setting that an environment variable holds: `TASKER_DATABASE_URL` and `TASKER__DATABASE__URL` are `database.url`.
pub fn of_variable(variable: &str) -> Option<&'static Setting> {
    if let Some((_, key)) = SHORT_VARIABLES.iter().find(|(name, _)| *name == variable) {
        return find(key);
    }
    SETTINGS.iter().find(|setting| variable == setting.variable() || variable == setting.long_variable())
}

impl Setting {
    /// The environment variable that holds it.
    pub fn variable(&self) -> String {
        format!("TASKER_{}", self.key.replace('.', "_").to_uppercase())
    }

    fn long_variable(&self) -> String {
        format!("TASKER__{}", self.key.replace('.', "__").to_uppercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_sorted_and_their_defaults_valid() {
        assert!(SETTINGS.is_sorted_by_key(|setting| setting.key));
        for setting in SETTINGS {
            if let Some(default) = setting.default {
                setting
                    .kind
                    .read_text(default)
                    .unwrap_or_else(|misfit| panic!("{}: {misfit:?}", setting.key));
            }
        }
    }

    #[test]
    fn variables_are_named_after_keys() {
        for (variable, key) in [
            ("TASKER_DATABASE_URL", "database.url"),
            ("TASKER__DATABASE__URL", "database.url"),
            ("TASKER_DATA_DIR", "data_dir"),
            ("TASKER_ENV", "environment"),
            ("TASKER_EXECUTION_MAX_IN_FLIGHT", "execution.max_in_flight"),
        ] {
            assert_eq!(of_variable(variable).map(|setting| setting.key), Some(key), "{variable}");
        }
        assert_eq!(of_variable("TASKER_TEST_DATABASE_URL"), None);
    }
}
