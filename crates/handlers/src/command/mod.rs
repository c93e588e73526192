//! The `command` handler: one local program per execution.
//!
//! Off unless allowed: a definition would otherwise be a way to run anything on a worker's machine.
//!
//! # Settings
//!
//! | key | default | meaning |
//! |---|---|---|
//! | `program` | required | a path, or a name to be found in `PATH`; no shell is involved |
//! | `args` | none | list of texts and numbers |
//! | `env` | none | variables besides the worker's own (without its `TASKER_*`); null removes one |
//! | `cwd` | the worker's | working directory |
//! | `stdin` | `{context, inputs, results, step}` as JSON | text is written as it is, anything else as JSON, null is nothing |
//! | `output` | `json` | what standard output is: `json`, `text` or `lines` |
//! | `permanent_exit_codes` | none | statuses after which trying again is of no use |
//! | `timeout_seconds` | the attempt's | |
//! | `max_output_bytes` | 1 MiB | |
//!
//! The program also finds `TASKER_TASK_ID`, `TASKER_STEP`, `TASKER_ATTEMPT` and `TASKER_IDEMPOTENCY_KEY` in its
//! environment.
//!
//! # Result
//!
//! The output itself: with `json` the value (null if nothing was written), with `text` a text without its last line
//! break, with `lines` a list of texts. In texts, NUL and what is not UTF-8 are replaced.
//!
//! # Failures
//!
//! `command_failed` (the status is not 0), `command_killed` (a signal ended it) and `command_timeout` may be tried
//! again; listed statuses, `command_not_found`, `command_not_executable`, `invalid_working_directory`,
//! `output_too_large`, `invalid_output`, `invalid_text` and `commands_not_allowed` are permanent. The end of standard
//! error is kept with the failure.
//!
//! # Processes
//!
//! A program runs in its own process group, which ends as a whole: after the program itself, on cancellation or time
//! limit (SIGTERM, five seconds later SIGKILL), and when the worker dies.

mod config;
mod handler;
mod output;
mod process;
mod watchdog;

pub use config::{CommandConfig, OutputKind};
pub use handler::CommandHandler;
