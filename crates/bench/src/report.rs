//! What was measured, as a document and as text.

use std::fmt::Write as _;

use serde::Serialize;

use crate::figures::{Percentiles, median, median_known};
use crate::options::Submission;
use crate::process::Memory;
use crate::workload::ShapeKind;

/// What was run.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Setting {
    pub(crate) database: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) kept_databases: Vec<String>,
    pub(crate) processors: usize,
    pub(crate) shape: ShapeKind,
    pub(crate) steps_per_task: usize,
    pub(crate) tasks: usize,
    pub(crate) payload_bytes: usize,
}

/// What was run besides, on the engine.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct EngineSetting {
    #[serde(flatten)]
    pub(crate) common: Setting,
    pub(crate) submission: Submission,
    pub(crate) failure_rate: f64,
    pub(crate) handler_ms: f64,
    pub(crate) worker_processes: usize,
    pub(crate) max_concurrent_steps: usize,
    pub(crate) idle_tasks: usize,
    pub(crate) history_steps: usize,
    pub(crate) waiting_tasks: usize,
}

/// How fast, and what each step cost. What cannot be known is left out.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct Throughput {
    pub(crate) seconds: f64,
    pub(crate) tasks_per_second: f64,
    pub(crate) steps_per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commits_per_step: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log_bytes_per_step: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) statements_per_step: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) buffers_per_step: Option<f64>,
    pub(crate) cpu_seconds_per_1000_steps: Cpu,
}

/// Processor time.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub(crate) struct Cpu {
    /// Of this process and its workers.
    pub(crate) engine: f64,
    /// Of the server, if it is a process of this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) database: Option<f64>,
}

/// What one run of the engine gave.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct RunFigures {
    #[serde(flatten)]
    pub(crate) throughput: Throughput,
    pub(crate) submissions_per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) waiting_submissions_per_second: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) latency_ms: Option<Percentiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hop_ms: Option<Percentiles>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit_ms: Option<Percentiles>,
    /// `latency_ms.p50` divided by as many single-row commits as the longest way through a task needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) latency_in_floors: Option<f64>,
    pub(crate) memory_bytes: Memory,
    pub(crate) executions: u64,
    pub(crate) failed_attempts: u64,
}

/// What one run of plain SQL gave.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(crate) struct CeilingFigures {
    #[serde(flatten)]
    pub(crate) throughput: Throughput,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit_ms: Option<Percentiles>,
    pub(crate) single_row_commits_per_second: f64,
}

/// What `tasker bench` found: the medians of its runs, and each run.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct BenchReport {
    #[serde(flatten)]
    pub(crate) setting: EngineSetting,
    #[serde(flatten)]
    pub(crate) figures: RunFigures,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ceiling: Option<CeilingFigures>,
    /// Steps a second of the engine, divided by those of the ceiling: the median of the pairs of runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ratio: Option<f64>,
    /// Every task completed exactly once, and the database is sound.
    pub(crate) verified: bool,
    pub(crate) runs: Vec<RunFigures>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) ceiling_runs: Vec<CeilingFigures>,
}

/// What `tasker bench ceiling` found.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CeilingReport {
    #[serde(flatten)]
    pub(crate) setting: Setting,
    #[serde(flatten)]
    pub(crate) figures: CeilingFigures,
    /// The rows are those of completed tasks, and the database is sound.
    pub(crate) verified: bool,
    pub(crate) runs: Vec<CeilingFigures>,
}

impl Throughput {
    fn medians<'a>(runs: impl Iterator<Item = &'a Self> + Clone) -> Self {
        let of = |value: fn(&Self) -> f64| median(runs.clone().map(value)).unwrap_or(0.0);
        let known = |value: fn(&Self) -> Option<f64>| median_known(runs.clone().map(value));
        Self {
            seconds: of(|run| run.seconds),
            tasks_per_second: of(|run| run.tasks_per_second),
            steps_per_second: of(|run| run.steps_per_second),
            commits_per_step: known(|run| run.commits_per_step),
            log_bytes_per_step: known(|run| run.log_bytes_per_step),
            statements_per_step: known(|run| run.statements_per_step),
            buffers_per_step: known(|run| run.buffers_per_step),
            cpu_seconds_per_1000_steps: Cpu {
                engine: of(|run| run.cpu_seconds_per_1000_steps.engine),
                database: known(|run| run.cpu_seconds_per_1000_steps.database),
            },
        }
    }
}

impl RunFigures {
    pub(crate) fn medians(runs: &[Self]) -> Self {
        let of = |value: fn(&Self) -> f64| median(runs.iter().map(value)).unwrap_or(0.0);
        let known = |value: fn(&Self) -> Option<f64>| median_known(runs.iter().map(value));
        let times = |value: fn(&Self) -> Option<Percentiles>| Percentiles::medians(runs.iter().map(value));
        let bytes = |value: fn(&Self) -> Option<u64>| {
            median_known(runs.iter().map(|run| value(run).map(|bytes| bytes as f64)))
                .map(|bytes| bytes as u64)
        };
        Self {
            throughput: Throughput::medians(runs.iter().map(|run| &run.throughput)),
            submissions_per_second: of(|run| run.submissions_per_second),
            waiting_submissions_per_second: known(|run| run.waiting_submissions_per_second),
            latency_ms: times(|run| run.latency_ms),
            hop_ms: times(|run| run.hop_ms),
            commit_ms: times(|run| run.commit_ms),
            latency_in_floors: known(|run| run.latency_in_floors),
            memory_bytes: Memory {
                resident: bytes(|run| run.memory_bytes.resident),
                peak: bytes(|run| run.memory_bytes.peak),
            },
            executions: of(|run| run.executions as f64) as u64,
            failed_attempts: of(|run| run.failed_attempts as f64) as u64,
        }
    }
}

impl CeilingFigures {
    pub(crate) fn medians(runs: &[Self]) -> Self {
        Self {
            throughput: Throughput::medians(runs.iter().map(|run| &run.throughput)),
            commit_ms: Percentiles::medians(runs.iter().map(|run| run.commit_ms)),
            single_row_commits_per_second: median(runs.iter().map(|run| run.single_row_commits_per_second))
                .unwrap_or(0.0),
        }
    }
}

impl BenchReport {
    /// For people; each line ends with a line break.
    pub fn text(&self) -> String {
        let (setting, figures) = (&self.setting, &self.figures);
        let mut lines = Lines::default();
        lines.add("workload", setting.common.text());
        lines.add("engine", setting.text());
        lines.throughput(&figures.throughput);
        lines.add("submitted", format!("{} tasks/s", rate(figures.submissions_per_second)));
        if let Some(waiting) = figures.waiting_submissions_per_second {
            lines.add(
                "waiting tasks",
                format!("{}, submitted at {} tasks/s", setting.waiting_tasks, rate(waiting)),
            );
        }
        lines.times("latency of a task", figures.latency_ms);
        lines.times("step to step", figures.hop_ms);
        lines.times("single-row commit", figures.commit_ms);
        if let Some(floors) = figures.latency_in_floors {
            lines.add(
                "latency, in floors",
                format!("{floors:.2} (1 is one commit per step on the way, and one before)"),
            );
        }
        if let Some(resident) = figures.memory_bytes.resident {
            let peak = figures.memory_bytes.peak.map(|peak| format!(", {} at most", megabytes(peak)));
            lines.add("memory", format!("{}{}", megabytes(resident), peak.unwrap_or_default()));
        }
        if figures.failed_attempts > 0 {
            let (failed, all) = (figures.failed_attempts, figures.executions);
            lines.add("failed attempts", format!("{failed} of {all}"));
        }
        if let Some(ceiling) = &self.ceiling {
            let steps = rate(ceiling.throughput.steps_per_second);
            let share =
                self.ratio.map(|ratio| format!(", of which the engine reaches {:.0} %", ratio * 100.0));
            lines.add("ceiling", format!("{steps} steps/s by plain SQL{}", share.unwrap_or_default()));
        }
        lines.end(self.runs.len(), &setting.common)
    }
}

impl CeilingReport {
    /// For people; each line ends with a line break.
    pub fn text(&self) -> String {
        let mut lines = Lines::default();
        lines.add("workload", self.setting.text());
        lines.throughput(&self.figures.throughput);
        lines.times("single-row commit", self.figures.commit_ms);
        let commits = rate(self.figures.single_row_commits_per_second);
        lines.add("single-row commits", format!("{commits}/s"));
        lines.end(self.runs.len(), &self.setting)
    }
}

impl Setting {
    fn text(&self) -> String {
        let Self { tasks, steps_per_task, payload_bytes, database, processors, .. } = self;
        let shape = self.shape.as_str();
        format!(
            "{tasks} {shape} tasks of {steps_per_task} steps, payloads of {payload_bytes} bytes, on {database}, {processors} processors"
        )
    }
}

impl EngineSetting {
    fn text(&self) -> String {
        let submission = match self.submission {
            Submission::Callers(callers) => format!("submitted one by one by {callers} callers"),
            Submission::Bulk => "submitted in bulk".to_owned(),
        };
        let workers = match self.worker_processes {
            0 => "run in this process".to_owned(),
            n => format!("run by {n} worker processes"),
        };
        let wait = match self.handler_ms {
            0.0 => String::new(),
            ms => format!(", handlers wait {ms} ms"),
        };
        format!("{submission}, {workers}{wait}")
    }
}

/// Lines of `name: value`.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, name: &str, value: impl AsRef<str>) {
        writeln!(self.0, "{:21}{}", format!("{name}:"), value.as_ref())
            .expect("writing to a string does not fail");
    }

    fn times(&mut self, name: &str, times: Option<Percentiles>) {
        if let Some(Percentiles { p50, p95, p99 }) = times {
            self.add(name, format!("p50 {p50:.3} ms, p95 {p95:.3} ms, p99 {p99:.3} ms"));
        }
    }

    fn throughput(&mut self, throughput: &Throughput) {
        let Throughput { seconds, tasks_per_second, steps_per_second, .. } = throughput;
        let (tasks, steps) = (rate(*tasks_per_second), rate(*steps_per_second));
        self.add("throughput", format!("{steps} steps/s, {tasks} tasks/s, in {seconds:.2} s"));
        let costs = [
            throughput.commits_per_step.map(|n| format!("{n:.3} commits")),
            throughput.statements_per_step.map(|n| format!("{n:.3} statements")),
            throughput.buffers_per_step.map(|n| format!("{n:.1} buffers")),
            throughput.log_bytes_per_step.map(|n| format!("{n:.0} bytes of log")),
        ];
        let costs: Vec<String> = costs.into_iter().flatten().collect();
        if !costs.is_empty() {
            self.add("per step", costs.join(", "));
        }
        let cpu = throughput.cpu_seconds_per_1000_steps;
        let database = cpu.database.map(|seconds| format!(", the server {seconds:.4} s"));
        let database = database.unwrap_or_default();
        self.add("per 1,000 steps", format!("{:.4} s of processor time{database}", cpu.engine));
    }

    fn end(mut self, runs: usize, setting: &Setting) -> String {
        let medians = if runs > 1 { format!(" (medians of {runs} runs)") } else { String::new() };
        self.add("verified", format!("every task completed exactly once, nothing wrong was found{medians}"));
        for url in &setting.kept_databases {
            self.add("kept", url);
        }
        self.0
    }
}

/// A rate with commas.
fn rate(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_easy_to_read() {
        for (value, text) in [(0.4, "0"), (999.0, "999"), (1_000.0, "1,000"), (1_234_567.8, "1,234,568")] {
            assert_eq!(rate(value), text);
        }
    }
}
