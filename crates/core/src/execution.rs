//! Where a task stands as a whole: the read model of `spec/domain.md` 4.3.
//!
//! One rule differs from that text: failures block a task only when it has no queue row left, because other branches
//! run as far as they can.

use serde::{Deserialize, Serialize};

use crate::ids::TaskId;
use crate::readiness::is_ready;
use crate::record::{StepRecord, TaskRecord};
use crate::state::{StepState, TaskState};
use crate::text::counted;
use crate::time::Timestamp;

/// Where a task stands.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct TaskExecution {
    /// The task.
    pub task_id: TaskId,
    /// Its state.
    pub status: TaskState,
    /// All steps.
    pub total_steps: u64,
    /// Steps that are pending.
    pub pending_steps: u64,
    /// Steps that run.
    pub in_progress_steps: u64,
    /// Steps that are done.
    pub completed_steps: u64,
    /// Steps in error.
    pub failed_steps: u64,
    /// Steps that may start now.
    pub ready_steps: u64,
    /// What it is doing.
    pub execution_status: ExecutionStatus,
    /// What comes next.
    pub recommended_action: RecommendedAction,
    /// Whether failures hinder it.
    pub health_status: HealthStatus,
    /// Share of steps that are done, 0 to 100, two decimals.
    pub completion_percentage: f64,
}

/// What a task is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionStatus {
    /// A step may start now.
    HasReadySteps,
    /// A step runs.
    Processing,
    /// Nothing is scheduled, and steps failed for good or were cancelled.
    BlockedByFailures,
    /// Every step is done.
    AllComplete,
    /// Steps wait, for others or for their next attempt.
    WaitingForDependencies,
}

/// What comes next in a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecommendedAction {
    /// Workers take the ready steps.
    ExecuteReadySteps,
    /// Running steps end.
    WaitForCompletion,
    /// People look at the failures.
    HandleFailures,
    /// The task ends.
    FinalizeTask,
    /// Time passes.
    WaitForDependencies,
}

/// Whether failures hinder a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// Nothing failed.
    Healthy,
    /// Something failed and will be tried again.
    Recovering,
    /// Something failed for good or was cancelled.
    Blocked,
}

/// The same for people, with ratios.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct WorkflowSummary {
    /// All steps.
    pub total_steps: u64,
    /// Steps that are done.
    pub completed: u64,
    /// Steps that are pending.
    pub pending: u64,
    /// Steps that run.
    pub in_progress: u64,
    /// Steps in error.
    pub failed: u64,
    /// Steps that may start now.
    pub ready: u64,
    /// Share of steps that are done.
    pub completion_percentage: f64,
    /// What it is doing.
    pub status: ExecutionStatus,
    /// Whether failures hinder it.
    pub health: HealthStatus,
    /// What comes next.
    pub recommended_action: RecommendedAction,
    /// How far it is.
    pub progress_details: ProgressDetails,
}

/// How far a task is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ProgressDetails {
    /// `done/total`.
    pub completed_ratio: String,
    /// `12.5%`.
    pub completion_percentage: String,
    /// Steps that are not done.
    pub remaining_steps: u64,
    /// Steps in error.
    pub failed_steps: u64,
    /// Steps that may start now.
    pub ready_steps: u64,
}

/// What comes next, and how much it matters.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NextAction {
    /// What.
    pub action: RecommendedAction,
    /// In words.
    pub description: String,
    /// `low`, `medium`, `high` or `critical`.
    pub urgency: &'static str,
    /// Whether the engine goes on by itself right now.
    pub can_proceed: bool,
}

/// Where a task stands, from its row and those of all its steps.
pub fn task_execution<'a>(
    task: &TaskRecord,
    steps: impl IntoIterator<Item = &'a StepRecord>,
    now: Timestamp,
) -> TaskExecution {
    let mut counts = Counts::default();
    steps.into_iter().for_each(|step| counts.add(task, step, now));
    let execution_status = counts.execution_status(task.active > 0);
    TaskExecution {
        task_id: task.id,
        status: task.state,
        total_steps: counts.total,
        pending_steps: counts.pending,
        in_progress_steps: counts.in_progress,
        completed_steps: counts.done,
        failed_steps: counts.failed,
        ready_steps: counts.ready,
        execution_status,
        recommended_action: execution_status.action(),
        health_status: counts.health(),
        completion_percentage: counts.percentage(),
    }
}

#[derive(Default)]
struct Counts {
    total: u64,
    pending: u64,
    in_progress: u64,
    done: u64,
    failed: u64,
    ready: u64,
    blocked: u64,
}

impl Counts {
    fn add(&mut self, task: &TaskRecord, step: &StepRecord, now: Timestamp) {
        let failed = step.state == StepState::Error;
        let exhausted = failed && (step.attempts >= step.retry_limit || !step.retryable);
        self.total += 1;
        self.pending += u64::from(step.state == StepState::Pending);
        self.in_progress += u64::from(step.state == StepState::InProgress);
        self.done += u64::from(step.state.is_done());
        self.failed += u64::from(failed);
        self.ready += u64::from(is_ready(task, step, now));
        self.blocked += u64::from(exhausted || step.state == StepState::Cancelled);
    }

    fn execution_status(&self, scheduled: bool) -> ExecutionStatus {
        if self.ready > 0 {
            ExecutionStatus::HasReadySteps
        } else if self.in_progress > 0 {
            ExecutionStatus::Processing
        } else if self.blocked > 0 && !scheduled {
            ExecutionStatus::BlockedByFailures
        } else if self.done == self.total {
            ExecutionStatus::AllComplete
        } else {
            ExecutionStatus::WaitingForDependencies
        }
    }

    fn health(&self) -> HealthStatus {
        if self.failed == 0 && self.blocked == 0 {
            HealthStatus::Healthy
        } else if self.ready > 0 || self.blocked == 0 {
            HealthStatus::Recovering
        } else {
            HealthStatus::Blocked
        }
    }

    fn percentage(&self) -> f64 {
        if self.total == 0 {
            return 100.0;
        }
        (10_000.0 * self.done as f64 / self.total as f64).round() / 100.0
    }
}

impl ExecutionStatus {
    fn action(self) -> RecommendedAction {
        match self {
            Self::HasReadySteps => RecommendedAction::ExecuteReadySteps,
            Self::Processing => RecommendedAction::WaitForCompletion,
            Self::BlockedByFailures => RecommendedAction::HandleFailures,
            Self::AllComplete => RecommendedAction::FinalizeTask,
            Self::WaitingForDependencies => RecommendedAction::WaitForDependencies,
        }
    }
}

impl TaskExecution {
    /// A step may start or runs.
    pub fn has_work(&self) -> bool {
        matches!(self.execution_status, ExecutionStatus::HasReadySteps | ExecutionStatus::Processing)
    }

    /// Failures hold it up.
    pub fn is_blocked(&self) -> bool {
        self.execution_status == ExecutionStatus::BlockedByFailures
    }

    /// Every step is done.
    pub fn is_complete(&self) -> bool {
        self.execution_status == ExecutionStatus::AllComplete
    }

    /// Nothing failed.
    pub fn is_healthy(&self) -> bool {
        self.health_status == HealthStatus::Healthy
    }

    /// People must look at it.
    pub fn needs_intervention(&self) -> bool {
        self.health_status == HealthStatus::Blocked
    }

    /// A step may start.
    pub fn can_make_progress(&self) -> bool {
        self.ready_steps > 0
    }

    /// It goes on later by itself.
    pub fn should_reenqueue(&self) -> bool {
        matches!(self.execution_status, ExecutionStatus::Processing | ExecutionStatus::WaitingForDependencies)
    }

    /// A step waits for nothing but a worker.
    pub fn needs_immediate_action(&self) -> bool {
        self.execution_status == ExecutionStatus::HasReadySteps
    }

    /// The same for people.
    pub fn workflow_summary(&self) -> WorkflowSummary {
        WorkflowSummary {
            total_steps: self.total_steps,
            completed: self.completed_steps,
            pending: self.pending_steps,
            in_progress: self.in_progress_steps,
            failed: self.failed_steps,
            ready: self.ready_steps,
            completion_percentage: self.completion_percentage,
            status: self.execution_status,
            health: self.health_status,
            recommended_action: self.recommended_action,
            progress_details: ProgressDetails {
                completed_ratio: format!("{}/{}", self.completed_steps, self.total_steps),
                completion_percentage: format!("{}%", self.completion_percentage),
                remaining_steps: self.total_steps - self.completed_steps,
                failed_steps: self.failed_steps,
                ready_steps: self.ready_steps,
            },
        }
    }

    /// What comes next, and how much it matters.
    pub fn next_action_details(&self) -> NextAction {
        let (description, urgency, can_proceed) = match self.recommended_action {
            RecommendedAction::ExecuteReadySteps => {
                (format!("{} may start", steps(self.ready_steps)), "high", true)
            }
            RecommendedAction::WaitForCompletion => {
                (format!("wait until {} in progress ended", steps(self.in_progress_steps)), "low", false)
            }
            RecommendedAction::HandleFailures => {
                let stuck = self.total_steps - self.completed_steps;
                let failed = self.failed_steps;
                (
                    format!("{failed} failed, {} not done: retry or resolve them", steps(stuck)),
                    "critical",
                    false,
                )
            }
            RecommendedAction::FinalizeTask => ("every step is done".into(), "medium", true),
            RecommendedAction::WaitForDependencies => {
                ("wait for other steps or for the next attempt".into(), "low", false)
            }
        };
        NextAction { action: self.recommended_action, description, urgency, can_proceed }
    }
}

fn steps(n: u64) -> String {
    counted(n, "step")
}

#[cfg(test)]
mod tests;
