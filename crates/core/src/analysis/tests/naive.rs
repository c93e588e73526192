//! Small graphs in random states, analysed by trying everything as `spec/authoring.md` 4.2 puts it.

use proptest::prelude::*;

use super::{Driver, MAX_BOTTLENECKS, MAX_PATHS, Shape, analyze, plan_of};
use crate::graph::{Graph, shapes::any_shape};
use crate::ids::Ordinal;
use crate::readiness::is_ready;
use crate::record::StepRecord;
use crate::state::StepState;

/// State, attempts, limit, retryable, wait.
type Condition = (usize, u32, u32, bool, u32);

fn conditions(n: usize) -> impl Strategy<Value = Vec<Condition>> {
    prop::collection::vec((0..6_usize, 0..5_u32, 1..5_u32, any::<bool>(), 0..20_u32), n)
}

/// A task whose steps are as told, whatever led to that.
fn driver(shape: &Shape, conditions: &[Condition]) -> Driver {
    let mut driver = Driver::new(plan_of(shape));
    for (detail, (state, attempts, limit, retryable, wait)) in driver.steps.iter_mut().zip(conditions) {
        let record = &mut detail.record;
        record.state = StepState::ALL[*state];
        (record.attempts, record.retry_limit, record.retryable) = (*attempts, *limit, *retryable);
        record.last_attempted_at = Some(driver.now.plus_seconds(-10));
        record.backoff_seconds = Some(*wait);
        record.started_at = Some(driver.now);
    }
    let done: Vec<bool> = driver.steps.iter().map(|detail| detail.record.state.is_done()).collect();
    for detail in &mut driver.steps {
        let parents = driver.plan.graph.parents(detail.record.ordinal);
        detail.record.waits = parents.iter().filter(|parent| !done[parent.index()]).count() as u32;
    }
    driver
}

/// What trying everything needs.
struct Naive<'a> {
    driver: &'a Driver,
    completion: f64,
    is_healthy: bool,
}

impl<'a> Naive<'a> {
    fn new(driver: &'a Driver) -> Self {
        let execution = crate::execution::task_execution(
            &driver.task,
            driver.steps.iter().map(|detail| &detail.record),
            driver.now,
        );
        Self { driver, completion: execution.completion_percentage, is_healthy: execution.is_healthy() }
    }

    fn graph(&self) -> &Graph {
        &self.driver.plan.graph
    }

    fn record(&self, step: Ordinal) -> &StepRecord {
        &self.driver.steps[step.index()].record
    }

    fn paths(&self) -> Vec<Vec<Ordinal>> {
        let mut begun: Vec<Vec<Ordinal>> = self.graph().roots().map(|root| vec![root]).collect();
        let mut whole = Vec::new();
        while let Some(path) = begun.pop() {
            let children = self.graph().children(path[path.len() - 1]);
            begun.extend(children.iter().map(|child| [path.as_slice(), &[*child]].concat()));
            whole.extend(children.is_empty().then_some(path));
        }
        whole
    }

    fn count(&self, steps: &[Ordinal], holds: impl Fn(&StepRecord) -> bool) -> f64 {
        steps.iter().filter(|step| holds(self.record(**step))).count() as f64
    }

    fn duration(&self, path: &[Ordinal]) -> f64 {
        let attempts: f64 = path.iter().map(|step| f64::from(self.record(*step).attempts)).sum();
        30.0 * path.len() as f64 + 60.0 * self.count(path, in_error) + 30.0 * attempts
    }

    fn score(&self, path: &[Ordinal]) -> f64 {
        let h = if self.is_healthy { 1.0 } else { 1.5 };
        let sum = 10.0 * path.len() as f64 - 15.0 * self.count(path, |record| record.state.is_done())
            + 25.0 * self.count(path, |record| record.waits > 0) * h
            + 30.0 * self.count(path, in_error) * h
            + 10.0 * self.count(path, |record| in_error(record) && record.attempts > 0)
            + 2.0 * self.duration(path) / 60.0;
        (sum * (1.0 - 0.3 * self.completion / 100.0)).max(0.0)
    }

    /// Steps that wait for a step, and how many of them have a parent that is not done.
    fn downstream(&self, step: Ordinal) -> (f64, f64) {
        let steps = self.graph().descendants(step);
        (steps.len() as f64, self.count(&steps, |record| record.waits > 0))
    }

    fn error_impact(&self, step: Ordinal) -> f64 {
        let (all, blocked) = self.downstream(step);
        let record = self.record(step);
        let exhausted = if record.attempts >= record.retry_limit { 20.0 } else { 0.0 };
        15.0 * blocked + 5.0 * all + exhausted + 3.0 * f64::from(record.attempts)
    }

    fn bottleneck_impact(&self, step: Ordinal) -> f64 {
        let (all, blocked) = self.downstream(step);
        let record = self.record(step);
        let exhausted = record.attempts >= record.retry_limit;
        let m = match record.state {
            StepState::Error if exhausted => 2.5,
            StepState::Error => 2.0,
            StepState::Pending if record.waits > 0 => 1.2,
            _ => 1.0,
        };
        let penalty = 3.0 * f64::from(record.attempts)
            + if record.retry_eligible() { 0.0 } else { 10.0 }
            + if exhausted { 20.0 } else { 0.0 };
        ((5.0 * all + 15.0 * blocked) * m + penalty).round()
    }

    fn is_bottleneck(&self, step: Ordinal) -> bool {
        let record = self.record(step);
        let mut parents = self.graph().parents(step).iter();
        match record.state {
            StepState::Error => true,
            StepState::InProgress => record.attempts > 2,
            StepState::Pending => parents.any(|parent| self.record(*parent).state == StepState::Cancelled),
            _ => false,
        }
    }
}

fn in_error(record: &StepRecord) -> bool {
    record.state == StepState::Error
}

fn descending(mut numbers: Vec<f64>, most: usize) -> Vec<f64> {
    numbers.sort_by(|one, other| other.total_cmp(one));
    numbers.truncate(most);
    numbers
}

proptest! {
    #[test]
    fn paths_are_those_that_trying_all_finds(shape in any_shape(12), conditions in conditions(12)) {
        let driver = driver(&shape, &conditions);
        let naive = Naive::new(&driver);
        let every = naive.paths();
        let found = analyze(&driver).critical_paths;
        prop_assert_eq!(found.total_paths, every.len() as u64);
        prop_assert_eq!(found.longest_path_length as usize, every.iter().map(Vec::len).max().unwrap());
        let best = descending(every.iter().map(|path| naive.score(path)).collect(), MAX_PATHS);
        prop_assert_eq!(found.paths.len(), best.len());
        for (path, best) in found.paths.iter().zip(best) {
            prop_assert!((path.criticality_score - best).abs() < 0.006, "{} for {best}", path.criticality_score);
            let steps: Vec<Ordinal> = path.path.iter().map(|name| driver.at(name.as_str())).collect();
            prop_assert!((path.criticality_score - naive.score(&steps)).abs() < 0.006);
            prop_assert!(every.contains(&steps));
            prop_assert_eq!(path.estimated_duration as f64, naive.duration(&steps));
            prop_assert_eq!(path.blocked_steps as f64, naive.count(&steps, |record| record.waits > 0));
            let ready = naive.count(&steps, |record| is_ready(&driver.task, record, driver.now));
            prop_assert_eq!(path.ready_steps as f64, ready);
        }
    }

    #[test]
    fn failures_weigh_what_trying_all_says(shape in any_shape(12), conditions in conditions(12)) {
        let driver = driver(&shape, &conditions);
        let naive = Naive::new(&driver);
        let analysis = analyze(&driver);
        let steps: Vec<Ordinal> = naive.graph().steps().collect();
        let failed = steps.iter().filter(|step| in_error(naive.record(**step)));
        let impacts = descending(failed.map(|step| naive.error_impact(*step)).collect(), usize::MAX);
        let chains = &analysis.error_chains.error_chains;
        prop_assert_eq!(chains.iter().map(|chain| chain.total_impact as f64).collect::<Vec<_>>(), impacts);
        for chain in chains {
            let downstream = naive.graph().descendants(driver.at(chain.error_step_name.as_str()));
            prop_assert_eq!(chain.downstream_steps.len(), downstream.len());
        }
        let candidates = steps.iter().filter(|step| naive.is_bottleneck(**step));
        let scores: Vec<f64> = candidates.map(|step| naive.bottleneck_impact(*step)).collect();
        let bottlenecks = &analysis.bottlenecks;
        prop_assert_eq!(bottlenecks.total_bottlenecks, scores.len() as u64);
        let critical = scores.iter().filter(|score| **score >= 100.0).count();
        prop_assert_eq!(bottlenecks.critical_bottlenecks, critical as u64);
        let listed: Vec<f64> = bottlenecks.bottlenecks.iter().map(|b| b.impact_score as f64).collect();
        prop_assert_eq!(listed, descending(scores, MAX_BOTTLENECKS));
    }

    #[test]
    fn levels_hold_every_step_once(shape in any_shape(12), conditions in conditions(12)) {
        let driver = driver(&shape, &conditions);
        let levels = analyze(&driver).parallelism_opportunities;
        prop_assert_eq!(levels.levels.iter().map(|level| level.total_steps).sum::<u64>(), levels.total_steps);
        let ready = levels.levels.iter().map(|level| level.ready_steps).sum::<u64>();
        prop_assert_eq!(ready, levels.current_parallel_opportunities);
        let widest = levels.levels.iter().map(|level| level.step_names.len() as u64).max();
        prop_assert_eq!(widest, Some(levels.max_parallel_steps));
    }
}
