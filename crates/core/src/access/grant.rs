//! Grants: patterns of permissions, as configurations and tokens hold them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::permission::{Action, Bounds, Permission, Resource};
use crate::names::Namespace;

/// Stands for every resource or every action.
const ANY: &str = "*";

/// A pattern of permissions: `RESOURCE:ACTION`, either of them perhaps `*`, then perhaps `@NAMESPACE`, then perhaps
/// `#own` for tasks that the holder created.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    resource: Option<Resource>,
    action: Option<Action>,
    namespace: Option<Namespace>,
    own: bool,
}

/// Text that is no grant.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{text:?} is no permission: {why}")]
pub struct InvalidGrant {
    /// The text.
    pub text: String,
    /// What is wrong with it, and what is right.
    pub why: String,
}

impl Grant {
    /// Everything, everywhere.
    pub const EVERYTHING: Self = Self { resource: None, action: None, namespace: None, own: false };

    /// One permission, everywhere.
    pub const fn of(permission: Permission) -> Self {
        let (resource, action) = (permission.resource(), permission.action());
        Self { resource: Some(resource), action: Some(action), namespace: None, own: false }
    }

    /// Whether a permission is within the pattern, limits aside.
    pub fn covers(&self, permission: Permission) -> bool {
        let fits = self.resource.is_none_or(|resource| resource == permission.resource())
            && self.action.is_none_or(|action| action == permission.action());
        // What cannot be limited is not granted by a grant that is.
        fits && self.needed_bounds() <= permission.resource().bounds()
    }

    /// The namespace it is limited to.
    pub fn namespace(&self) -> Option<&Namespace> {
        self.namespace.as_ref()
    }

    /// Whether it is limited to tasks that its holder created.
    pub fn is_own(&self) -> bool {
        self.own
    }

    /// The single permissions within the pattern, each with the limits of this grant.
    pub fn single(&self) -> impl Iterator<Item = Self> {
        Permission::all().filter(|permission| self.covers(*permission)).map(|permission| Self {
            namespace: self.namespace.clone(),
            own: self.own,
            ..Self::of(permission)
        })
    }

    /// Whether everything that `other` grants is granted by this one.
    pub fn includes(&self, other: &Self) -> bool {
        let wider_namespace = self.namespace.is_none() || self.namespace == other.namespace;
        let wider_owner = !self.own || other.own;
        let wider_pattern = self.resource.is_none_or(|resource| other.resource == Some(resource))
            && self.action.is_none_or(|action| other.action == Some(action));
        wider_namespace && wider_owner && wider_pattern
    }

    /// What a resource must be able to be limited to, for this grant to mean anything for it.
    fn needed_bounds(&self) -> Bounds {
        match (self.own, &self.namespace) {
            (true, _) => Bounds::Task,
            (false, Some(_)) => Bounds::Namespace,
            (false, None) => Bounds::System,
        }
    }

    fn check(&self) -> Result<(), String> {
        if Permission::all().any(|permission| self.covers(permission)) {
            return Ok(());
        }
        let resource = self.resource.map_or(ANY, Resource::as_str);
        let limits = match self.resource.map(Resource::bounds) {
            Some(Bounds::System) => "belongs to the system as a whole: leave out @NAMESPACE and #own",
            Some(Bounds::Namespace) if self.own => "has no creator: leave out #own",
            _ => "cannot be limited so: leave out @NAMESPACE and #own",
        };
        Err(format!("{resource} {limits}"))
    }
}

impl FromStr for Grant {
    type Err = InvalidGrant;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).map_err(|why| InvalidGrant { text: text.chars().take(200).collect(), why })
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resource = self.resource.map_or(ANY, Resource::as_str);
        let action = self.action.map_or(ANY, Action::as_str);
        write!(f, "{resource}:{action}")?;
        self.namespace.iter().try_for_each(|namespace| write!(f, "@{namespace}"))?;
        if self.own { f.write_str("#own") } else { Ok(()) }
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Grant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Grant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

fn parse(text: &str) -> Result<Grant, String> {
    let (rest, own) = match text.split_once('#') {
        Some((rest, "own")) => (rest, true),
        Some((_, other)) => return Err(format!("#{other} is no limit; the only one is #own")),
        None => (text, false),
    };
    let (pair, namespace) = match rest.split_once('@') {
        Some((pair, name)) => (pair, Some(Namespace::new(name).map_err(|error| error.to_string())?)),
        None => (rest, None),
    };
    let Some((resource, action)) = pair.split_once(':') else {
        return Err("write RESOURCE:ACTION, such as tasker.task:show, tasker.task:* or *:index".into());
    };
    let resource = resource_of(resource)?;
    let action = action_of(resource, action)?;
    let grant = Grant { resource, action, namespace, own };
    grant.check()?;
    Ok(grant)
}

fn resource_of(text: &str) -> Result<Option<Resource>, String> {
    if text == ANY {
        return Ok(None);
    }
    Resource::from_name(text).map(Some).ok_or_else(|| {
        if text.contains(ANY) {
            return format!("{text:?} is no resource: * stands for every resource, not for a part of a name");
        }
        let known = Resource::ALL.iter().map(|resource| resource.as_str()).collect::<Vec<_>>().join(", ");
        let proposal = Resource::nearest(text)
            .map_or_else(|| format!("; resources are {known}"), |near| format!("; did you mean {near}?"));
        format!("there is no resource {text:?}{proposal}")
    })
}

fn action_of(resource: Option<Resource>, text: &str) -> Result<Option<Action>, String> {
    if text == ANY {
        return Ok(None);
    }
    let word = Action::from_name(text).ok_or_else(|| {
        let proposal = Action::nearest(text).map(|near| format!("; did you mean {near}?"));
        format!("there is no action {text:?}{}", proposal.unwrap_or_default())
    })?;
    let Some(resource) = resource else { return Ok(Some(word)) };
    resource.action(word).map(Some).ok_or_else(|| {
        let actions: Vec<&str> = resource.actions().iter().map(|action| action.as_str()).collect();
        format!("{resource} has no action {text}; it has {}", actions.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(text: &str) -> Grant {
        text.parse().unwrap()
    }

    fn covered(text: &str) -> Vec<String> {
        let grant = grant(text);
        Permission::all().filter(|one| grant.covers(*one)).map(|one| one.to_string()).collect()
    }

    #[test]
    fn grants_are_written_as_they_are_read() {
        for text in [
            "tasker.task:show",
            "tasker.task:*",
            "*:index",
            "*:*",
            "tasker.task:create@payments",
            "tasker.task:cancel#own",
            "tasker.workflow_step:*@payments#own",
            "*:show@a-b_C#own",
        ] {
            assert_eq!(grant(text).to_string(), text);
        }
        assert_eq!(grant("tasker.task:destroy"), grant("tasker.task:cancel"));
        assert_eq!(grant("*:*"), Grant::EVERYTHING);
    }

    #[test]
    fn what_is_no_grant_says_why() {
        let check = |text: &str, part: &str| {
            let error = text.parse::<Grant>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        };
        check("", "write RESOURCE:ACTION");
        check("tasker.task", "write RESOURCE:ACTION");
        check("tasker.tasks:show", "did you mean tasker.task?");
        check("zzz:show", "resources are tasker.task, ");
        check("tasker.*:show", "not for a part of a name");
        check("tasker.task:shwo", "did you mean show?");
        check("tasker.task:introspect", "it has index, show, create");
        check("tasker.metrics:destroy", "it has index");
        check("tasker.task:show@", "is not a valid namespace");
        check("tasker.task:show@a b", "is not a valid namespace");
        check("tasker.task:show@*", "is not a valid namespace");
        check("tasker.task:show#mine", "the only one is #own");
        check("tasker.task:show#own@payments", "the only one is #own");
        check("tasker.metrics:index@payments", "belongs to the system as a whole");
        check("tasker.token:index#own", "belongs to the system as a whole");
        check("tasker.handler:index#own", "has no creator");
        check("*:introspect@payments", "cannot be limited so");
        check("tasker.task:show:x", "there is no action \"show:x\"");
        check(" tasker.task:show", "did you mean tasker.task?");
    }

    #[test]
    fn wildcards_stand_for_whole_segments() {
        assert_eq!(covered("tasker.task:show"), ["tasker.task:show"]);
        assert_eq!(
            covered("tasker.token:*"),
            ["tasker.token:index", "tasker.token:create", "tasker.token:destroy"]
        );
        assert_eq!(covered("*:resolve"), ["tasker.task:resolve", "tasker.workflow_step:resolve"]);
        assert_eq!(covered("*:*").len(), Permission::all().count());
        // The alias belongs to the resource, so a pattern over all resources means what it says.
        assert_eq!(covered("*:destroy"), ["tasker.handler:destroy", "tasker.token:destroy"]);
    }

    #[test]
    fn a_limited_grant_covers_only_what_can_be_limited() {
        let limited = |text: &str, bounds: &[Bounds]| {
            let grant = grant(text);
            for permission in Permission::all() {
                let expected = bounds.contains(&permission.resource().bounds());
                assert_eq!(grant.covers(permission), expected, "{text} {permission}");
            }
        };
        limited("*:*@payments", &[Bounds::Namespace, Bounds::Task]);
        limited("*:*#own", &[Bounds::Task]);
        limited("*:*@payments#own", &[Bounds::Task]);
    }

    #[test]
    fn a_wider_grant_includes_a_narrower_one() {
        let check = |wide: &str, narrow: &str, expected: bool| {
            assert_eq!(grant(wide).includes(&grant(narrow)), expected, "{wide} includes {narrow}");
        };
        check("*:*", "tasker.task:show@a#own", true);
        check("tasker.task:*", "tasker.task:show", true);
        check("tasker.task:show", "tasker.task:*", false);
        check("tasker.task:show@a", "tasker.task:show@b", false);
        check("tasker.task:show@a", "tasker.task:show", false);
        check("tasker.task:show#own", "tasker.task:show", false);
        check("tasker.task:show", "tasker.task:show#own", true);
    }
}
