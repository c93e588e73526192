//! Pages of long lists, by every filter and in every order: each looks at a bounded number of tasks.
//!
//! With `TASKER_LISTED_TASKS=1000000` there are so many tasks, and no page may take longer than 50 ms; the slowest are
//! printed (`cargo test --release -p tasker-store-postgres --test long_lists -- --nocapture`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use tasker_core::decide::{Input, Submission};
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::payload::Payload;
use tasker_core::plan::Plan;
use tasker_core::record::Claim;
use tasker_core::state::TaskState;
use tasker_core::time::Timestamp;
use tasker_store::list::{Between, Direction, TaskFilter, TaskSort};

use crate::StoreUnderTest;
use crate::definitions::{namespace, plan_with, version};
use crate::driver::{Driver, success};

/// Longest time of a page, where there are as many tasks as were asked for.
const LONGEST: Duration = Duration::from_millis(50);

/// How many tasks there are unless told otherwise.
const FEW: u32 = 600;

fn how_many() -> Option<u32> {
    let asked = std::env::var("TASKER_LISTED_TASKS").ok()?;
    Some(asked.parse().expect("TASKER_LISTED_TASKS is a number"))
}

fn plans() -> Vec<Arc<Plan>> {
    let plan = |n: u32| {
        plan_with(&format!("job-{}", n % 5), &[("a", &[])], |x| {
            (x.namespace, x.version) =
                (namespace(&format!("space-{}", n % 3)), version(&format!("{}.0.0", n % 4)));
        })
    };
    (0..12).map(plan).collect()
}

/// The middle of all tasks' times.
fn middle(n: u32) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + i64::from(n) * 500)
}

fn request(driver: &Driver, plans: &[Arc<Plan>], n: u32) -> Submission {
    let text = |of: u32| format!("{}-{}", ["till", "web", "ops"][(n % 3) as usize], n % of);
    Submission {
        initiator: text(50),
        source_system: text(4),
        reason: text(1_000),
        tags: vec![text(20)],
        correlation_id: Some(text(100_000)),
        context: Payload::from_stored(format!(r#"{{"order":{n},"items":[{{"sku":"sku-{}"}}]}}"#, n % 77)),
        // Long ago first, but not quite in the order of the ids.
        requested_at: Some(Timestamp::from_micros(1_700_000_000_000_000 + i64::from(n ^ 7) * 1_000)),
        ..driver.request(&plans[(n % 12) as usize])
    }
}

/// Tasks of all kinds, of which the older half is complete and some are failed.
async fn fill(driver: &Driver, tasks: u32) {
    let plans = plans();
    for plan in &plans {
        driver.register(plan).await;
    }
    let numbers: Vec<u32> = (0..tasks).collect();
    for chunk in numbers.chunks(500) {
        let requests = chunk.iter().map(|n| request(driver, &plans, *n)).collect();
        driver.submit_all(requests, None).await;
        driver.clock.advance_seconds(1);
        if chunk[0] > tasks / 2 {
            continue;
        }
        let inputs = driver.claim_as(driver.worker, 500).await.into_iter().enumerate().map(|(at, work)| {
            let refused = || Failure::permanent("Refused", "refused", "not possible");
            let outcome = if at % 50 == 0 { Outcome::Failure(refused()) } else { success("{}") };
            let Claim { task, ordinal: step, fence, .. } = work.claim;
            (task, Input::Settle { step, fence, outcome })
        });
        driver.apply(inputs.collect(), None).await;
    }
}

type Change = fn(&mut TaskFilter, Timestamp);

/// Filters that many, few and no tasks pass.
const FILTERS: &[(&str, Change)] = &[
    ("all", |_, _| {}),
    ("namespace", |f, _| f.namespace = Some(namespace("space-1"))),
    ("visible namespaces", |f, _| f.namespaces = Some([namespace("space-1"), namespace("space-2")].into())),
    ("nothing visible", |f, _| f.namespaces = Some([].into())),
    ("name", |f, _| f.name = Some("job-3".parse().expect("a name"))),
    ("version", |f, _| f.version = Some(version("2.0.0"))),
    ("status pending", |f, _| f.states = vec![TaskState::Pending]),
    ("status error", |f, _| f.states = vec![TaskState::Error]),
    ("status cancelled (none)", |f, _| f.states = vec![TaskState::Cancelled]),
    ("initiator", |f, _| f.initiator = Some("web-7".into())),
    ("initiator (none)", |f, _| f.initiator = Some("nobody".into())),
    ("source system", |f, _| f.source_system = Some("ops-2".into())),
    ("reason", |f, _| f.reason = Some("till-333".into())),
    ("reason (none)", |f, _| f.reason = Some("none".into())),
    ("correlation id", |f, _| f.correlation_id = Some("web-7".into())),
    ("correlation id (none)", |f, _| f.correlation_id = Some("none".into())),
    ("priority (none)", |f, _| f.priority = Some(9)),
    ("tag", |f, _| f.tags = vec!["web-1".into()]),
    ("tag (none)", |f, _| f.tags = vec!["none".into()]),
    ("annotation (none)", |f, _| f.annotations = vec![("note".into(), "key".into(), "value".into())]),
    ("context", |f, _| f.context = Some(Payload::from_stored(r#"{"items":[{"sku":"sku-5"}]}"#))),
    ("context (none)", |f, _| f.context = Some(Payload::from_stored(r#"{"order":-1}"#))),
    ("created after", |f, at| f.created.from = Some(at)),
    ("created before (none)", |f, _| f.created.before = Some(Timestamp::from_micros(0))),
    ("requested after", |f, at| f.requested.from = Some(at)),
    ("requested before", |f, at| f.requested.before = Some(at)),
    ("requested (none)", |f, at| f.requested = Between { from: Some(at), before: Some(at) }),
    ("updated after", |f, at| f.updated.from = Some(at)),
    ("updated before (none)", |f, _| f.updated.before = Some(Timestamp::from_micros(0))),
    ("ended after (none)", |f, _| {
        f.ended.from = Some(Timestamp::parse("2999-01-01T00:00:00Z").expect("a time"))
    }),
    ("ended before (none)", |f, _| f.ended.before = Some(Timestamp::from_micros(0))),
];

/// Every filter in every order, both ways: the first pages, and pages from the middle on.
async fn time_all(driver: &Driver, tasks: u32) -> Vec<(Duration, String)> {
    let mut taken = Vec::new();
    for (name, change) in FILTERS {
        for (order, sort) in TaskSort::ALL {
            for direction in [Direction::Asc, Direction::Desc] {
                let mut filter = TaskFilter { sort, direction, limit: 100, ..TaskFilter::default() };
                change(&mut filter, middle(tasks));
                for page in 1..=3 {
                    let mut best = Duration::MAX;
                    let mut next = None;
                    // The best of three: what other programs do to the machine meanwhile is not meant.
                    for _ in 0..if how_many().is_some() { 3 } else { 1 } {
                        let began = Instant::now();
                        let found = driver.store.tasks(filter.clone()).await.expect("a page");
                        best = best.min(began.elapsed());
                        assert!(found.tasks.len() <= 100);
                        next = found.next;
                    }
                    taken.push((best, format!("{name}, by {order} {direction:?}, page {page}")));
                    filter.after = next;
                    if filter.after.is_none() {
                        break;
                    }
                }
            }
        }
    }
    taken
}

/// Fills a store and reads pages of every list.
pub async fn every_page_is_bounded(under_test: StoreUnderTest) {
    let driver = Driver::new(under_test);
    let tasks = how_many().unwrap_or(FEW);
    fill(&driver, tasks).await;
    let all = driver.store.tasks(TaskFilter { limit: 1, count_all: true, ..TaskFilter::default() }).await;
    assert_eq!(all.expect("a page").total, Some(u64::from(tasks)));

    let mut taken = time_all(&driver, tasks).await;
    taken.sort_by(|a, b| b.cmp(a));
    let median = taken[taken.len() / 2].0;
    println!("{} pages of {tasks} tasks; median {median:?}; the slowest:", taken.len());
    taken.iter().take(15).for_each(|(time, what)| println!("  {time:?}  {what}"));
    let slow: Vec<&(Duration, String)> = taken.iter().filter(|(time, _)| *time > LONGEST).collect();
    assert!(how_many().is_none() || slow.is_empty(), "{} pages take too long", slow.len());
}
