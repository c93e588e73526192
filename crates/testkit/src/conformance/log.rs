//! Reading the log as a stream.

use std::collections::BTreeMap;

use tasker_core::decide::{Action, Input};
use tasker_core::ids::{Ordinal, TaskId};
use tasker_core::record::Change;
use tasker_store::read::{Cursor, LogEntry, LogQuery};
use tasker_store::write::{Claiming, FromQueue, Logged};

use crate::StoreUnderTest;
use crate::definitions::{HANDLER, plan, plan_with};
use crate::driver::{Driver, at, budget_for, success};

async fn read(d: &Driver, query: LogQuery) -> Vec<LogEntry> {
    d.store.log(query).await.expect("log")
}

pub async fn the_log_is_read_page_by_page(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[]), ("b", &["a"])]);
    for _ in 0..3 {
        d.start(&plan).await;
    }
    d.claim().await;
    let all = read(&d, LogQuery { limit: 1000, ..LogQuery::default() }).await;
    assert_eq!(all.len(), 3 * 3 + 3 * 2);
    let (mut paged, mut after) = (Vec::new(), Cursor::START);
    loop {
        let page = read(&d, LogQuery { after, limit: 4, ..LogQuery::default() }).await;
        assert!(page.len() <= 4);
        let Some(last) = page.last() else { break };
        after = last.cursor;
        paged.extend(page);
    }
    assert_eq!(paged, all);
    assert!(all.windows(2).all(|pair| pair[0].cursor < pair[1].cursor));
}

pub async fn new_entries_come_after_what_was_read(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    d.start(&plan).await;
    let after =
        read(&d, LogQuery { limit: 9, ..LogQuery::default() }).await.last().expect("two entries").cursor;
    assert!(read(&d, LogQuery { after, limit: 9, ..LogQuery::default() }).await.is_empty());
    let second = d.start(&plan).await;
    let new = read(&d, LogQuery { after, limit: 9, ..LogQuery::default() }).await;
    assert_eq!(
        new.iter().map(|entry| (entry.task, entry.transition.seq)).collect::<Vec<_>>(),
        [(second, 1), (second, 2)]
    );
}

pub async fn the_log_of_one_task_can_be_read(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan("order", &[("a", &[])]);
    let (one, two) = (d.start(&plan).await, d.start(&plan).await);
    d.one(one, Input::Claim { step: Ordinal(0), worker: d.worker }).await;
    let of = |task, after, limit| LogQuery { task: Some(task), after, limit };
    let first = read(&d, of(one, Cursor::START, 100)).await;
    assert_eq!(first.iter().map(|entry| entry.transition.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(first.iter().all(|entry| entry.task == one));
    assert_eq!(read(&d, of(one, first[1].cursor, 1)).await, first[2..3]);
    assert_eq!(read(&d, of(two, Cursor::START, 100)).await.len(), 2);
}

pub async fn the_end_of_the_log_is_found_from_behind(store: StoreUnderTest) {
    let d = Driver::new(store);
    assert_eq!(d.store.log_end(None, 0).await.expect("end"), Cursor::START);
    let plan = plan("order", &[("a", &[])]);
    let (one, two) = (d.start(&plan).await, d.start(&plan).await);
    let all = read(&d, LogQuery { limit: 9, ..LogQuery::default() }).await;
    for back in 0..6 {
        let after = d.store.log_end(None, back).await.expect("end");
        let last = read(&d, LogQuery { after, limit: 9, ..LogQuery::default() }).await;
        assert_eq!(last, all[4 - back.min(4)..], "the last {back}");
    }
    let after = d.store.log_end(Some(one), 1).await.expect("end");
    let last = read(&d, LogQuery { task: Some(one), after, limit: 9 }).await;
    assert_eq!(last, all[1..2]);
    assert_eq!(d.store.log_end(Some(two), 0).await.expect("end"), all[3].cursor);
}

pub async fn entries_about_steps_name_them(store: StoreUnderTest) {
    let d = Driver::new(store);
    let id = d.start(&plan("order", &[("first-step", &[])])).await;
    for entry in read(&d, LogQuery { task: Some(id), limit: 9, ..LogQuery::default() }).await {
        match entry.transition.change {
            Change::Task { .. } => assert_eq!(entry.step, None),
            Change::Step { .. } => assert_eq!(entry.step.expect("a name").as_str(), "first-step"),
        }
    }
}

pub async fn what_a_batch_logs_is_told_with_its_answer(store: StoreUnderTest) {
    let d = Driver::new(store);
    let plan = plan_with("order", &[("a", &[]), ("b", &["a"]), ("c", &[])], |x| x.steps[2].skippable = true);
    d.register(&plan).await;
    let mut told: BTreeMap<TaskId, Vec<Change>> = BTreeMap::new();
    let mut hear = |logged: Vec<Logged>| {
        for Logged { task, plan: of, changes } in logged {
            assert_eq!(of.digest, plan.digest);
            assert!(!changes.is_empty());
            told.entry(task).or_default().extend(changes);
        }
    };
    let budget = || budget_for(d.worker, 1, &[HANDLER]);
    let mut bypassing = d.request(&plan);
    bypassing.bypass = vec![at(&plan, "c")];
    let (one, two) = (bypassing.id, d.new_id());
    let mut other = d.request(&plan);
    other.id = two;
    let submitted = d.submit_all(vec![bypassing, other], Some(budget())).await;
    let first = submitted.work[0].claim.clone();
    hear(submitted.logged);
    let settle = Input::Settle { step: first.ordinal, fence: first.fence, outcome: success("1") };
    let claiming = |from_queue| Some(Claiming { budget: budget(), from_queue });
    let applied = d.apply(vec![(first.task, settle)], claiming(FromQueue::Never)).await;
    assert_eq!(applied.work.len(), 1, "the next step is claimed along with it");
    hear(applied.logged);
    let claimed = d.apply(Vec::new(), claiming(FromQueue::Last)).await;
    assert_eq!(claimed.work.len(), 1, "a step of the other task is claimed");
    hear(claimed.logged);
    let cancel = |force| Input::Operate {
        action: Action::CancelTask { force },
        actor: "ops".into(),
        reason: None,
        expected: None,
    };
    hear(d.apply(vec![(one, cancel(false)), (two, cancel(false))], None).await.logged);
    let again = d.apply(vec![(one, cancel(false))], None).await;
    assert!(again.logged.is_empty(), "nothing changed: {:?}", again.logged);
    for task in [one, two] {
        let log: Vec<Change> = d.log(task).await.into_iter().map(|entry| entry.change).collect();
        assert_eq!(told[&task], log, "what was told (left) and what is in the log (right)");
    }
}
