//! The judgement of the claims of one token.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::claim::{Payload, malformed};
use super::{BadJwt, JWT_STRATEGY, JwtRules};
use crate::access::{Claims, Grant, PrincipalKind};
use crate::names::Namespace;
use crate::time::Timestamp;

/// Longest id of a principal, in characters.
const MAX_ID: usize = 128;

/// What stands for all namespaces.
const ALL: &str = "*";

impl JwtRules {
    /// Judges what a token says whose signature was found good, as of `now`.
    ///
    /// # Errors
    /// Why it is not good.
    pub fn judge(&self, payload: &Map<String, Value>, now: Timestamp) -> Result<Claims, BadJwt> {
        let payload = Payload(payload);
        let expires_at = self.check_times(payload, now)?;
        self.check_parties(payload)?;
        self.check_revocation(payload)?;
        let id = self.principal(payload)?;
        let name = payload.text(&self.name_claim).ok().flatten().filter(|name| is_name(name));
        Ok(Claims {
            id: id.to_owned(),
            kind: kind(payload, id),
            display_name: name.unwrap_or(id).to_owned(),
            roles: self.roles(payload)?,
            grants: grants(payload)?,
            namespaces: self.namespaces(payload)?,
            strategy: JWT_STRATEGY,
            token_id: None,
            expires_at: Some(expires_at),
        })
    }

    /// Answers until when it is good.
    fn check_times(&self, payload: Payload<'_>, now: Timestamp) -> Result<Timestamp, BadJwt> {
        let expires_at = payload
            .instant("exp")?
            .ok_or_else(|| malformed("exp", "there: a token that never expires is not taken"))?;
        if now >= expires_at.plus(self.leeway) {
            return Err(BadJwt::Expired);
        }
        let issued_at = payload.instant("iat")?;
        let begins = [payload.instant("nbf")?, issued_at];
        if begins.into_iter().flatten().any(|begin| begin > now.plus(self.leeway)) {
            return Err(BadJwt::NotYetValid);
        }
        if let Some(max_age) = self.max_age {
            let issued_at = issued_at.ok_or_else(|| malformed("iat", "there: old tokens are not taken"))?;
            if now >= issued_at.plus(max_age).plus(self.leeway) {
                return Err(BadJwt::Expired);
            }
        }
        Ok(expires_at)
    }

    fn check_parties(&self, payload: Payload<'_>) -> Result<(), BadJwt> {
        if payload.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(BadJwt::WrongIssuer);
        }
        let is_ours = |one: &Value| one.as_str().is_some_and(|one| self.audiences.contains(one));
        let is_meant_for_us = match payload.get("aud") {
            Some(Value::Array(all)) => all.iter().any(is_ours),
            Some(one) => is_ours(one),
            None => false,
        };
        if is_meant_for_us { Ok(()) } else { Err(BadJwt::WrongAudience) }
    }

    fn check_revocation(&self, payload: Payload<'_>) -> Result<(), BadJwt> {
        if self.revoked.is_empty() {
            return Ok(());
        }
        let id = payload.text("jti")?;
        if id.is_some_and(|id| self.revoked.contains(id)) { Err(BadJwt::Revoked) } else { Ok(()) }
    }

    fn principal<'a>(&self, payload: Payload<'a>) -> Result<&'a str, BadJwt> {
        let id = payload.text(&self.principal_claim)?.filter(|id| is_name(id));
        id.ok_or_else(|| malformed(&self.principal_claim, "1 to 128 characters that can be printed"))
    }

    fn roles(&self, payload: Payload<'_>) -> Result<Vec<String>, BadJwt> {
        let roles = payload.texts(&self.roles_claim)?.unwrap_or_default();
        Ok(roles.into_iter().map(str::to_owned).collect())
    }

    /// What is configured to be limited stays so, whatever a token leaves out.
    fn namespaces(&self, payload: Payload<'_>) -> Result<Option<BTreeSet<Namespace>>, BadJwt> {
        let Some(claim) = &self.namespaces_claim else { return Ok(None) };
        let names = payload.texts(claim)?.unwrap_or_default();
        if names.contains(&ALL) {
            return Ok(None);
        }
        let read = |name| Namespace::new(name).map_err(|_| malformed(claim, "a list of namespaces, or *"));
        names.into_iter().map(read).collect::<Result<_, _>>().map(Some)
    }
}

/// A program that has a token of its own is its own subject (RFC 9068 2.2).
fn kind(payload: Payload<'_>, id: &str) -> PrincipalKind {
    let client = payload.get("client_id").and_then(Value::as_str);
    if client == Some(id) { PrincipalKind::Service } else { PrincipalKind::User }
}

/// Scopes that are permissions. Issuers have others too, which mean nothing here.
fn grants(payload: Payload<'_>) -> Result<Vec<Grant>, BadJwt> {
    let mut grants = Vec::new();
    for claim in ["scope", "scp"] {
        let scopes = payload.texts(claim)?.unwrap_or_default();
        grants.extend(scopes.into_iter().filter_map(|scope| scope.parse::<Grant>().ok()));
    }
    Ok(grants)
}

/// What may name a principal in answers and in the log.
fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= MAX_ID && !text.chars().any(char::is_control)
}
