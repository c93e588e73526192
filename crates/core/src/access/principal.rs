//! Whoever asks.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::grant::Grant;
use super::role::Roles;
use crate::names::Namespace;
use crate::time::Timestamp;

/// What kind of principal it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A program that says who it is.
    Service,
    /// The holder of an API key.
    Token,
    /// Nobody in particular.
    Anonymous,
}

/// What is known of whoever asks once its credentials were found good, before roles are looked up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claims {
    /// Who; stable, and what the log names.
    pub id: String,
    /// What kind.
    pub kind: PrincipalKind,
    /// Who, for people.
    pub display_name: String,
    /// Names of roles. Unknown ones grant nothing.
    pub roles: Vec<String>,
    /// What it may do besides.
    pub grants: Vec<Grant>,
    /// The only namespaces it may have to do with, whatever else is granted; `None`: all.
    pub namespaces: Option<BTreeSet<Namespace>>,
    /// How it was found out.
    pub strategy: &'static str,
    /// Which API key.
    pub token_id: Option<String>,
    /// Until when this holds.
    pub expires_at: Option<Timestamp>,
}

/// Whoever asks, with everything it may do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Principal {
    claims: Claims,
    grants: Vec<Grant>,
    is_admin: bool,
}

impl Claims {
    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self {
            id: "anonymous".into(),
            kind: PrincipalKind::Anonymous,
            display_name: "anonymous".into(),
            roles: Vec::new(),
            grants: Vec::new(),
            namespaces: None,
            strategy: "none",
            token_id: None,
            expires_at: None,
        }
    }
}

impl Principal {
    /// The grants of all its roles, and its own.
    pub fn new(claims: Claims, roles: &Roles) -> Self {
        let is_admin = claims.roles.iter().any(|role| roles.is_admin(role));
        let mut grants: Vec<Grant> =
            claims.roles.iter().flat_map(|role| roles.grants(role)).cloned().collect();
        grants.extend(claims.grants.iter().cloned());
        if is_admin {
            grants.push(Grant::EVERYTHING);
        }
        grants.sort_unstable();
        grants.dedup();
        Self { claims, grants, is_admin }
    }

    /// One that may do everything within its namespaces: where nobody is to be kept from anything.
    pub fn unrestricted(claims: Claims) -> Self {
        Self { claims, grants: vec![Grant::EVERYTHING], is_admin: true }
    }

    /// Who; stable, and what the log names.
    pub fn id(&self) -> &str {
        &self.claims.id
    }

    /// What is known of it.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Whether nobody in particular asks.
    pub fn is_anonymous(&self) -> bool {
        self.claims.kind == PrincipalKind::Anonymous
    }

    /// Whether it may do everything.
    pub fn is_admin(&self) -> bool {
        self.is_admin
    }

    /// Everything that is granted, roles included.
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// Every single permission with its limits, sorted; one that a wider one includes is left out.
    pub fn permissions(&self) -> Vec<Grant> {
        let single: BTreeSet<Grant> = self.grants.iter().flat_map(Grant::single).collect();
        let is_included = |grant: &Grant| single.iter().any(|other| other != grant && other.includes(grant));
        single.iter().filter(|grant| !is_included(grant)).cloned().collect()
    }

    /// Whether a namespace is among those it may have to do with.
    pub(super) fn admits(&self, namespace: &Namespace) -> bool {
        self.claims.namespaces.as_ref().is_none_or(|namespaces| namespaces.contains(namespace))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(roles: &[&str], grants: &[&str]) -> Principal {
        let claims = Claims {
            roles: roles.iter().map(|role| (*role).into()).collect(),
            grants: grants.iter().map(|grant| grant.parse().unwrap()).collect(),
            ..Claims::anonymous()
        };
        Principal::new(claims, &Roles::default())
    }

    #[test]
    fn grants_of_roles_and_its_own_add_up() {
        let both = principal(&["viewer"], &["tasker.task:create@payments"]);
        assert!(both.grants().contains(&"tasker.task:index".parse().unwrap()));
        assert!(both.grants().contains(&"tasker.task:create@payments".parse().unwrap()));
        assert!(!both.is_admin());
    }

    #[test]
    fn an_unknown_role_grants_nothing() {
        assert!(principal(&["nobody_made_this"], &[]).grants().is_empty());
    }

    #[test]
    fn an_admin_may_everything() {
        let admin = principal(&["admin"], &[]);
        assert!(admin.is_admin());
        assert_eq!(admin.permissions().len(), super::super::Permission::all().count());
    }

    #[test]
    fn permissions_are_told_one_by_one_and_the_widest_only() {
        let some =
            principal(&[], &["tasker.token:*", "*:resolve@a", "tasker.task:resolve", "*:resolve@a#own"]);
        let told: Vec<String> = some.permissions().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "tasker.task:resolve",
                "tasker.workflow_step:resolve@a",
                "tasker.token:index",
                "tasker.token:create",
                "tasker.token:destroy",
            ]
        );
    }
}
