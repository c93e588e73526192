//! Declaring tasks and steps done by hand.

use super::note::Note;
use super::workset::illegal;
use super::{Answer, Rejection, Workset};
use crate::ids::Ordinal;
use crate::payload::Payload;
use crate::state::{StepState, TaskState};

/// The state that tasks and steps have then.
const RESOLVED: Option<&str> = Some(TaskState::ResolvedManually.as_str());

impl Workset<'_> {
    pub(super) fn resolve_task(&mut self, actor: &str, note: &Note<'_>) -> Result<Answer, Rejection> {
        let state = self.task.state;
        if !TaskState::allows(Some(state), TaskState::ResolvedManually) {
            return Err(illegal(format!("resolving task {}", self.task.id), state.as_str(), RESOLVED)
                .help("only a task in error can be resolved"));
        }
        self.move_task(TaskState::ResolvedManually, actor, Some(note));
        Ok(Answer::Done)
    }

    pub(super) fn resolve_step(
        &mut self,
        step: Ordinal,
        results: Option<Payload>,
        actor: &str,
        note: &Note<'_>,
    ) -> Result<Answer, Rejection> {
        let state = self.entry(step).record.state;
        if !StepState::allows(Some(state), StepState::ResolvedManually) {
            return Err(illegal(
                format!("resolving step {}", self.plan.name(step)),
                state.as_str(),
                RESOLVED,
            )
            .help("only a step that is pending or in error can be resolved"));
        }
        self.reopen(actor, note)?;
        self.move_step(step, StepState::ResolvedManually, actor, Some(note));
        let now = self.now;
        let entry = self.entry(step);
        entry.record.processed_at = Some(now);
        entry.record.backoff_seconds = None;
        entry.results = results;
        self.unschedule(step);
        self.step_done(step);
        Ok(Answer::Done)
    }
}
