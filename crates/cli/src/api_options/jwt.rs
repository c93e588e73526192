//! From settings to the strategy `jwt`: this is where its keys are read.

use std::path::Path;

use tasker_config::JwtSettings;
use tasker_core::access::JwtRules;
use tasker_http::auth::{Jwt, JwtOptions, JwtSecret, PublicKey};

/// The strategy that settings mean. What is wrong with files is told here, what is wrong with the rest by the strategy.
pub(super) fn strategy(settings: &JwtSettings, problems: &mut Vec<String>) -> Jwt {
    let mut read = |key: &str, path: &Path| {
        let text = std::fs::read_to_string(path);
        text.map_err(|error| {
            problems.push(format!("auth.jwt.{key}: {} cannot be read: {error}", path.display()));
        })
        .ok()
    };
    let jwks = settings.jwks_file.as_deref().and_then(|path| read("jwks_file", path));
    let public_keys = settings.public_key_files.iter().filter_map(|path| {
        Some(PublicKey { name: path.display().to_string(), pem: read("public_key_files", path)? })
    });
    let public_keys = public_keys.collect();
    let secret = secret(settings, problems);
    Jwt::new(JwtOptions {
        algorithms: settings.algorithms.clone(),
        secret,
        public_keys,
        jwks,
        jwks_url: settings.jwks_url.clone(),
        ..JwtOptions::new(rules(settings))
    })
}

fn rules(settings: &JwtSettings) -> JwtRules {
    JwtRules {
        leeway: settings.leeway,
        max_age: settings.max_age,
        principal_claim: settings.principal_claim.clone(),
        name_claim: settings.name_claim.clone(),
        roles_claim: settings.roles_claim.clone(),
        namespaces_claim: settings.namespaces_claim.clone(),
        revoked: settings.revoked.iter().cloned().collect(),
        ..JwtRules::new(settings.issuer.clone(), settings.audiences.iter().cloned())
    }
}

/// The secret from its file or variable. The end of the line that editors write is no part of it.
fn secret(settings: &JwtSettings, problems: &mut Vec<String>) -> Option<JwtSecret> {
    let mut bytes = match (&settings.secret_file, &settings.secret_env) {
        (None, None) => return None,
        (Some(_), Some(_)) => {
            problems.push("auth.jwt.secret_env: give the secret in one place, not in secret_file too".into());
            return None;
        }
        (Some(path), None) => std::fs::read(path)
            .map_err(|error| {
                let path = path.display();
                problems.push(format!("auth.jwt.secret_file: {path} cannot be read: {error}"));
            })
            .ok()?,
        // The name is not told: whoever took the setting for the secret itself has written that there.
        (None, Some(name)) => {
            std::env::var_os(name).map(std::ffi::OsString::into_encoded_bytes).or_else(|| {
                problems.push("auth.jwt.secret_env: there is no environment variable of this name".into());
                None
            })?
        }
    };
    while bytes.last().is_some_and(|byte| b"\r\n".contains(byte)) {
        bytes.pop();
    }
    Some(JwtSecret::new(bytes))
}
