//! Everything that can be read from a store, as one value.

use std::collections::BTreeMap;
use std::time::Duration;

use tasker_core::ids::TaskId;
use tasker_core::record::{Annotation, StepDetail, TaskInput, TaskRecord, Transition};
use tasker_core::survey::{FailureCount, LongStep, LongTask, Population, Stage, Standing, Tallies, Traffic};
use tasker_core::time::Timestamp;
use tasker_store::Store;
use tasker_store::analytics::{
    AnalyticsMetrics, HealthCounts, NamespaceCounts, SlowStep, SlowTask, SlowestQuery, VitalSigns,
};
use tasker_store::definitions::{DefinitionRow, Resolved, Selector};
use tasker_store::integrity::Finding;
use tasker_store::read::{Cursor, LogQuery, QueueDepth, TaskFilter, TaskPage};
use tasker_store::survey::Scope;
use tasker_store::workers::WorkerRow;

/// The full state of a store.
#[derive(PartialEq, Debug)]
pub(super) struct Observed {
    pub(super) tasks: BTreeMap<TaskId, ObservedTask>,
    page: TaskPage,
    order: Vec<(TaskId, u64)>,
    queue: Vec<QueueDepth>,
    together: Together,
    workers: Vec<WorkerRow>,
    definitions: Vec<DefinitionRow>,
    namespaces: Vec<String>,
    resolved: Vec<String>,
    pub(super) findings: Vec<Finding>,
    pub(super) now: Timestamp,
}

/// What is told of all tasks together.
#[derive(PartialEq, Debug)]
struct Together {
    health: HealthCounts,
    namespaces: Vec<NamespaceCounts>,
    signs: VitalSigns,
    metrics: AnalyticsMetrics,
    slow_tasks: Vec<SlowTask>,
    slow_steps: Vec<SlowStep>,
    survey: Survey,
}

/// What surveys count.
#[derive(PartialEq, Debug)]
struct Survey {
    standing: Standing,
    traffic: Traffic,
    population: Population,
    tallies: Tallies,
    failures: Vec<FailureCount>,
    ended: Vec<LongTask>,
    running: Vec<LongTask>,
    steps: Vec<LongStep>,
}

/// Everything about one task.
#[derive(PartialEq, Debug)]
pub(super) struct ObservedTask {
    pub(super) record: TaskRecord,
    input: TaskInput,
    annotations: Vec<Annotation>,
    pub(super) steps: Vec<StepDetail>,
    log: Vec<Transition>,
}

impl Observed {
    /// `turn` says of which steps the result is read by itself.
    pub(super) async fn of(store: &dyn Store, turn: usize) -> Self {
        let filter = TaskFilter { limit: 10_000, count_all: true, ..TaskFilter::default() };
        let page = store.tasks(filter).await.expect("list tasks");
        let entries =
            store.log(LogQuery { limit: 1_000_000, ..LogQuery::default() }).await.expect("read the log");
        assert!(
            entries.is_sorted_by_key(|entry| entry.cursor),
            "the log is read in the order of its cursors"
        );
        assert!(entries.iter().all(|entry| entry.cursor > Cursor::START));
        let order = entries.iter().map(|entry| (entry.task, entry.transition.seq)).collect();
        let mut logs: BTreeMap<TaskId, Vec<Transition>> = BTreeMap::new();
        for entry in entries {
            logs.entry(entry.task).or_default().push(entry.transition);
        }
        let mut tasks = BTreeMap::new();
        for row in &page.tasks {
            let log = logs.remove(&row.task_id).unwrap_or_default();
            tasks.insert(row.task_id, ObservedTask::of(store, row.task_id, log, turn).await);
        }
        assert!(logs.is_empty(), "the log names tasks that are not listed: {:?}", logs.keys());
        let definitions = store.definitions(None).await.expect("list definitions");
        let mut resolved = Vec::new();
        for row in &definitions {
            let selector =
                Selector { namespace: row.namespace.clone(), name: row.name.clone(), version: None };
            resolved.push(match store.resolve(selector).await.expect("resolve") {
                Resolved::Found { plan, retired } => format!("{} {retired}", plan.digest),
                other => format!("{other:?}"),
            });
        }
        Self {
            tasks,
            resolved,
            page,
            order,
            queue: store.queue().await.expect("read the queue"),
            together: Together::of(store, turn).await,
            workers: store.workers().await.expect("list workers"),
            definitions,
            namespaces: store.namespaces().await.expect("list namespaces"),
            findings: store.check(20).await.expect("check"),
            now: store.now().await.expect("read the clock"),
        }
    }
}

impl Together {
    /// `turn` says how far it is looked back. Connections are each store's own affair.
    async fn of(store: &dyn Store, turn: usize) -> Self {
        let health = store.health_counts().await.expect("count tasks and steps");
        assert!(health.active_connections >= 1 && health.max_connections >= 1, "{health:?}");
        let census = store.census().await.expect("count by namespace");
        let span = Duration::from_secs([0, 5, 60, 3600, 1_000_000][turn % 5]);
        let since = store.now().await.expect("read the clock").minus(span);
        let query = SlowestQuery { limit: 1 + turn, ..SlowestQuery::since(since) };
        Self {
            health: HealthCounts { active_connections: 0, max_connections: 0, ..health },
            namespaces: census.namespaces,
            signs: VitalSigns {
                connections: None,
                ..store.vital_signs(since).await.expect("read vital signs")
            },
            metrics: store.analytics(since).await.expect("compute metrics"),
            slow_tasks: store.slowest_tasks(query.clone()).await.expect("look for slow tasks"),
            slow_steps: store.slowest_steps(query).await.expect("look for slow steps"),
            survey: Survey::of(store, since, 1 + turn).await,
        }
    }
}

impl Survey {
    async fn of(store: &dyn Store, since: Timestamp, limit: usize) -> Self {
        let (store, all) = (store.survey_store(), Scope::default());
        let long = |stage| store.long_tasks(&all, since, stage, limit);
        Self {
            standing: store.standing(&all, since).await.expect("count tasks"),
            traffic: store.traffic(&all, since).await.expect("count what came and went"),
            population: store.population(&all, since).await.expect("count new tasks"),
            tallies: store.step_tallies(&all, since).await.expect("count steps"),
            failures: store.failures(&all, since).await.expect("count failures"),
            ended: long(Stage::Ended).await.expect("look for long tasks"),
            running: long(Stage::Running).await.expect("look for long tasks"),
            steps: store.long_steps(&all, since, limit).await.expect("look for long steps"),
        }
    }
}

impl ObservedTask {
    async fn of(store: &dyn Store, id: TaskId, log: Vec<Transition>, turn: usize) -> Self {
        let detail = store.task(id).await.expect("read a task").expect("a listed task exists");
        let steps = store.steps(id).await.expect("read steps");
        if let Some(step) = steps.get(turn % steps.len().max(1)) {
            let result = store.result(id, step.record.ordinal).await.expect("read a result");
            let expected = step.results.as_ref().filter(|_| step.record.state.is_done());
            assert_eq!(result.as_ref(), expected, "task {id}, step {}", step.record.ordinal);
        }
        Self { record: detail.record, input: detail.input, annotations: detail.annotations, steps, log }
    }
}
