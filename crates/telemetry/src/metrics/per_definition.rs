//! Series of definitions and their steps.
//!
//! Whoever counts finds the series of a definition in a table that is only ever added to, so that looking costs a few
//! atomic reads. What does not fit is counted as `other`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};
use tasker_core::error_category::ErrorCategory;
use tasker_core::ids::{Digest, Ordinal};
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::plan::Plan;
use tasker_core::state::TaskState;

use super::{OTHER, SECONDS, registered};

/// Places for definitions, and how many are looked at for one of them.
const PLACES: usize = 2_048;
const LOOKS: usize = 16;

/// Most steps, of all definitions together, that have series of their own.
const MOST_STEPS: usize = 10_000;

const OF_TASK: [&str; 3] = ["namespace", "task", "version"];
const OF_STEP: [&str; 4] = ["namespace", "task", "version", "step"];
const OF_ATTEMPT: [&str; 5] = ["namespace", "task", "version", "step", "outcome"];
const OF_EXHAUSTION: [&str; 5] = ["namespace", "task", "version", "step", "error_type"];
const OF_FAILURE: [&str; 6] = ["namespace", "task", "version", "step", "error_type", "retryable"];

/// The series of all definitions.
pub(super) struct Definitions {
    families: Families,
    places: Box<[OnceLock<Definition>]>,
    n_steps: AtomicUsize,
    other: Definition,
    other_step: Step,
}

/// The series of one definition.
pub(super) struct Definition {
    digest: Digest,
    pub(super) created: IntCounter,
    completed: IntCounter,
    failed: IntCounter,
    cancelled: IntCounter,
    resolved: IntCounter,
    steps: Box<[OnceLock<Step>]>,
}

/// The series of one step.
pub(super) struct Step {
    labels: [String; 4],
    started: IntCounter,
    completed: IntCounter,
    retries: IntCounter,
    succeeded_seconds: Histogram,
    failed_seconds: Histogram,
    failed: IntCounterVec,
    exhausted: IntCounterVec,
}

struct Families {
    created: IntCounterVec,
    completed: IntCounterVec,
    failed: IntCounterVec,
    cancelled: IntCounterVec,
    resolved: IntCounterVec,
    step_started: IntCounterVec,
    step_completed: IntCounterVec,
    step_retries: IntCounterVec,
    step_failed: IntCounterVec,
    step_exhausted: IntCounterVec,
    step_seconds: HistogramVec,
}

impl Definitions {
    pub(super) fn new(registry: &Registry) -> Self {
        let families = Families::new(registry);
        let other = Definition::new(&families, Digest([0; 32]), [OTHER; 3], 0);
        let other_step = Step::new(&families, [OTHER; 4]);
        let places = (0..PLACES).map(|_| OnceLock::new()).collect();
        Self { families, places, n_steps: AtomicUsize::new(0), other, other_step }
    }

    /// The series of a definition.
    pub(super) fn of(&self, plan: &Plan) -> &Definition {
        let [a, b, ..] = plan.digest.0;
        let first = usize::from(u16::from_le_bytes([a, b]));
        let near = (0..LOOKS).map(|i| &self.places[(first + i) % PLACES]);
        let mut found = near.map(|place| place.get_or_init(|| self.made(plan)));
        found.find(|definition| definition.digest == plan.digest).unwrap_or(&self.other)
    }

    /// The series of those that have none of their own.
    pub(super) fn other(&self) -> &Definition {
        &self.other
    }

    /// The series of a step.
    pub(super) fn step(&self, plan: &Plan, step: Ordinal) -> &Step {
        let Some(place) = self.of(plan).steps.get(step.index()) else { return &self.other_step };
        if let Some(step) = place.get() {
            return step;
        }
        if self.n_steps.fetch_add(1, Ordering::Relaxed) >= MOST_STEPS {
            self.n_steps.fetch_sub(1, Ordering::Relaxed);
            return &self.other_step;
        }
        let [namespace, task, version] = labels(plan);
        let labels = [namespace.as_str(), task.as_str(), version.as_str(), plan.name(step).as_str()];
        place.get_or_init(|| Step::new(&self.families, labels))
    }

    fn made(&self, plan: &Plan) -> Definition {
        let [namespace, task, version] = labels(plan);
        let labels = [namespace.as_str(), task.as_str(), version.as_str()];
        Definition::new(&self.families, plan.digest, labels, plan.definition.steps.len())
    }
}

impl Definition {
    fn new(families: &Families, digest: Digest, labels: [&str; 3], n_steps: usize) -> Self {
        let of = |family: &IntCounterVec| family.with_label_values(&labels);
        Self {
            digest,
            created: of(&families.created),
            completed: of(&families.completed),
            failed: of(&families.failed),
            cancelled: of(&families.cancelled),
            resolved: of(&families.resolved),
            steps: (0..n_steps).map(|_| OnceLock::new()).collect(),
        }
    }

    pub(super) fn ended(&self, state: TaskState) {
        match state {
            TaskState::Complete => self.completed.inc(),
            TaskState::Error => self.failed.inc(),
            TaskState::Cancelled => self.cancelled.inc(),
            TaskState::ResolvedManually => self.resolved.inc(),
            TaskState::Pending | TaskState::InProgress => {}
        }
    }
}

impl Step {
    fn new(families: &Families, labels: [&str; 4]) -> Self {
        let of = |family: &IntCounterVec| family.with_label_values(&labels);
        let [namespace, task, version, step] = labels;
        let seconds = |outcome: &str| {
            families.step_seconds.with_label_values(&[namespace, task, version, step, outcome])
        };
        Self {
            started: of(&families.step_started),
            completed: of(&families.step_completed),
            retries: of(&families.step_retries),
            succeeded_seconds: seconds("success"),
            failed_seconds: seconds("failure"),
            failed: families.step_failed.clone(),
            exhausted: families.step_exhausted.clone(),
            labels: labels.map(str::to_owned),
        }
    }

    pub(super) fn started(&self, attempt: u32) {
        self.started.inc();
        if attempt > 1 {
            self.retries.inc();
        }
    }

    pub(super) fn ended(&self, is_success: bool, took: Duration) {
        let histogram = if is_success { &self.succeeded_seconds } else { &self.failed_seconds };
        histogram.observe(took.as_secs_f64());
    }

    pub(super) fn settled(&self, outcome: &Outcome, will_retry: bool) {
        match outcome {
            Outcome::Success(_) => self.completed.inc(),
            Outcome::Failure(failure) => {
                self.failed(ErrorCategory::of(failure).as_str(), failure.is_retryable());
                self.gave_up(failure, will_retry);
            }
            Outcome::LeaseExpired => self.failed("lease_expired", true),
            Outcome::Interrupted => self.failed("interrupted", true),
        }
    }

    /// Failures are rare, and found in their family by their labels.
    fn failed(&self, error_type: &str, is_retryable: bool) {
        let [namespace, task, version, step] = self.labels.each_ref().map(String::as_str);
        let retryable = if is_retryable { "true" } else { "false" };
        self.failed.with_label_values(&[namespace, task, version, step, error_type, retryable]).inc();
    }

    fn gave_up(&self, failure: &Failure, will_retry: bool) {
        if failure.is_retryable() && !will_retry {
            let [namespace, task, version, step] = self.labels.each_ref().map(String::as_str);
            let error_type = ErrorCategory::of(failure).as_str();
            self.exhausted.with_label_values(&[namespace, task, version, step, error_type]).inc();
        }
    }
}

impl Families {
    fn new(registry: &Registry) -> Self {
        let counters = |name: &str, about: &str, labels: &[&str]| {
            registered(registry, IntCounterVec::new(Opts::new(name, about), labels))
        };
        let seconds =
            HistogramOpts::new("step_duration_seconds", "Time from the start of a handler to its end");
        Self {
            created: counters("tasks_created_total", "Tasks accepted", &OF_TASK),
            completed: counters("task_completed_total", "Tasks that completed", &OF_TASK),
            failed: counters("task_failed_total", "Tasks that ended in error", &OF_TASK),
            cancelled: counters("task_cancelled_total", "Tasks that were cancelled", &OF_TASK),
            resolved: counters("task_resolved_manually_total", "Tasks that were resolved by hand", &OF_TASK),
            step_started: counters("step_started_total", "Executions of steps that began", &OF_STEP),
            step_completed: counters("step_completed_total", "Steps that completed", &OF_STEP),
            step_retries: counters(
                "step_retries_total",
                "Executions that were not the first of their step",
                &OF_STEP,
            ),
            step_failed: counters("step_failed_total", "Executions that failed", &OF_FAILURE),
            step_exhausted: counters(
                "step_retries_exhausted_total",
                "Retryable failures that used up the last execution of their step",
                &OF_EXHAUSTION,
            ),
            step_seconds: registered(
                registry,
                HistogramVec::new(seconds.buckets(SECONDS.to_vec()), &OF_ATTEMPT),
            ),
        }
    }
}

fn labels(plan: &Plan) -> [String; 3] {
    let definition = &plan.definition;
    [definition.namespace.to_string(), definition.name.to_string(), definition.version.to_string()]
}
