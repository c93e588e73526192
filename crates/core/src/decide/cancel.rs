//! Cancelling tasks and steps.

use super::note::Note;
use super::workset::illegal;
use super::{Answer, Rejection, Workset};
use crate::ids::Ordinal;
use crate::state::{StepState, TaskState};

impl Workset<'_> {
    /// Pending steps are cancelled with the task. Running ones end by themselves, and what they did is recorded. A task
    /// that was done is cancelled only if that is forced.
    pub(super) fn cancel_task(
        &mut self,
        force: bool,
        actor: &str,
        note: &Note<'_>,
    ) -> Result<Answer, Rejection> {
        let state = self.task.state;
        let is_done = matches!(state, TaskState::Complete | TaskState::ResolvedManually);
        if state == TaskState::Cancelled {
            return Ok(Answer::Unchanged);
        }
        if is_done && !force {
            let to = Some(TaskState::Cancelled.as_str());
            return Err(illegal(format!("cancelling task {}", self.task.id), state.as_str(), to)
                .help("a task that was done is cancelled only by force"));
        }
        self.move_task(TaskState::Cancelled, actor, Some(note));
        let all: Vec<Ordinal> = self.steps.ordinals().collect();
        for step in all {
            let entry = self.entry(step);
            let claimed = entry.queue.as_ref().is_some_and(|row| row.worker.is_some());
            if entry.record.state == StepState::Pending {
                self.move_step(step, StepState::Cancelled, actor, Some(note));
            }
            if !claimed {
                self.unschedule(step);
            }
        }
        Ok(Answer::Done)
    }

    /// The outcome of a running execution becomes stale; its handler is told to stop.
    pub(super) fn cancel_step(
        &mut self,
        step: Ordinal,
        actor: &str,
        note: &Note<'_>,
    ) -> Result<Answer, Rejection> {
        let state = self.entry(step).record.state;
        if state == StepState::Cancelled {
            return Ok(Answer::Unchanged);
        }
        if !matches!(state, StepState::Pending | StepState::InProgress) {
            let to = Some(StepState::Cancelled.as_str());
            return Err(illegal(format!("cancelling step {}", self.plan.name(step)), state.as_str(), to)
                .help("only a step that is pending or in_progress can be cancelled"));
        }
        self.move_step(step, StepState::Cancelled, actor, Some(note));
        self.unschedule(step);
        self.pass_turn();
        Ok(Answer::Done)
    }
}
