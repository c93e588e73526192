//! How a store finds a page: the list as groups of tasks with the same sort key, one after another, each read by id.
//!
//! An index of state, definition and id gives every order there is: what is sorted by state, name or version lies in it group
//! by group. So no order needs an index that changes whenever a task does.

use std::collections::{BTreeMap, VecDeque};

use tasker_core::ids::TaskId;
use tasker_core::names::{DefinitionName, Namespace, Version};
use tasker_core::state::TaskState;
use uuid::Uuid;

use super::{BUDGET, Direction, Position, SortKey, TaskFilter, TaskPage, TaskRow, TaskSort};

/// How many lists of ids are merged for one group, at most. A group of more is found among all tasks.
const MOST_LISTS: usize = 100;

/// Ids read from all lists of a group in one go, at most, unless a page has more rows than that.
const MOST_MERGED: usize = 10_000;

/// What it costs to begin with a group, in tasks looked at.
const LEG_COST: usize = 50;

/// Tasks looked at in one go, to begin with, if only some of them may pass.
const FIRST_CHUNK: usize = 128;

/// A revision that a store knows.
#[derive(Clone, Debug)]
pub struct KnownRevision<R> {
    /// What the store calls it.
    pub id: R,
    /// Namespace of its definition.
    pub namespace: Namespace,
    /// Name of its definition.
    pub name: DefinitionName,
    /// Version of its definition.
    pub version: Version,
}

/// Tasks with the same sort key.
#[derive(Clone, PartialEq, Debug)]
pub struct Group<R> {
    key: SortKey,
    /// Which.
    pub reach: Reach<R>,
}

/// The tasks of a group.
#[derive(Clone, PartialEq, Debug)]
pub enum Reach<R> {
    /// All.
    All,
    /// Those of these states and revisions.
    Of {
        /// The states.
        states: Vec<TaskState>,
        /// The revisions.
        revisions: Vec<R>,
    },
}

impl<R> Reach<R> {
    /// Whether there are so many lists of ids, one for each state of each revision, that all tasks are looked at instead.
    pub fn is_wide(&self) -> bool {
        self.lists() > MOST_LISTS
    }

    fn lists(&self) -> usize {
        match self {
            Self::All => 1,
            Self::Of { states, revisions } => states.len() * revisions.len(),
        }
    }
}

/// What to read next.
#[derive(Debug)]
pub struct Leg<'a, R> {
    /// Among these.
    pub group: &'a Group<R>,
    /// From this id on, which is the first.
    pub from: TaskId,
    /// Up or down.
    pub direction: Direction,
    /// Most rows.
    pub wanted: usize,
    /// Most tasks to look at.
    pub chunk: usize,
}

/// What was read.
#[derive(Debug)]
pub struct Found {
    /// The tasks that passed, in order.
    pub rows: Vec<TaskRow>,
    /// How many were looked at.
    pub looked_at: usize,
    /// The last one looked at; `None` if the group is at its end.
    pub last: Option<TaskId>,
}

/// The way to a page.
#[derive(Debug)]
pub struct Walk<R> {
    sort: TaskSort,
    direction: Direction,
    limit: usize,
    chunk: usize,
    groups: VecDeque<Group<R>>,
    /// Where the first of the groups goes on.
    from: TaskId,
    budget: usize,
    rows: Vec<TaskRow>,
    /// Where the budget was spent.
    spent_at: Option<Position>,
}

impl<R: Clone> Walk<R> {
    /// Begins. The revisions are those that the filter wants; they are not asked for if it [is of all](TaskFilter::is_of_all)
    /// and sorted by id.
    pub fn new(filter: &TaskFilter, revisions: Vec<KnownRevision<R>>) -> Self {
        let mut groups = groups(filter, revisions);
        if filter.direction == Direction::Desc {
            groups.reverse();
        }
        let some_pass = filter.looks_at_tasks() || groups.iter().any(|group| group.reach.is_wide());
        let mut walk = Self {
            sort: filter.sort,
            direction: filter.direction,
            limit: filter.limit,
            chunk: if some_pass { FIRST_CHUNK } else { 0 },
            groups: groups.into(),
            from: first(filter.direction),
            budget: BUDGET,
            rows: Vec::new(),
            spent_at: None,
        };
        if let Some(after) = &filter.after {
            walk.skip_to(after);
        }
        walk
    }

    fn skip_to(&mut self, after: &Position) {
        let is_before = |key: &SortKey| match self.direction {
            Direction::Asc => *key < after.key,
            Direction::Desc => *key > after.key,
        };
        while self.groups.pop_front_if(|group| is_before(&group.key)).is_some() {}
        if self.groups.front().is_some_and(|group| group.key == after.key) {
            self.go_on_after(after.id);
        }
    }

    /// What to read next; `None` if the page is whole.
    pub fn leg(&self) -> Option<Leg<'_, R>> {
        if self.rows.len() > self.limit || self.spent_at.is_some() {
            return None;
        }
        let wanted = self.limit.saturating_add(1) - self.rows.len();
        let group = self.groups.front()?;
        let lists = if group.reach.is_wide() { 1 } else { group.reach.lists().max(1) };
        let chunk = self.chunk.min(MOST_MERGED / lists).max(wanted);
        Some(Leg { group, from: self.from, direction: self.direction, wanted, chunk })
    }

    /// Notes what was read.
    pub fn note(&mut self, found: Found) {
        let Some(key) = self.groups.front().map(|group| group.key.clone()) else { return };
        self.rows.extend(found.rows);
        self.chunk *= 2;
        self.budget = self.budget.saturating_sub(found.looked_at + LEG_COST);
        match found.last {
            Some(last) => self.go_on_after(last),
            None => self.end_group(),
        }
        if self.budget == 0 && !self.groups.is_empty() {
            let id = found.last.unwrap_or_else(|| last(self.direction));
            self.spent_at = Some(Position { key, id });
        }
    }

    fn go_on_after(&mut self, id: TaskId) {
        match beyond(id, self.direction) {
            Some(next) => self.from = next,
            None => self.end_group(),
        }
    }

    fn end_group(&mut self) {
        self.groups.pop_front();
        self.from = first(self.direction);
    }

    /// The page.
    pub fn page(mut self, total: Option<u64>) -> TaskPage {
        let next = if self.rows.len() > self.limit {
            self.rows.truncate(self.limit);
            self.rows.last().map(|row| Position::of(row, self.sort))
        } else {
            self.spent_at
        };
        TaskPage { tasks: self.rows, has_more: next.is_some(), next, total }
    }
}

fn groups<R: Clone>(filter: &TaskFilter, revisions: Vec<KnownRevision<R>>) -> Vec<Group<R>> {
    let states = filter.wanted_states();
    match filter.sort {
        TaskSort::Id if filter.is_of_all() => vec![Group { key: SortKey::Nothing, reach: Reach::All }],
        TaskSort::Id => by_state(revisions, vec![(SortKey::Nothing, states)]),
        TaskSort::Status => by_state(
            revisions,
            states.into_iter().map(|state| (SortKey::Status(state), vec![state])).collect(),
        ),
        TaskSort::Complete => {
            let (complete, other) = states.into_iter().partition(|state| *state == TaskState::Complete);
            by_state(revisions, vec![(SortKey::Complete(false), other), (SortKey::Complete(true), complete)])
        }
        TaskSort::Namespace => {
            by_definition(revisions, &states, |of| SortKey::Namespace(of.namespace.clone()))
        }
        TaskSort::Name => by_definition(revisions, &states, |of| SortKey::Name(of.name.clone())),
        TaskSort::Version => by_definition(revisions, &states, |of| SortKey::Version(of.version.clone())),
    }
}

fn by_state<R: Clone>(
    revisions: Vec<KnownRevision<R>>,
    keys: Vec<(SortKey, Vec<TaskState>)>,
) -> Vec<Group<R>> {
    let revisions: Vec<R> = revisions.into_iter().map(|revision| revision.id).collect();
    let group = |(key, states)| Group { key, reach: Reach::Of { states, revisions: revisions.clone() } };
    keys.into_iter().filter(|(_, states)| !states.is_empty() && !revisions.is_empty()).map(group).collect()
}

fn by_definition<R>(
    revisions: Vec<KnownRevision<R>>,
    states: &[TaskState],
    key: impl Fn(&KnownRevision<R>) -> SortKey,
) -> Vec<Group<R>> {
    let mut groups: BTreeMap<SortKey, Vec<R>> = BTreeMap::new();
    for revision in revisions {
        groups.entry(key(&revision)).or_default().push(revision.id);
    }
    let group = |(key, revisions)| Group { key, reach: Reach::Of { states: states.to_vec(), revisions } };
    groups.into_iter().map(group).collect()
}

fn first(direction: Direction) -> TaskId {
    match direction {
        Direction::Asc => TaskId(Uuid::nil()),
        Direction::Desc => TaskId(Uuid::max()),
    }
}

fn last(direction: Direction) -> TaskId {
    match direction {
        Direction::Asc => first(Direction::Desc),
        Direction::Desc => first(Direction::Asc),
    }
}

fn beyond(id: TaskId, direction: Direction) -> Option<TaskId> {
    let id = id.0.as_u128();
    let next = match direction {
        Direction::Asc => id.checked_add(1),
        Direction::Desc => id.checked_sub(1),
    };
    next.map(|next| TaskId(Uuid::from_u128(next)))
}

#[cfg(test)]
mod tests;
