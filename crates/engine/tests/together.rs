//! Requests that stand together: all of them are accepted, or none.

mod support;

use serde_json::json;
use support::{Bench, PATIENCE, Script, request};
use tasker_core::definition::Definition;
use tasker_core::state::TaskState;
use tasker_engine::handler::Handlers;
use tasker_engine::use_cases::Together;
use tasker_engine::{Engine, EngineOptions};
use tasker_store::read::TaskFilter;
use tasker_testkit::definitions::{plan_with, version};

fn order(change: impl FnOnce(&mut Definition)) -> Definition {
    plan_with("order", &[("a", &[]), ("b", &["a"])], change).definition.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_are_accepted_and_run() {
    let bench = Bench::new(Script::default()).await;
    let definition = order(|_| {});
    bench.engine.register(definition.clone(), false).await.unwrap();
    let requests = (0..20).map(|n| request(&definition.name, &json!({ "n": n }))).collect();
    let Together::Accepted(tasks) = bench.engine.submit_together(requests).await.unwrap() else {
        panic!("nothing is wrong with them");
    };
    assert_eq!(tasks.len(), 20);
    for (n, (submitted, view)) in tasks.iter().enumerate() {
        assert!(submitted.created);
        assert_eq!(view.detail.record.id, submitted.task_id);
        assert_eq!(view.detail.input.context.as_str(), format!(r#"{{"n":{n}}}"#));
        let ended = bench.engine.wait(submitted.task_id, Some(PATIENCE)).await.unwrap();
        assert_eq!(ended, Some(TaskState::Complete));
    }
    assert_eq!(bench.script.executions("b"), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_latest_version_is_used_though_another_node_registered_it() {
    let bench = Bench::new(Script::default()).await;
    let other = Engine::new(bench.store.clone(), Handlers::new(), EngineOptions::default());
    let definition = order(|_| {});
    let requests = || vec![request(&definition.name, &json!({})), request(&definition.name, &json!({}))];
    let versions = |together: Together| match together {
        Together::Accepted(tasks) => {
            tasks.iter().map(|(_, view)| view.detail.plan.definition.version.to_string()).collect::<Vec<_>>()
        }
        Together::Withheld(wrong) => panic!("{wrong:?}"),
    };
    bench.engine.register(definition.clone(), false).await.unwrap();
    assert_eq!(versions(bench.engine.submit_together(requests()).await.unwrap()), ["1.0.0", "1.0.0"]);
    other.register(order(|new| new.version = version("1.1.0")), false).await.unwrap();
    assert_eq!(versions(bench.engine.submit_together(requests()).await.unwrap()), ["1.1.0", "1.1.0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_wrong_is_told_and_nothing_is_stored() {
    let bench = Bench::new(Script::default()).await;
    let definition = order(|_| {});
    bench.engine.register(definition.clone(), false).await.unwrap();
    let good = || request(&definition.name, &json!({}));
    let unknown = request(&"nobody".parse().unwrap(), &json!({}));
    let mut priced = good();
    priced.bypass_steps = vec!["a".to_owned()];
    let together = bench.engine.submit_together(vec![good(), unknown, good(), priced]).await.unwrap();
    let Together::Withheld(wrong) = together else { panic!("two of them are wrong") };
    let told: Vec<_> = wrong.iter().map(|(i, error)| (*i, error.code())).collect();
    assert_eq!(told, [(1, "definition_not_found"), (3, "bypass_steps")]);

    // What is wrong with these shows only in the store.
    let mut first = good();
    first.id = Some(bench.engine.submit(good()).await.unwrap().task_id);
    first.reason = Some("another request".into());
    let together = bench.engine.submit_together(vec![good(), first]).await.unwrap();
    let Together::Withheld(wrong) = together else { panic!("one id is taken") };
    let told: Vec<_> = wrong.iter().map(|(i, error)| (*i, error.code())).collect();
    assert_eq!(told, [(1, "task_id_conflict")]);
    let stored = bench.store.tasks(TaskFilter { limit: 10, ..TaskFilter::default() }).await.unwrap();
    assert_eq!(stored.tasks.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_requests_sent_again_are_the_same_tasks() {
    let bench = Bench::new(Script::default()).await;
    let definition = order(|_| {});
    bench.engine.register(definition.clone(), false).await.unwrap();
    let ids = [1, 2].map(|n| tasker_testkit::driver::task_id(100 + n));
    let requests = |n: usize| {
        let named = ids[..n].iter().map(|id| {
            let mut named = request(&definition.name, &json!({}));
            named.id = Some(*id);
            named
        });
        named.collect::<Vec<_>>()
    };
    let created = async |requests| match bench.engine.submit_together(requests).await.unwrap() {
        Together::Accepted(tasks) => tasks.iter().map(|(task, _)| (task.task_id, task.created)).collect(),
        Together::Withheld(_) => Vec::new(),
    };
    assert_eq!(created(requests(2)).await, [(ids[0], true), (ids[1], true)]);
    assert_eq!(created(requests(2)).await, [(ids[0], false), (ids[1], false)]);
    let mut more = requests(2);
    more.push(request(&definition.name, &json!({})));
    assert_eq!(created(more).await, [], "two of three exist already");
}
