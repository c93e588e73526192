//! `tasker analyze ...`.

use clap::{Args, Subcommand};
use tasker_core::names::{DefinitionName, Namespace, Version};

use super::task::TaskRef;
use super::values::When;

/// Look closer: at one task or definition, or at all tasks together.
#[derive(Subcommand, Clone, Debug)]
pub enum AnalyzeCommand {
    /// Tell what hinders a task: bottlenecks, failures and what waits for them, paths that matter
    #[command(after_help = "\
Examples:
  tasker analyze task 01890a5d-ac96-774b-bcce-b302099a8057
  tasker analyze task 01890a5d-ac96-774b-bcce-b302099a8057 --output json | jq .task_execution_summary

What counts how much is set in the section dependency_graph of the configuration. Of long lists the
first entries are shown; --output json has more of them, and counts of all.")]
    Task(TaskRef),
    /// Tell how the steps of a definition hang together: levels, longest paths, needless dependencies
    Definition(StaticArgs),
    /// Count tasks and steps by state
    #[command(
        after_help = "Examples:\n  tasker analyze health\n  tasker analyze health --output json | jq .error_tasks\n\nIt reads every step: fine every minute, not every second when millions are kept."
    )]
    Health,
    /// Tell how it went lately: throughput, rates, durations
    Metrics(MetricsArgs),
    /// Show the tasks, or steps, that took longest
    Slow(SlowArgs),
}

/// Tell how the steps of a definition hang together.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker analyze definition order.yaml
  tasker analyze definition shop.process_order@1.2.0 --output json | jq .summary")]
pub struct StaticArgs {
    /// File, or registered NAME[@VERSION]
    #[arg(value_name = "DEFINITION")]
    pub definition: String,
    /// Namespace of a registered one [default: default]
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<Namespace>,
}

/// Tell how it went lately.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker analyze metrics
  tasker analyze metrics --since 24h --output json | jq .completion_rate")]
pub struct MetricsArgs {
    /// Since an instant, or within a span before now
    #[arg(long, value_name = "WHEN", default_value = "1h")]
    pub since: When,
}

/// Show what took longest.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker analyze slow
  tasker analyze slow --steps --since 1h --limit 20
  tasker analyze slow --namespace shop --name process_order --version 1.2.0 --output json

A task took as long as from its creation until its last step became done or failed; a step, as
long as its last execution: waiting does not count.")]
pub struct SlowArgs {
    /// Steps instead of tasks
    #[arg(long)]
    pub steps: bool,
    /// Only of tasks created since an instant, or within a span before now
    #[arg(long, value_name = "WHEN", default_value = "24h")]
    pub since: When,
    /// Most rows, 1 to 100
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub limit: u64,
    /// Only in this namespace
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<Namespace>,
    /// Only of this definition
    #[arg(long, value_name = "NAME")]
    pub name: Option<DefinitionName>,
    /// Only of this version
    #[arg(long = "version", value_name = "VERSION")]
    pub version: Option<Version>,
}
