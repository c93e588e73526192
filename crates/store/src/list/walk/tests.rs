//! Tests of the way to a page.

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
    let of = |group: Group<u8>| match group.reach {
        Reach::All => (vec![], vec![]),
        Reach::Of { states, revisions } => (states, revisions),
    };
    Walk::new(filter, revisions()).groups.into_iter().map(of).collect()
}

fn sorted(sort: TaskSort, direction: Direction) -> TaskFilter {
    TaskFilter { sort, direction, limit: 2, ..TaskFilter::default() }
}

fn id(n: u128) -> TaskId {
    TaskId(Uuid::from_u128(n))
}

fn nothing(looked_at: usize, last: Option<TaskId>) -> Found {
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
        walk.leg().map(|leg| (leg.group.key.clone(), leg.from))
    };
    let error = SortKey::Status(TaskState::Error);
    assert_eq!(after(error.clone(), id(7)), Some((error.clone(), id(6))));
    let complete = SortKey::Status(TaskState::Complete);
    assert_eq!(after(error, id(0)), Some((complete, TaskId(Uuid::max()))), "no id comes after the last");
    assert_eq!(after(SortKey::Status(TaskState::Pending), id(0)), None);
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
    let of = |revisions| Reach::Of { states: TaskState::ALL.to_vec(), revisions };
    assert!(!of(vec![0; 16]).is_wide() && of(vec![0; 17]).is_wide());
    let reads = |n: u8| {
        let many = (0..n).map(|n| revision(n, "order", &format!("{n}.0.0"))).collect();
        let filter = TaskFilter { reason: Some("x".into()), ..sorted(TaskSort::Name, Direction::Asc) };
        let mut walk = Walk::new(&filter, many);
        (0..5).for_each(|n| walk.note(nothing(1, Some(id(n)))));
        walk.leg().map(|leg| leg.chunk)
    };
    assert_eq!((reads(1), reads(16), reads(17)), (Some(1_666), Some(104), Some(4_096)));
}
