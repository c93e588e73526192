//! The handler itself: from settings to a program, from its end to an outcome.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use tasker_core::outcome::Failure;
use tasker_core::payload::DEFAULT_MAX_BYTES;
use tasker_engine::context::StepContext;
use tasker_engine::handler::StepHandler;

use super::config::CommandConfig;
use super::output::{readable, result};
use super::process::{End, Ended, Program, run};
use crate::rendering::Templates;
use crate::settings::Settings;

/// Runs one local program per execution; see [`crate::command`].
#[derive(Default)]
pub struct CommandHandler {
    templates: Templates,
}

#[async_trait]
impl StepHandler for CommandHandler {
    async fn run(&self, step: StepContext) -> Result<Value, Failure> {
        let config =
            CommandConfig::decode(self.templates.render(&step)?).map_err(|problem| problem.failure())?;
        if let Some(cwd) = config.cwd.as_ref().filter(|cwd| !Path::new(cwd).is_dir()) {
            let message = format!("the working directory {cwd} does not exist");
            return Err(Failure::permanent("InvalidWorkingDirectory", "invalid_working_directory", message));
        }
        let program = program(&config, &step);
        let ended = run(program, &step.cancellation).await.map_err(|error| not_started(&config, &error))?;
        outcome(&config, ended)
    }
}

fn program(config: &CommandConfig, step: &StepContext) -> Program {
    let mut env = config.variables();
    let facts = [
        ("TASKER_TASK_ID", step.task_id.to_string()),
        ("TASKER_STEP", step.step.to_string()),
        ("TASKER_ATTEMPT", step.attempt.to_string()),
        ("TASKER_IDEMPOTENCY_KEY", step.idempotency_key.clone()),
    ];
    for (name, value) in facts {
        env.entry(name.into()).or_insert(Some(value));
    }
    Program {
        program: config.program.clone(),
        args: config.arguments(),
        env,
        cwd: config.cwd.clone(),
        stdin: stdin(config, step),
        max_output: config
            .max_output_bytes
            .map_or(DEFAULT_MAX_BYTES, |n| usize::try_from(n).unwrap_or(usize::MAX)),
        timeout: config.timeout().map(|limit| limit.min(step.timeout)),
    }
}

fn stdin(config: &CommandConfig, step: &StepContext) -> Vec<u8> {
    match &config.stdin {
        Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => text.clone().into_bytes(),
        Some(value) => value.to_string().into_bytes(),
        None => everything(step).to_string().into_bytes(),
    }
}

fn everything(step: &StepContext) -> Value {
    let results: Map<_, _> =
        step.results.iter().map(|(name, value)| (name.to_string(), value.to_value())).collect();
    json!({
        "context": step.context.to_value(),
        "inputs": step.inputs.to_value(),
        "results": results,
        "step": {
            "name": step.step,
            "attempt": step.attempt,
            "task_id": step.task_id.to_string(),
            "idempotency_key": step.idempotency_key,
        },
    })
}

fn not_started(config: &CommandConfig, error: &io::Error) -> Failure {
    let program = &config.program;
    match error.kind() {
        io::ErrorKind::NotFound => Failure::permanent(
            "CommandNotFound",
            "command_not_found",
            format!("the program {program} is not on this worker; install it, or give its path"),
        ),
        io::ErrorKind::PermissionDenied => Failure::permanent(
            "CommandNotExecutable",
            "command_not_executable",
            format!("the program {program} may not be run by this worker"),
        ),
        _ => Failure::retryable(
            "CommandNotStarted",
            "command_not_started",
            format!("{program} cannot be started: {error}"),
        ),
    }
}

fn outcome(config: &CommandConfig, ended: Ended) -> Result<Value, Failure> {
    let program = &config.program;
    let mut context = json!({ "program": program, "stderr": readable(&ended.stderr) });
    let failure = match ended.end {
        End::Exited(status) if status.success() => match result(&ended.stdout, config.output) {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        },
        End::Exited(status) => match status.code() {
            Some(code) => {
                context["exit_code"] = code.into();
                failed(config, code)
            }
            None => {
                let signal = status.signal().unwrap_or_default();
                context["signal"] = signal.into();
                Failure::retryable(
                    "CommandKilled",
                    "command_killed",
                    format!("{program} was ended by signal {signal}"),
                )
            }
        },
        End::TimedOut => {
            let seconds = config.timeout_seconds.unwrap_or_default();
            Failure::retryable(
                "CommandTimeout",
                "command_timeout",
                format!("{program} did not end within {seconds} s"),
            )
        }
        End::Cancelled => {
            Failure::retryable("Cancelled", "cancelled", format!("{program} was ended: the attempt is over"))
        }
        End::OutputTooLarge => Failure::permanent(
            "OutputTooLarge",
            "output_too_large",
            format!(
                "{program} wrote more than {} bytes (max_output_bytes)",
                config.max_output_bytes.unwrap_or(DEFAULT_MAX_BYTES as u64)
            ),
        ),
    };
    Err(failure.with_context(context))
}

fn failed(config: &CommandConfig, code: i32) -> Failure {
    let message = format!("{} ended with status {code}", config.program);
    if config.permanent_exit_codes.as_ref().is_some_and(|codes| codes.contains(&code)) {
        Failure::permanent("CommandFailed", "command_failed", message)
    } else {
        Failure::retryable("CommandFailed", "command_failed", message)
    }
}
