//! Lists of tasks: filters, orders, and pages that follow one another.

use std::sync::Arc;

use tasker_core::decide::{Action, Submission};
use tasker_core::definition::Priority;
use tasker_core::ids::TaskId;
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::TaskInput;
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;
use tasker_store::list::{Between, Direction, Own, Position, SortKey, TaskFilter, TaskRow, TaskSort};

use crate::StoreUnderTest;
use crate::definitions::{namespace, plan_with, version};
use crate::driver::Driver;

const DIRECTIONS: [Direction; 2] = [Direction::Asc, Direction::Desc];

/// A filter and what it is to do.
type Case = (&'static str, fn(&mut TaskFilter, Timestamp), fn(&TaskRow, &TaskInput, Timestamp) -> bool);

/// Every filter. The instant is in the middle of the tasks.
const CASES: &[Case] = &[
    ("namespace", |f, _| f.namespace = Some(namespace("shop")), |r, _, _| r.namespace.as_str() == "shop"),
    (
        "namespaces",
        |f, _| f.namespaces = Some([namespace("shop"), namespace("none")].into()),
        |r, _, _| r.namespace.as_str() == "shop",
    ),
    ("nothing visible", |f, _| f.namespaces = Some([].into()), |_, _, _| false),
    (
        "own",
        |f, _| f.own = Some(Own { created_by: "ada".into(), everything_in: [].into() }),
        |_, i, _| i.created_by.as_deref() == Some("ada"),
    ),
    (
        "own and a namespace",
        |f, _| f.own = Some(Own { created_by: "ada".into(), everything_in: [namespace("shop")].into() }),
        |r, i, _| i.created_by.as_deref() == Some("ada") || r.namespace.as_str() == "shop",
    ),
    ("name", |f, _| f.name = Some("order".parse().expect("a name")), |r, _, _| r.name.as_str() == "order"),
    ("version", |f, _| f.version = Some(version("9.0.0")), |r, _, _| r.version == version("9.0.0")),
    (
        "states",
        |f, _| f.states = vec![TaskState::InProgress, TaskState::Complete, TaskState::InProgress],
        |r, _, _| [TaskState::InProgress, TaskState::Complete].contains(&r.status),
    ),
    ("initiator", |f, _| f.initiator = Some("ops".into()), |r, _, _| r.initiator == "ops"),
    ("source system", |f, _| f.source_system = Some("till".into()), |r, _, _| r.source_system == "till"),
    ("reason", |f, _| f.reason = Some("sale".into()), |r, _, _| r.reason == "sale"),
    (
        "correlation id",
        |f, _| f.correlation_id = Some("c-1".into()),
        |_, i, _| i.correlation_id.as_deref() == Some("c-1"),
    ),
    ("priority", |f, _| f.priority = Some(2), |r, _, _| r.priority == 2),
    ("tag", |f, _| f.tags = vec!["a".into()], |r, _, _| r.tags.contains(&"a".to_owned())),
    ("tags", |f, _| f.tags = vec!["b".into(), "a".into()], |r, _, _| r.tags == ["a", "b"]),
    (
        "context",
        |f, _| f.context = Some(Payload::from_stored(r#"{"odd":true,"items":[{"n":2.0}]}"#)),
        |_, i, _| i.context.as_str().contains("true"),
    ),
    ("created after", |f, at| f.created.from = Some(at), |r, _, at| r.created_at >= at),
    ("created before", |f, at| f.created.before = Some(at), |r, _, at| r.created_at < at),
    ("requested after", |f, at| f.requested.from = Some(at), |_, i, at| i.requested_at >= at),
    ("requested before", |f, at| f.requested.before = Some(at), |_, i, at| i.requested_at < at),
    ("updated after", |f, at| f.updated.from = Some(at), |r, _, at| r.updated_at >= at),
    ("updated before", |f, at| f.updated.before = Some(at), |r, _, at| r.updated_at < at),
    ("ended after", |f, at| f.ended.from = Some(at), |r, _, at| r.completed_at.is_some_and(|end| end >= at)),
    (
        "ended before",
        |f, at| f.ended.before = Some(at),
        |r, _, at| r.completed_at.is_some_and(|end| end < at),
    ),
];

/// What is to be the same for some tasks and different for others, from the bits of a number.
fn vary(request: &mut Submission, n: u32) {
    let bit = |at: u32| n >> at & 1 == 1;
    let either = |at, yes: &str, no: &str| if bit(at) { yes.to_owned() } else { no.to_owned() };
    (request.initiator, request.source_system) = (either(0, "ops", "Ops"), either(1, "till", "web"));
    request.created_by = bit(2).then(|| either(1, "ada", "Ada"));
    request.reason = either(2, "sale", "sal");
    request.correlation_id = bit(3).then(|| either(0, "c-1", "c-2"));
    request.tags =
        [(bit(4), "a"), (bit(1), "b")].iter().filter(|(is, _)| *is).map(|(_, t)| (*t).into()).collect();
    request.priority = Priority::new(if bit(2) { 2 } else { 5 }).expect("a priority");
    request.context =
        Payload::from_stored(format!(r#"{{"items":[1,{{"n":2,"sku":"é"}}],"odd":{},"n":{n}}}"#, bit(0)));
    request.requested_at = bit(3).then(|| Timestamp::from_micros(i64::from(n)));
}

fn plans() -> Vec<Arc<Plan>> {
    let of = |space: &str, name: &str, of_version: &str| {
        plan_with(name, &[("a", &[])], |x| (x.namespace, x.version) = (namespace(space), version(of_version)))
    };
    vec![
        of("default", "order", "10.0.0"),
        of("shop", "order", "9.0.0"),
        of("shop", "refund", "9.0.0"),
        of("default", "refund", "9.0.0-rc.1"),
    ]
}

/// Many tasks of all kinds and in several states; and an instant in the middle.
async fn many(d: &Driver) -> Timestamp {
    let mut middle = d.clock.now();
    for n in 0..32 {
        let plan = &plans()[(n % 4) as usize];
        let id = d.start_with(plan, |request| vary(request, n * 7)).await;
        let claim = d.claim_one("a").await;
        match n % 5 {
            0 => drop(d.succeed(&claim).await),
            1 => drop(d.operate(id, Action::CancelTask { force: false }).await),
            2 => drop(d.fail_for_good(&claim).await),
            _ => {}
        }
        d.clock.advance_seconds(1);
        if n == 15 {
            middle = d.clock.now();
        }
    }
    middle
}

async fn rows(d: &Driver, filter: TaskFilter) -> Vec<TaskRow> {
    let page = d.store.tasks(TaskFilter { limit: 1000, count_all: true, ..filter }).await.expect("list");
    assert_eq!((page.total, page.has_more, page.next), (Some(page.tasks.len() as u64), false, None));
    page.tasks
}

fn ids(rows: &[TaskRow]) -> Vec<TaskId> {
    rows.iter().map(|row| row.task_id).collect()
}

pub async fn every_filter_alone_and_with_every_other(store: StoreUnderTest) {
    let d = Driver::new(store);
    let middle = many(&d).await;
    let mut all = Vec::new();
    for row in rows(&d, TaskFilter::default()).await {
        let input = d.store.task(row.task_id).await.expect("read").expect("a task").input;
        all.push((row, input));
    }
    assert_eq!(all.len(), 32);
    for (at, (name, change, passes)) in CASES.iter().enumerate() {
        for (other_name, other_change, other_passes) in &CASES[at..] {
            let mut filter = TaskFilter::default();
            change(&mut filter, middle);
            other_change(&mut filter, middle);
            let both = |(r, i): &&(TaskRow, TaskInput)| passes(r, i, middle) && other_passes(r, i, middle);
            let is_overwritten = name != other_name && overwrites(name, other_name);
            let found = ids(&rows(&d, filter).await);
            let expected: Vec<TaskId> = all.iter().filter(both).map(|(row, _)| row.task_id).collect();
            assert!(is_overwritten || found == expected, "{name}, {other_name}: {found:?}, not {expected:?}");
            let is_telling = !expected.is_empty() && expected.len() < all.len();
            assert!(name != other_name || is_telling || *name == "nothing visible", "{name} tells nothing");
        }
    }
}

/// Whether two cases set the same field.
fn overwrites(name: &str, other: &str) -> bool {
    [name, other] == ["namespaces", "nothing visible"]
        || [name, other] == ["tag", "tags"]
        || [name, other] == ["own", "own and a namespace"]
}

pub async fn every_order_upwards_and_downwards(store: StoreUnderTest) {
    let d = Driver::new(store);
    many(&d).await;
    for (name, sort) in TaskSort::ALL {
        for direction in DIRECTIONS {
            let filter = TaskFilter { sort, direction, ..TaskFilter::default() };
            let found = rows(&d, filter.clone()).await;
            let places: Vec<(SortKey, TaskId)> =
                found.iter().map(|row| (Position::of(row, sort).key, row.task_id)).collect();
            let mut expected = places.clone();
            expected.sort();
            if direction == Direction::Desc {
                expected.reverse();
            }
            assert_eq!((places.len(), &places), (32, &expected), "{name} {direction:?}");
            for limit in [1, 5, 31, 32] {
                assert_eq!(
                    walk(&d, &TaskFilter { limit, ..filter.clone() }).await,
                    ids(&found),
                    "{name} {limit}"
                );
            }
        }
    }
}

/// All pages, one after another, each by the cursor of the one before.
async fn walk(d: &Driver, filter: &TaskFilter) -> Vec<TaskId> {
    let (mut seen, mut list) = (Vec::new(), filter.clone());
    loop {
        let page = d.store.tasks(list.clone()).await.expect("list");
        assert!(page.tasks.len() <= filter.limit && page.has_more == page.next.is_some());
        seen.extend(ids(&page.tasks));
        let Some(next) = page.next else { return seen };
        list = filter.clone().after_cursor(&filter.cursor(&next)).expect("a cursor of this list");
    }
}

pub async fn filters_and_orders_go_together(store: StoreUnderTest) {
    let d = Driver::new(store);
    let middle = many(&d).await;
    for (name, change, _) in CASES {
        for (order, sort) in TaskSort::ALL {
            let mut filter = TaskFilter { sort, limit: 3, ..TaskFilter::default() };
            change(&mut filter, middle);
            let down = walk(&d, &filter).await;
            assert_eq!(down, ids(&rows(&d, filter.clone()).await), "{name} by {order}");
            let mut up = walk(&d, &TaskFilter { direction: Direction::Asc, ..filter }).await;
            up.reverse();
            assert_eq!(up, down, "{name} by {order}, upwards");
        }
    }
}

pub async fn a_list_is_told_once_while_tasks_come_and_change(store: StoreUnderTest) {
    let d = Driver::new(store);
    many(&d).await;
    for (name, sort) in [("task_id", TaskSort::Id), ("version", TaskSort::Version)] {
        for direction in DIRECTIONS {
            let filter = TaskFilter { sort, direction, limit: 4, ..TaskFilter::default() };
            let before = ids(&rows(&d, filter.clone()).await);
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = d.store.tasks(TaskFilter { after, ..filter.clone() }).await.expect("list");
                seen.extend(ids(&page.tasks));
                let id = d.start(&plans()[seen.len() % 4]).await;
                d.operate(id, Action::CancelTask { force: false }).await;
                after = page.next;
                if after.is_none() || seen.len() > 200 {
                    break;
                }
            }
            let old: Vec<TaskId> = seen.iter().copied().filter(|id| before.contains(id)).collect();
            assert_eq!(old, before, "{name} {direction:?}: all that were there, in order, once");
            let mut once = seen.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), seen.len(), "{name} {direction:?}: new ones once too");
        }
    }
}

pub async fn a_page_may_go_on_after_a_place_without_a_task(store: StoreUnderTest) {
    let d = Driver::new(store);
    many(&d).await;
    let all = ids(&rows(&d, TaskFilter::default()).await);
    let after = |id: u128, direction| TaskFilter {
        after: Some(Position { key: SortKey::Nothing, id: TaskId(uuid::Uuid::from_u128(id)) }),
        direction,
        ..TaskFilter::default()
    };
    let found = async |id, direction| {
        let filter = TaskFilter { limit: 1000, ..after(id, direction) };
        ids(&d.store.tasks(filter).await.expect("list").tasks)
    };
    let second = all[1].0.as_u128();
    assert_eq!(found(second + 1, Direction::Desc).await, all[1..]);
    assert_eq!(found(second - 1, Direction::Asc).await, [all[1], all[0]]);
    assert_eq!(found(0, Direction::Desc).await, []);
    assert_eq!(found(u128::MAX, Direction::Asc).await, []);
}

pub async fn a_span_holds_its_beginning_and_not_its_end(store: StoreUnderTest) {
    let d = Driver::new(store);
    many(&d).await;
    let all = rows(&d, TaskFilter::default()).await;
    let created = Between { from: Some(all[20].created_at), before: Some(all[10].created_at) };
    let found = rows(&d, TaskFilter { created, ..TaskFilter::default() }).await;
    assert_eq!(found, all[11..=20]);
}
