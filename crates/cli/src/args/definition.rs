//! `tasker definition ...`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use tasker_core::names::{Namespace, Version};

use super::diagram::DrawingArgs;

/// Work with definitions.
#[derive(Subcommand, Clone, Debug)]
pub enum DefinitionCommand {
    /// Check definition files, without a database
    Validate(ValidateArgs),
    /// List registered definitions
    List(ListDefinitionsArgs),
    /// Show a registered definition
    Show(ShowArgs),
    /// List the versions of a definition
    #[command(
        after_help = "Examples:\n  tasker definition versions process_order\n  tasker definition versions process_order --namespace shop"
    )]
    Versions(ShowArgs),
    /// Store definition files, so that tasks can be created
    Register(RegisterArgs),
    /// Let no new task use a version; running ones finish
    Retire(RetireArgs),
    /// Compare two definitions: files or registered ones
    Diff(DiffArgs),
    /// Draw the steps of a definition: a file or a registered one
    Graph(GraphArgs),
}

/// How definition files are checked.
#[derive(Args, Clone, Debug, Default)]
pub struct Loading {
    /// Treat warnings as errors
    #[arg(long)]
    pub strict: bool,
    /// File that lists the handlers that are served, one a line; any other handler is an error
    #[arg(long, value_name = "FILE")]
    pub handlers_from: Option<PathBuf>,
    /// Accept ${VARIABLES} that are not set here: workers read their own environment
    #[arg(long)]
    pub ignore_missing_env: bool,
}

/// Check definition files, without a database.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker definition validate order.yaml
  tasker definition validate definitions/ --all-envs --strict
  tasker definition validate order.yaml --output json | jq '.[].code'

Exit status: 0 valid; 3 not. --output json writes an array of {severity, code, file, line, column,
pointer, message, help}.")]
pub struct ValidateArgs {
    /// Files, or folders with *.yaml and *.yml files; - for standard input
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Check the overrides of all environments
    #[arg(long)]
    pub all_envs: bool,
    /// How.
    #[command(flatten)]
    pub loading: Loading,
}

/// List registered definitions.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  tasker definition list\n  tasker definition list --namespace shop --output json"
)]
pub struct ListDefinitionsArgs {
    /// Only this namespace
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<Namespace>,
}

/// A registered definition.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker definition show process_order
  tasker definition show process_order@1.2.0 --namespace shop
  tasker definition show shop.process_order@1.2.0 --output json

Without a version the latest one is meant. Secrets in handler settings are masked.")]
pub struct ShowArgs {
    /// NAME, NAME@VERSION or NAMESPACE.NAME@VERSION
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Namespace [default: default]
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<Namespace>,
    /// Version [default: the latest]
    #[arg(long = "version", value_name = "VERSION")]
    pub version: Option<Version>,
}

/// Store definition files.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker definition register order.yaml
  tasker definition register definitions/ --strict
  tasker definition register order.yaml --allow-replace

The same content again changes nothing. Other content under a registered version is refused (exit
status 5) unless --allow-replace is given; running tasks keep the content they were created with.")]
pub struct RegisterArgs {
    /// Files, or folders with *.yaml and *.yml files; - for standard input
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Replace versions that are registered with other content
    #[arg(long)]
    pub allow_replace: bool,
    /// How files are checked.
    #[command(flatten)]
    pub loading: Loading,
}

/// Let no new task use a version.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  tasker definition retire process_order@1.0.0\n  tasker definition retire process_order@1.0.0 --undo"
)]
pub struct RetireArgs {
    /// Which.
    #[command(flatten)]
    pub which: ShowArgs,
    /// Allow new tasks again
    #[arg(long)]
    pub undo: bool,
}

/// Compare two definitions.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker definition diff order-old.yaml order.yaml
  tasker definition diff process_order@1.0.0 process_order@1.1.0
  tasker definition diff process_order order.yaml

Exit status: 0 equal; 1 different.")]
pub struct DiffArgs {
    /// File, or registered NAME[@VERSION]
    #[arg(value_name = "A")]
    pub a: String,
    /// File, or registered NAME[@VERSION]
    #[arg(value_name = "B")]
    pub b: String,
    /// Namespace of registered ones [default: default]
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<Namespace>,
}

/// Draw the steps of a definition.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples:
  tasker definition graph order.yaml
  tasker definition graph process_order --format mermaid
  tasker definition graph order.yaml --format svg --direction LR > order.svg
  tasker definition graph order.yaml --format dot | dot -Tpdf > order.pdf

The format json is a document of the graph: nodes, edges and metadata.")]
pub struct GraphArgs {
    /// File, or registered NAME[@VERSION]
    #[arg(value_name = "DEFINITION")]
    pub definition: String,
    /// How.
    #[command(flatten)]
    pub drawing: DrawingArgs,
    /// Namespace of a registered one [default: default]
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<Namespace>,
}
