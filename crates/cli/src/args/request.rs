//! What a request for a task can say.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use tasker_core::ids::TaskId;

use super::values::When;

/// What a request for a task can say, besides which definition.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Request")]
pub struct RequestArgs {
    /// What the task works on: a JSON object, @FILE, or - for standard input [default: {}]
    #[arg(long, short, value_name = "JSON|@FILE|-")]
    pub context: Option<ContextSource>,
    /// Who asks
    #[arg(long, value_name = "TEXT")]
    pub initiator: Option<String>,
    /// From which system
    #[arg(long, value_name = "TEXT")]
    pub source_system: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Label; may be given several times
    #[arg(long = "tag", value_name = "TEXT")]
    pub tags: Vec<String>,
    /// Skippable step to leave out; may be given several times
    #[arg(long = "bypass-step", value_name = "STEP")]
    pub bypass_steps: Vec<String>,
    /// Urgency, 0 to 9, lower first [default: the definition's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=9))]
    pub priority: Option<u8>,
    /// Not to start before an instant, or a span from now
    #[arg(long, value_name = "WHEN")]
    pub not_before: Option<When>,
    /// What ties the task to whatever caused it
    #[arg(long, value_name = "TEXT")]
    pub correlation_id: Option<String>,
    /// Id for the task, a UUID: the same request under the same id is accepted once
    #[arg(long, value_name = "UUID")]
    pub id: Option<TaskId>,
}

/// Where a context (or another JSON value) comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ContextSource {
    /// This text.
    Inline(String),
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl FromStr for ContextSource {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.strip_prefix('@') {
            Some(path) => Self::File(path.into()),
            None if text == "-" => Self::Stdin,
            None => Self::Inline(text.into()),
        })
    }
}
