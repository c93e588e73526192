//! The permissions there are (`spec/api.md` 4.1).

use std::fmt;

use serde::{Serialize, Serializer};

use crate::nearest::nearest;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The text.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// The one of this text.
            pub fn from_name(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text)
            }

            /// The text most like this one, for proposals.
            pub(super) fn nearest(text: &str) -> Option<&'static str> {
                nearest(text, Self::ALL.iter().map(|one| one.as_str()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

words! {
    /// What is acted on.
    Resource {
        /// Tasks.
        Task = "tasker.task",
        /// Steps of tasks.
        WorkflowStep = "tasker.workflow_step",
        /// How the system is.
        HealthStatus = "tasker.health_status",
        /// Definitions, namespaces, and what serves them.
        Handler = "tasker.handler",
        /// Metrics.
        Metrics = "tasker.metrics",
        /// What is told of all tasks together.
        Analytics = "tasker.analytics",
        /// Drawings of tasks.
        TaskDiagram = "tasker.task_diagram",
        /// The stream of events.
        Event = "tasker.event",
        /// What helps to find faults of the system itself.
        Diagnostics = "tasker.diagnostics",
        /// The GraphQL schema.
        Graphql = "tasker.graphql",
        /// API keys.
        Token = "tasker.token",
    }
}

words! {
    /// What is done.
    Action {
        /// List.
        Index = "index",
        /// Look at one.
        Show = "show",
        /// Make.
        Create = "create",
        /// Change.
        Update = "update",
        /// Take away. Of tasks and steps it is another word for `cancel`.
        Destroy = "destroy",
        /// Try again what failed.
        Retry = "retry",
        /// Call off.
        Cancel = "cancel",
        /// Go on.
        Resume = "resume",
        /// Declare done.
        Resolve = "resolve",
        /// Act on many at once.
        Bulk = "bulk",
        /// Look at settings.
        ShowConfig = "show_config",
        /// Read again from the past.
        Replay = "replay",
        /// Ask for the schema.
        Introspect = "introspect",
    }
}

/// What a grant for a resource can be limited to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Bounds {
    /// Nothing: it belongs to the system as a whole.
    System,
    /// One namespace.
    Namespace,
    /// One namespace, and tasks that the holder of the grant created.
    Task,
}

/// A resource and an action that go together. Only the permissions of [`Permission::ALL`] exist.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission {
    resource: Resource,
    action: Action,
}

impl Resource {
    /// What can be done with it. Registering a definition is `tasker.handler:create`, retiring one `:destroy`.
    pub const fn actions(self) -> &'static [Action] {
        use Action::*;
        match self {
            Self::Task => &[Index, Show, Create, Update, Retry, Cancel, Resume, Resolve, Bulk],
            Self::WorkflowStep => &[Index, Show, Update, Retry, Cancel, Resolve],
            Self::Handler => &[Index, Show, ShowConfig, Create, Destroy],
            Self::TaskDiagram => &[Index, Show],
            Self::Event => &[Index, Show, Replay],
            Self::Graphql => &[Introspect],
            Self::Token => &[Index, Create, Destroy],
            Self::HealthStatus | Self::Metrics | Self::Analytics | Self::Diagnostics => &[Index],
        }
    }

    /// What a grant for it can be limited to.
    pub const fn bounds(self) -> Bounds {
        match self {
            Self::Task | Self::WorkflowStep | Self::TaskDiagram | Self::Event => Bounds::Task,
            Self::Handler | Self::Analytics => Bounds::Namespace,
            Self::HealthStatus | Self::Metrics | Self::Diagnostics | Self::Graphql | Self::Token => {
                Bounds::System
            }
        }
    }

    /// The action that a word means here: `destroy` of a task or step is `cancel`.
    pub fn action(self, word: Action) -> Option<Action> {
        let cancels = matches!(self, Self::Task | Self::WorkflowStep) && word == Action::Destroy;
        let action = if cancels { Action::Cancel } else { word };
        self.actions().contains(&action).then_some(action)
    }
}

impl Permission {
    /// The permission for an action, if there is one.
    pub const fn new(resource: Resource, action: Action) -> Option<Self> {
        let actions = resource.actions();
        let mut i = 0;
        while i < actions.len() {
            if actions[i] as u8 == action as u8 {
                return Some(Self { resource, action });
            }
            i += 1;
        }
        None
    }

    /// The permission for an action that is known to exist.
    ///
    /// # Panics
    /// There is no such pair; in a constant, that does not compile.
    pub const fn of(resource: Resource, action: Action) -> Self {
        match Self::new(resource, action) {
            Some(permission) => permission,
            None => panic!("the resource has no such action"),
        }
    }

    /// All permissions.
    pub fn all() -> impl Iterator<Item = Self> {
        let of = |resource: &Resource| {
            let resource = *resource;
            resource.actions().iter().map(move |action| Self { resource, action: *action })
        };
        Resource::ALL.iter().flat_map(of)
    }

    /// What is acted on.
    pub const fn resource(self) -> Resource {
        self.resource
    }

    /// What is done.
    pub const fn action(self) -> Action {
        self.action
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource, self.action)
    }
}

impl fmt::Debug for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Permission {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_these_permissions_and_no_others() {
        let all: Vec<String> = Permission::all().map(|permission| permission.to_string()).collect();
        let expected = [
            "tasker.task:index",
            "tasker.task:show",
            "tasker.task:create",
            "tasker.task:update",
            "tasker.task:retry",
            "tasker.task:cancel",
            "tasker.task:resume",
            "tasker.task:resolve",
            "tasker.task:bulk",
            "tasker.workflow_step:index",
            "tasker.workflow_step:show",
            "tasker.workflow_step:update",
            "tasker.workflow_step:retry",
            "tasker.workflow_step:cancel",
            "tasker.workflow_step:resolve",
            "tasker.health_status:index",
            "tasker.handler:index",
            "tasker.handler:show",
            "tasker.handler:show_config",
            "tasker.handler:create",
            "tasker.handler:destroy",
            "tasker.metrics:index",
            "tasker.analytics:index",
            "tasker.task_diagram:index",
            "tasker.task_diagram:show",
            "tasker.event:index",
            "tasker.event:show",
            "tasker.event:replay",
            "tasker.diagnostics:index",
            "tasker.graphql:introspect",
            "tasker.token:index",
            "tasker.token:create",
            "tasker.token:destroy",
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn a_pair_exists_exactly_if_the_resource_has_the_action() {
        for resource in Resource::ALL {
            for action in Action::ALL {
                let exists = resource.actions().contains(action);
                assert_eq!(Permission::new(*resource, *action).is_some(), exists, "{resource}:{action}");
            }
        }
    }

    #[test]
    fn destroy_means_cancel_where_nothing_is_ever_deleted() {
        let check = |resource: Resource, expected| assert_eq!(resource.action(Action::Destroy), expected);
        check(Resource::Task, Some(Action::Cancel));
        check(Resource::WorkflowStep, Some(Action::Cancel));
        check(Resource::Token, Some(Action::Destroy));
        check(Resource::Handler, Some(Action::Destroy));
        check(Resource::Metrics, None);
    }

    #[test]
    fn words_are_read_back() {
        for resource in Resource::ALL {
            assert_eq!(Resource::from_name(resource.as_str()), Some(*resource));
        }
        for action in Action::ALL {
            assert_eq!(Action::from_name(action.as_str()), Some(*action));
        }
        assert_eq!(Resource::from_name("tasker.tasks"), None);
        assert_eq!(Resource::nearest("tasker.tasks"), Some("tasker.task"));
    }
}
