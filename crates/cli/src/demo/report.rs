//! What the demo says at its end.

use std::fmt::Write;

use serde_json::{Value, json};
use tasker_core::state::TaskState;

use super::progress::Progress;
use super::run::Ended;
use super::shop::Takings;

/// What a summary is made of.
pub struct Report<'a> {
    /// Orders that were submitted.
    pub orders: u32,
    /// What the log told.
    pub progress: &'a Progress,
    /// What the shop told.
    pub takings: &'a Takings,
    /// The database's URL.
    pub database: &'a str,
    /// How it ended.
    pub ended: Ended,
    /// What to type to run this program.
    pub program: &'a str,
}

impl Report<'_> {
    /// The summary, with a last line break.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("writing to a string does not fail");
        text
    }

    /// The same as a document.
    pub fn document(&self) -> Value {
        let failed: Vec<Value> = self.progress.failures.iter().map(|f| {
            json!({ "order": f.order, "task_id": f.task, "step": f.step, "code": f.code, "message": f.message })
        }).collect();
        json!({
            "orders": self.orders,
            "completed": self.progress.ended_in(TaskState::Complete),
            "failed": failed,
            "unfinished": self.unfinished(),
            "failed_calls": self.progress.troubles,
            "retries": self.progress.retries,
            "cards": {
                "charged": self.takings.charged,
                "charged_twice": self.takings.charged_twice,
                "repeats": self.takings.repeats,
            },
            "steps": self.progress.steps_done(),
            "seconds": self.progress.elapsed().as_secs_f64(),
            "database_url": self.database,
        })
    }

    fn is_interrupted(&self) -> bool {
        matches!(self.ended, Ended::Interrupted(_))
    }

    fn unfinished(&self) -> usize {
        self.orders as usize - self.progress.orders_ended()
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        self.orders(out)?;
        self.shop(out)?;
        self.steps(out)?;
        self.where_to_look(out)
    }

    fn orders(&self, out: &mut String) -> std::fmt::Result {
        let complete = self.progress.ended_in(TaskState::Complete);
        let ended = self.progress.orders_ended() as u32;
        let elapsed = self.progress.elapsed().as_secs_f64();
        writeln!(
            out,
            "{} orders: {complete} completed, {} failed, in {elapsed:.1} s",
            self.orders,
            ended - complete
        )?;
        for failed in &self.progress.failures {
            let (order, step, code) = (failed.order, &failed.step, &failed.code);
            writeln!(out, "  order {order} failed at {step}: {code}, {}", failed.message)?;
        }
        if self.is_interrupted() {
            writeln!(out, "  interrupted: {} orders did not end", self.unfinished())?;
        }
        Ok(())
    }

    fn shop(&self, out: &mut String) -> std::fmt::Result {
        let troubles: Vec<String> =
            self.progress.troubles.iter().map(|(code, count)| format!("{count} x {code}")).collect();
        let takings = self.takings;
        writeln!(
            out,
            "  failed calls  {}",
            if troubles.is_empty() { "none".to_owned() } else { troubles.join(", ") }
        )?;
        writeln!(out, "  retries       {}", self.progress.retries)?;
        writeln!(
            out,
            "  cards         {} charged, {} charged twice ({} repeated charges known by their idempotency key)",
            takings.charged, takings.charged_twice, takings.repeats
        )
    }

    fn steps(&self, out: &mut String) -> std::fmt::Result {
        let (done, elapsed) = (self.progress.steps_done(), self.progress.elapsed().as_secs_f64());
        let rate = if elapsed > 0.0 { f64::from(done) / elapsed } else { 0.0 };
        writeln!(out, "  steps         {done} completed, {rate:.0} per second at the pace of this shop")?;
        let slowest = self.progress.steps.iter().max_by_key(|(_, times)| times.mean());
        if let Some((name, times)) = slowest {
            let (mean, longest) = (times.mean().as_secs_f64(), times.longest.as_secs_f64());
            writeln!(out, "  slowest step  {name}, {mean:.2} s on average, {longest:.2} s at most")?;
        }
        Ok(())
    }

    fn where_to_look(&self, out: &mut String) -> std::fmt::Result {
        let program = self.program;
        writeln!(out, "\nEverything is in {}. Look at it:", self.database)?;
        writeln!(out, "  export TASKER_DATABASE_URL={}", self.database)?;
        writeln!(out, "  {program} task list --status error")?;
        if let Some(failed) = self.progress.failures.first() {
            writeln!(out, "  {program} task show {}", failed.task)?;
            writeln!(out, "  {program} task explain {}", failed.task)?;
        }
        if self.is_interrupted() {
            writeln!(out, "  {program} task list --status in_progress")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Status;

    #[test]
    fn an_empty_demo_has_a_report() {
        let (progress, takings) = (Progress::default(), Takings::default());
        let report = Report {
            orders: 3,
            progress: &progress,
            takings: &takings,
            database: "sqlite:/tmp/a.db",
            ended: Ended::Interrupted(Status::Interrupted),
            program: "target/release/tasker",
        };
        let expected = "\
3 orders: 0 completed, 0 failed, in 0.0 s
  interrupted: 3 orders did not end
  failed calls  none
  retries       0
  cards         0 charged, 0 charged twice (0 repeated charges known by their idempotency key)
  steps         0 completed, 0 per second at the pace of this shop

Everything is in sqlite:/tmp/a.db. Look at it:
  export TASKER_DATABASE_URL=sqlite:/tmp/a.db
  target/release/tasker task list --status error
  target/release/tasker task list --status in_progress
";
        assert_eq!(report.text(), expected);
    }
}
