//! Tests of the way to a page.

use tasker_core::ids::TaskId;
use uuid::Uuid;

use super::*;

fn revision(id: u8, name: &str, version: &str) -> KnownRevision<u8> {
    KnownRevision {
        id,
        namespace: Namespace::new("default").unwrap(),
        name: DefinitionName::new(name).unwrap(),
        version: Version::new(version).unwrap(),
    }
}

fn revisions() -> Vec<KnownRevision<u8>> {
    vec![revision(1, "order", "10.0.0"), revision(2, "refund", "9.0.0"), revision(3, "order", "9.0.0")]
}

/// The states and revisions of the groups of a list, in the order of the walk.
fn way(filter: &TaskFilter) -> Vec<(Vec<TaskState>, Vec<u8>)> {
    let of = |group: Group<u8>| group.kinds.map(|of| (of.states, of.revisions)).unwrap_or_default();
    Walk::new(filter, revisions()).groups.into_iter().map(of).collect()
}

fn sorted(sort: TaskSort, direction: Direction) -> TaskFilter {
    TaskFilter { sort, direction, limit: 2, ..TaskFilter::default() }
}

fn id(n: u128) -> TaskId {
    TaskId(Uuid::from_u128(n))
}

fn nothing(looked_at: usize, last: Option<TaskId>) -> Found {
    let last = last.map(|id| Position { key: SortKey::Nothing, id });
    Found { rows: Vec::new(), looked_at, last }
}

#[test]
fn groups_follow_the_sort_key() {
    let all = TaskState::ALL.to_vec();
    let versions = way(&sorted(TaskSort::Version, Direction::Asc));
    assert_eq!(versions, [(all.clone(), vec![2, 3]), (all.clone(), vec![1])], "9 comes before 10");
    let names = way(&sorted(TaskSort::Name, Direction::Desc));
    assert_eq!(names, [(all.clone(), vec![2]), (all.clone(), vec![1, 3])]);
    let states = way(&sorted(TaskSort::Status, Direction::Asc));
    assert_eq!(states, TaskState::ALL.map(|state| (vec![state], vec![1, 2, 3])));
    let complete = way(&sorted(TaskSort::Complete, Direction::Desc));
    assert_eq!(complete[0], (vec![TaskState::Complete], vec![1, 2, 3]));
    assert_eq!(complete[1].0.len(), TaskState::ALL.len() - 1);
    assert_eq!(way(&sorted(TaskSort::Id, Direction::Desc)), [(vec![], vec![])]);
}

#[test]
fn groups_without_states_or_revisions_are_left_out() {
    let errors = TaskFilter { states: vec![TaskState::Error], ..sorted(TaskSort::Complete, Direction::Asc) };
    assert_eq!(way(&errors), [(vec![TaskState::Error], vec![1, 2, 3])]);
    assert!(Walk::<u8>::new(&errors, Vec::new()).leg().is_none());
}

#[test]
fn a_page_goes_on_after_a_place() {
    let after = |key: SortKey, at| {
        let filter =
            TaskFilter { after: Some(Position { key, id: at }), ..sorted(TaskSort::Status, Direction::Desc) };
        let walk = Walk::new(&filter, revisions());
        walk.leg().map(|leg| (leg.group.key.clone(), leg.after.id))
    };
    let error = SortKey::Status(TaskState::Error);
    assert_eq!(after(error.clone(), id(7)), Some((Some(error), id(7))));
    let only_pending =
        TaskFilter { states: vec![TaskState::Pending], ..sorted(TaskSort::Status, Direction::Desc) };
    let beyond = Position { key: SortKey::Status(TaskState::Complete), id: id(7) };
    let walk = Walk::new(&TaskFilter { after: Some(beyond), ..only_pending }, revisions());
    assert_eq!(
        walk.leg().map(|leg| leg.after.id),
        Some(TaskId(Uuid::max())),
        "the next group is read from its start"
    );
    let before_all = Position { key: SortKey::Status(TaskState::Pending), id: id(7) };
    let errors = TaskFilter { states: vec![TaskState::Error], ..sorted(TaskSort::Status, Direction::Desc) };
    assert!(Walk::new(&TaskFilter { after: Some(before_all), ..errors }, revisions()).leg().is_none());
}

#[test]
fn a_page_ends_when_it_has_looked_at_enough() {
    let filter = TaskFilter { reason: Some("x".into()), ..sorted(TaskSort::Id, Direction::Desc) };
    let mut walk = Walk::new(&filter, revisions());
    let (mut looked_at, mut at) = (0, 1_000_000);
    while let Some(chunk) = walk.leg().map(|leg| leg.chunk) {
        looked_at += chunk;
        at -= chunk as u128;
        walk.note(nothing(chunk, Some(id(at))));
    }
    assert!((BUDGET / 2..BUDGET * 2).contains(&looked_at), "{looked_at}");
    let page = walk.page(None);
    assert_eq!((page.tasks.len(), page.has_more), (0, true));
    assert_eq!(page.next, Some(Position { key: SortKey::Nothing, id: id(at) }));
}

#[test]
fn many_empty_groups_are_not_all_visited_for_one_page() {
    let many = (0..200).map(|n| revision(n, &format!("name{n}"), "1.0.0")).collect();
    let mut walk = Walk::new(&sorted(TaskSort::Name, Direction::Asc), many);
    let mut legs = 0;
    while walk.leg().is_some() {
        legs += 1;
        walk.note(nothing(0, None));
    }
    assert_eq!(legs, BUDGET / LEG_COST);
    let page = walk.page(None);
    assert_eq!(page.next.map(|next| next.id), Some(TaskId(Uuid::max())), "behind all of the last group");
}

#[test]
fn too_many_lists_are_not_merged() {
    let way = |n| {
        Group::of_kinds(SortKey::Nothing, Kinds { states: TaskState::ALL.to_vec(), revisions: vec![0; n] })
            .way
    };
    assert_eq!((way(16), way(17)), (Way::Merged, Way::All));
    let reads = |n: u8| {
        let many = (0..n).map(|n| revision(n, "order", &format!("{n}.0.0"))).collect();
        let filter = TaskFilter { reason: Some("x".into()), ..sorted(TaskSort::Name, Direction::Asc) };
        let mut walk = Walk::new(&filter, many);
        (0..5).for_each(|n| walk.note(nothing(1, Some(id(n)))));
        walk.leg().map(|leg| leg.chunk)
    };
    assert_eq!(
        (reads(1), reads(16), reads(17)),
        (Some(1_172), None, Some(2_049)),
        "many lists soon cost enough"
    );
}

#[test]
fn a_list_along_a_line_is_one_group_that_goes_on_after_a_value_and_an_id() {
    let time = |n| SortKey::Time(tasker_core::time::Timestamp::from_micros(n));
    let place = Position { key: time(5), id: id(7) };
    let filter = TaskFilter { after: Some(place.clone()), ..sorted(TaskSort::RequestedAt, Direction::Desc) };
    let mut walk = Walk::new(&filter, Vec::<KnownRevision<u8>>::new());
    let leg = walk.leg().unwrap();
    assert!(matches!(leg.group.way, Way::Along(_)) && leg.group.checked().is_none());
    assert_eq!(leg.after, place);
    walk.note(Found {
        rows: Vec::new(),
        looked_at: BUDGET,
        last: Some(Position { key: time(3), id: id(9) }),
    });
    assert_eq!(walk.page(None).next, Some(Position { key: time(3), id: id(9) }));
}

#[test]
fn places_in_a_list_by_id_along_a_line_are_ids() {
    let initiator = TaskFilter { initiator: Some("ops".into()), ..sorted(TaskSort::Id, Direction::Asc) };
    let after = Position { key: SortKey::Nothing, id: id(7) };
    let mut walk =
        Walk::new(&TaskFilter { after: Some(after), ..initiator }, Vec::<KnownRevision<u8>>::new());
    assert_eq!(walk.leg().unwrap().after, Position { key: SortKey::Text("ops".into()), id: id(7) });
    let last = Some(Position { key: SortKey::Text("ops".into()), id: id(8) });
    walk.note(Found { rows: Vec::new(), looked_at: BUDGET, last });
    assert_eq!(walk.page(None).next, Some(Position { key: SortKey::Nothing, id: id(8) }));
}
