//! Which JSON Web Tokens are good, and who their holders are (`spec/api.md` 3.4).
//!
//! Only claims are judged here: what a token says. That nobody forged it is found out before, from its signature.

mod claim;
mod judge;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

/// The strategy that finds out who asks by such tokens.
pub const JWT_STRATEGY: &str = "jwt";

/// Most that clocks may differ.
const MAX_LEEWAY: Duration = Duration::from_secs(120);

/// What must hold of the claims of a token, and where it says who its holder is.
///
/// A claim is named as it stands in the token, or by the names on the way to it with dots between: `realm_access.roles`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JwtRules {
    /// Who must have issued it: `iss`, exactly.
    pub issuer: String,
    /// For whom it must be meant: one of these must be in `aud`.
    pub audiences: BTreeSet<String>,
    /// How far the clock of the issuer may be from ours.
    pub leeway: Duration,
    /// How old it may be; `None`: until it expires.
    pub max_age: Option<Duration>,
    /// The claim that says who.
    pub principal_claim: String,
    /// The claim that says who, for people. It may be missing.
    pub name_claim: String,
    /// The claim that names roles. It may be missing: then there are none.
    pub roles_claim: String,
    /// The claim that names the only namespaces its holder may have to do with, `*` for all. If it is missing from a token:
    /// none. `None`: nobody is limited so.
    pub namespaces_claim: Option<String>,
    /// Tokens that are no longer good, by `jti`.
    pub revoked: BTreeSet<String>,
}

/// Why a token is not good.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadJwt {
    /// A claim is missing, or is not what it must be.
    #[error("the token's claim {claim:?} must be {rule}")]
    Malformed {
        /// Which claim.
        claim: String,
        /// What it must be.
        rule: &'static str,
    },
    /// It was good once.
    #[error("the token has expired")]
    Expired,
    /// It will be good, or comes from the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Somebody else issued it.
    #[error("the token was issued by somebody else")]
    WrongIssuer,
    /// It is meant for somebody else.
    #[error("the token is meant for somebody else")]
    WrongAudience,
    /// It was taken back.
    #[error("the token was revoked")]
    Revoked,
}

impl BadJwt {
    /// The reason in a stable word.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "malformed",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::Revoked => "revoked",
        }
    }
}

impl JwtRules {
    /// Tokens of this issuer for these audiences: a leeway of 30 s, `sub` says who, `name` for people, `roles` names roles.
    pub fn new(issuer: impl Into<String>, audiences: impl IntoIterator<Item = String>) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: audiences.into_iter().collect(),
            leeway: Duration::from_secs(30),
            max_age: None,
            principal_claim: "sub".into(),
            name_claim: "name".into(),
            roles_claim: "roles".into(),
            namespaces_claim: None,
            revoked: BTreeSet::new(),
        }
    }

    /// Everything that is wrong with them.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.issuer.trim().is_empty() {
            problems.push("say who issues the tokens (issuer): without it, nobody's are believed".into());
        }
        if self.audiences.is_empty() || self.audiences.iter().any(|audience| audience.trim().is_empty()) {
            problems
                .push("say for whom tokens are meant (audiences): one name at least, and none empty".into());
        }
        if self.leeway > MAX_LEEWAY {
            let most = MAX_LEEWAY.as_secs();
            problems.push(format!("leeway is {} s, but must be at most {most} s", self.leeway.as_secs()));
        }
        if self.max_age.is_some_and(|age| age.is_zero()) {
            problems.push("max_age is 0, so that no token would be good: leave it out".into());
        }
        problems
    }
}
