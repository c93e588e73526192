//! What torture found, for people and for programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::finding::{Finding, Kind};
use crate::round::{Round, table};
use crate::run::TortureOptions;

/// Findings that people are told.
const MOST_FINDINGS: usize = 10;

/// What torture found.
#[derive(Clone, Debug, Serialize)]
pub struct TortureReport {
    /// `sqlite` or `postgres`.
    database: &'static str,
    seed: u64,
    workers: usize,
    seconds: f64,
    /// Whether it was stopped before its time.
    interrupted: bool,
    /// Whether connections to a server could be cut and delayed.
    relayed: bool,
    tasks: usize,
    executions: usize,
    /// Executions that were lost with their nodes, and so repeated.
    repeated: usize,
    lost: usize,
    doubled: usize,
    wrong: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    longest_recovery_seconds: Option<f64>,
    /// Whether there was at least one round, and nothing was found.
    verified: bool,
    /// The rounds so far.
    #[serde(serialize_with = "documents")]
    pub rounds: Vec<Round>,
    /// Everything that is wrong.
    pub findings: Vec<Finding>,
    /// The database, if it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_database: Option<String>,
    #[serde(skip)]
    url: String,
}

impl TortureReport {
    pub(crate) fn new(options: TortureOptions, relayed: bool, url: &str) -> Self {
        Self {
            database: if url.starts_with("sqlite:") { "sqlite" } else { "postgres" },
            seed: options.seed,
            workers: options.workers,
            seconds: 0.0,
            interrupted: false,
            relayed,
            tasks: 0,
            executions: 0,
            repeated: 0,
            lost: 0,
            doubled: 0,
            wrong: 0,
            longest_recovery_seconds: None,
            verified: false,
            rounds: Vec::new(),
            findings: Vec::new(),
            kept_database: None,
            url: url.to_owned(),
        }
    }

    pub(crate) fn add(&mut self, round: Round) {
        self.findings.extend(round.findings.iter().cloned());
        self.rounds.push(round);
    }

    pub(crate) fn end(&mut self, lasted: Duration, interrupted: bool, is_kept: bool) {
        let sum = |of: fn(&Round) -> usize| self.rounds.iter().map(of).sum();
        (self.tasks, self.executions) = (sum(|round| round.tasks), sum(|round| round.executions));
        self.repeated = sum(|round| round.repeated);
        let found = |kind| self.findings.iter().filter(|finding| finding.kind == kind).count();
        (self.lost, self.doubled, self.wrong) = (found(Kind::Lost), found(Kind::Doubled), found(Kind::Wrong));
        let recoveries = self.rounds.iter().filter_map(|round| round.recovery);
        self.longest_recovery_seconds = recoveries.max().map(|time| time.as_secs_f64());
        self.verified = self.findings.is_empty() && !self.rounds.is_empty();
        self.kept_database = is_kept.then(|| self.url.clone());
        (self.seconds, self.interrupted) = (lasted.as_secs_f64(), interrupted);
    }

    /// Whether there was at least one round, and nothing was found.
    pub fn is_verified(&self) -> bool {
        self.verified
    }

    /// For people; each line ends with a line break.
    pub fn text(&self) -> String {
        let Self { database, workers, seed, seconds, .. } = self;
        let mut text = format!("{workers} workers on {database} for {seconds:.0} s, seed {seed}\n\n");
        text.push_str(&table(&self.rounds));
        // Writing to a text never fails.
        for finding in self.findings.iter().take(MOST_FINDINGS) {
            let _ = writeln!(text, "\n{finding}");
        }
        if self.findings.len() > MOST_FINDINGS {
            let _ = writeln!(text, "\nand {} more findings", self.findings.len() - MOST_FINDINGS);
        }
        let verdict = match (self.verified, self.rounds.is_empty()) {
            (true, _) => "verified: nothing was lost, nothing was done twice, and the database is sound",
            (false, true) => "nothing was tried",
            (false, false) => "NOT verified: see above",
        };
        let _ = writeln!(text, "\n{verdict}");
        if database == &"postgres" && !self.relayed {
            text.push_str("not tried: cut connections, because the URL wants the server's certificate to name its host\n");
        }
        if let Some(kept) = &self.kept_database {
            let _ = writeln!(text, "kept: {kept}");
        }
        text
    }
}

fn documents<S: Serializer>(rounds: &[Round], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(rounds.iter().map(Round::document))
}
