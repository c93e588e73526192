//! From settings to the options of the HTTP API.

mod jwt;

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::HeaderName;
use tasker_config::{AuthSettings, AuthStrategy, HealthSettings, RateLimitSettings, Settings};
use tasker_core::access::Roles;
use tasker_http::auth::{ApiKeys, Authentication, Authenticator, TrustedProxy};
use tasker_http::{
    ApiOptions, Authorization, EventStreamOptions, HealthOptions, InvalidOptions, Limiter, Rate, Rates,
    TokenBuckets, Unlimited,
};

/// The options that settings mean.
///
/// # Errors
/// Everything that is wrong with them.
pub fn of(settings: &Settings) -> Result<ApiOptions, InvalidOptions> {
    let (api, auth) = (&settings.api, &settings.auth);
    let mut problems = Vec::new();
    let authentication = authentication(&auth.strategies, &mut problems);
    let authorization = authorization(auth, &mut problems);
    let options = ApiOptions {
        base_path: api.base_path.clone(),
        max_body_bytes: api.max_body_bytes,
        max_requests: api.max_requests,
        request_timeout: api.request_timeout,
        event_streams: EventStreamOptions { most: api.max_event_streams, ..EventStreamOptions::default() },
        allow_unauthenticated: api.allow_unauthenticated,
        docs: api.docs,
        public_url: api.public_url.clone(),
        health: health(&settings.health),
        limiter: limiter(&api.rate_limit, authentication.is_enabled()),
        authentication,
        authorization,
        ..ApiOptions::default()
    };
    problems.extend(options.check().err().into_iter().flat_map(|invalid| invalid.0));
    if problems.is_empty() { Ok(options) } else { Err(InvalidOptions(problems)) }
}

fn health(settings: &HealthSettings) -> HealthOptions {
    HealthOptions {
        status_is_public: !settings.status_requires_authentication,
        readiness_timeout: settings.readiness_timeout,
        cache_duration: settings.cache_duration,
        error_window: settings.error_window,
        thresholds: settings.thresholds,
    }
}

fn authentication(strategies: &[AuthStrategy], problems: &mut Vec<String>) -> Authentication {
    let mut all: Vec<Arc<dyn Authenticator>> = Vec::new();
    for strategy in strategies {
        match strategy {
            AuthStrategy::ApiKey => all.push(Arc::new(ApiKeys::new())),
            AuthStrategy::Jwt(settings) => all.push(Arc::new(jwt::strategy(settings, problems))),
            AuthStrategy::TrustedProxy { peers, user_header, roles_header } => {
                all.push(Arc::new(trusted_proxy(peers, user_header, roles_header, problems)));
            }
            AuthStrategy::Unknown(name) => problems.push(format!(
                "auth.strategies: there is no strategy {name:?}; there are api_key, jwt and trusted_proxy"
            )),
        }
    }
    let mut names: Vec<&str> = all.iter().map(|one| one.name()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        problems.push(format!("auth.strategies: {} stands there twice", twice[0]));
    }
    Authentication::of(all)
}

fn trusted_proxy(
    peers: &[String],
    user_header: &str,
    roles_header: &str,
    problems: &mut Vec<String>,
) -> TrustedProxy {
    let mut proxy = TrustedProxy::at(Vec::new());
    for peer in peers {
        match peer.parse::<IpAddr>() {
            Ok(address) => proxy.peers.push(address.to_canonical()),
            Err(_) => problems.push(format!("auth.trusted_proxy.peers: {peer:?} is no IP address")),
        }
    }
    let headers = [
        ("user_header", user_header, &mut proxy.user_header),
        ("roles_header", roles_header, &mut proxy.roles_header),
    ];
    for (key, text, header) in headers {
        match HeaderName::from_bytes(text.as_bytes()) {
            Ok(name) => *header = name,
            Err(_) => problems.push(format!("auth.trusted_proxy.{key}: {text:?} is no name of a header")),
        }
    }
    proxy
}

/// The roles that there are.
pub fn roles(auth: &AuthSettings, problems: &mut Vec<String>) -> Roles {
    Roles::configured(&auth.roles, &auth.admin_roles).unwrap_or_else(|invalid| {
        problems.extend(invalid.iter().map(|problem| format!("auth.roles: {problem}")));
        Roles::default()
    })
}

fn authorization(auth: &AuthSettings, problems: &mut Vec<String>) -> Authorization {
    let roles = roles(auth, problems);
    if auth.authorization_enabled { Authorization::Roles(roles) } else { Authorization::Off }
}

/// Where nobody is asked who they are, nobody else is to be protected from them.
fn limiter(limits: &RateLimitSettings, is_authenticated: bool) -> Arc<dyn Limiter> {
    if !is_authenticated {
        return Arc::new(Unlimited);
    }
    let rate = |per_minute| Rate { per_minute, burst: 0 };
    Arc::new(TokenBuckets::new(Rates {
        principal: Rate { per_minute: limits.principal, burst: limits.burst },
        peer: rate(limits.peer),
        writes: rate(limits.writes),
        analytics: rate(limits.analytics),
    }))
}

#[cfg(test)]
mod tests {
    use tasker_config::Sources;

    use super::*;

    /// What is wrong with a file.
    fn problems(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tasker.toml");
        std::fs::write(&file, text).unwrap();
        let sources = Sources { explicit: Some(file), ..Sources::default() };
        of(&tasker_config::load(&sources).unwrap().settings).err().map(|error| error.0).unwrap_or_default()
    }

    #[test]
    fn what_is_right_is_taken() {
        assert_eq!(problems(""), Vec::<String>::new());
        let text = r#"
            [auth]
            strategy = "trusted_proxy"
            authorization_enabled = true
            trusted_proxy.peers = ["127.0.0.1"]
            roles.clerk = ["tasker.task:create@payments", "tasker.task:show#own"]
        "#;
        assert_eq!(problems(text), Vec::<String>::new());
    }

    #[test]
    fn strategies_are_taken_in_their_order() {
        let text = r#"
            [auth]
            strategies = ["trusted_proxy", "api_key"]
            trusted_proxy.peers = ["127.0.0.1"]
        "#;
        assert_eq!(problems(text), Vec::<String>::new());
        assert_eq!(problems("auth.strategy = \"api_key\""), Vec::<String>::new());
        let found = problems("auth.strategies = [\"api_key\", \"api-key\", \"api_key\"]");
        assert_eq!(found.len(), 2, "{found:#?}");
    }

    #[test]
    fn api_95_everything_wrong_is_told_before_anything_is_served() {
        let text = r#"
            [auth]
            authorization_enabled = true
            roles.clerk = ["tasker.task:creat", "tasker.tasks:show"]
        "#;
        let found = problems(text);
        assert_eq!(found.len(), 3, "{found:#?}");
        let text = r#"
            [auth]
            strategy = "trusted_proxy"
            trusted_proxy.peers = ["proxy.example.com"]
            trusted_proxy.user_header = "a b"
            trusted_proxy.roles_header = "x-forwarded-user"
        "#;
        let found = problems(text);
        assert_eq!(found.len(), 4, "{found:#?}");
    }

    /// Files of this content, and what is wrong with settings that name them; `DIR` stands for their folder.
    fn problems_with_files(files: &[(&str, &str)], text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        problems(&text.replace("DIR", folder.path().to_str().unwrap()))
    }

    #[test]
    fn keys_of_tokens_are_read_from_files() {
        // The end of the line is no part of the secret.
        let secret = "0123456789abcdef0123456789abcdef\n";
        let text = r#"
            [auth]
            strategy = "jwt"
            authorization_enabled = true
            jwt.issuer = "https://issuer.example"
            jwt.audiences = ["tasker"]
            jwt.algorithms = ["HS256"]
            jwt.secret_file = "DIR/secret"
        "#;
        assert_eq!(problems_with_files(&[("secret", secret)], text), Vec::<String>::new());
        let jwks = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
        let text = text.replace("HS256", "EdDSA").replace("secret_file", "jwks_file");
        assert_eq!(problems_with_files(&[("secret", jwks)], &text), Vec::<String>::new());
    }

    #[test]
    fn api_95_everything_wrong_with_tokens_is_told_and_no_secret() {
        let text = r#"
            [auth]
            strategy = "jwt"
            authorization_enabled = true
            jwt.algorithms = ["HS256", "none"]
            jwt.leeway = "5m"
            jwt.secret_file = "DIR/secret"
            jwt.public_key_files = ["DIR/missing"]
        "#;
        let found = problems_with_files(&[("secret", "sixteen bytes ab")], text);
        let expected =
            ["issuer", "audiences", "leeway", "none", "DIR/missing cannot be read", "has 16 bytes"];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for part in expected.map(|part| part.trim_start_matches("DIR")) {
            assert!(found.iter().any(|problem| problem.contains(part)), "{part}: {found:#?}");
        }
        assert!(!found.concat().contains("sixteen"));
        let twice = r#"
            [auth]
            strategy = "jwt"
            jwt = { issuer = "a", audiences = ["b"], secret_file = "a", secret_env = "B", jwks_url = "https://issuer.example/" }
        "#;
        let found = problems(twice);
        assert!(found.len() == 1 && found[0].contains("secret_env"), "{found:#?}");
        let found =
            problems(&twice.replace("secret_file = \"a\", ", "").replace("\"B\"", "\"no such variable\""));
        assert!(found.len() == 1 && !found[0].contains("no such variable"), "{found:#?}");
    }
}
