//! How a store finds a page: along an index, or as groups of tasks with the same sort key, one after another, each read by id.
//!
//! An index of state, definition and id gives every order by state, namespace, name and version: it lies in it group by group.
//! What never changes of a task has an index of its own ([`Line`]). So no order needs an index that changes whenever a task
//! does.

use std::collections::{BTreeMap, VecDeque};

use tasker_core::names::{DefinitionName, Namespace, Version};
use tasker_core::state::TaskState;

use super::line::before_all;
use super::{BUDGET, Direction, Line, Position, SortKey, TaskFilter, TaskPage, TaskRow, TaskSort};

/// How many lists of ids are merged for one group, at most. A group of more is found among all tasks.
const MOST_LISTS: usize = 100;

/// Ids read from all lists of a group in one go, at most, unless a page has more rows than that.
const MOST_MERGED: usize = 10_000;

/// What it costs to begin with a group, in tasks looked at.
const LEG_COST: usize = 50;

/// How many ids that are merged cost as much as a task that is looked at.
const IDS_PER_TASK: usize = 20;

/// What a task costs that is stored far from the one before it in the list.
const SCATTERED_COST: usize = 4;

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

/// Tasks that lie together in the list.
#[derive(Clone, PartialEq, Debug)]
pub struct Group<R> {
    /// What all of them are sorted by; `None` if each has a value of the line.
    key: Option<SortKey>,
    /// How they are found.
    pub way: Way,
    /// Which of them pass; `None`: all.
    pub kinds: Option<Kinds<R>>,
}

/// How the tasks of a group are found.
#[derive(Clone, PartialEq, Debug)]
pub enum Way {
    /// Among all tasks, by id.
    All,
    /// Lists of ids, one for each state of each revision, merged.
    Merged,
    /// Along an index.
    Along(Line),
}

/// States and revisions.
#[derive(Clone, PartialEq, Debug)]
pub struct Kinds<R> {
    /// The states.
    pub states: Vec<TaskState>,
    /// The revisions.
    pub revisions: Vec<R>,
}

impl<R> Kinds<R> {
    fn lists(&self) -> usize {
        self.states.len() * self.revisions.len()
    }
}

impl<R> Group<R> {
    /// Tasks of certain kinds, with one sort key.
    fn of_kinds(key: SortKey, kinds: Kinds<R>) -> Self {
        let way = if kinds.lists() > MOST_LISTS { Way::All } else { Way::Merged };
        Self { key: Some(key), way, kinds: Some(kinds) }
    }

    /// The kinds that a task must be looked at for: they do not follow from how it was found.
    pub fn checked(&self) -> Option<&Kinds<R>> {
        self.kinds.as_ref().filter(|_| self.way != Way::Merged)
    }

    /// What it costs to look at a task.
    fn cost(&self) -> usize {
        match &self.way {
            Way::Along(line) if !line.column.is_time() => SCATTERED_COST,
            _ => 1,
        }
    }

    /// How many lists of ids are read at once.
    fn lists(&self) -> usize {
        let merged = self.kinds.as_ref().filter(|_| self.way == Way::Merged);
        merged.map_or(1, Kinds::lists).max(1)
    }

    /// The place before all of its tasks.
    fn start(&self, direction: Direction) -> Position {
        match &self.way {
            Way::Along(line) => line.start(direction),
            Way::All | Way::Merged => Position { key: SortKey::Nothing, id: before_all(direction) },
        }
    }
}

/// What to read next.
#[derive(Debug)]
pub struct Leg<'a, R> {
    /// Among these.
    pub group: &'a Group<R>,
    /// After this place. Its key is that of the line, if the group lies along one.
    pub after: Position,
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
    /// The place of the last one looked at, as in [`Leg::after`]; `None` if the group is at its end.
    pub last: Option<Position>,
}

/// The way to a page.
#[derive(Debug)]
pub struct Walk<R> {
    sort: TaskSort,
    direction: Direction,
    limit: usize,
    chunk: usize,
    groups: VecDeque<Group<R>>,
    /// Where the first of the groups goes on; `None`: at its beginning.
    after: Option<Position>,
    budget: usize,
    rows: Vec<TaskRow>,
    /// Where the budget was spent.
    spent_at: Option<Position>,
}

impl<R: Clone> Walk<R> {
    /// Begins. The revisions are those that the filter wants, if it [needs them](TaskFilter::needs_revisions).
    pub fn new(filter: &TaskFilter, revisions: Vec<KnownRevision<R>>) -> Self {
        let mut groups = groups(filter, revisions);
        if filter.direction == Direction::Desc {
            groups.reverse();
        }
        let some_pass = filter.looks_at_tasks() || groups.iter().any(|group| group.checked().is_some());
        let mut walk = Self {
            sort: filter.sort,
            direction: filter.direction,
            limit: filter.limit,
            chunk: if some_pass { FIRST_CHUNK } else { 0 },
            groups: groups.into(),
            after: None,
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
        while self.groups.pop_front_if(|group| group.key.as_ref().is_some_and(is_before)).is_some() {}
        let Some(group) = self.groups.front() else { return };
        self.after = match &group.key {
            None => Some(after.clone()),
            Some(key) if *key == after.key => Some(Position { id: after.id, ..group.start(self.direction) }),
            Some(_) => None,
        };
    }

    /// What to read next; `None` if the page is whole.
    pub fn leg(&self) -> Option<Leg<'_, R>> {
        if self.rows.len() > self.limit || self.spent_at.is_some() {
            return None;
        }
        let group = self.groups.front()?;
        let (wanted, chunk) = (self.wanted(), self.chunk_of(group));
        let after = self.after.clone().unwrap_or_else(|| group.start(self.direction));
        Some(Leg { group, after, direction: self.direction, wanted, chunk })
    }

    /// How many rows are missing; one more than fits on the page tells whether more follow.
    fn wanted(&self) -> usize {
        self.limit.saturating_add(1) - self.rows.len()
    }

    /// How many tasks of a group to look at next.
    fn chunk_of(&self, group: &Group<R>) -> usize {
        let most = (MOST_MERGED / group.lists()).min(self.budget / group.cost());
        self.chunk.min(most).max(self.wanted())
    }

    /// Notes what was read.
    pub fn note(&mut self, found: Found) {
        let Some(group) = self.groups.front() else { return };
        let merged = group.lists() * self.chunk_of(group) / IDS_PER_TASK;
        let (key, cost) = (group.key.clone(), found.looked_at * group.cost() + merged + LEG_COST);
        self.rows.extend(found.rows);
        self.chunk *= 2;
        self.budget = self.budget.saturating_sub(cost);
        let end = || Position { key: SortKey::Nothing, id: before_all(self.direction.opposite()) };
        let last = found.last.clone().unwrap_or_else(end);
        if found.last.is_none() {
            self.groups.pop_front();
        }
        self.after = found.last;
        if self.budget == 0 && !self.groups.is_empty() {
            self.spent_at = Some(Position { key: key.unwrap_or(last.key), id: last.id });
        }
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
    if let Some(line) = Line::of(filter) {
        return along(line, filter, revisions, states);
    }
    match filter.sort {
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
        _ if filter.is_of_all() => vec![Group { key: Some(SortKey::Nothing), way: Way::All, kinds: None }],
        _ => by_state(revisions, vec![(SortKey::Nothing, states)]),
    }
}

fn along<R>(
    line: Line,
    filter: &TaskFilter,
    revisions: Vec<KnownRevision<R>>,
    states: Vec<TaskState>,
) -> Vec<Group<R>> {
    let kinds = (!filter.is_of_all()).then(|| Kinds { states, revisions: ids(revisions) });
    if kinds.as_ref().is_some_and(|kinds| kinds.lists() == 0) {
        return Vec::new();
    }
    let key = (filter.sort == TaskSort::Id).then_some(SortKey::Nothing);
    vec![Group { key, way: Way::Along(line), kinds }]
}

fn by_state<R: Clone>(
    revisions: Vec<KnownRevision<R>>,
    keys: Vec<(SortKey, Vec<TaskState>)>,
) -> Vec<Group<R>> {
    let revisions = ids(revisions);
    let of = |(key, states)| (key, Kinds { states, revisions: revisions.clone() });
    let all = keys.into_iter().map(of).filter(|(_, kinds)| kinds.lists() > 0);
    all.map(|(key, kinds)| Group::of_kinds(key, kinds)).collect()
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
    let of = |(key, revisions)| Group::of_kinds(key, Kinds { states: states.to_vec(), revisions });
    groups.into_iter().map(of).collect()
}

fn ids<R>(revisions: Vec<KnownRevision<R>>) -> Vec<R> {
    revisions.into_iter().map(|revision| revision.id).collect()
}

#[cfg(test)]
mod tests;
