//! What came of one round, and how it is shown.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::finding::{Finding, Kind};
use crate::world::Proof;

/// What came of one round.
#[derive(Clone, Debug)]
pub struct Round {
    /// What was done.
    pub fault: String,
    /// How that was seen.
    pub proof: String,
    /// Tasks that ran meanwhile.
    pub tasks: usize,
    /// Executions of their steps.
    pub executions: usize,
    /// Executions that were lost with their nodes, and so repeated.
    pub repeated: usize,
    /// Claims that their nodes had not been told of, and took up later.
    pub taken_up: usize,
    /// The longest time until work went on, if something had stopped it.
    pub recovery: Option<Duration>,
    /// How long it took, until the last task had ended.
    pub lasted: Duration,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Seeds of the workflows that something is wrong with.
    pub seeds: BTreeSet<u64>,
}

/// A round as programs read it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct RoundDocument {
    fault: String,
    proof: String,
    tasks: usize,
    executions: usize,
    repeated: usize,
    taken_up: usize,
    lost: usize,
    doubled: usize,
    wrong: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_seconds: Option<f64>,
    seconds: f64,
}

impl Round {
    pub(crate) fn new(fault: &str, proof: &Proof, tasks: usize) -> Self {
        Self {
            fault: fault.to_owned(),
            proof: proof.told.clone(),
            tasks,
            executions: 0,
            repeated: 0,
            taken_up: 0,
            recovery: None,
            lasted: Duration::ZERO,
            findings: Vec::new(),
            seeds: BTreeSet::new(),
        }
    }

    pub(crate) fn add(&mut self, findings: Vec<Finding>, seed: u64) {
        if !findings.is_empty() {
            self.findings.extend(findings);
            self.seeds.insert(seed);
        }
    }

    /// How many findings are of this kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.findings.iter().filter(|finding| finding.kind == kind).count()
    }

    /// For programs.
    pub(crate) fn document(&self) -> RoundDocument {
        RoundDocument {
            fault: self.fault.clone(),
            proof: self.proof.clone(),
            tasks: self.tasks,
            executions: self.executions,
            repeated: self.repeated,
            taken_up: self.taken_up,
            lost: self.count(Kind::Lost),
            doubled: self.count(Kind::Doubled),
            wrong: self.count(Kind::Wrong),
            recovery_seconds: self.recovery.map(|time| time.as_secs_f64()),
            seconds: self.lasted.as_secs_f64(),
        }
    }

    /// For people, in one line.
    pub fn line(&self) -> String {
        let Self { fault, proof, tasks, executions, repeated, .. } = self;
        let [lost, doubled, wrong] = [Kind::Lost, Kind::Doubled, Kind::Wrong].map(|kind| self.count(kind));
        let mut line = format!(
            "{fault}: {proof}; {tasks} tasks, {executions} executions, {repeated} repeated, {lost} lost, {doubled} doubled"
        );
        // Writing to a text never fails.
        if wrong > 0 {
            let _ = write!(line, ", {wrong} wrong");
        }
        if self.taken_up > 0 {
            let _ = write!(line, ", {} claims taken up later", self.taken_up);
        }
        if let Some(recovery) = self.recovery {
            let _ = write!(line, ", recovered in {:.2} s", recovery.as_secs_f64());
        }
        line
    }
}

/// A table of rounds, one line for each fault, and one for all; each line ends with a line break.
pub fn table(rounds: &[Round]) -> String {
    let faults: BTreeSet<&str> = rounds.iter().map(|round| round.fault.as_str()).collect();
    let width = faults.iter().map(|fault| fault.len()).max().unwrap_or(0).max("all".len());
    let mut text = format!(
        "{:width$} {:>7} {:>8} {:>11} {:>9} {:>6} {:>8} {:>6} {:>13}\n",
        "fault", "rounds", "tasks", "executions", "repeated", "lost", "doubled", "wrong", "recovery (s)"
    );
    for fault in faults {
        text.push_str(&row(fault, width, rounds.iter().filter(|round| round.fault == fault)));
    }
    text.push_str(&row("all", width, rounds.iter()));
    text
}

/// Sums, and the longest recovery.
fn row<'a>(name: &str, width: usize, rounds: impl Iterator<Item = &'a Round> + Clone) -> String {
    let sum = |of: fn(&Round) -> usize| rounds.clone().map(of).sum::<usize>();
    let recovery = rounds.clone().filter_map(|round| round.recovery).max();
    let recovery = recovery.map_or_else(|| "-".to_owned(), |time| format!("{:.2}", time.as_secs_f64()));
    format!(
        "{name:width$} {:>7} {:>8} {:>11} {:>9} {:>6} {:>8} {:>6} {recovery:>13}\n",
        rounds.clone().count(),
        sum(|round| round.tasks),
        sum(|round| round.executions),
        sum(|round| round.repeated),
        sum(|round| round.count(Kind::Lost)),
        sum(|round| round.count(Kind::Doubled)),
        sum(|round| round.count(Kind::Wrong)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(fault: &str, recovery: Option<u64>) -> Round {
        Round {
            tasks: 10,
            executions: 100,
            repeated: 3,
            recovery: recovery.map(Duration::from_secs),
            findings: vec![Finding::new(Kind::Doubled, "twice")],
            ..Round::new(fault, &Proof { told: "seen".into(), ..Proof::default() }, 10)
        }
    }

    #[test]
    fn a_round_is_one_line() {
        let expected = "kill: seen; 10 tasks, 100 executions, 3 repeated, 0 lost, 1 doubled";
        assert_eq!(round("kill", None).line(), expected);
        assert_eq!(round("kill", Some(6)).line(), format!("{expected}, recovered in 6.00 s"));
    }

    #[test]
    fn rounds_of_one_fault_are_added_up() {
        let text = table(&[round("kill", Some(6)), round("cut", None), round("kill", Some(7))]);
        let rows: Vec<Vec<&str>> =
            text.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[0], ["cut", "1", "10", "100", "3", "0", "1", "0", "-"]);
        assert_eq!(rows[1], ["kill", "2", "20", "200", "6", "0", "2", "0", "7.00"]);
        assert_eq!(rows[2][..4], ["all", "3", "30", "300"]);
    }
}
