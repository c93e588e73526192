//! Acceptance scenarios of the analysis (`spec/authoring.md` 10), and a comparison with trying everything.

mod naive;

use std::borrow::Cow;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;
use crate::decide::Action;
use crate::definition::Definition;
use crate::driver::{Driver, define, hiccup, linear, plan, refusal};
use crate::graph::shapes::{self, Shape};
use crate::names::StepName;

fn analyze(driver: &Driver) -> TaskAnalysis {
    weigh(driver, &AnalysisWeights::default())
}

fn weigh(driver: &Driver, weights: &AnalysisWeights) -> TaskAnalysis {
    let records = driver.steps.iter().map(|detail| &detail.record);
    analyze_task(&driver.plan, &driver.task, records, weights, driver.now)
}

fn plan_of(shape: &Shape) -> Arc<Plan> {
    let steps: Vec<(&str, Vec<&str>)> = shape.steps().collect();
    let steps: Vec<(&str, &[&str])> =
        steps.iter().map(|(name, parents)| (*name, parents.as_slice())).collect();
    plan(&steps)
}

fn names(list: &[StepName]) -> Vec<&str> {
    list.iter().map(StepName::as_str).collect()
}

/// A complete, B failed once and waits, C waits for B.
fn vector() -> Driver {
    let mut driver = Driver::new(plan(&[("A", &[]), ("B", &["A"]), ("C", &["B"])]));
    driver.complete(&["A"]).fail("B", hiccup());
    driver
}

#[test]
fn as_55_as_56_the_shapes_of_running_tasks() {
    for (shape, n_levels, width, n_paths) in [
        (shapes::linear_workflow(), 6, 1, 1),
        (shapes::diamond_workflow(), 5, 2, 2),
        (shapes::parallel_merge_workflow(), 3, 4, 4),
        (shapes::tree_workflow(), 4, 4, 4),
        (shapes::mixed_workflow(), 5, 2, 5),
    ] {
        let analysis = analyze(&Driver::new(plan_of(&shape)));
        let (paths, levels) = (&analysis.critical_paths, &analysis.parallelism_opportunities);
        assert_eq!((levels.total_levels, levels.max_parallel_steps), (n_levels, width), "{:?}", shape.names);
        assert_eq!((paths.total_paths, paths.total_paths_truncated), (n_paths, false));
        assert_eq!(u64::from(paths.longest_path_length), n_levels);
        assert_eq!(analysis.task_execution_summary.dependency_levels, n_levels);
    }
    let mixed = analyze(&Driver::new(plan_of(&shapes::mixed_workflow())));
    let level = |name: &str| mixed.dependency_graph.nodes().find(|n| n.name.as_str() == name).unwrap().level;
    assert_eq!((level("cleanup_temp_files"), level("finalize_and_report")), (2, 4));
    assert_eq!(names(&mixed.critical_paths.root_nodes), ["init_auth", "init_config"]);
    assert_eq!(names(&mixed.critical_paths.leaf_nodes), ["process_optional_data", "finalize_and_report"]);
}

#[test]
fn as_58_the_test_vector() {
    let analysis = analyze(&vector());
    let path = &analysis.critical_paths.paths[0];
    assert_eq!((path.estimated_duration, path.criticality_score), (210, 103.05));
    let held_up: Vec<_> =
        path.bottlenecks.iter().map(|b| (b.step_name.as_str(), b.severity, b.impact.as_str())).collect();
    assert_eq!(held_up, [("B", 15, "Blocks 1 downstream step"), ("C", 5, "Blocks 0 downstream steps")]);
    let chain = &analysis.error_chains.error_chains[0];
    assert_eq!((chain.total_impact, chain.retry_analysis.remaining_attempts), (23, 2));
    assert_eq!(chain.recovery_strategies[0].strategy, Strategy::WaitForBackoff);
    assert_eq!(analysis.error_chains.recovery_priority[0].priority_level, Grade::Medium);
    assert_eq!(analysis.error_chains.error_percentage, 33.3);
    let bottleneck = &analysis.bottlenecks.bottlenecks[0];
    assert_eq!((bottleneck.impact_score, bottleneck.severity), (43, Grade::Medium));
    assert_eq!(bottleneck.bottleneck_type, BottleneckType::ActiveError);
    assert_eq!(analysis.bottlenecks.overall_impact, OverallImpact::Low);
    let levels = &analysis.parallelism_opportunities;
    assert_eq!((levels.total_levels, levels.max_parallel_steps, levels.parallelism_efficiency), (3, 1, 0.0));
}

#[test]
fn the_whole_document() {
    insta::assert_json_snapshot!("test_vector", analyze(&vector()));
}

#[test]
fn as_59_exponentially_many_paths_are_no_work() {
    let mut driver = Driver::new(plan_of(&shapes::dense(30, 4)));
    driver.fail("layer_1_step_1", refusal());
    let took = |_| {
        let start = Instant::now();
        let analysis = analyze(&driver);
        (start.elapsed(), analysis)
    };
    // Other tests run at the same time: what it takes is what it takes at best.
    let (took, analysis) = (0..20).map(took).min_by_key(|(took, _)| *took).unwrap();
    assert!(took < Duration::from_millis(100), "{took:?}");
    let paths = &analysis.critical_paths;
    assert_eq!((paths.total_paths, paths.total_paths_truncated), (1_000_000, true));
    assert_eq!((paths.paths.len(), paths.longest_path_length), (5, 30));
    assert!(paths.paths.iter().all(|path| path.path[0].as_str() == "layer_1_step_1"));
    assert_eq!(analysis.error_chains.error_chains[0].total_downstream_steps, 116);
}

#[test]
fn as_60_without_steps_there_is_nothing_to_say() {
    let plan = linear(1);
    let nothing = Plan::new(Definition { steps: Vec::new(), ..plan.definition.clone() });
    let driver = Driver::new(plan);
    let analysis = analyze_task(&nothing, &driver.task, [], &AnalysisWeights::default(), driver.now);
    assert_eq!(analysis.critical_paths.paths, []);
    assert_eq!((analysis.critical_paths.total_paths, analysis.critical_paths.longest_path_length), (0, 0));
    assert_eq!(analysis.parallelism_opportunities.levels, []);
    assert_eq!(analysis.task_execution_summary.overall_health, OverallHealth::Healthy);
    let document = serde_json::to_value(&analysis).unwrap();
    assert_eq!(
        document["dependency_graph"],
        json!({
            "nodes": [], "edges": [], "adjacency_list": {}, "reverse_adjacency_list": {}, "dependency_levels": {},
        })
    );
}

#[test]
fn as_60_a_complete_task_has_no_bottlenecks() {
    let mut driver = Driver::new(linear(3));
    driver.fail("L1", hiccup()).wait(5).complete(&["L1", "L2", "L3"]);
    let analysis = analyze(&driver);
    assert_eq!(analysis.bottlenecks.total_bottlenecks, 0);
    assert_eq!(analysis.bottlenecks.overall_impact, OverallImpact::None);
    let summary = &analysis.task_execution_summary;
    assert_eq!(summary.overall_health, OverallHealth::Healthy);
    assert_eq!(codes(summary), [RecommendationCode::Healthy]);
    assert_eq!(analysis.critical_paths.paths[0].completion_percentage, 100.0);
}

fn codes(summary: &ExecutionSummary) -> Vec<RecommendationCode> {
    summary.recommendations.iter().map(|recommendation| recommendation.code).collect()
}

#[test]
fn as_61_steps_that_wait_are_no_bottlenecks() {
    let analysis = analyze(&Driver::new(linear(6)));
    assert_eq!(analysis.bottlenecks.total_bottlenecks, 0);
    assert_eq!(analysis.parallelism_opportunities.blocked_parallel_opportunities, 5);
    assert_eq!(codes(&analysis.task_execution_summary), [RecommendationCode::ImproveParallelism]);
    assert_eq!(analysis.error_chains.most_critical_error, None);
}

#[test]
fn as_62_an_analysis_tells_of_the_rows_it_is_given() {
    let mut driver = vector();
    assert_eq!(analyze(&driver).error_chains.total_error_steps, 1);
    driver.wait(5).complete(&["B"]);
    let after = analyze(&driver);
    assert_eq!(after.error_chains.total_error_steps, 0);
    assert_eq!(after.parallelism_opportunities.overall_completion, 66.67);
}

#[test]
fn as_63_health_in_one_word() {
    let health = |driver: &Driver| analyze(driver).task_execution_summary.overall_health;
    let mut driver = Driver::new(linear(2));
    assert_eq!(health(&driver), OverallHealth::Healthy);
    driver.fail("L1", hiccup());
    assert_eq!(health(&driver), OverallHealth::Warning);
    driver.wait(5).exhaust("L1");
    assert_eq!(health(&driver), OverallHealth::Critical);
    let mut refused = Driver::new(linear(2));
    refused.fail("L1", refusal());
    assert_eq!(health(&refused), OverallHealth::Critical);
}

#[test]
fn whoever_reads_an_analysis_has_what_was_written() {
    let mut driver = Driver::new(linear(3));
    driver.exhaust("L1");
    let written = serde_json::to_string(&analyze(&driver)).unwrap();
    let read: TaskAnalysis<Value> = serde_json::from_str(&written).unwrap();
    assert_eq!(read.bottlenecks.bottlenecks[0].bottleneck_type, BottleneckType::PermanentFailure);
    assert_eq!(serde_json::to_string(&read).unwrap(), written);
    let unknown = written.replace("Permanent Failure", "Fatigue");
    let refused = serde_json::from_str::<TaskAnalysis<Value>>(&unknown).unwrap_err();
    assert!(refused.to_string().contains("unknown variant `Fatigue`"), "{refused}");
}

/// Type, resolution and expected time of each bottleneck.
fn told(driver: &Driver) -> Vec<(String, BottleneckType, Cow<'static, str>, String)> {
    let told = |b: Bottleneck| {
        (b.step_name.to_string(), b.bottleneck_type, b.resolution_strategy, b.estimated_resolution_time)
    };
    analyze(driver).bottlenecks.bottlenecks.into_iter().map(told).collect()
}

#[test]
fn every_kind_of_bottleneck() {
    let one = |name: &str, kind, resolution: &'static str, time: &str| {
        vec![(name.to_owned(), kind, resolution.into(), time.to_owned())]
    };
    let mut driver = Driver::new(linear(2));
    driver.fail("L1", hiccup().after(61));
    let active = |time| one("L1", BottleneckType::ActiveError, "Investigate error cause", time);
    assert_eq!(told(&driver), active("2 minutes"));
    assert_eq!(told(driver.wait(1)), active("1 minute"));
    assert_eq!(told(driver.wait(60)), active("Within next retry cycle"));
    driver.exhaust("L1");
    let last = one(
        "L1",
        BottleneckType::PermanentFailure,
        "Manual intervention required",
        "Immediate action needed",
    );
    assert_eq!(told(&driver), last);

    let mut refused = Driver::new(linear(2));
    refused.fail("L1", refusal());
    let never = one("L1", BottleneckType::NonRetryable, "Investigate error cause", "Immediate action needed");
    assert_eq!(told(&refused), never);

    let mut cut_off = Driver::new(linear(3));
    cut_off.operate(Action::CancelStep(cut_off.at("L1")));
    let behind = one(
        "L2",
        BottleneckType::DependencyBlock,
        "Check upstream dependencies",
        "Depends on upstream steps",
    );
    assert_eq!(told(&cut_off), behind);

    let mut running =
        Driver::new(define(&[("a", &[])], |d| d, |step| step.timeout_seconds(60).retry_limit(9)));
    running.fail("a", hiccup()).wait(60).claim("a");
    assert_eq!(told(&running), []);
    assert_eq!(told(running.wait(60)), []);
    let overdue = one("a", BottleneckType::Overdue, "Check the worker that runs it", "Unknown");
    assert_eq!(told(running.wait(1)), overdue);
    running.settle("a", crate::outcome::Outcome::Failure(hiccup()));
    running.wait(60).claim("a");
    let again = one("a", BottleneckType::RetryExhaustion, "Monitor retry attempts", "Unknown");
    assert_eq!(told(&running), again);
}

#[test]
fn every_strategy() {
    let strategies = |driver: &Driver| -> Vec<(Strategy, String)> {
        let chain = analyze(driver).error_chains.error_chains.remove(0);
        chain.recovery_strategies.into_iter().map(|s| (s.strategy, s.description)).collect()
    };
    let mut driver = vector();
    let waits = "It is tried again at 2026-01-31T09:00:01.000000Z".to_owned();
    assert_eq!(strategies(&driver), [(Strategy::WaitForBackoff, waits)]);
    driver.wait(1);
    assert_eq!(strategies(&driver), [(Strategy::MonitorRetries, "It is due again; 2 attempts left".into())]);
    let mut cancelled = driver.clone();
    cancelled.operate(Action::CancelTask { force: false });
    let ended = "It is not tried again, because the task ended: cancelled".to_owned();
    assert_eq!(strategies(&cancelled), [(Strategy::InvestigateRootCause, ended)]);
    driver.exhaust("B");
    let kinds: Vec<Strategy> = strategies(&driver).into_iter().map(|(strategy, _)| strategy).collect();
    assert_eq!(kinds, [Strategy::ManualResolution, Strategy::IncreaseRetryLimit]);
    let mut refused = Driver::new(linear(1));
    refused.fail("L1", refusal());
    assert_eq!(strategies(&refused)[0].0, Strategy::InvestigateRootCause);
}

#[test]
fn lists_are_bounded_and_counts_are_not() {
    let mut driver = Driver::new(plan_of(&shapes::layered(150, 2, 1)));
    for i in 1..=150 {
        driver.fail(&format!("layer_1_step_{i}"), refusal());
    }
    let analysis = analyze(&driver);
    assert_eq!(analysis.error_chains.total_error_steps, 150);
    assert_eq!(analysis.error_chains.total_blocked_by_errors, 150);
    assert_eq!(analysis.error_chains.error_chains.len(), MAX_ERROR_CHAINS);
    assert_eq!(analysis.bottlenecks.total_bottlenecks, 150);
    assert_eq!(analysis.bottlenecks.bottlenecks.len(), MAX_BOTTLENECKS);
    let wide = Driver::new(plan_of(&shapes::fan_out(1_200)));
    let mut failed = wide.clone();
    failed.fail("initialize_batch", refusal());
    let chain = &analyze(&failed).error_chains.error_chains[0];
    assert_eq!((chain.downstream_steps.len(), chain.total_downstream_steps), (MAX_LISTED_DOWNSTREAM, 1_201));
}

#[test]
fn weights_count() {
    let mut weights = AnalysisWeights::default();
    weights.duration_estimates.base_step_seconds = 60;
    weights.impact_multipliers.blocked_weight = 100;
    weights.severity_thresholds.critical = 120;
    let analysis = weigh(&vector(), &weights);
    assert_eq!(analysis.critical_paths.paths[0].estimated_duration, 300);
    assert_eq!(analysis.error_chains.error_chains[0].total_impact, 108);
    assert_eq!(analysis.error_chains.recovery_priority[0].priority_level, Grade::High);
    assert_eq!(analysis.bottlenecks.critical_bottlenecks, 1);
}

#[test]
fn weights_beyond_all_measure_do_no_harm() {
    let mut weights = AnalysisWeights::default();
    weights.impact_multipliers.path_length_weight = u32::MAX;
    weights.duration_estimates.retry_penalty_seconds = u32::MAX;
    weights.penalty_constants.retry_instability = u32::MAX;
    let mut driver = vector();
    driver.steps[1].record.attempts = u32::MAX;
    let analysis = weigh(&driver, &weights);
    assert!(analysis.critical_paths.paths[0].criticality_score.is_finite());
    assert_eq!(serde_json::to_value(&analysis).unwrap()["task_id"], Value::from(driver.task.id.to_string()));
}
