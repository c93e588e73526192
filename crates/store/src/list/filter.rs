//! Which tasks to list, in which order.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};
use tasker_core::names::{DefinitionName, Namespace, Version};
use tasker_core::payload::Payload;
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;

use super::Position;

/// Most bytes of [`TaskFilter::context`].
pub const MAX_WANTED_CONTEXT: usize = 4_096;

/// Which tasks to list. A task is listed if everything that is given is true of it.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct TaskFilter {
    /// Only in this namespace.
    pub namespace: Option<Namespace>,
    /// Only in one of these namespaces: those that whoever asks may see.
    pub namespaces: Option<BTreeSet<Namespace>>,
    /// Only what whoever asks created, but for namespaces where it may see everything.
    pub own: Option<Own>,
    /// Only of this name.
    pub name: Option<DefinitionName>,
    /// Only of this version.
    pub version: Option<Version>,
    /// Only in one of these states; empty: any.
    pub states: Vec<TaskState>,
    /// Only asked for by this one.
    pub initiator: Option<String>,
    /// Only from this system.
    pub source_system: Option<String>,
    /// Only for exactly this reason.
    pub reason: Option<String>,
    /// Only with this correlation id.
    pub correlation_id: Option<String>,
    /// Only of this urgency.
    pub priority: Option<u8>,
    /// Only with all of these tags.
    pub tags: Vec<String>,
    /// Only with an annotation for each of these: type, top-level key, exact text of the value.
    pub annotations: Vec<(String, String, String)>,
    /// Only with a context that [contains](Payload::contains) all of this.
    pub context: Option<Payload>,
    /// Only accepted then.
    pub created: Between,
    /// Only asked for then.
    pub requested: Between,
    /// Only last changed then.
    pub updated: Between,
    /// Only ended then, however they ended.
    pub ended: Between,
    /// What comes first.
    pub sort: TaskSort,
    /// Up or down, ids of equal tasks included.
    pub direction: Direction,
    /// Only after this place in the list: [`super::TaskPage::next`] of the page before.
    #[serde(skip)]
    pub after: Option<Position>,
    /// Most rows.
    #[serde(skip)]
    pub limit: usize,
    /// Whether all matching rows are counted. Counting looks at all of them, unlike a page.
    #[serde(skip)]
    pub count_all: bool,
}

impl TaskFilter {
    /// Whether all definitions pass, and all states.
    pub fn is_of_all(&self) -> bool {
        let any_namespace = self.namespace.is_none() && self.namespaces.is_none();
        any_namespace && self.name.is_none() && self.version.is_none() && self.states.is_empty()
    }

    /// Whether only some states or definitions pass, whoever may see them.
    pub fn is_of_kinds(&self) -> bool {
        self.name.is_some() || self.version.is_some() || !self.states.is_empty()
    }

    /// Whether revisions must be known to find a page.
    pub fn needs_revisions(&self) -> bool {
        let by_kind =
            [TaskSort::Status, TaskSort::Complete, TaskSort::Namespace, TaskSort::Name, TaskSort::Version];
        !self.is_of_all() || by_kind.contains(&self.sort)
    }

    /// Whether more must be known of a task than its state and its definition.
    pub fn looks_at_tasks(&self) -> bool {
        let texts = [&self.initiator, &self.source_system, &self.reason, &self.correlation_id];
        let times = [self.created, self.requested, self.updated, self.ended];
        texts.iter().any(|text| text.is_some())
            || self.own.is_some()
            || self.priority.is_some()
            || !self.tags.is_empty()
            || !self.annotations.is_empty()
            || self.context.is_some()
            || times.iter().any(|time| *time != Between::default())
    }

    /// The states that pass, sorted, each once.
    pub fn wanted_states(&self) -> Vec<TaskState> {
        let all = if self.states.is_empty() { &TaskState::ALL[..] } else { &self.states[..] };
        BTreeSet::from_iter(all.iter().copied()).into_iter().collect()
    }

    /// Whether tasks of a definition in this namespace, of this name and version pass.
    pub fn wants_definition(&self, namespace: &Namespace, name: &DefinitionName, version: &Version) -> bool {
        self.namespace.as_ref().is_none_or(|wanted| wanted == namespace)
            && self.namespaces.as_ref().is_none_or(|visible| visible.contains(namespace))
            && self.name.as_ref().is_none_or(|wanted| wanted == name)
            && self.version.as_ref().is_none_or(|wanted| wanted == version)
    }
}

/// What one principal created, and everything in some namespaces.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Own {
    /// The principal.
    pub created_by: String,
    /// Where everything is seen.
    pub everything_in: BTreeSet<Namespace>,
}

impl Own {
    /// Whether a task of a definition in this namespace, created by this one, is among them.
    pub fn holds(&self, namespace: &Namespace, created_by: Option<&str>) -> bool {
        created_by == Some(&self.created_by) || self.everything_in.contains(namespace)
    }
}

/// A span of time, open where nothing is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Between {
    /// The first instant in it.
    pub from: Option<Timestamp>,
    /// The first instant after it.
    pub before: Option<Timestamp>,
}

impl Between {
    /// Whether an instant is in it. No instant is only in the span that is open on both sides.
    pub fn holds(self, at: Option<Timestamp>) -> bool {
        match at {
            Some(at) => {
                self.from.is_none_or(|from| from <= at) && self.before.is_none_or(|before| at < before)
            }
            None => self == Self::default(),
        }
    }
}

/// Only whether the ends are given: "the last hour" is another span for every page, and going on is right all the same.
impl Serialize for Between {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.from.is_some(), self.before.is_some()).serialize(serializer)
    }
}

/// What tasks are sorted by; equal ones by id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskSort {
    /// The id. Ids made by the engine grow with time.
    #[default]
    #[serde(rename = "task_id")]
    Id,
    /// When they were asked for.
    RequestedAt,
    /// When they were accepted.
    CreatedAt,
    /// The state, in the order of [`TaskState::ALL`].
    Status,
    /// Whether they are complete.
    Complete,
    /// The namespace of the definition.
    Namespace,
    /// The name of the definition.
    Name,
    /// The version of the definition, by SemVer precedence.
    Version,
    /// Who asked, byte by byte.
    Initiator,
    /// From which system, byte by byte.
    SourceSystem,
}

impl TaskSort {
    /// All of them, with their names.
    pub const ALL: [(&str, Self); 10] = [
        ("task_id", Self::Id),
        ("requested_at", Self::RequestedAt),
        ("created_at", Self::CreatedAt),
        ("status", Self::Status),
        ("complete", Self::Complete),
        ("namespace", Self::Namespace),
        ("name", Self::Name),
        ("version", Self::Version),
        ("initiator", Self::Initiator),
        ("source_system", Self::SourceSystem),
    ];
}

/// Up or down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The smallest first.
    Asc,
    /// The greatest first: the newest, if sorted by id.
    #[default]
    Desc,
}

impl Direction {
    /// The one for up, or the one for down.
    pub fn pick<T>(self, up: T, down: T) -> T {
        match self {
            Self::Asc => up,
            Self::Desc => down,
        }
    }

    /// The other one.
    pub fn opposite(self) -> Self {
        self.pick(Self::Desc, Self::Asc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_holds_its_beginning_and_not_its_end() {
        let at = |n| Some(Timestamp::from_micros(n));
        let span = Between { from: at(2), before: at(4) };
        assert_eq!([1, 2, 3, 4].map(|n| span.holds(at(n))), [false, true, true, false]);
        assert!(!span.holds(None));
        assert!(Between::default().holds(None) && Between::default().holds(at(1)));
    }

    #[test]
    fn states_are_wanted_once_and_all_if_none_is_named() {
        let named = |states: &[TaskState]| TaskFilter { states: states.to_vec(), ..TaskFilter::default() };
        let twice = [TaskState::Error, TaskState::Pending, TaskState::Error];
        assert_eq!(named(&twice).wanted_states(), [TaskState::Pending, TaskState::Error]);
        assert_eq!(named(&[]).wanted_states(), TaskState::ALL);
    }
}
