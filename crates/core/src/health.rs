//! Whether all goes well: what makes a system degraded or unhealthy (`spec/api.md` 5.4).

use std::fmt;
use std::time::Duration;

/// A rate of errors says nothing about fewer than this.
pub const MINIMUM_SAMPLE: u64 = 20;

/// A worker that was not heard of for longer than this does not count as alive.
pub const WORKER_SILENCE: Duration = Duration::from_secs(30);

/// What is too much, each in percent. Only more than this is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Thresholds {
    /// Of the connections that the database allows.
    pub connection_utilization: f64,
    /// Of the tasks that ended in the window.
    pub task_error_rate: f64,
    /// Of the steps that were executed in the window.
    pub step_error_rate: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { connection_utilization: 90.0, task_error_rate: 50.0, step_error_rate: 50.0 }
    }
}

/// Some of many.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Share {
    /// Some.
    pub part: u64,
    /// All of them.
    pub whole: u64,
}

impl Share {
    /// In percent, two decimals; 0 of nothing.
    pub fn percent(self) -> f64 {
        if self.whole == 0 {
            return 0.0;
        }
        (10_000.0 * self.part as f64 / self.whole as f64).round() / 100.0
    }

    fn exceeds(self, percent: f64) -> bool {
        self.whole > 0 && self.part as f64 * 100.0 > percent * self.whole as f64
    }
}

/// What is looked at.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Vitals {
    /// Connections in use, of those that the database allows; `None` where they cannot run out.
    pub connections: Option<Share>,
    /// Tasks in error, of those that ended in the window.
    pub tasks: Share,
    /// Steps in error, of those that were executed in the window.
    pub steps: Share,
    /// Open tasks of which nothing is scheduled or running.
    pub stuck_tasks: u64,
    /// Steps that are due.
    pub due_steps: u64,
    /// Those of them whose handler no worker serves that is alive.
    pub unserved_steps: u64,
    /// Workers that are alive.
    pub live_workers: u64,
    /// Broken invariants that are known.
    pub findings: u64,
}

/// How a system is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Health {
    /// As it should be.
    Healthy,
    /// It does its work, but somebody should look.
    Degraded,
    /// It does not do its work as it should.
    Unhealthy,
}

/// Why a system is not healthy.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Reason {
    /// Most connections of the database are in use.
    Connections {
        /// In use.
        used: Share,
        /// What is allowed, in percent.
        allowed: f64,
    },
    /// Too many tasks ended in error.
    TaskErrors {
        /// In error.
        errors: Share,
        /// What is allowed, in percent.
        allowed: f64,
    },
    /// Too many executed steps are in error.
    StepErrors {
        /// In error.
        errors: Share,
        /// What is allowed, in percent.
        allowed: f64,
    },
    /// Nothing will happen to open tasks by itself.
    StuckTasks(u64),
    /// Steps are due, and no worker is alive.
    NoWorkers(u64),
    /// Steps are due whose handlers no live worker serves.
    UnservedSteps(u64),
    /// Rows break the rules.
    BrokenInvariants(u64),
}

impl Reason {
    /// A stable word for it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Connections { .. } => "connections_used_up",
            Self::TaskErrors { .. } => "task_error_rate",
            Self::StepErrors { .. } => "step_error_rate",
            Self::StuckTasks(_) => "stuck_tasks",
            Self::NoWorkers(_) => "no_live_worker",
            Self::UnservedSteps(_) => "handlers_not_served",
            Self::BrokenInvariants(_) => "broken_invariants",
        }
    }

    /// How a system is because of it.
    pub const fn health(self) -> Health {
        match self {
            Self::Connections { .. } | Self::TaskErrors { .. } | Self::StepErrors { .. } => Health::Unhealthy,
            Self::StuckTasks(_) | Self::NoWorkers(_) | Self::UnservedSteps(_) | Self::BrokenInvariants(_) => {
                Health::Degraded
            }
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |f: &mut fmt::Formatter<'_>, what: &str, share: Share, allowed: f64| {
            let Share { part, whole } = share;
            write!(f, "{part} of {whole} {what} ({} %), more than {allowed} %", share.percent())
        };
        match *self {
            Self::Connections { used, allowed } => {
                share(f, "connections to the database are in use", used, allowed)
            }
            Self::TaskErrors { errors, allowed } => {
                share(f, "tasks that ended lately are in error", errors, allowed)
            }
            Self::StepErrors { errors, allowed } => {
                share(f, "steps that were executed lately are in error", errors, allowed)
            }
            Self::StuckTasks(n) => {
                write!(f, "nothing is scheduled or running of {n} open tasks; see tasker db check")
            }
            Self::NoWorkers(n) => write!(f, "{n} steps are due, and no worker is alive"),
            Self::UnservedSteps(n) => write!(f, "no live worker serves the handlers of {n} due steps"),
            Self::BrokenInvariants(n) => write!(f, "{n} broken invariants are known; see tasker db check"),
        }
    }
}

/// Why a system is not healthy; nothing if it is. The worst reasons come first.
pub fn reasons(vitals: &Vitals, thresholds: &Thresholds) -> Vec<Reason> {
    let connections = vitals.connections.filter(|used| used.exceeds(thresholds.connection_utilization));
    let too_many = |errors: Share, percent| {
        (errors.whole >= MINIMUM_SAMPLE && errors.exceeds(percent)).then_some(errors)
    };
    let tasks = too_many(vitals.tasks, thresholds.task_error_rate);
    let steps = too_many(vitals.steps, thresholds.step_error_rate);
    let some = |n: u64| (n > 0).then_some(n);
    // Without workers nobody serves anything: told once.
    let (idle, unserved) = match vitals.live_workers {
        0 => (some(vitals.due_steps), None),
        _ => (None, some(vitals.unserved_steps)),
    };
    let found = [
        connections.map(|used| Reason::Connections { used, allowed: thresholds.connection_utilization }),
        tasks.map(|errors| Reason::TaskErrors { errors, allowed: thresholds.task_error_rate }),
        steps.map(|errors| Reason::StepErrors { errors, allowed: thresholds.step_error_rate }),
        some(vitals.stuck_tasks).map(Reason::StuckTasks),
        idle.map(Reason::NoWorkers),
        unserved.map(Reason::UnservedSteps),
        some(vitals.findings).map(Reason::BrokenInvariants),
    ];
    found.into_iter().flatten().collect()
}

/// How a system is for these reasons: as its worst one says.
pub fn health(reasons: &[Reason]) -> Health {
    reasons.iter().map(|reason| reason.health()).max().unwrap_or(Health::Healthy)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn share(part: u64, whole: u64) -> Share {
        Share { part, whole }
    }

    #[track_caller]
    fn check(vitals: Vitals, expected: Health, codes: &[&str]) {
        let found = reasons(&vitals, &Thresholds::default());
        assert_eq!(found.iter().map(|reason| reason.code()).collect::<Vec<_>>(), codes, "{vitals:?}");
        assert_eq!(health(&found), expected, "{vitals:?}");
        assert!(found.is_sorted_by_key(|reason| std::cmp::Reverse(reason.health())), "{found:?}");
    }

    #[test]
    fn nothing_at_all_is_healthy() {
        check(Vitals::default(), Health::Healthy, &[]);
    }

    #[test]
    fn only_more_than_allowed_is_too_much() {
        let connections = |part| Vitals { connections: Some(share(part, 100)), ..Vitals::default() };
        check(connections(90), Health::Healthy, &[]);
        check(connections(91), Health::Unhealthy, &["connections_used_up"]);
        let tasks = |part| Vitals { tasks: share(part, 20), ..Vitals::default() };
        check(tasks(10), Health::Healthy, &[]);
        check(tasks(11), Health::Unhealthy, &["task_error_rate"]);
        let steps = |part| Vitals { steps: share(part, 1_000_000), ..Vitals::default() };
        check(steps(500_000), Health::Healthy, &[]);
        check(steps(500_001), Health::Unhealthy, &["step_error_rate"]);
    }

    #[test]
    fn a_few_errors_are_no_rate() {
        check(
            Vitals { tasks: share(19, 19), steps: share(19, 19), ..Vitals::default() },
            Health::Healthy,
            &[],
        );
        let enough = Vitals { tasks: share(20, 20), ..Vitals::default() };
        check(enough, Health::Unhealthy, &["task_error_rate"]);
    }

    #[test]
    fn a_database_without_connections_is_not_used_up() {
        check(Vitals { connections: Some(share(1, 0)), ..Vitals::default() }, Health::Healthy, &[]);
    }

    #[test]
    fn due_steps_need_a_worker_that_serves_them() {
        let due = Vitals { due_steps: 3, unserved_steps: 3, ..Vitals::default() };
        check(due, Health::Degraded, &["no_live_worker"]);
        check(Vitals { live_workers: 1, ..due }, Health::Degraded, &["handlers_not_served"]);
        check(Vitals { live_workers: 1, unserved_steps: 0, ..due }, Health::Healthy, &[]);
    }

    #[test]
    fn the_worst_reason_decides_and_comes_first() {
        let vitals =
            Vitals { findings: 2, stuck_tasks: 1, connections: Some(share(95, 100)), ..Vitals::default() };
        check(vitals, Health::Unhealthy, &["connections_used_up", "stuck_tasks", "broken_invariants"]);
        check(
            Vitals { connections: None, ..vitals },
            Health::Degraded,
            &["stuck_tasks", "broken_invariants"],
        );
    }

    #[test]
    fn reasons_are_told_with_their_numbers() {
        let vitals = Vitals { tasks: share(18, 30), ..Vitals::default() };
        let told: Vec<String> =
            reasons(&vitals, &Thresholds::default()).iter().map(ToString::to_string).collect();
        assert_eq!(told, ["18 of 30 tasks that ended lately are in error (60 %), more than 50 %"]);
        assert_eq!(share(1, 3).percent(), 33.33);
        assert_eq!(share(0, 0).percent(), 0.0);
    }
}
