//! Which part of a list a principal may see.

use std::collections::BTreeSet;

use super::permission::Permission;
use super::principal::Principal;
use crate::names::Namespace;

/// Some namespaces, or all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Extent {
    /// All.
    Everywhere,
    /// These; none, if it is empty.
    In(BTreeSet<Namespace>),
}

/// The part of a list that a principal may see: rows of the namespaces of `all`, and rows of the namespaces of `own` that
/// it created.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reach {
    /// Where everything is seen.
    pub all: Extent,
    /// Where only what the principal created is seen.
    pub own: Extent,
}

/// The part of a list that a permission lets a principal see.
pub fn reach(principal: &Principal, permission: Permission) -> Reach {
    let mut reach = Reach { all: Extent::nowhere(), own: Extent::nowhere() };
    for grant in principal.grants().iter().filter(|grant| grant.covers(permission)) {
        let extent = match (grant.is_own(), principal.is_anonymous()) {
            (false, _) => &mut reach.all,
            (true, false) => &mut reach.own,
            (true, true) => continue,
        };
        extent.add(grant.namespace());
    }
    let limits = principal.claims().namespaces.as_ref();
    Reach { all: reach.all.within(limits), own: reach.own.within(limits) }
}

impl Reach {
    /// Whether nothing is seen anywhere.
    pub fn is_nothing(&self) -> bool {
        self.all.is_nowhere() && self.own.is_nowhere()
    }

    /// Where anything is seen at all.
    pub fn anywhere(&self) -> Extent {
        match (&self.all, &self.own) {
            (Extent::In(all), Extent::In(own)) => Extent::In(all | own),
            _ => Extent::Everywhere,
        }
    }

    /// If something is seen only because the principal created it: the namespaces where everything is.
    pub fn everything_in(&self) -> Option<&BTreeSet<Namespace>> {
        match (&self.all, &self.own) {
            (Extent::Everywhere, _) => None,
            (Extent::In(all), Extent::In(own)) if own.is_subset(all) => None,
            (Extent::In(all), _) => Some(all),
        }
    }
}

impl Extent {
    /// No namespace.
    pub const fn nowhere() -> Self {
        Self::In(BTreeSet::new())
    }

    /// Whether a namespace belongs to it.
    pub fn contains(&self, namespace: &Namespace) -> bool {
        match self {
            Self::Everywhere => true,
            Self::In(namespaces) => namespaces.contains(namespace),
        }
    }

    /// Whether no namespace belongs to it.
    pub fn is_nowhere(&self) -> bool {
        matches!(self, Self::In(namespaces) if namespaces.is_empty())
    }

    fn add(&mut self, namespace: Option<&Namespace>) {
        match (&mut *self, namespace) {
            (Self::Everywhere, _) => {}
            (Self::In(namespaces), Some(namespace)) => drop(namespaces.insert(namespace.clone())),
            (_, None) => *self = Self::Everywhere,
        }
    }

    fn within(self, limits: Option<&BTreeSet<Namespace>>) -> Self {
        match (self, limits) {
            (extent, None) => extent,
            (Self::Everywhere, Some(limits)) => Self::In(limits.clone()),
            (Self::In(namespaces), Some(limits)) => {
                Self::In(namespaces.intersection(limits).cloned().collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Action, Claims, PrincipalKind, Resource, Roles};
    use super::*;

    const INDEX: Permission = Permission::of(Resource::Task, Action::Index);

    fn extent(names: &[&str]) -> Extent {
        match names {
            ["*"] => Extent::Everywhere,
            names => Extent::In(names.iter().map(|name| Namespace::new(name).unwrap()).collect()),
        }
    }

    fn check(grants: &[&str], limits: Option<&[&str]>, all: &[&str], own: &[&str]) {
        let namespaces = limits.map(|names| names.iter().map(|n| Namespace::new(n).unwrap()).collect());
        let grants = grants.iter().map(|grant| grant.parse().unwrap()).collect();
        let claims = Claims { kind: PrincipalKind::User, grants, namespaces, ..Claims::anonymous() };
        let seen = reach(&Principal::new(claims, &Roles::default()), INDEX);
        assert_eq!(seen, Reach { all: extent(all), own: extent(own) });
    }

    #[test]
    fn grants_add_up_to_a_reach() {
        check(&[], None, &[], &[]);
        check(&["tasker.task:show"], None, &[], &[]);
        check(&["tasker.task:index"], None, &["*"], &[]);
        check(&["*:index@a", "tasker.task:*@b"], None, &["a", "b"], &[]);
        check(&["tasker.task:index@a", "tasker.task:index"], None, &["*"], &[]);
        check(&["tasker.task:index@a", "tasker.task:index#own"], None, &["a"], &["*"]);
        check(&["tasker.task:index@a#own"], None, &[], &["a"]);
    }

    #[test]
    fn the_namespaces_of_a_principal_limit_its_reach() {
        check(&["*:*"], Some(&["a"]), &["a"], &[]);
        check(&["*:*@b", "*:*#own"], Some(&["a"]), &[], &["a"]);
        check(&["*:*"], Some(&[]), &[], &[]);
    }

    #[test]
    fn nobody_in_particular_sees_nothing_of_its_own() {
        let claims = Claims { grants: vec!["*:*#own".parse().unwrap()], ..Claims::anonymous() };
        let seen = reach(&Principal::new(claims, &Roles::default()), INDEX);
        assert!(seen.all.is_nowhere() && seen.own.is_nowhere());
    }

    #[test]
    fn a_reach_tells_what_is_seen_only_by_whoever_created_it() {
        let check = |all: &[&str], own: &[&str], anywhere: &[&str], everything_in: Option<&[&str]>| {
            let reach = Reach { all: extent(all), own: extent(own) };
            assert_eq!(reach.anywhere(), extent(anywhere));
            assert_eq!(reach.everything_in().cloned().map(Extent::In), everything_in.map(extent));
            assert_eq!(reach.is_nothing(), anywhere.is_empty());
        };
        check(&[], &[], &[], None);
        check(&["*"], &[], &["*"], None);
        check(&["*"], &["*"], &["*"], None);
        check(&["a"], &["a"], &["a"], None);
        check(&["a"], &["b"], &["a", "b"], Some(&["a"]));
        check(&["a"], &["*"], &["*"], Some(&["a"]));
        check(&[], &["*"], &["*"], Some(&[]));
        check(&[], &["b"], &["b"], Some(&[]));
    }

    #[test]
    fn an_extent_holds_its_namespaces() {
        let a = Namespace::new("a").unwrap();
        assert!(Extent::Everywhere.contains(&a) && extent(&["a"]).contains(&a));
        assert!(!extent(&["b"]).contains(&a) && !Extent::nowhere().contains(&a));
    }
}
