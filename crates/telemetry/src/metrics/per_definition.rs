//! Series of definitions and their steps.
//!
//! Whoever counts finds the series of a definition in a table that is only ever added to, so that looking costs a few
//! atomic reads. What does not fit is counted as `other`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Once, OnceLock};
use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};
use tasker_core::backoff::WaitSource;
use tasker_core::error_category::ErrorCategory;
use tasker_core::ids::{Digest, Ordinal};
use tasker_core::outcome::{Failure, Outcome};
use tasker_core::plan::Plan;
use tasker_core::state::{StepState, TaskState};

use super::{LONG_SECONDS, OTHER, SECONDS, registered};

/// Places for definitions, and how many are looked at for one of them.
const PLACES: usize = 2_048;
const LOOKS: usize = 16;

/// Most steps, of all definitions together, that have series of their own.
const MOST_STEPS: usize = 10_000;

const OF_REQUEST: [&str; 2] = ["namespace", "task"];
const OF_TASK: [&str; 3] = ["namespace", "task", "version"];
const OF_ENDING: [&str; 4] = ["namespace", "task", "version", "outcome"];
const OF_STEP: [&str; 4] = ["namespace", "task", "version", "step"];
const OF_ATTEMPT: [&str; 5] = ["namespace", "task", "version", "step", "outcome"];
const OF_WAIT: [&str; 5] = ["namespace", "task", "version", "step", "backoff_type"];
const OF_EXHAUSTION: [&str; 5] = ["namespace", "task", "version", "step", "error_type"];
const OF_FAILURE: [&str; 6] = ["namespace", "task", "version", "step", "error_type", "retryable"];

/// The series of all definitions.
pub(super) struct Definitions {
    families: Families,
    places: Box<[OnceLock<Definition>]>,
    n_steps: AtomicUsize,
    other: Definition,
    other_step: Step,
    overflow: Once,
}

/// The series of one definition.
pub(super) struct Definition {
    digest: Digest,
    labels: [String; 3],
    pub(super) created: IntCounter,
    pub(super) rejected: IntCounter,
    started: IntCounter,
    retried: IntCounter,
    completed: IntCounter,
    failed: IntCounter,
    cancelled: IntCounter,
    resolved: IntCounter,
    queue_seconds: Histogram,
    completed_seconds: Histogram,
    seconds: HistogramVec,
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
    wait_seconds: Histogram,
    backoff_seconds: HistogramVec,
    cancelled: IntCounterVec,
    resolved: IntCounterVec,
    failed: IntCounterVec,
    exhausted: IntCounterVec,
}

struct Families {
    created: IntCounterVec,
    rejected: IntCounterVec,
    started: IntCounterVec,
    retried: IntCounterVec,
    completed: IntCounterVec,
    failed: IntCounterVec,
    cancelled: IntCounterVec,
    resolved: IntCounterVec,
    seconds: HistogramVec,
    queue_seconds: HistogramVec,
    step_started: IntCounterVec,
    step_completed: IntCounterVec,
    step_retries: IntCounterVec,
    step_cancelled: IntCounterVec,
    step_resolved: IntCounterVec,
    step_failed: IntCounterVec,
    step_exhausted: IntCounterVec,
    step_seconds: HistogramVec,
    step_wait_seconds: HistogramVec,
    step_backoff_seconds: HistogramVec,
}

impl Definitions {
    pub(super) fn new(registry: &Registry) -> Self {
        let families = Families::new(registry);
        let other = Definition::new(&families, Digest([0; 32]), [OTHER; 3], 0);
        let other_step = Step::new(&families, [OTHER; 4]);
        let places = (0..PLACES).map(|_| OnceLock::new()).collect();
        let n_steps = AtomicUsize::new(0);
        Self { families, places, n_steps, other, other_step, overflow: Once::new() }
    }

    /// The series of a definition.
    pub(super) fn of(&self, plan: &Plan) -> &Definition {
        let [a, b, ..] = plan.digest.0;
        let first = usize::from(u16::from_le_bytes([a, b]));
        let near = (0..LOOKS).map(|i| &self.places[(first + i) % PLACES]);
        let mut found = near.map(|place| place.get_or_init(|| self.made(plan)));
        match found.find(|definition| definition.digest == plan.digest) {
            Some(definition) => definition,
            None => {
                self.warn("definitions");
                &self.other
            }
        }
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
            self.warn("steps");
            return &self.other_step;
        }
        let [namespace, task, version] = labels(plan);
        let labels = [namespace.as_str(), task.as_str(), version.as_str(), plan.name(step).as_str()];
        place.get_or_init(|| Step::new(&self.families, labels))
    }

    /// Notes that a step changed to a state. Most such changes are told elsewhere, with more about them.
    pub(super) fn step_moved(&self, plan: &Plan, step: Ordinal, to: StepState) {
        match to {
            StepState::Cancelled => self.step(plan, step).was_cancelled(),
            StepState::ResolvedManually => self.step(plan, step).was_resolved(),
            StepState::Pending | StepState::InProgress | StepState::Complete | StepState::Error => {}
        }
    }

    /// Says once that there are too many.
    fn warn(&self, of_what: &str) {
        self.overflow.call_once(|| {
            tracing::warn!(of_what, "too many series of metrics: further ones are counted as other");
        });
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
        let [namespace, task, version] = labels;
        Self {
            digest,
            labels: labels.map(str::to_owned),
            created: of(&families.created),
            rejected: families.rejected.with_label_values(&[namespace, task]),
            started: of(&families.started),
            retried: of(&families.retried),
            completed: of(&families.completed),
            failed: of(&families.failed),
            cancelled: of(&families.cancelled),
            resolved: of(&families.resolved),
            queue_seconds: families.queue_seconds.with_label_values(&labels),
            completed_seconds: families.seconds.with_label_values(&[namespace, task, version, "complete"]),
            seconds: families.seconds.clone(),
            steps: (0..n_steps).map(|_| OnceLock::new()).collect(),
        }
    }

    /// Notes that a task changed its state.
    pub(super) fn moved(&self, from: Option<TaskState>, to: TaskState) {
        match (from, to) {
            (Some(TaskState::Error), TaskState::Pending) => self.retried.inc(),
            (_, TaskState::Pending) => {}
            (_, TaskState::InProgress) => self.started.inc(),
            (_, TaskState::Complete) => self.completed.inc(),
            (_, TaskState::Error) => self.failed.inc(),
            (_, TaskState::Cancelled) => self.cancelled.inc(),
            (_, TaskState::ResolvedManually) => self.resolved.inc(),
        }
    }

    pub(super) fn waited(&self, waited: Duration) {
        self.queue_seconds.observe(waited.as_secs_f64());
    }

    pub(super) fn ended(&self, state: TaskState, lasted: Duration) {
        self.seconds_of(state).observe(lasted.as_secs_f64());
    }

    /// Most tasks complete; how long others took is found in its family by its labels.
    fn seconds_of(&self, state: TaskState) -> Histogram {
        if state == TaskState::Complete {
            return self.completed_seconds.clone();
        }
        let [namespace, task, version] = self.labels.each_ref().map(String::as_str);
        self.seconds.with_label_values(&[namespace, task, version, state.as_str()])
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
            wait_seconds: families.step_wait_seconds.with_label_values(&labels),
            backoff_seconds: families.step_backoff_seconds.clone(),
            cancelled: families.step_cancelled.clone(),
            resolved: families.step_resolved.clone(),
            failed: families.step_failed.clone(),
            exhausted: families.step_exhausted.clone(),
            labels: labels.map(str::to_owned),
        }
    }

    pub(super) fn started(&self, attempt: u32, waited: Duration) {
        self.started.inc();
        self.wait_seconds.observe(waited.as_secs_f64());
        if attempt > 1 {
            self.retries.inc();
        }
    }

    pub(super) fn ended(&self, is_success: bool, took: Duration) {
        let histogram = if is_success { &self.succeeded_seconds } else { &self.failed_seconds };
        histogram.observe(took.as_secs_f64());
    }

    pub(super) fn settled(&self, outcome: &Outcome, wait: Option<(Duration, WaitSource)>) {
        if let Some((wait, source)) = wait.filter(|(wait, _)| !wait.is_zero()) {
            let [namespace, task, version, step] = self.labels.each_ref().map(String::as_str);
            let labels = [namespace, task, version, step, source.as_str()];
            self.backoff_seconds.with_label_values(&labels).observe(wait.as_secs_f64());
        }
        match outcome {
            Outcome::Success(_) => self.completed.inc(),
            Outcome::Failure(failure) => {
                self.failed(ErrorCategory::of(failure).as_str(), failure.is_retryable());
                self.gave_up(failure, wait.is_some());
            }
            Outcome::LeaseExpired => self.failed("lease_expired", true),
            Outcome::Interrupted => self.failed("interrupted", true),
        }
    }

    fn was_cancelled(&self) {
        self.count(&self.cancelled);
    }

    fn was_resolved(&self) {
        self.count(&self.resolved);
    }

    /// What is rare is found in its family by its labels.
    fn count(&self, family: &IntCounterVec) {
        family.with_label_values(&self.labels.each_ref().map(String::as_str)).inc();
    }

    /// Failures are rare, too.
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
        let seconds = |name: &str, about: &str, bounds: &[f64], labels: &[&str]| {
            let options = HistogramOpts::new(name, about).buckets(bounds.to_vec());
            registered(registry, HistogramVec::new(options, labels))
        };
        Self {
            created: counters("tasks_created_total", "Tasks accepted", &OF_TASK),
            rejected: counters("task_rejected_total", "Requests for tasks that were refused", &OF_REQUEST),
            started: counters("task_started_total", "Tasks whose first step started", &OF_TASK),
            retried: counters("task_retried_total", "Tasks in error that were opened again", &OF_TASK),
            completed: counters("task_completed_total", "Tasks that completed", &OF_TASK),
            failed: counters("task_failed_total", "Tasks that ended in error", &OF_TASK),
            cancelled: counters("task_cancelled_total", "Tasks that were cancelled", &OF_TASK),
            resolved: counters("task_resolved_manually_total", "Tasks that were resolved by hand", &OF_TASK),
            seconds: seconds(
                "task_duration_seconds",
                "Time from the creation of a task to its end",
                LONG_SECONDS,
                &OF_ENDING,
            ),
            queue_seconds: seconds(
                "task_queue_latency_seconds",
                "Time from when the first step of a task was due until it was claimed",
                LONG_SECONDS,
                &OF_TASK,
            ),
            step_started: counters("step_started_total", "Executions of steps that began", &OF_STEP),
            step_completed: counters("step_completed_total", "Steps that completed", &OF_STEP),
            step_retries: counters(
                "step_retries_total",
                "Executions that were not the first of their step",
                &OF_STEP,
            ),
            step_cancelled: counters("step_cancelled_total", "Steps that were cancelled", &OF_STEP),
            step_resolved: counters(
                "step_resolved_manually_total",
                "Steps that were declared done, or left out on request",
                &OF_STEP,
            ),
            step_failed: counters("step_failed_total", "Executions that failed", &OF_FAILURE),
            step_exhausted: counters(
                "step_retries_exhausted_total",
                "Retryable failures that used up the last execution of their step",
                &OF_EXHAUSTION,
            ),
            step_seconds: seconds(
                "step_duration_seconds",
                "Time from the start of a handler to its end",
                SECONDS,
                &OF_ATTEMPT,
            ),
            step_wait_seconds: seconds(
                "step_wait_seconds",
                "Time from when a step was due until it was claimed",
                LONG_SECONDS,
                &OF_STEP,
            ),
            step_backoff_seconds: seconds(
                "step_backoff_seconds",
                "Waits before a step is tried again",
                LONG_SECONDS,
                &OF_WAIT,
            ),
        }
    }
}

fn labels(plan: &Plan) -> [String; 3] {
    let definition = &plan.definition;
    [definition.namespace.to_string(), definition.name.to_string(), definition.version.to_string()]
}
