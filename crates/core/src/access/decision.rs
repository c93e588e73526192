//! The one decision: may this principal do this with that?

use super::grant::Grant;
use super::permission::{Action, Bounds, Permission, Resource};
use super::principal::Principal;
use crate::names::Namespace;

/// What something is to be done with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject<'a> {
    /// The system as a whole.
    System,
    /// Something new in a namespace, or a namespace itself: its name is no secret.
    Namespace(&'a Namespace),
    /// A task, or a part of one.
    Task {
        /// The namespace of its definition.
        namespace: &'a Namespace,
        /// Whoever created it, if that was recorded.
        creator: Option<&'a str>,
    },
}

/// What was decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// It may.
    Allowed,
    /// It may not.
    Denied,
    /// It may not, and may not know either that there is such a thing.
    Hidden,
}

/// Decides. What is not granted is denied.
pub fn decide(principal: &Principal, permission: Permission, subject: Subject<'_>) -> Decision {
    if is_granted(principal, permission, subject) {
        return Decision::Allowed;
    }
    match subject {
        Subject::System | Subject::Namespace(_) => Decision::Denied,
        Subject::Task { .. } if is_visible(principal, permission, subject) => Decision::Denied,
        Subject::Task { .. } => Decision::Hidden,
    }
}

/// Whether it may do this with anything at all. What is refused here need not be looked at.
pub fn may(principal: &Principal, permission: Permission) -> bool {
    principal.grants().iter().any(|grant| grant.covers(permission))
}

/// Whether it may overrule the state of a task, such as cancelling one that is complete.
pub fn may_force(principal: &Principal) -> bool {
    principal.is_admin()
}

fn is_granted(principal: &Principal, permission: Permission, subject: Subject<'_>) -> bool {
    let admitted = match subject {
        Subject::System => permission.resource().bounds() == Bounds::System || principal.is_unbounded(),
        Subject::Namespace(namespace) | Subject::Task { namespace, .. } => principal.admits(namespace),
    };
    admitted
        && principal.grants().iter().any(|grant| grant.covers(permission) && holds(grant, principal, subject))
}

/// Whether the limits of a grant let it count for a subject.
fn holds(grant: &Grant, principal: &Principal, subject: Subject<'_>) -> bool {
    match subject {
        Subject::System => grant.namespace().is_none() && !grant.is_own(),
        // Whoever makes a task is its creator.
        Subject::Namespace(namespace) => grant.namespace().is_none_or(|only| only == namespace),
        Subject::Task { namespace, creator } => {
            grant.namespace().is_none_or(|only| only == namespace)
                && (!grant.is_own() || (!principal.is_anonymous() && creator == Some(principal.id())))
        }
    }
}

/// Whether a task may be seen in some way, so that it need not be hidden.
fn is_visible(principal: &Principal, permission: Permission, subject: Subject<'_>) -> bool {
    let looks = [Action::Index, Action::Show];
    let of = |resource: Resource| looks.iter().filter_map(move |action| Permission::new(resource, *action));
    let mut seen_by = of(Resource::Task).chain(of(permission.resource()));
    seen_by.any(|look| is_granted(principal, look, subject))
}

impl Principal {
    /// Whether no list of namespaces limits it.
    fn is_unbounded(&self) -> bool {
        self.claims().namespaces.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Claims, PrincipalKind, Roles};
    use super::*;

    const ME: &str = "me";

    fn namespace(text: &str) -> Namespace {
        Namespace::new(text).unwrap()
    }

    fn claims(grants: &[&str]) -> Claims {
        Claims {
            id: ME.into(),
            kind: PrincipalKind::User,
            grants: grants.iter().map(|grant| grant.parse().unwrap()).collect(),
            ..Claims::anonymous()
        }
    }

    fn with(grants: &[&str]) -> Principal {
        Principal::new(claims(grants), &Roles::default())
    }

    fn with_roles(roles: &[&str]) -> Principal {
        let roles = roles.iter().map(|role| (*role).into()).collect();
        Principal::new(Claims { roles, ..claims(&[]) }, &Roles::default())
    }

    fn permission(text: &str) -> Permission {
        Permission::all().find(|permission| permission.to_string() == text).unwrap()
    }

    /// What is decided about a task of `payments` that somebody created.
    fn about_task(principal: &Principal, text: &str, creator: Option<&str>) -> Decision {
        let subject = Subject::Task { namespace: &namespace("payments"), creator };
        decide(principal, permission(text), subject)
    }

    #[test]
    fn without_a_grant_everything_is_denied() {
        let nobody = with(&[]);
        let payments = namespace("payments");
        for permission in Permission::all() {
            assert!(!may(&nobody, permission));
            assert_eq!(decide(&nobody, permission, Subject::System), Decision::Denied);
            assert_eq!(decide(&nobody, permission, Subject::Namespace(&payments)), Decision::Denied);
            let task = Subject::Task { namespace: &payments, creator: Some(ME) };
            assert_eq!(decide(&nobody, permission, task), Decision::Hidden);
        }
    }

    #[test]
    fn each_single_grant_allows_its_permission_and_no_other() {
        let payments = namespace("payments");
        let subjects = [
            Subject::System,
            Subject::Namespace(&payments),
            Subject::Task { namespace: &payments, creator: None },
        ];
        for granted in Permission::all() {
            let one = with(&[&granted.to_string()]);
            for asked in Permission::all() {
                assert_eq!(may(&one, asked), asked == granted);
                for subject in subjects {
                    let allowed = decide(&one, asked, subject) == Decision::Allowed;
                    assert_eq!(allowed, asked == granted, "{granted} {asked} {subject:?}");
                }
            }
        }
    }

    #[test]
    fn a_grant_of_one_namespace_counts_there_only() {
        let one = with(&["tasker.task:index@payments", "tasker.task:create@payments"]);
        let (payments, inventory) = (namespace("payments"), namespace("inventory"));
        let create = permission("tasker.task:create");
        assert!(may(&one, create));
        assert_eq!(decide(&one, create, Subject::Namespace(&payments)), Decision::Allowed);
        assert_eq!(decide(&one, create, Subject::Namespace(&inventory)), Decision::Denied);
        assert_eq!(decide(&one, create, Subject::System), Decision::Denied);
        let foreign = Subject::Task { namespace: &inventory, creator: None };
        assert_eq!(decide(&one, permission("tasker.task:show"), foreign), Decision::Hidden);
    }

    #[test]
    fn an_own_grant_counts_for_tasks_that_the_principal_created() {
        let one = with(&["tasker.task:cancel#own"]);
        assert_eq!(about_task(&one, "tasker.task:cancel", Some(ME)), Decision::Allowed);
        assert_eq!(about_task(&one, "tasker.task:cancel", Some("other")), Decision::Hidden);
        assert_eq!(about_task(&one, "tasker.task:cancel", None), Decision::Hidden);
    }

    #[test]
    fn nobody_in_particular_owns_nothing() {
        let anonymous =
            Claims { id: "anonymous".into(), kind: PrincipalKind::Anonymous, ..claims(&["*:*#own"]) };
        let anonymous = Principal::new(anonymous, &Roles::default());
        assert_eq!(about_task(&anonymous, "tasker.task:show", Some("anonymous")), Decision::Hidden);
    }

    #[test]
    fn what_may_be_seen_is_denied_openly() {
        let viewer = with_roles(&["viewer"]);
        assert_eq!(about_task(&viewer, "tasker.task:cancel", None), Decision::Denied);
        assert_eq!(about_task(&viewer, "tasker.workflow_step:retry", None), Decision::Denied);
        let steps_only = with(&["tasker.workflow_step:show"]);
        assert_eq!(about_task(&steps_only, "tasker.workflow_step:retry", None), Decision::Denied);
        assert_eq!(about_task(&steps_only, "tasker.task:cancel", None), Decision::Hidden);
    }

    #[test]
    fn the_namespaces_of_a_principal_limit_every_grant_and_even_an_admin() {
        let only = Some(BTreeSet::from([namespace("inventory")]));
        let roles = vec!["admin".into()];
        let admin = Principal::new(Claims { roles, namespaces: only, ..claims(&[]) }, &Roles::default());
        assert_eq!(about_task(&admin, "tasker.task:show", None), Decision::Hidden);
        let inventory = namespace("inventory");
        let mine = Subject::Task { namespace: &inventory, creator: None };
        assert_eq!(decide(&admin, permission("tasker.task:cancel"), mine), Decision::Allowed);
        assert_eq!(decide(&admin, permission("tasker.metrics:index"), Subject::System), Decision::Allowed);
        assert_eq!(decide(&admin, permission("tasker.analytics:index"), Subject::System), Decision::Denied);
    }

    #[test]
    fn built_in_roles_allow_what_their_lists_say() {
        let (viewer, operator, admin) =
            (with_roles(&["viewer"]), with_roles(&["operator"]), with_roles(&["admin"]));
        for permission in Permission::all() {
            let text = permission.to_string();
            let in_role = |role: &str| Roles::default().grants(role).iter().any(|g| g.to_string() == text);
            assert_eq!(may(&viewer, permission), in_role("viewer"), "{text}");
            assert_eq!(may(&operator, permission), in_role("operator"), "{text}");
            assert!(may(&admin, permission), "{text}");
        }
        assert!(may_force(&admin) && !may_force(&operator) && !may_force(&viewer));
    }
}
