//! One task or definition as a graph, for people.

use tasker_core::analysis::{
    Bottleneck, CriticalPath, ErrorChain, ExecutionSummary, OverallHealth, Parallelism, TaskAnalysis,
};
use tasker_core::graph::PathCount;
use tasker_core::graph::analysis::Analysis;
use tasker_core::ids::TaskId;

use super::table::{Table, facts};
use super::{Style, shorten};

/// Most failures and levels that are listed.
const MOST_ROWS: usize = 20;

/// Most characters of a list of steps.
const MOST_CHARS: usize = 80;

/// What hinders a task, and what could be done.
pub fn task<G>(analysis: &TaskAnalysis<G>, style: Style) -> String {
    let mut text = verdict(&analysis.task_execution_summary, analysis.task_id, style);
    text.push('\n');
    text.push_str(&standing(analysis, style));
    let bottlenecks = &analysis.bottlenecks;
    if !bottlenecks.bottlenecks.is_empty() {
        text.push('\n');
        text.push_str(&bottleneck_table(&bottlenecks.bottlenecks, style));
        text.push_str(&more(bottlenecks.total_bottlenecks, bottlenecks.bottlenecks.len(), "bottlenecks"));
    }
    let errors = &analysis.error_chains;
    if !errors.error_chains.is_empty() {
        text.push('\n');
        text.push_str(&error_table(&errors.error_chains, style));
        text.push_str(&more(errors.total_error_steps, MOST_ROWS, "failed steps"));
        text.push_str(&format!("what to type next: tasker task explain {}\n", analysis.task_id));
    }
    text.push('\n');
    text.push_str(&path_table(&analysis.critical_paths.paths, style));
    text.push('\n');
    text + &level_table(&analysis.parallelism_opportunities, style)
}

fn verdict(summary: &ExecutionSummary, task: TaskId, style: Style) -> String {
    let health = match summary.overall_health {
        OverallHealth::Healthy => style.green("healthy"),
        OverallHealth::Warning => style.yellow("warning"),
        OverallHealth::Critical => style.red("critical"),
    };
    let advice: String = summary.recommendations.iter().map(|one| format!("  - {}\n", one.message)).collect();
    format!("health of task {task}: {health}\n{advice}")
}

fn standing<G>(analysis: &TaskAnalysis<G>, style: Style) -> String {
    let (summary, levels) = (&analysis.task_execution_summary, &analysis.parallelism_opportunities);
    let (paths, bottlenecks) = (&analysis.critical_paths, &analysis.bottlenecks);
    let more = if paths.total_paths_truncated { "more than " } else { "" };
    let pairs = [
        ("steps", format!("{}, {} % done", summary.total_steps, levels.overall_completion)),
        ("dependencies", summary.total_dependencies.to_string()),
        ("levels", format!("{}, the widest of {}", summary.dependency_levels, levels.max_parallel_steps)),
        ("paths", format!("{more}{}, the longest of {}", paths.total_paths, summary.longest_path_length)),
        ("may start now", levels.current_parallel_opportunities.to_string()),
        ("failed", analysis.error_chains.total_error_steps.to_string()),
        ("bottlenecks", format!("{}, impact {}", bottlenecks.total_bottlenecks, bottlenecks.overall_impact)),
    ];
    facts(&pairs, style)
}

fn more(all: u64, listed: usize, what: &str) -> String {
    let listed = listed as u64;
    if all <= listed { String::new() } else { format!("... and {} more {what}\n", all - listed) }
}

fn bottleneck_table(bottlenecks: &[Bottleneck], style: Style) -> String {
    let mut table = Table::new(&[
        "BOTTLENECK",
        "STATUS",
        "ATTEMPTS",
        "WAITING",
        "IMPACT",
        "SEVERITY",
        "KIND",
        "WHAT TO DO",
        "WHEN",
    ]);
    for one in bottlenecks {
        table.row([
            one.step_name.to_string(),
            one.current_state.to_string(),
            format!("{}/{}", one.attempts, one.retry_limit),
            one.downstream_steps_count.to_string(),
            one.impact_score.to_string(),
            one.severity.to_string(),
            one.bottleneck_type.to_string(),
            one.resolution_strategy.clone().into_owned(),
            one.estimated_resolution_time.clone(),
        ]);
    }
    table.render(style)
}

fn error_table(chains: &[ErrorChain], style: Style) -> String {
    let mut table = Table::new(&["FAILED STEP", "WHAT HELPS", "WAITING FOR IT"]);
    for chain in chains.iter().take(MOST_ROWS) {
        let helps: Vec<&str> =
            chain.recovery_strategies.iter().map(|strategy| strategy.strategy.as_str()).collect();
        table.row([chain.error_step_name.to_string(), helps.join(", "), waiting(chain)]);
    }
    table.render(style)
}

fn waiting(chain: &ErrorChain) -> String {
    if chain.total_downstream_steps == 0 {
        return "nothing".into();
    }
    shorten(
        &format!("{}: {}", chain.total_downstream_steps, joined(&chain.downstream_steps, ", ")),
        MOST_CHARS,
    )
}

fn path_table(paths: &[CriticalPath], style: Style) -> String {
    let mut table = Table::new(&["SCORE", "STEPS", "DONE", "FAILED", "ESTIMATE", "PATH"]);
    for path in paths {
        table.row([
            path.criticality_score.to_string(),
            path.length.to_string(),
            path.completed_steps.to_string(),
            path.error_steps.to_string(),
            format!("{} s", path.estimated_duration),
            shorten(&joined(&path.step_names, " > "), MOST_CHARS),
        ]);
    }
    table.render(style)
}

fn level_table(parallelism: &Parallelism, style: Style) -> String {
    let mut table = Table::new(&["LEVEL", "STEPS", "DONE", "FAILED", "READY", "WAITING", "NAMES"]);
    for level in parallelism.levels.iter().take(MOST_ROWS) {
        table.row([
            level.level.to_string(),
            level.total_steps.to_string(),
            level.completed_steps.to_string(),
            level.error_steps.to_string(),
            level.ready_steps.to_string(),
            level.blocked_steps.to_string(),
            shorten(&joined(&level.step_names, ", "), MOST_CHARS),
        ]);
    }
    table.render(style) + &more(parallelism.total_levels, MOST_ROWS, "levels")
}

/// How the steps of a definition hang together.
pub fn definition(name: &str, analysis: &Analysis, style: Style) -> String {
    let summary = &analysis.summary;
    let paths = match analysis.paths.count {
        PathCount::Exactly(n) => n.to_string(),
        PathCount::Overflow => "more than can be counted".into(),
    };
    let needless: Vec<String> =
        summary.redundant_edges.iter().map(|edge| format!("{} -> {}", edge.from, edge.to)).collect();
    let mut text = facts(
        &[
            ("definition", name.to_owned()),
            ("steps", summary.total_steps.to_string()),
            ("dependencies", summary.total_dependencies.to_string()),
            ("levels", format!("{}, the widest of {}", summary.critical_length, summary.parallel_branches)),
            ("paths", format!("{paths}, the longest of {}", summary.critical_length)),
            ("first", joined(&analysis.roots, ", ")),
            ("last", joined(&analysis.leaves, ", ")),
            ("needless dependencies", needless.join(", ")),
            ("alone", joined(&summary.isolated_steps, ", ")),
        ],
        style,
    );
    text.push_str("\nlongest paths:\n");
    for path in &analysis.paths.longest {
        text.push_str(&format!("  {}\n", joined(path, " > ")));
    }
    text
}

fn joined<T: AsRef<str>>(names: &[T], between: &str) -> String {
    names.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(between)
}
