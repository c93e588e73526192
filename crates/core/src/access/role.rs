//! Roles: named lists of grants, three of them built in.

use std::collections::{BTreeMap, BTreeSet};

use super::grant::Grant;
use super::permission::{Action, Permission, Resource};

/// The role that may do everything, unless configured otherwise.
const ADMIN: &str = "admin";

/// Longest name of a role.
const MAX_NAME: usize = 64;

/// What every role grants. `Default` holds the built-in ones: `viewer`, `operator`, `admin`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Roles {
    grants: BTreeMap<String, Vec<Grant>>,
    admins: BTreeSet<String>,
}

/// Something wrong with configured roles.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("role {role:?}: {why}")]
pub struct InvalidRole {
    /// Which role.
    pub role: String,
    /// What is wrong with it.
    pub why: String,
}

impl Default for Roles {
    fn default() -> Self {
        let grants = [("viewer", viewer()), ("operator", operator())];
        Self {
            grants: grants.into_iter().map(|(role, grants)| (role.into(), grants)).collect(),
            admins: BTreeSet::from([ADMIN.into()]),
        }
    }
}

impl Roles {
    /// The built-in roles and configured ones, which replace built-in ones of the same name. `admins` are the names of
    /// roles that may do everything.
    ///
    /// # Errors
    /// Everything that is wrong with any of them.
    pub fn configured(
        roles: &BTreeMap<String, Vec<String>>,
        admins: &[String],
    ) -> Result<Self, Vec<InvalidRole>> {
        let mut all = Self { admins: admins.iter().cloned().collect(), ..Self::default() };
        let mut problems = Vec::new();
        let mut complain = |role: &str, why: String| problems.push(InvalidRole { role: role.into(), why });
        for name in roles.keys().chain(admins) {
            if let Some(why) = unusable_name(name) {
                complain(name, why);
            }
        }
        for (name, texts) in roles {
            if all.is_admin(name) {
                complain(name, "it may do everything (auth.admin_roles): give it no permissions".into());
            }
            let mut grants = Vec::new();
            for text in texts {
                match text.parse::<Grant>() {
                    Ok(grant) => grants.push(grant),
                    Err(error) => complain(name, error.to_string()),
                }
            }
            all.grants.insert(name.clone(), grants);
        }
        if problems.is_empty() { Ok(all) } else { Err(problems) }
    }

    /// What a role grants; nothing, if there is no such role.
    pub fn grants(&self, role: &str) -> &[Grant] {
        self.grants.get(role).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a role may do everything.
    pub fn is_admin(&self, role: &str) -> bool {
        self.admins.contains(role)
    }

    /// The names of all roles, sorted.
    pub fn names(&self) -> BTreeSet<&str> {
        self.grants.keys().chain(&self.admins).map(String::as_str).collect()
    }
}

/// Sees everything but metrics and settings.
fn viewer() -> Vec<Grant> {
    let is_seen = |permission: &Permission| {
        matches!(permission.action(), Action::Index | Action::Show)
            && permission.resource() != Resource::Metrics
    };
    Permission::all().filter(is_seen).map(Grant::of).collect()
}

/// Sees what a viewer sees, and works with tasks and their steps.
fn operator() -> Vec<Grant> {
    let is_done = |permission: &Permission| {
        matches!(permission.resource(), Resource::Task | Resource::WorkflowStep)
            && !matches!(permission.action(), Action::Index | Action::Show)
    };
    viewer().into_iter().chain(Permission::all().filter(is_done).map(Grant::of)).collect()
}

fn unusable_name(name: &str) -> Option<String> {
    let is_usable = |letter: char| letter.is_ascii_alphanumeric() || "_.:-".contains(letter);
    let fits = !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(is_usable);
    (!fits).then(|| format!("a name of a role is 1 to {MAX_NAME} of A-Z a-z 0-9 _ . : -"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(grants: &[Grant]) -> Vec<String> {
        grants.iter().map(ToString::to_string).collect()
    }

    fn configured(roles: &[(&str, &[&str])], admins: &[&str]) -> Result<Roles, Vec<InvalidRole>> {
        let roles = roles
            .iter()
            .map(|(name, grants)| ((*name).into(), grants.iter().map(|g| (*g).into()).collect()))
            .collect();
        let admins: Vec<String> = admins.iter().map(|name| (*name).into()).collect();
        Roles::configured(&roles, &admins)
    }

    #[test]
    fn a_viewer_sees_and_does_nothing() {
        assert_eq!(
            texts(Roles::default().grants("viewer")),
            [
                "tasker.task:index",
                "tasker.task:show",
                "tasker.workflow_step:index",
                "tasker.workflow_step:show",
                "tasker.health_status:index",
                "tasker.handler:index",
                "tasker.handler:show",
                "tasker.analytics:index",
                "tasker.task_diagram:index",
                "tasker.task_diagram:show",
                "tasker.event:index",
                "tasker.event:show",
                "tasker.diagnostics:index",
                "tasker.token:index",
            ]
        );
    }

    #[test]
    fn an_operator_works_with_tasks_besides() {
        let roles = Roles::default();
        let n_viewer = roles.grants("viewer").len();
        assert_eq!(
            texts(&roles.grants("operator")[n_viewer..]),
            [
                "tasker.task:create",
                "tasker.task:update",
                "tasker.task:retry",
                "tasker.task:cancel",
                "tasker.task:resume",
                "tasker.task:resolve",
                "tasker.task:bulk",
                "tasker.workflow_step:update",
                "tasker.workflow_step:retry",
                "tasker.workflow_step:cancel",
                "tasker.workflow_step:resolve",
            ]
        );
    }

    #[test]
    fn configured_roles_stand_beside_the_built_in_ones() {
        let roles =
            configured(&[("payments", &["tasker.task:*@payments"]), ("viewer", &["*:index"])], &["root"])
                .unwrap();
        assert_eq!(texts(roles.grants("payments")), ["tasker.task:*@payments"]);
        assert_eq!(texts(roles.grants("viewer")), ["*:index"]);
        assert!(roles.is_admin("root") && !roles.is_admin("admin"));
        assert_eq!(roles.names().into_iter().collect::<Vec<_>>(), ["operator", "payments", "root", "viewer"]);
    }

    #[test]
    fn every_problem_of_configured_roles_is_told_at_once() {
        let problems = configured(
            &[("a b", &[]), ("ops", &["tasker.task:fly", "tasker.tusk:show", "*:index"]), ("root", &["*:*"])],
            &["root", ""],
        )
        .unwrap_err();
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 5, "{told:#?}");
        for (part, n) in [("a name of a role", 2), ("fly", 1), ("tasker.tusk", 1), ("auth.admin_roles", 1)] {
            assert_eq!(told.iter().filter(|text| text.contains(part)).count(), n, "{part}: {told:#?}");
        }
    }
}
